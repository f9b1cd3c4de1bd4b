from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.build.debian.archive import open_debs
from lockyard.build.debian.base import added_tree, base_tree
from lockyard.build.entry import Entry
from lockyard.build.tree import Tree
from lockyard.errors import BuildError
from tests.build.makers import (
    base_passwd,
    deb_bytes,
    folder,
    hardlink,
    member,
    symlink,
)

Unpack = Callable[..., Path]


def made(tmp_path: Path, *members: object, name: str = "demo") -> dict[str, Entry]:
    """Return the entries of a base with one package of these members."""
    paths = {"base-passwd.deb": tmp_path / "1", "demo.deb": tmp_path / "2"}
    paths["base-passwd.deb"].write_bytes(base_passwd())
    paths["demo.deb"].write_bytes(deb_bytes(name, members))  # type: ignore[arg-type]
    with open_debs(paths) as debs:
        tree = base_tree(debs)
        return {entry.path: entry for entry in tree}


def test_usr_is_merged(unpack: Unpack) -> None:
    root = unpack(
        demo=deb_bytes(
            "demo",
            [
                folder("./bin"),
                member("./bin/tool", b"1", mode=0o755),
                hardlink("./bin/same", "./bin/tool"),
                member("./usr/bin/other", b"2"),
                folder("./lib64"),
                symlink("./lib64/ld.so", "/lib/x86_64/ld.so"),
                member("./sbinary", b"3"),
            ],
        )
    )
    assert {path.name: str(path.readlink()) for path in root.iterdir() if path.is_symlink()} == {
        name: f"usr/{name}" for name in ("bin", "lib", "lib64", "sbin")
    }
    assert (root / "usr/bin/tool").read_bytes() == b"1"
    assert (root / "usr/bin/same").samefile(root / "bin/tool")
    assert (root / "usr/lib64/ld.so").readlink() == Path("/lib/x86_64/ld.so")
    assert (root / "sbinary").is_file()
    listed = (root / "var/lib/dpkg/info/demo.list").read_text().splitlines()
    # Under the names that the package gives, which is what dpkg compares.
    assert "/bin/tool" in listed
    assert "/usr/bin/tool" not in listed


def test_a_base_that_brings_the_merging_links_itself(tmp_path: Path) -> None:
    links = [symlink(f"./{name}", f"usr/{name}") for name in ("bin", "lib", "lib64", "sbin")]
    entries = made(tmp_path, *links, folder("./usr/bin"))
    assert entries["lib64"].link == "usr/lib64"
    assert entries["usr/lib64"].kind == "directory"


def test_one_path_by_two_names_is_a_collision(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="two packages own"):
        made(tmp_path, member("./bin/tool", b"1"), member("./usr/bin/tool", b"2"))


def test_no_program_gives_its_caller_anothers_rights(unpack: Unpack) -> None:
    root = unpack(
        demo=deb_bytes(
            "demo",
            [
                member("./usr/bin/su", b"1", mode=0o4755),
                member("./usr/bin/mail", b"2", mode=0o2755, gid=8, gname="mail"),
                member("./usr/bin/man", b"3", mode=0o6755, uid=6, uname="man"),
                # Unpacking a hard link sets its mode on the file that it shares.
                member("./usr/bin/one", b"4", mode=0o755),
                hardlink("./usr/bin/two", "./usr/bin/one", mode=0o4755),
                folder("./var/mail", mode=0o2775, gid=8, gname="mail"),
            ],
        )
    )
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            assert not status.st_mode & 0o6000, path
    for name in ("su", "mail", "man", "one"):
        status = (root / "usr/bin" / name).stat()
        assert stat.S_IMODE(status.st_mode) == 0o755
        if os.geteuid() == 0:
            assert (status.st_uid, status.st_gid) == (0, 0)
    assert stat.S_IMODE((root / "var/mail").stat().st_mode) == 0o2775
    assert (root / "var/lib/dpkg/statoverride").read_text().splitlines() == [
        f"root root 0755 /usr/bin/{name}" for name in ("mail", "man", "su", "two")
    ]


def test_names_of_owners_decide_where_the_base_has_them(tmp_path: Path) -> None:
    entries = made(
        tmp_path,
        member("./a", uid=999, uname="man", gid=998, gname="staff"),
        member("./b", uid=7, uname="nobody-knows", gid=9, gname=""),
    )
    assert (entries["a"].uid, entries["a"].gid) == (6, 50)
    assert (entries["b"].uid, entries["b"].gid) == (7, 9)


def test_documentation_is_left_out_but_not_its_licence(tmp_path: Path) -> None:
    entries = made(
        tmp_path,
        member("./usr/share/doc/demo/changelog.gz", b"1"),
        member("./usr/share/doc/demo/examples/x", b"1"),
        member("./usr/share/doc/demo/copyright", b"2"),
        symlink("./usr/share/doc/demo-data", "demo"),
        member("./usr/share/man/man1/demo.1.gz", b"3"),
        member("./usr/share/locale/de/LC_MESSAGES/demo.mo", b"4"),
        member("./usr/share/info/demo.gz", b"5"),
        member("./usr/share/lintian/overrides/demo", b"6"),
        member("./usr/share/manual", b"7"),
        member("./opt/usr/share/man/x/y", b"8"),
    )
    kept = {
        path
        for path, entry in entries.items()
        if entry.kind != "directory" and not path.startswith(("etc/", "var/"))
    } - {"bin", "lib", "sbin"}
    shares = {path for path in kept if "base-passwd" not in path}
    assert shares == {
        "usr/share/doc/demo/copyright",
        "usr/share/doc/demo-data",
        "usr/share/manual",
        "opt/usr/share/man/x/y",
    }


def test_a_hard_link_to_what_is_left_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="hard link to /usr/share/man/a/b"):
        made(tmp_path, member("./usr/share/man/a/b"), hardlink("./usr/b", "./usr/share/man/a/b"))


def test_dpkg_is_told_what_is_left_out(unpack: Unpack) -> None:
    lines = (unpack() / "etc/dpkg/dpkg.cfg.d/lockyard").read_text().splitlines()
    assert "path-exclude /usr/share/man/*" in lines
    assert "path-include /usr/share/doc/*/copyright" in lines


def test_a_base_without_accounts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(deb_bytes("demo"))
    with open_debs({"a.deb": tmp_path / "a"}) as debs, pytest.raises(BuildError, match="accounts"):
        base_tree(debs)


def test_the_order_in_which_packages_are_given_does_not_show(tmp_path: Path) -> None:
    paths = {}
    for name, mode in (("aa", 0o700), ("bb", 0o755)):
        paths[f"{name}.deb"] = tmp_path / name
        paths[f"{name}.deb"].write_bytes(deb_bytes(name, [folder("./d", mode=mode)]))
    paths["c.deb"] = tmp_path / "c"
    paths["c.deb"].write_bytes(base_passwd())
    found: list[list[Entry]] = []
    for order in (sorted(paths), sorted(paths, reverse=True)):
        with open_debs({name: paths[name] for name in order}) as debs:
            found.append(list(Tree(base_tree(debs))))
    assert found[0] == found[1]


def over(tmp_path: Path, **added: bytes) -> dict[str, Entry]:
    """Return what packages add to a base of two others."""
    shared = [folder("./opt/private", mode=0o700), member("./opt/private/a", b"1")]
    below = {"base-passwd": base_passwd(), "shared": deb_bytes("shared", shared)}
    paths = {}
    for name, data in {**below, **added}.items():
        path = paths[f"{name}.deb"] = tmp_path / name
        path.write_bytes(data)
    with open_debs(paths) as debs:
        tree = added_tree(debs, {f"{name}.deb" for name in below})
        return {entry.path: entry for entry in tree}


def content(entry: Entry) -> str:
    assert entry.open
    with entry.open() as stream:
        return stream.read().decode()


def test_packages_over_others_bring_what_is_theirs_alone(tmp_path: Path) -> None:
    found = over(tmp_path, more=deb_bytes("more", [member("./usr/bin/more", b"2", mode=0o755)]))
    files = {path for path, entry in found.items() if entry.kind != "directory"}
    info = "var/lib/dpkg/info/more"
    assert files == {"usr/bin/more", f"{info}.list", f"{info}.md5sums", "var/lib/dpkg/status"}
    status = content(found["var/lib/dpkg/status"])
    assert re.findall("^Package: (.*)$", status, re.MULTILINE) == ["base-passwd", "more", "shared"]


def test_a_folder_above_what_is_added_stays_as_it_is(tmp_path: Path) -> None:
    # A package that doesn't say what the folder is, first in order.
    found = over(tmp_path, aa=deb_bytes("aa", [member("./opt/private/b", b"2")]))
    assert {path for path in found if path.startswith("opt/")} == {"opt/private", "opt/private/b"}
    assert found["opt/private"].mode == 0o700


def test_packages_over_others_that_own_the_same_path(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"two packages own this path: more.deb and shared.deb"):
        over(tmp_path, more=deb_bytes("more", [member("./opt/private/a", b"2")]))


def test_an_effect_of_both_together(tmp_path: Path) -> None:
    shell = member("./usr/share/debianutils/shells", b"/bin/sh\n")
    found = over(tmp_path, debianutils=deb_bytes("debianutils", [shell]))
    assert content(found["etc/shells"]).startswith("/bin/sh\n")


def test_packages_over_others_bring_no_account(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        over(tmp_path, apt=deb_bytes("apt"))
    assert "brings an account, which only the base can have: apt" in caught.value.reason

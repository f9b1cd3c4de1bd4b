"""The package database, read by the dpkg of the host."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.errors import IntegrityError
from tests.build.makers import deb_bytes, folder, member, symlink

Unpack = Callable[..., Path]
FILES = {
    "./usr/bin/demo": b"program",
    "./usr/share/man/man1/demo.1.gz": b"page",
    "./usr/share/doc/demo/copyright": b"licence",
    "./etc/demo.conf": b"a = 1\n",
    "./lib/demo/latin-\udce9": b"raw",
}


def md5sums(**changed: bytes) -> bytes:
    lines = (
        f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {name[2:]}\n"
        for name, data in FILES.items()
        if not name.startswith("./etc")
    )
    return "".join(lines).encode("utf-8", "surrogateescape")


CONTROL = {
    "md5sums": md5sums(),
    "conffiles": b"/etc/demo.conf\nremove-on-upgrade /etc/gone.conf\n",
    "prerm": b"#!/bin/sh\n",
    "shlibs": b"libdemo 1 demo\n",
}
FIELDS = "Multi-Arch: same\nDepends: base-passwd,\n libc6\nstatus: deinstall ok config-files\n"
DEMO = deb_bytes("demo", [member(name, data) for name, data in FILES.items()], CONTROL, FIELDS)
OTHER = deb_bytes("other", [folder("./usr"), symlink("./usr/to", "demo")])


def dpkg(root: Path, *arguments: str) -> str:
    command = ["dpkg", f"--root={root}", "--force-not-root", *arguments]
    done = subprocess.run(
        command, check=True, timeout=60, capture_output=True, text=True, errors="surrogateescape"
    )
    return done.stdout


def query(root: Path, form: str) -> list[str]:
    command = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", f"-f={form}\\n"]
    return subprocess.check_output(command, timeout=60, text=True).splitlines()


def test_dpkg_lists_the_packages_as_installed(unpack: Unpack) -> None:
    root = unpack(demo=DEMO, other=OTHER)
    assert query(root, "${binary:Package} ${Version} ${Status}") == [
        "base-passwd 1.0 install ok installed",
        "demo:amd64 1.0 install ok installed",
        "other 1.0 install ok installed",
    ]
    assert query(root, "${Depends}")[1] == "base-passwd, libc6"


def test_dpkg_finds_nothing_amiss(unpack: Unpack) -> None:
    root = unpack(demo=DEMO, other=OTHER)
    assert dpkg(root, "--audit") == ""
    assert dpkg(root, "--verify") == ""


def test_dpkg_would_find_what_is(unpack: Unpack) -> None:
    root = unpack(demo=DEMO)
    (root / "usr/bin/demo").write_bytes(b"changed")
    (root / "etc/demo.conf").write_bytes(b"changed")
    (root / "usr/lib/demo/latin-\udce9").unlink()
    amiss = {line.split()[-1] for line in dpkg(root, "--verify").splitlines()}
    assert len(amiss) == 3
    assert {"/usr/bin/demo", "/etc/demo.conf"} < amiss


def test_dpkg_knows_who_owns_a_path(unpack: Unpack) -> None:
    root = unpack(demo=DEMO, other=OTHER)
    assert dpkg(root, "-S", "/usr/to") == "other: /usr/to\n"
    # What the image leaves out is owned by nobody.
    listed = dpkg(root, "-L", "demo").splitlines()
    assert "/usr/bin/demo" in listed
    assert "/usr/share/man/man1/demo.1.gz" not in listed
    assert listed[0] == "/."


def test_configuration_files_have_their_sums(unpack: Unpack) -> None:
    root = unpack(demo=DEMO)
    digest = hashlib.md5(FILES["./etc/demo.conf"], usedforsecurity=False).hexdigest()
    assert query(root, "${Package}:${Conffiles}")[1] == f"demo: /etc/demo.conf {digest}"


def test_control_files_are_kept_for_later(unpack: Unpack) -> None:
    info = unpack(demo=DEMO) / "var/lib/dpkg/info"
    kept = {path.name: path.stat().st_mode & 0o777 for path in info.glob("demo*")}
    assert kept == {
        "demo:amd64.conffiles": 0o644,
        "demo:amd64.list": 0o644,
        "demo:amd64.md5sums": 0o644,
        "demo:amd64.prerm": 0o755,
        "demo:amd64.shlibs": 0o644,
    }
    assert (info / "format").read_text() == "1\n"


def test_overrides_are_in_the_form_that_dpkg_reads(unpack: Unpack) -> None:
    root = unpack(demo=deb_bytes("demo", [member("./bin/su", b"", mode=0o4755)]))
    command = ["dpkg-statoverride", f"--admindir={root}/var/lib/dpkg", "--list"]
    assert subprocess.check_output(command, text=True) == "root root 755 /bin/su\n"


def test_triggers_that_are_no_text_are_refused(unpack: Unpack) -> None:
    demo = deb_bytes("demo", [], {"triggers": b"interest /usr/lib/\xe9\n"})
    with pytest.raises(IntegrityError, match=r"demo\.deb: its file of triggers isn't UTF-8"):
        unpack(demo=demo)

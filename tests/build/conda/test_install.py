from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.build.conda.install import history, link_scripts
from lockyard.errors import BuildError, IntegrityError, StoreError
from lockyard.lock.model import CondaPackage
from tests.build.conda.makers import (
    CHANNEL,
    PLACEHOLDER,
    PREFIX,
    Content,
    Shelf,
    files,
    pure,
    replaced,
)
from tests.build.makers import folder, hardlink, member, symlink

SCRIPT = f"#!{PLACEHOLDER}/bin/python\nprint('{PLACEHOLDER}/share')\n".encode()
BINARY = b"\x7fELF\0\xff" + PLACEHOLDER.encode() + b"/lib:" + PLACEHOLDER.encode() + b"/x\0after"
SITE = "opt/conda/lib/python3.7/site-packages"
META = "opt/conda/conda-meta"
APP = Content(
    members=[
        member("bin/tool", SCRIPT, mode=0o775),
        member("bin/app", b"\x7fELF", mode=0o4755),
        member("lib/libapp.so.1", BINARY, mode=0o664),
        symlink("lib/libapp.so", "libapp.so.1"),
        hardlink("lib/libsame.so", "lib/libplain.so"),
        member("lib/libplain.so", b"plain", mode=0o600),
        member("share/ünï çode.txt", b"text"),
        member("share/empty", b""),
        folder("var/spool/none", mode=0o700),
        symlink("share/dangling", "../lib/nowhere"),
    ],
    paths=[
        replaced("bin/tool", SCRIPT, "text"),
        replaced("lib/libapp.so.1", BINARY, "binary"),
    ],
)
PURE = pure(
    {
        "site-packages/pure/__init__.py": b"def main(): pass\n",
        "python-scripts/run": b"#!/usr/bin/env python\n",
        "etc/pure.cfg": b"",
    },
    ["pure = pure:main", "pure.more = pure.cli:group.main"],
)


@pytest.fixture(params=[".conda", ".tar.bz2"])
def app(shelf: Shelf, request: pytest.FixtureRequest) -> CondaPackage:
    return shelf.make(APP, request.param)


def test_everything_has_its_place_and_one_of_two_modes(shelf: Shelf, app: CondaPackage) -> None:
    found = shelf.installed(app)
    assert {path: entry.mode for path, (entry, _) in found.items() if entry.kind == "file"} == {
        "opt/conda/bin/app": 0o755,
        "opt/conda/bin/tool": 0o755,
        f"{META}/app-1.0-0.json": 0o644,
        "opt/conda/lib/libapp.so.1": 0o644,
        "opt/conda/lib/libplain.so": 0o644,
        "opt/conda/lib/libsame.so": 0o644,
        "opt/conda/share/empty": 0o644,
        "opt/conda/share/ünï çode.txt": 0o644,
    }
    links = {path: entry.link for path, (entry, _) in found.items() if entry.kind == "symlink"}
    assert links == {
        "opt/conda/lib/libapp.so": "libapp.so.1",
        "opt/conda/share/dangling": "../lib/nowhere",
    }
    folders = {path for path, (entry, _) in found.items() if entry.kind == "directory"}
    assert "opt/conda/var/spool/none" in folders
    for path, (entry, _) in found.items():
        assert (entry.uid, entry.gid) == (0, 0)
        assert entry.kind != "directory" or entry.mode == 0o755, path
        assert entry.kind == "directory" or entry.owner == app.file, path
    assert found["opt/conda/lib/libsame.so"][1] == b"plain"


def test_files_name_the_prefix(shelf: Shelf, app: CondaPackage) -> None:
    found = shelf.installed(app)
    script = b"#!/opt/conda/bin/python\nprint('/opt/conda/share')\n"
    assert found["opt/conda/bin/tool"][1] == script
    binary = b"\x7fELF\0\xff/opt/conda/lib:/opt/conda/x\0"
    filled = binary.ljust(len(BINARY) - len(b"after"), b"\0") + b"after"
    assert found["opt/conda/lib/libapp.so.1"][1] == filled


def test_a_long_prefix_gives_scripts_that_the_kernel_can_start(shelf: Shelf) -> None:
    prefix = evolve(PREFIX, path="/" + "/".join(["d" * 60] * 3))
    found = shelf.installed(shelf.make(APP), shelf.make(PURE, subdir="noarch"), prefix=prefix)
    for name in ("tool", "pure"):
        line = found[f"{prefix.path[1:]}/bin/{name}"][1].splitlines()[0]
        assert line == b"#!/bin/sh"


def test_the_record_names_the_channel_and_nothing_of_this_machine(
    shelf: Shelf, app: CondaPackage, tmp_path: Path
) -> None:
    _, text = shelf.installed(app, scratch=tmp_path)[f"{META}/app-1.0-0.json"]
    record = json.loads(text)
    assert record["url"] == f"{CHANNEL}/linux-64/{app.file}"
    assert record["channel"] == f"{CHANNEL}/linux-64"
    assert (record["fn"], record["size"]) == (app.file, app.size)
    assert (record["sha256"], record["md5"]) == (app.sha256, app.md5)
    assert record["license"] == "BSD"
    # As the channel put it right after the package was built.
    assert record["depends"] == ["libz >=1.2"]
    assert str(tmp_path).encode() not in text
    assert b"/tmp" not in text
    tool = next(each for each in record["paths_data"]["paths"] if each["_path"] == "bin/tool")
    entry, _ = shelf.installed(app)["opt/conda/bin/tool"]
    assert tool["sha256_in_prefix"] == entry.sha256


def test_rattler_reads_the_prefix(shelf: Shelf, app: CondaPackage, tmp_path: Path) -> None:
    from rattler import PrefixRecord

    found = shelf.installed(app, shelf.make(PURE, subdir="noarch"))
    names = []
    for path, (_, data) in found.items():
        if path.startswith(f"{META}/") and data:
            (tmp_path / "record.json").write_bytes(data)
            record = PrefixRecord.from_path(tmp_path / "record.json")
            names.append((record.name.normalized, str(record.version)))
            assert {f"opt/conda/{file}" for file in record.files} <= found.keys()
    assert sorted(names) == [("app", "1.0"), ("pure", "1.0")]


def test_pure_python_goes_where_the_python_looks(shelf: Shelf) -> None:
    package = shelf.make(PURE, subdir="noarch")
    found = shelf.installed(package)
    assert {path for path, (entry, _) in found.items() if entry.kind == "file"} == {
        "opt/conda/bin/pure",
        "opt/conda/bin/pure.more",
        "opt/conda/bin/run",
        f"{META}/pure-1.0-0.json",
        "opt/conda/etc/pure.cfg",
        f"{SITE}/pure/__init__.py",
    }
    for name in ("pure", "pure.more"):
        entry, text = found[f"opt/conda/bin/{name}"]
        assert entry.mode == 0o755
        assert text.startswith(b"#!/opt/conda/bin/python3.7\n")
    assert b"from pure.cli import group\n" in found["opt/conda/bin/pure.more"][1]
    other = shelf.installed(package, prefix=evolve(PREFIX, python="3.10.1"))
    assert "opt/conda/lib/python3.10/site-packages/pure/__init__.py" in other
    assert found == shelf.installed(package, prefix=evolve(PREFIX, python="3.7.1"))


def test_generic_packages_of_no_architecture_stay_as_they_are(shelf: Shelf) -> None:
    content = Content(
        members=files({"site-packages/x.py": b"", "share/data": b"1"}),
        index={"noarch": "generic", "subdir": "noarch"},
    )
    found = shelf.installed(shelf.make(content, subdir="noarch"))
    assert {"opt/conda/site-packages/x.py", "opt/conda/share/data"} <= found.keys()


def test_link_scripts_are_told_and_do_not_run(shelf: Shelf, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    scripts = {
        f"bin/.app-{step}.sh": f"#!/bin/sh\ntouch {mark}\n".encode()
        for step in ("pre-link", "post-link", "pre-unlink")
    }
    others = {"Scripts/.app-post-link.bat": b"", "bin/app-post-link.sh": b"", "bin/.app.sh": b""}
    package = shelf.make(Content(members=files(scripts | others, mode=0o755)))
    with shelf.tree(package) as tree:
        told = link_scripts(tree)
    expected = sorted([*scripts, "Scripts/.app-post-link.bat"])
    assert list(told) == sorted(f"opt/conda/{path}" for path in expected)
    assert not mark.exists()


def test_the_history_is_an_empty_file() -> None:
    entry = history("/opt/conda")
    assert (entry.path, entry.size, entry.mode) == (f"{META}/history", 0, 0o644)


def one(name: str, contents: dict[str, bytes]) -> Content:
    return Content(name=name, members=files(contents))


def test_the_same_file_may_be_of_two_packages(shelf: Shelf) -> None:
    both = [shelf.make(one(name, {"share/license": b"same"})) for name in ("one", "two")]
    assert "opt/conda/share/license" in shelf.installed(*both)


def test_two_files_of_one_path_are_an_error_that_names_both(shelf: Shelf) -> None:
    both = [shelf.make(one(name, {"share/license": name.encode()})) for name in ("one", "two")]
    with pytest.raises(BuildError, match=r"one-1\.0-0\.conda and two-1\.0-0\.conda") as caught:
        shelf.installed(*both)
    assert caught.value.where == "/opt/conda/share/license"


def test_two_files_of_a_package_for_one_place_are_an_error(shelf: Shelf) -> None:
    package = shelf.make(pure({"python-scripts/run": b"1", "bin/run": b"2"}), subdir="noarch")
    with pytest.raises(BuildError) as caught:
        shelf.installed(package)
    assert caught.value.where in {package.file, "/opt/conda/bin/run"}


def test_whiteouts_are_refused(shelf: Shelf) -> None:
    with pytest.raises(BuildError, match="whiteout"):
        shelf.installed(shelf.make(one("app", {"lib/.wh.passwd": b""})))


def test_what_rattler_refuses_names_the_package(shelf: Shelf, tmp_path: Path) -> None:
    good = shelf.make(one("aaa", {"share/good": b""}))
    bad = shelf.make(evolve(APP, index={"noarch": "weird"}))
    with pytest.raises(BuildError, match="can't be installed") as caught:
        shelf.installed(good, bad, scratch=tmp_path)
    assert caught.value.where == bad.file
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_changed_in_the_store_is_refused(shelf: Shelf, app: CondaPackage) -> None:
    path = shelf.paths[app.file]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(IntegrityError, match="sha256"):
        shelf.installed(app)


def test_a_scratch_folder_that_is_not_there(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        shelf.installed(shelf.make(APP), scratch=tmp_path / "not there")


def test_nothing_stays_in_the_scratch_folder(shelf: Shelf, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with shelf.tree(shelf.make(APP), scratch=scratch):
        assert list(scratch.iterdir())
    assert not list(scratch.iterdir())
    with pytest.raises(BuildError):
        shelf.installed(shelf.make(one("app", {"lib/.wh.x": b""})), scratch=scratch)
    assert not list(scratch.iterdir())

"""The same package gives the same entries, whoever installs it, where and beside what."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import cattrs
import pytest

from lockyard.build.tar import write_tar
from lockyard.lock.model import CondaPackage
from tests.build.conda.makers import Content, Shelf, files, pure
from tests.build.conda.test_install import APP, PURE

ROOT = Path(__file__).parents[3]
# The sha256 of these packages as tar archives. They change together with ASSEMBLY_VERSION.
GOLDEN = {
    "app-1.0-0.conda": "b4d83f5ee45ea2eb49f70c59c80dcb292612d2b8e7bf7e504c10d3b41e4b95b0",
    "more-1.0-0.conda": "5c5bfcd589179fcea2942c99569973ed3cc1bf94401a0e29c35a0a9922022ef6",
    "pure-1.0-0.conda": "c02951a66d9c0e30a25178d5f4bd35ff4dc16b1dae07fce4a88769a75e2c9ad1",
    "text-1.0-0.tar.bz2": "71c80531c798bfc8da384d7ee7fddf774af02e97013d146f27d47a36b4db68e5",
}


def packages(shelf: Shelf) -> list[CondaPackage]:
    other = pure({"site-packages/more/__init__.py": b""}, ["more = more:main"], name="more")
    generic = Content(name="text", members=files({"share/ä": b"1", "share/b": b"2"}))
    return [
        shelf.make(APP),
        shelf.make(PURE, subdir="noarch"),
        shelf.make(other, subdir="noarch"),
        shelf.make(generic, ".tar.bz2"),
    ]


def digests(shelf: Shelf, found: Sequence[CondaPackage], **more: Any) -> dict[str, str]:
    """Return the sha256 of the tar archive of each package's own entries."""
    with shelf.tree(*found, **more) as tree:
        entries = list(tree)
        made = {}
        for package in found:
            digest = hashlib.sha256()
            own = (entry for entry in entries if entry.owner == package.file)
            write_tar(own, digest.update)
            made[package.file] = digest.hexdigest()
        return made


def main() -> None:
    """Print the digests of packages, given as JSON, for another process to compare."""
    told = json.loads(sys.stdin.read())
    shelf = Shelf(Path(), {file: Path(path) for file, path in told["paths"].items()})
    os.umask(told["umask"])
    found = [cattrs.structure(each, CondaPackage) for each in told["packages"]]
    sys.stdout.write(json.dumps(digests(shelf, found, scratch=Path(told["scratch"]))))


def elsewhere(
    shelf: Shelf, found: Sequence[CondaPackage], scratch: Path, umask: int, **environ: str
) -> Mapping[str, str]:
    """Install packages in a process of another user's, where we may; return their digests."""
    scratch.mkdir(parents=True)
    command = [sys.executable]
    if os.geteuid() == 0:
        # Who may read what root may: the interpreter can be in root's home.
        os.chown(scratch, 12345, 12345)
        rights = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        ids = ["--reuid", "12345", "--regid", "12345", "--clear-groups"]
        command = ["setpriv", *ids, *rights, sys.executable]
    told = {
        "paths": {file: str(path) for file, path in shelf.paths.items()},
        "packages": [attrs.asdict(package) for package in found],
        "umask": umask,
        "scratch": str(scratch),
    }
    printed = subprocess.run(
        [*command, "-c", "from tests.build.conda.test_determinism import main; main()"],
        cwd=ROOT,
        env={"PATH": os.defpath, "HOME": str(scratch), "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
        | environ,
        input=json.dumps(told),
        check=True,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    ).stdout
    return dict(json.loads(printed))


@pytest.mark.parametrize(
    ("umask", "environ"),
    [
        (0o000, {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "1"}),
        (0o077, {"TZ": "America/Lima", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"}),
        # The locale whose names of files aren't UTF-8 to this process.
        (0o022, {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}),
    ],
)
def test_neither_place_nor_user_nor_order_shows(
    umask: int, environ: Mapping[str, str], shelf: Shelf, tmp_path: Path
) -> None:
    found = packages(shelf)
    expected = digests(shelf, found)
    place = tmp_path / "another" / "place"
    assert elsewhere(shelf, found[::-1], place, umask, **environ) == expected


def test_the_company_does_not_show(shelf: Shelf) -> None:
    found = packages(shelf)
    together = digests(shelf, found)
    alone: dict[str, str] = {}
    for package in found:
        alone |= digests(shelf, [package])
    assert alone == together


def test_the_bytes_are_those_of_this_assembly_version(shelf: Shelf) -> None:
    assert digests(shelf, packages(shelf)) == GOLDEN

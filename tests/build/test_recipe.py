from __future__ import annotations

import io
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, cast

import pytest

from lockyard.build.debian.accounts import base_accounts
from lockyard.build.debian.archive import open_debs
from lockyard.build.entry import Entry
from lockyard.build.recipe import prefix_entries, recipe_tree
from lockyard.build.tar import write_tar
from lockyard.build.tree import Tree
from lockyard.errors import BuildError
from lockyard.plan.prefix import Prefix
from lockyard.spec.model import LaidFile
from tests.build.makers import PREFIX, base_passwd, recipe_layer


def entries(tmp_path: Path, **more: Any) -> dict[str, Entry]:
    (tmp_path / "a").write_bytes(base_passwd())
    with open_debs({"a.deb": tmp_path / "a"}) as debs:
        return {
            entry.path: entry for entry in recipe_tree(recipe_layer(**more), base_accounts(debs))
        }


def content(entry: Entry) -> str:
    assert entry.open
    with entry.open() as stream:
        return stream.read().decode()


def test_files_and_folders_with_their_owners(tmp_path: Path) -> None:
    laid = cast(Any, LaidFile)(source="a", owner="user", mode="0640")
    folders = {"/srv": "user", "/x": "root"}
    found = entries(tmp_path, files={"/srv/a": laid}, contents={"a": b"A"}, directories=folders)
    assert content(found["srv/a"]) == "A"
    owned = {path: (found[path].mode, found[path].uid, found[path].gid) for path in found}
    assert owned["srv/a"] == (0o640, 1000, 1000)
    assert owned["srv"] == (0o755, 1000, 1000)
    assert owned["x"] == (0o755, 0, 0)


def test_the_user_is_among_the_accounts_of_the_base(tmp_path: Path) -> None:
    names = [line.split(":")[0] for line in content(entries(tmp_path)["etc/passwd"]).splitlines()]
    assert names == ["root", "man", "someone"]


def test_a_file_in_the_place_of_the_environments(tmp_path: Path) -> None:
    laid = cast(Any, LaidFile)(source="start")
    with pytest.raises(BuildError, match="venv and recipe trial"):
        entries(tmp_path, files={"/opt/venv/pyvenv.cfg": laid})


def test_the_environment_is_the_one_that_python_makes(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    venv.create(theirs, symlinks=True)
    home = Path(theirs.joinpath("pyvenv.cfg").read_text().split()[2])
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    program = home / f"python{minor}"
    version = ".".join(map(str, sys.version_info[:3]))
    made = Prefix(path=str(ours), interpreter=str(program), python=version)
    stream = io.BytesIO()
    write_tar(Tree(prefix_entries(made)), stream.write)
    subprocess.run(["tar", "-x", "-C", "/"], input=stream.getvalue(), check=True, timeout=60)
    question = "import site, sys; print(sys.prefix, sys.base_prefix, site.getsitepackages())"
    for name in ("python", "python3", f"python{minor}"):
        answers = [
            subprocess.check_output([root / "bin" / name, "-c", question], text=True, timeout=60)
            for root in (theirs, ours)
        ]
        assert answers[0].replace(str(theirs), str(ours)) == answers[1]
    # Less its scripts to activate it.
    assert listing(ours) == {path for path in listing(theirs) if "ctivate" not in path}


def listing(root: Path) -> set[str]:
    return {os.path.relpath(path, root) for path in root.rglob("*")}


def test_python_of_the_image_is_named() -> None:
    found = {entry.path: entry for entry in prefix_entries(PREFIX)}
    assert found["opt/venv/bin/python3.11"].link == "/usr/bin/python3.11"
    assert "version = 3.11.2\n" in content(found["opt/venv/pyvenv.cfg"])

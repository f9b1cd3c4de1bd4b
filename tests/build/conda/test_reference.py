"""What is installed is what rattler, asked in its ordinary way, installs into one prefix."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import attrs
from rattler import Config, RepoDataRecord
from rattler.install import install

from tests.build.conda.makers import Content, Shelf, files
from tests.build.conda.test_install import APP, PURE

PYTHON = Content(name="python", version="3.7.9", members=files({"bin/python3.7": b"\x7fELF"}))


def reference(shelf: Shelf, folder: Path) -> Path:
    """Install all packages of a shelf at once, from archives by their names."""
    for file, path in shelf.paths.items():
        folder.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / file)

    async def run() -> None:
        # A package that is asked for by its path brings its own record.
        records = [await RepoDataRecord.from_package_archive(folder / file) for file in shelf.paths]
        await install(
            records,
            folder / "prefix",
            cache_dir=folder / "cache",
            show_progress=False,
            alternative_target_prefix="/opt/conda",
            config=Config.from_toml("allow-hard-links = false\nallow-ref-links = false"),
        )

    asyncio.run(run())
    return folder / "prefix"


def test_the_tree_is_what_rattler_installs(shelf: Shelf, tmp_path: Path) -> None:
    # rattler itself can't install an empty directory, or a hard link before what it links to.
    members = [each for each in APP.members if not each[0].isdir()]
    members.sort(key=lambda each: each[0].islnk())
    packages = [
        shelf.make(attrs.evolve(APP, members=members), ".tar.bz2"),
        shelf.make(PURE, subdir="noarch"),
        shelf.make(PYTHON),
    ]
    root = reference(shelf, tmp_path / "reference")
    found = {
        path.removeprefix("opt/conda/"): each
        for path, each in shelf.installed(*packages).items()
        if each[0].kind != "directory" and path.startswith("opt/conda/")
    }
    there = {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }
    assert there - {"CACHEDIR.TAG", "conda-meta/history"} == found.keys()
    for name, (entry, data) in found.items():
        path = root / name
        assert path.is_symlink() == (entry.kind == "symlink"), name
        if entry.kind == "symlink":
            assert str(path.readlink()) == entry.link
        elif name.startswith("conda-meta/"):
            assert json.loads(path.read_bytes())["files"] == json.loads(data)["files"]
        else:
            assert path.read_bytes() == data, name
            assert bool(path.stat().st_mode & 0o100) == bool(entry.mode & 0o100), name

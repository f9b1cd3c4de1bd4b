"""An engine's reader, which is Go's, finds in a layer what went in."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from attrs import evolve

from lockyard.assemble.layout import assemble, write_layout
from lockyard.build.built import BuiltLayer
from lockyard.build.compress import GzipStream
from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.build.tar import MTIME, write_tar
from lockyard.build.tree import Tree
from lockyard.ship.archive import write_archive
from lockyard.store.store import Store
from tests.determinism.golden import plan
from tests.engine.conftest import engine, load

__all__ = ["engine", "load"]

pytestmark = pytest.mark.engine

LONG = "d/" + "/".join(["é" * 120] * 6)
MADE = [
    directory("d", mode=0o1777, uid=70_000, gid=3_000_000),
    text("d/empty", b""),
    evolve(text("d/user", b"", mode=0o640), uid=(1 << 31) - 2, gid=1 << 21),
    text("d/" + "n" * 255, b"long"),
    text(LONG, b"longer"),
    text("d/\u00e9", b"composed"),
    text("d/e\u0301", b"not composed"),
    text("d/latin-\udce9", b"not UTF-8"),
    text("d/large", bytes(9 << 20)),  # more than one of the compressor's pieces
    symlink("d/to", "../" + "t" * 150),
    symlink("d/raw", "\udcff\udcfe"),
    Entry(path="d/z", kind="hardlink", mode=0o644, link=LONG),
]


def archived(store: Store, place: Path) -> Path:
    """Make an image of one layer, as a file."""
    with store.writer("blob") as writer, ThreadPoolExecutor(2) as executor:
        stream = GzipStream(writer.write, executor)
        write_tar(Tree(MADE), stream.write)
        diff_id = stream.finish()
        writer.commit()
    layer = BuiltLayer(title="", digest=writer.sha256, size=writer.size, diff_id=diff_id)
    planned = evolve(plan((), "linux/amd64"), config={"Cmd": ["/none"]})
    write_layout([assemble(planned, [layer])], "lockyard.invalid/trees", b"{}", store, place / "it")
    write_archive(place / "it", place / "it.tar")
    return place / "it.tar"


def test_go_finds_what_went_in(
    engine: docker.DockerClient, load: Callable[[Path], str], tmp_path: Path
) -> None:
    image = load(archived(Store(tmp_path / "store"), tmp_path))
    container = engine.containers.create(image)
    try:
        exported = io.BytesIO(b"".join(cast(Any, container.export())))
    finally:
        container.remove()
        engine.images.remove(image, force=True)
    with tarfile.open(fileobj=exported, encoding="utf-8", errors="surrogateescape") as archive:
        found = {info.name: info for info in archive if info.name.split("/")[0] == "d"}
        contents = {
            name: hashlib.sha256(stream.read()).hexdigest()
            for name, info in found.items()
            if (stream := archive.extractfile(info) if info.isreg() or info.islnk() else None)
        }
    wanted = list(Tree(MADE))
    assert found.keys() == {entry.path for entry in wanted}
    shared = {LONG, "d/z"}  # one file: which name an archive has first is its writer's choice
    for entry in wanted:
        info = found[entry.path]
        assert info.mtime == MTIME, entry.path
        if entry.kind != "hardlink":
            assert (info.uid, info.gid) == (entry.uid, entry.gid), entry.path
        if entry.kind == "symlink":
            assert info.linkname == entry.link
        else:
            assert info.mode == entry.mode, entry.path
        if entry.kind == "file":
            assert contents[entry.path] == entry.sha256, entry.path
    assert {found[path].islnk() for path in shared} == {True, False}
    assert contents["d/z"] == contents[LONG]

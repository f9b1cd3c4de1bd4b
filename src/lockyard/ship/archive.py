"""An image as one file, as ``docker load`` and ``skopeo`` read it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from lockyard.assemble.document import encoded
from lockyard.assemble.left import prefix_of, sweep_left
from lockyard.build.entry import Entry, directory, text
from lockyard.build.tar import write_tar
from lockyard.errors import IntegrityError, UsageError
from lockyard.store.faults import output_faults
from lockyard.store.writer import Writer


def write_archive(folder: Path, target: Path, name: str = "") -> None:
    """Write a layout as a tar archive, whole or not at all.

    With a ``name`` and its tag, the image goes by that and no other.

    Raise UsageError for a folder that isn't a layout, IntegrityError where a blob isn't what
    its name says, StoreError where the target's folder can't be written.

    What killed processes left of it beside the target, a day ago or more, is removed.

    Beside the layout's files it has the ``manifest.json`` that engines without a containerd
    store read. The same layout gives the same archive.
    """
    if target.is_dir():
        raise UsageError("this is a folder", where=str(target), solution="name a file")
    with output_faults(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep_left(target, time.time())
    with Writer(
        target.parent, target.parent, lambda _: target, output_faults, prefix_of(target)
    ) as writer:
        try:
            write_tar(_entries(folder, name), writer.write)
        except IntegrityError as error:
            raise IntegrityError(
                f"this image is damaged: {error.reason}",
                where=str(folder),
                solution="remove that folder and build again",
            ) from None
        writer.commit()


def _entries(folder: Path, name: str) -> Iterator[Entry]:
    try:
        index = json.loads((folder / "index.json").read_bytes())
        if name:
            _rename(index, name)
        manifest = _docker_manifest(folder, index)
        blobs = sorted((folder / "blobs" / "sha256").iterdir())
        entries = [_file(f"blobs/sha256/{each.name}", each, sha256=each.name) for each in blobs]
        entries.append(
            text("index.json", encoded(index))
            if name
            else _file("index.json", folder / "index.json")
        )
        entries.append(text("manifest.json", manifest))
        entries.append(_file("oci-layout", folder / "oci-layout"))
    except (OSError, ValueError, LookupError, TypeError):
        raise UsageError(
            "this isn't a whole image layout", where=str(folder), solution="build the image again"
        ) from None
    yield directory("blobs")
    yield directory("blobs/sha256")
    yield from entries


def _file(path: str, source: Path, sha256: str = "") -> Entry:
    return Entry(
        path=path,
        kind="file",
        mode=0o644,
        size=source.stat().st_size,
        sha256=sha256,
        open=partial(_open, source),
        owner=str(source),
    )


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _docker_manifest(folder: Path, index: Any) -> bytes:
    """Return the list that ``docker save`` writes: a config and its layers, by image."""
    rows = []
    for entry in index["manifests"]:
        manifest = _read(folder, entry)
        if "manifests" in manifest:
            # Who reads this file knows no platforms: it gets the one that it most likely runs.
            manifest = _read(folder, manifest["manifests"][0])
        rows.append(
            {
                "Config": _path(manifest["config"]["digest"]),
                "Layers": [_path(layer["digest"]) for layer in manifest["layers"]],
                "RepoTags": [entry["annotations"]["io.containerd.image.name"]],
            }
        )
    return encoded(rows)


def _rename(index: Any, name: str) -> None:
    """Have a layout's one image go by another name."""
    (entry,) = index["manifests"]
    entry["annotations"] = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
    }


def _read(folder: Path, entry: Any) -> Any:
    return json.loads((folder / _path(str(entry["digest"]))).read_bytes())


def _path(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"

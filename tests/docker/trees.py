"""The file tree of an image, put together from the layers of its layout."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen


@frozen
class Node:
    """What a container sees of a path; ``content`` is a file's sha256 or a link's target."""

    kind: str
    mode: int
    uid: int
    gid: int
    content: str = ""


def tree_of(layout: Path, platform: str = "linux/amd64") -> dict[str, Node]:
    """Return the nodes of an image by their paths, relative to the root."""
    tree: dict[str, Node] = {}
    for layer in manifest_of(layout, platform)["layers"]:
        with tarfile.open(_blob(layout, layer)) as archive:
            for member in archive:
                path = member.name.removeprefix("./").strip("/")
                assert "/.wh." not in f"/{path}", f"{path}: neither builder removes anything"
                if path:
                    tree[path] = _node(archive, member, tree)
    return tree


def manifest_of(layout: Path, platform: str = "linux/amd64") -> Any:
    """Return the manifest of a layout's one image, on one platform where it has several."""
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    document = json.loads(_blob(layout, entry).read_bytes())
    for each in document.get("manifests", ()):
        if "{os}/{architecture}".format(**each["platform"]) == platform:
            return json.loads(_blob(layout, each).read_bytes())
    return document


def config_of(layout: Path, platform: str = "linux/amd64") -> Any:
    """Return the config of a layout's one image."""
    return json.loads(_blob(layout, manifest_of(layout, platform)["config"]).read_bytes())


def first_difference(
    one: Mapping[str, Node], other: Mapping[str, Node], excepted: Callable[[str], object]
) -> str:
    """Name the first path that two trees don't have alike, or return ""."""
    for path in sorted(one.keys() | other.keys()):
        if one.get(path) != other.get(path) and not excepted(path):
            return f"/{path}:\n  {one.get(path)}\n  {other.get(path)}"
    return ""


def _node(archive: tarfile.TarFile, member: tarfile.TarInfo, tree: Mapping[str, Node]) -> Node:
    if member.islnk():
        # Another name of a file that stands below; the mode that counts is the last one set.
        return tree[member.linkname.removeprefix("./").strip("/")]
    kind = {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink"}.get(member.type, "file")
    content = member.linkname
    if kind == "file":
        stream = archive.extractfile(member)
        assert stream is not None, member.name
        content = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    mode = 0o777 if kind == "symlink" else member.mode & 0o7777
    return Node(kind, mode, member.uid, member.gid, content)


def _blob(layout: Path, descriptor: Any) -> Path:
    name = str(descriptor["digest"]).removeprefix("sha256:")
    return layout / "blobs/sha256" / name


def texts_of(
    layout: Path, wanted: Callable[[str], object], platform: str = "linux/amd64"
) -> dict[str, str]:
    """Return an image's wanted text files by their paths, relative to the root."""
    texts: dict[str, str] = {}
    for layer in manifest_of(layout, platform)["layers"]:
        with tarfile.open(_blob(layout, layer)) as archive:
            for member in archive:
                path = member.name.removeprefix("./")
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is not None and wanted(path):
                    texts[path] = stream.read().decode()
    return texts

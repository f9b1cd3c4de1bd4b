"""Change one thing of an image's layout, and make it a valid layout again."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

Member = tuple[tarfile.TarInfo, bytes]
Members = list[Member]


def layer_members(data: bytes) -> Members:
    """Return the members of an archive with their contents."""
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as archive:
        return [
            (each, (archive.extractfile(each) or io.BytesIO()).read() if each.isreg() else b"")
            for each in archive
        ]


def tarred(members: Members, form: Literal[1, 2] = 2) -> bytes:
    """Write members as the builder does, in pax format (2), or in GNU's (1)."""
    parts = []
    for info, data in members:
        name = info.name
        info.size = len(data) if info.isreg() else 0
        info.name = f"{name}/" if info.isdir() else name
        info.pax_headers = {
            key: text for key, text in info.pax_headers.items() if key.startswith("X.")
        }
        parts += [info.tobuf(form, "utf-8", "surrogateescape"), data, bytes(-len(data) % 512)]
        info.name = name
    return b"".join([*parts, bytes(1024)])


def at(path: str, change: Callable[[tarfile.TarInfo, bytes], bytes | None]) -> Any:
    """Return a change of an archive: of the one member of a path, and of its content."""

    def changed(data: bytes) -> bytes:
        members = layer_members(data)
        (number,) = [n for n, (info, _) in enumerate(members) if info.name == path]
        info, content = members[number]
        made = change(info, content)
        members[number] = (info, content if made is None else made)
        return tarred(members)

    return changed


class Doctor:
    """Change a copy of a layout."""

    def __init__(self, source: Path, target: Path) -> None:
        shutil.copytree(source, target)
        self.folder = target

    def archive(self, number: int, change: Callable[[bytes], bytes]) -> None:
        """Change the archive of a layer, by its number from 1, on every platform."""
        self.blob(number, lambda data: compressed(change(gzip.decompress(data))))

    def blob(self, number: int, change: Callable[[bytes], bytes]) -> None:
        """Change a layer as it is compressed."""

        def image(manifest: Any, config: Any) -> None:
            layer = manifest["layers"][number - 1]
            data = change(self._read(layer))
            layer.update(self._put(layer["mediaType"], data))
            diff_id = hashlib.sha256(gzip.decompress(data)).hexdigest()
            config["rootfs"]["diff_ids"][number - 1] = f"sha256:{diff_id}"

        self.image(image)

    def image(self, change: Callable[[Any, Any], None]) -> None:
        """Change the manifest and the config of every platform."""
        index = json.loads((self.folder / "index.json").read_bytes())
        (entry,) = index["manifests"]
        top = json.loads(self._read(entry))
        if "manifests" in top:
            for each in top["manifests"]:
                each.update(self._changed(each, change))
            entry.update(self._put(entry["mediaType"], encoded(top)))
        else:
            entry.update(self._changed(entry, change))
        (self.folder / "index.json").write_bytes(encoded(index))

    def _changed(self, entry: Any, change: Callable[[Any, Any], None]) -> dict[str, Any]:
        manifest = json.loads(self._read(entry))
        config = json.loads(self._read(manifest["config"]))
        change(manifest, config)
        manifest["config"] |= self._put(manifest["config"]["mediaType"], encoded(config))
        return self._put(entry["mediaType"], encoded(manifest))

    def _read(self, descriptor: Any) -> bytes:
        return self._path(descriptor["digest"]).read_bytes()

    def _put(self, kind: str, data: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if not self._path(digest).exists():
            self._path(digest).write_bytes(data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def _path(self, digest: str) -> Path:
        return self.folder / "blobs/sha256" / digest.removeprefix("sha256:")


def encoded(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def compressed(data: bytes) -> bytes:
    import deflate

    from lockyard.plan.compression import LEVEL

    return bytes(deflate.gzip_compress(data, LEVEL))

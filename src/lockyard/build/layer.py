"""Build a layer from the store, unless the store has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from attrs import evolve

from lockyard.build.built import BuiltLayer
from lockyard.build.bytecode.modules import Compilers
from lockyard.build.compress import GzipStream
from lockyard.build.content import layer_content
from lockyard.build.entry import Entry
from lockyard.build.tar import Deflated, write_tar
from lockyard.fetch.pool import Cancel
from lockyard.plan.layer import Layer, layer_key
from lockyard.store.store import Store

_RECORDS = "layer"
_SHA256 = re.compile("[0-9a-f]{64}", re.ASCII)


def cached_layer(layer: Layer, store: Store) -> BuiltLayer | None:
    """Return a layer that was built before and is still in the store."""
    record = store.record(_RECORDS, layer_key(layer))
    match record:
        case {"digest": str(digest), "size": int(size), "diff_id": str(diff_id), "owned": owned}:
            sound = _SHA256.fullmatch(digest) and _SHA256.fullmatch(diff_id)
            if sound and store.blob(digest, size) is not None:
                return _built(layer, digest=digest, size=size, diff_id=diff_id, owned=owned)
    return None


def _built(layer: Layer, *, digest: str, size: int, diff_id: str, owned: Any) -> BuiltLayer | None:
    """Return a layer as it was recorded, or None where the list of its files isn't one."""
    try:
        entries = tuple(
            Entry(
                path="" + path, kind=kind, mode=mode, size=length, sha256=sha, link=link, owner=by
            )
            for path, kind, mode, length, sha, link, by in owned
        )
    except (TypeError, ValueError):
        return None
    return BuiltLayer(title=layer.title, digest=digest, size=size, diff_id=diff_id, owned=entries)


def build_layer(
    layer: Layer,
    store: Store,
    executor: Executor,
    compilers: Compilers,
    cancel: Cancel | None = None,
) -> BuiltLayer:
    """Build a layer from artifacts that are in the store; compression goes to ``executor``.

    Raise IntegrityError or BuildError for a package that can't be unpacked; the store is left
    as it was then, and when it is cancelled.
    """
    cancel = cancel or Cancel()
    with (
        layer_content(layer, store, cancel) as content,
        compilers.compiled(layer, content.tree, cancel) as tree,
        store.writer("blob") as writer,
    ):
        stream = GzipStream(writer.write, executor)

        def write(data: bytes) -> None:
            cancel.check()
            stream.write(data)

        def take(parts: Deflated) -> None:
            stream.take(_watched(parts, cancel))

        write_tar(tree, write, take)
        diff_id = stream.finish()
        writer.commit()
        built = BuiltLayer(
            title=layer.title,
            digest=writer.sha256,
            size=writer.size,
            diff_id=diff_id,
            owned=tuple(evolve(each, open=None, deflated=None) for each in content.owned),
        )
    store.put_record(_RECORDS, layer_key(layer), _record(built))
    return built


def _watched(parts: Deflated, cancel: Cancel) -> Iterator[tuple[bytes, bytes]]:
    for part in parts:
        cancel.check()
        yield part


def _record(built: BuiltLayer) -> dict[str, Any]:
    return {
        "digest": built.digest,
        "size": built.size,
        "diff_id": built.diff_id,
        "owned": [
            [each.path, each.kind, each.mode, each.size, each.sha256, each.link, each.owner]
            for each in built.owned
        ],
    }

"""The bytecode of a layer's modules, beside them in the layer."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO

from lockyard.build.bytecode.process import CompilingProcess
from lockyard.build.bytecode.python import unpack_python
from lockyard.build.entry import Entry
from lockyard.build.tree import Tree
from lockyard.fetch.pool import Cancel
from lockyard.plan.compiler import Compiler
from lockyard.plan.layer import DebianLayer, Layer, WheelLayer
from lockyard.store.faults import store_faults
from lockyard.store.store import Store

_LARGEST = 16 << 20  # bytes; no source that people write


class Compilers:
    """The Pythons of images, each unpacked once, when it is first needed.

    A context manager: what was unpacked goes when it is left. Several threads may share it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._commands: dict[str, tuple[list[str], Path]] = {}

    @contextmanager
    def compiled(self, layer: Layer, tree: Tree, cancel: Cancel) -> Iterator[Tree]:
        """Give a layer's tree with the bytecode of its modules, if it is to have that.

        Its content is there as long as the block lasts. Raise BuildError where the image's
        Python can't run here.
        """
        compiler = layer.compiler if isinstance(layer, WheelLayer | DebianLayer) else None
        sources = _sources(layer, tree) if compiler else []
        if compiler is None or not sources:
            yield tree
            return
        command, root = self._unpacked(compiler)
        scratch = self._store.scratch()
        with store_faults(scratch), tempfile.TemporaryFile(dir=scratch) as spool:
            with CompilingProcess(command, root / compiler.home[1:], root, cancel) as process:
                made = [
                    entry for each in sources if (entry := _entry(each, compiler, process, spool))
                ]
            spool.flush()
            tree.cover(made)
            yield tree

    def _unpacked(self, compiler: Compiler) -> tuple[list[str], Path]:
        key = f"{compiler.platform} {compiler.interpreter} {compiler.version}"
        with self._lock:
            if key not in self._commands:
                with store_faults(self._store.root):
                    folder = tempfile.TemporaryDirectory(
                        prefix="lockyard-python-", dir=self._store.scratch()
                    )
                    root = Path(self._stack.enter_context(folder))
                self._commands[key] = (unpack_python(compiler, self._store, root), root)
            return self._commands[key]

    def __enter__(self) -> Compilers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _sources(layer: Layer, tree: Tree) -> list[Entry]:
    """Return the modules of a layer, sorted by their paths."""
    if isinstance(layer, WheelLayer):
        folders = [layer.prefix.site_packages]
    elif isinstance(layer, DebianLayer) and layer.compiler is not None:
        name = Path(layer.compiler.interpreter).name
        folders = [f"usr/lib/{name}", "usr/lib/python3/dist-packages"]
    else:
        folders = []
    found = (entry for folder in folders for entry in tree.below(folder))
    modules = [each for each in found if each.kind == "file" and each.path.endswith(".py")]
    return sorted(modules, key=lambda each: each.path)


def _entry(
    source: Entry, compiler: Compiler, process: CompilingProcess, spool: IO[bytes]
) -> Entry | None:
    """Return the entry of a module's bytecode, None where it has none."""
    if source.open is None or source.size > _LARGEST:
        return None
    with source.open() as stream:
        text = stream.read()
    if source.sha256 and sha256(text).hexdigest() != source.sha256:
        return None  # the layer is refused for it as soon as it is written
    made = process.compile(f"/{source.path}", text)
    if not made:
        return None
    folder, _, name = source.path.rpartition("/")
    offset = spool.seek(0, os.SEEK_END)
    spool.write(made)
    return Entry(
        path=f"{folder}/__pycache__/{name[:-3]}.{compiler.tag}.pyc",
        kind="file",
        mode=0o644,
        size=len(made),
        sha256=sha256(made).hexdigest(),
        open=partial(_slice, spool.fileno(), offset, len(made)),
        owner=source.owner,
    )


def _slice(descriptor: int, offset: int, size: int) -> BinaryIO:
    return io.BytesIO(os.pread(descriptor, size, offset))

"""The bytecode of a layer's modules, beside them in the layer."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from lockyard.build.bytecode.child import is_wanted
from lockyard.build.bytecode.made import Made, Piece
from lockyard.build.bytecode.process import CompilingProcess
from lockyard.build.bytecode.python import unpack_python
from lockyard.build.entry import Entry
from lockyard.build.tree import Tree
from lockyard.fetch.pool import Cancel
from lockyard.plan.compiler import Compiler
from lockyard.plan.layer import CondaLayer, DebianLayer, Layer, WheelLayer, compiler_for
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
        self._kept: Made | None = None

    @contextmanager
    def compiled(self, layer: Layer, tree: Tree, cancel: Cancel) -> Iterator[Tree]:
        """Give a layer's tree with the bytecode of its modules, if it is to have that.

        Its content is there as long as the block lasts. Raise BuildError where the image's
        Python can't run here.
        """
        compiler = compiler_for(layer)
        sources = _sources(layer, compiler, tree) if compiler else []
        if compiler is not None and sources:
            with ExitStack() as stack:
                tree.cover(self._entries(sources, compiler, cancel, stack))
        yield tree

    def _entries(
        self, sources: list[Entry], compiler: Compiler, cancel: Cancel, stack: ExitStack
    ) -> Iterator[Entry]:
        """Give the entries of modules' bytecode; what wasn't made before, one process makes."""
        made, process = self._made(), None
        for source in sources:
            text = _text(source)
            if text is None:
                continue
            key = _key(compiler, source.path, text)
            piece = made.get(key)
            if piece is None:
                if process is None:
                    process = stack.enter_context(self._process(compiler, cancel))
                data = process.compile(f"/{source.path}", text)
                with store_faults(self._store.root):
                    piece = made.put(key, data)
            if piece.size:
                yield _entry(source, compiler, piece)

    def _made(self) -> Made:
        with self._lock, store_faults(self._store.root):
            if self._kept is None:
                self._kept = Made(self._store.scratch())
            return self._kept

    def _process(self, compiler: Compiler, cancel: Cancel) -> CompilingProcess:
        command, root = self._unpacked(compiler)
        return CompilingProcess(command, root / compiler.home[1:], root, cancel)

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


def _sources(layer: Layer, compiler: Compiler, tree: Tree) -> list[Entry]:
    """Return the modules of a layer that are to be compiled, sorted by their paths."""
    match layer:
        case DebianLayer():
            name = Path(compiler.interpreter).name
            folders = [f"usr/lib/{name}", "usr/lib/python3/dist-packages"]
            found = [entry for folder in folders for entry in _modules(tree, folder)]
        case WheelLayer():
            found = _modules(tree, layer.prefix.site_packages)
        case CondaLayer():
            # The others were compiled when they were packed; these wait for their Python.
            files = {each.file for each in layer.packages if each.subdir == "noarch"}
            modules = _modules(tree, layer.prefix.site_packages)
            found = [entry for entry in modules if entry.owner in files]
        case _:
            found = []
    return sorted(found, key=lambda each: each.path)


def _modules(tree: Tree, folder: str) -> list[Entry]:
    """Return the modules in a folder of them that are to be compiled."""
    return [
        entry
        for entry in tree.below(folder)
        if entry.kind == "file" and is_wanted(entry.path[len(folder) + 1 :])
    ]


def _text(source: Entry) -> bytes | None:
    """Return the text of a module, None where there is none to be compiled."""
    if source.open is None or source.size > _LARGEST:
        return None
    with source.open() as stream:
        text = stream.read()
    if source.sha256 and sha256(text).hexdigest() != source.sha256:
        return None  # the layer is refused for it as soon as it is written
    return text


def _key(compiler: Compiler, path: str, text: bytes) -> bytes:
    """Return a digest of all that decides a module's bytecode."""
    by = json.dumps([*compiler.inputs(), compiler.interpreter, path])
    return sha256(by.encode() + b"\n" + text).digest()


def _entry(source: Entry, compiler: Compiler, piece: Piece) -> Entry:
    folder, _, name = source.path.rpartition("/")
    return Entry(
        path=f"{folder}/__pycache__/{name[:-3]}.{compiler.tag}.pyc",
        kind="file",
        mode=0o644,
        size=piece.size,
        sha256=piece.sha256,
        open=piece.open,
        owner=source.owner,
    )

from __future__ import annotations

import gzip
import io
import marshal
import sys
import tarfile
from collections.abc import Mapping
from concurrent.futures import Executor
from importlib.util import source_hash
from types import CodeType

import pytest
from attrs import evolve

from lockyard.build.bytecode import modules
from lockyard.build.bytecode.modules import Compilers
from lockyard.build.bytecode.process import CompilingProcess
from lockyard.build.layer import build_layer
from lockyard.errors import BuildError
from lockyard.plan.compiler import Compiler
from lockyard.plan.layer import (
    ChosenLayer,
    DebianLayer,
    Layer,
    WheelLayer,
    in_parts,
    layer_key,
    tools_of,
)
from lockyard.store.store import Store
from tests.build.bytecode.interpreters import debian_python
from tests.build.makers import PREFIX, base_passwd, deb_bytes, make_wheel, member, put_deb

SITE = PREFIX.site_packages
SOURCE = b"def double(a):\n    return 2 * a\n"


@pytest.fixture
def compiler(store: Store) -> Compiler:
    return debian_python(store)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths that processes are asked for."""
    found: list[str] = []
    own = CompilingProcess.compile

    def compile_(self: CompilingProcess, path: str, source: bytes) -> bytes:
        found.append(path)
        return own(self, path, source)

    monkeypatch.setattr(CompilingProcess, "compile", compile_)
    return found


def wheels(store: Store, files: Mapping[str, bytes], compiler: Compiler | None) -> WheelLayer:
    return WheelLayer(
        title="demo", wheels=(make_wheel(store, files),), prefix=PREFIX, compiler=compiler
    )


def content(
    layer: Layer, store: Store, executor: Executor, compilers: Compilers | None = None
) -> dict[str, bytes]:
    """Return the files of a layer that are modules or bytecode."""
    if compilers is None:
        with Compilers(store) as own:
            return content(layer, store, executor, own)
    built = build_layer(layer, store, executor, compilers)
    blob = store.blob(built.digest, built.size)
    assert blob
    found = {}
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob.read_bytes()))) as archive:
        for info in archive:
            stream = archive.extractfile(info) if info.name.endswith((".py", ".pyc")) else None
            if stream is not None:
                found[info.name] = stream.read()
                if info.name.endswith("c"):
                    assert (info.mode, info.uid, info.mtime) == (0o644, 0, 315532800)
    return found


def test_a_wheels_modules(store: Store, compiler: Compiler, executor: Executor) -> None:
    files = {
        "demo/__init__.py": SOURCE,
        "demo/broken.py": b"def (:\n",
        "demo/tests/test_demo.py": SOURCE,
        "demo/data.txt": b"",
        "demo-1.0.data/scripts/tool.py": b"#!python\n",
    }
    found = content(wheels(store, files, compiler), store, executor)
    path = f"{SITE}/demo/__pycache__/__init__.cpython-311.pyc"
    assert {name for name in found if name.endswith("c")} == {path}
    head, code = found[path][:16], marshal.loads(found[path][16:])  # noqa: S302
    assert head[4:] == b"\3\0\0\0" + source_hash(SOURCE)
    assert isinstance(code, CodeType)
    assert code.co_filename == f"/{SITE}/demo/__init__.py"
    assert list(store.scratch().iterdir()) == []


def test_without_a_compiler(store: Store, executor: Executor, asked: list[str]) -> None:
    found = content(wheels(store, {"demo.py": SOURCE}, None), store, executor)
    assert set(found) == {f"{SITE}/demo.py"}
    assert asked == []


def test_debians_modules(store: Store, compiler: Compiler, executor: Executor) -> None:
    members = [
        member("./usr/lib/python3.11/os.py", SOURCE),
        member("./usr/lib/python3/dist-packages/apt.py", SOURCE),
        member("./usr/lib/python3.9/os.py", SOURCE),
        member("./usr/bin/tool.py", SOURCE),
    ]
    debs = (
        put_deb(store, "base-passwd", base_passwd()),
        put_deb(store, "demo", deb_bytes("demo", members)),
    )
    found = content(DebianLayer(debs=debs, compiler=compiler), store, executor)
    assert {name for name in found if name.endswith("c")} == {
        "usr/lib/python3.11/__pycache__/os.cpython-311.pyc",
        "usr/lib/python3/dist-packages/__pycache__/apt.cpython-311.pyc",
    }


def test_a_wheels_own_bytecode_stands(store: Store, compiler: Compiler, executor: Executor) -> None:
    own = f"demo/__pycache__/__init__.cpython-{sys.version_info[0]}{sys.version_info[1]}.pyc"
    path = "demo/__pycache__/__init__.cpython-311.pyc"
    files = {"demo/__init__.py": SOURCE, path: b"own", own: b"own"}
    found = content(wheels(store, files, compiler), store, executor)
    assert found[f"{SITE}/{path}"] == b"own"


def test_a_path_that_two_wheels_have(store: Store, compiler: Compiler, executor: Executor) -> None:
    """Whose file it is, the image decides: the other's bytecode has the other's hash."""
    one = content(wheels(store, {"demo.py": SOURCE}, compiler), store, executor)
    other = content(wheels(store, {"demo.py": b"a = 1\n"}, compiler), store, executor)
    path = f"{SITE}/__pycache__/demo.cpython-311.pyc"
    assert one[path][8:16] == source_hash(SOURCE) != other[path][8:16]


def test_parts_have_the_bytecode_of_their_modules(
    store: Store, compiler: Compiler, executor: Executor
) -> None:
    files = {f"demo/m{number}.py": SOURCE for number in range(9)}
    whole = wheels(store, files, compiler)
    parts = in_parts(whole, whole.wheels[0].size // 2)
    assert len(parts) > 1
    found = [content(part, store, executor) for part in parts]
    assert all(found)
    merged: dict[str, bytes] = {}
    for part in found:
        assert not merged.keys() & part.keys()
        merged |= part
    assert merged == content(whole, store, executor)


def test_chosen_files_have_none(store: Store, compiler: Compiler, executor: Executor) -> None:
    alone = wheels(store, {"demo.py": SOURCE}, compiler).alone("demo")
    assert alone
    assert alone.compiler is None
    chosen = ChosenLayer(layer=alone, paths=(f"/{SITE}/demo.py",))
    assert tools_of(chosen) == ()
    assert set(content(chosen, store, executor)) == {f"{SITE}/demo.py"}


def test_each_module_once(
    store: Store, compiler: Compiler, executor: Executor, asked: list[str]
) -> None:
    one = wheels(store, {"demo.py": SOURCE, "same.py": SOURCE, "odd.py": b"def (:\n"}, compiler)
    arm64 = wheels(store, {"demo.py": SOURCE, "odd.py": b"def (:\n", "arm.py": b""}, compiler)
    other = evolve(arm64, compiler=evolve(compiler, version="3.11.2-7"))
    with Compilers(store) as compilers:
        found = content(one, store, executor, compilers)
        assert asked == [f"/{SITE}/{name}.py" for name in ("demo", "odd", "same")]
        asked.clear()
        again = content(arm64, store, executor, compilers)
        assert asked == [f"/{SITE}/arm.py"]
        path = f"{SITE}/__pycache__/demo.cpython-311.pyc"
        assert found[path] == again[path]
        asked.clear()
        content(other, store, executor, compilers)
        assert len(asked) == 3


def test_nothing_is_unpacked_where_all_is_made(
    store: Store, compiler: Compiler, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = wheels(store, {"demo.py": SOURCE, "a.txt": b""}, compiler)
    with Compilers(store) as compilers:
        content(wheels(store, {"demo.py": SOURCE}, compiler), store, executor, compilers)
        monkeypatch.setattr(modules, "unpack_python", lambda *_: pytest.fail("unpacked again"))
        content(more, store, executor, compilers)


def test_sources_that_nobody_writes(
    store: Store, compiler: Compiler, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modules, "_LARGEST", 10)
    found = content(wheels(store, {"a.py": b"a = 1\n", "b.py": SOURCE}, compiler), store, executor)
    assert {name for name in found if name.endswith("c")} == {
        f"{SITE}/__pycache__/a.cpython-311.pyc"
    }


def test_a_python_that_cannot_run_leaves_nothing(store: Store, executor: Executor) -> None:
    bad = member("./usr/bin/python3.11", b"#!/bin/sh\nexit 1\n", mode=0o755)
    deb = put_deb(store, "python3.11", deb_bytes("python3.11", [bad]))
    compiler = evolve(debian_python(store), packages={"linux/amd64": (deb,)})
    layer = wheels(store, {"demo.py": SOURCE}, compiler)
    with pytest.raises(BuildError, match="can't compile its modules"):
        content(layer, store, executor)
    assert store.record("layer", layer_key(layer)) is None
    assert list(store.scratch().iterdir()) == []

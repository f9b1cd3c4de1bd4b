from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lockyard.build.bytecode import child
from tests.build.bytecode.interpreters import LIBRARY, VERSIONS, compiling, python, sources

SOURCE = b"import os\n\nVALUE = os.name\n\n\ndef double(a):\n    return 2 * a\n"


def made(version: str, folder: Path, order: Sequence[str]) -> dict[str, str]:
    texts = sources()
    with compiling(version, folder) as process:
        return {
            path: hashlib.sha256(process.compile(path, texts[path])).hexdigest() for path in order
        }


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_depends_on_what_was_compiled_before(version: str, tmp_path: Path) -> None:
    paths = sorted(sources())
    assert len(paths) > 30
    forward = made(version, tmp_path, paths)
    shuffled = sorted(paths, key=lambda path: hashlib.sha256(path.encode()).digest())
    assert made(version, tmp_path, paths[::-1]) == forward
    assert made(version, tmp_path, shuffled) == forward
    for path in ("/usr/lib/python3.11/ftplib.py", "/usr/lib/python3.11/enum.py"):
        assert made(version, tmp_path, [path])[path] == forward[path]


KEEPING = """
import re, runpy, sys
compiled = runpy.run_path(sys.argv[1])["compiled"]
source = open(sys.argv[2], "rb").read()
alone = compiled("/a.py", source)
kept = [sys.intern(word) for word in re.findall("[a-zA-Z_]+", source.decode())]
print(alone == compiled("/a.py", source), len(alone) > 1000)
"""


@pytest.mark.parametrize("version", ["3.7", "3.11"])
def test_what_else_has_a_name_does_not_show(version: str) -> None:
    """marshal marks an object that has more than one reference, from wherever that is."""
    command = [python(version), "-c", KEEPING, child.__file__, str(LIBRARY / "ftplib.py")]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"]


def by_hand(version: str, folder: Path, options: Sequence[str], **more: str) -> dict[str, bytes]:
    """Compile an installed tree as a Dockerfile does; return its bytecode by its paths."""
    site = folder / "site-packages"
    info = site / "demo-1.0.dist-info"
    info.mkdir(parents=True)
    names = [f"demo/{name}" for name in ("bisect.py", "colorsys.py", "ftplib.py", "base64.py")]
    (site / "demo").mkdir()
    for name in names:
        (site / name).write_bytes((LIBRARY / name.partition("/")[2]).read_bytes())
    (site / "other.py").write_bytes(SOURCE)
    (info / "INSTALLER").write_text("pip\n")
    (site / "demo" / "tests").mkdir()
    (site / "demo" / "tests" / "test_demo.py").write_bytes(SOURCE)
    rows = [
        *names,
        "demo/tests/test_demo.py",
        '"demo/with, a comma.py"',
        "../../../bin/tool.py",
        "demo/data.txt",
    ]
    (site / "demo" / "with, a comma.py").write_bytes(SOURCE)
    (info / "RECORD").write_text("".join(f"{row},,\n" for row in rows))
    subprocess.run(
        [python(version), *options, child.__file__, "site-packages"],
        cwd=folder,
        env={"PYTHONHASHSEED": "0", **more},
        check=True,
        timeout=60,
    )
    return {str(each.relative_to(site)): each.read_bytes() for each in site.rglob("*.pyc")}


@pytest.mark.parametrize("version", ["3.7", "3.11"])
def test_nothing_of_the_machine_shows(version: str, tmp_path: Path) -> None:
    plain = ["-S", "-s", "-B", "-W", "ignore"]
    one = by_hand(version, tmp_path / "one", plain)
    other = by_hand(
        version,
        tmp_path / "elsewhere" / "deeper",
        [*plain, "-X", "importtime" if version == "3.7" else "frozen_modules=off"],
        LC_ALL="C",
        HOME="/nowhere",
        FTP="225",
        PYTHONPATH="/nowhere/enum",
    )
    tag = f"cpython-{version.replace('.', '')}"
    names = {"bisect", "colorsys", "ftplib", "base64", "with, a comma"}
    assert one.keys() == {f"demo/__pycache__/{name}.{tag}.pyc" for name in names}
    assert one == other


@pytest.mark.parametrize("version", VERSIONS)
def test_python_takes_it_as_long_as_the_source_is_the_same(version: str, tmp_path: Path) -> None:
    tag = f"cpython-{version.replace('.', '')}"
    module, cache = tmp_path / "demo.py", tmp_path / "__pycache__" / f"demo.{tag}.pyc"
    module.write_bytes(SOURCE)
    with compiling(version, tmp_path) as process:
        data = process.compile(str(module), SOURCE)
    cache.parent.mkdir()
    cache.write_bytes(data)
    os.utime(module, (0, 0))
    assert imported(version, tmp_path) == {"value": os.name, "doubled": 6, "compiled": []}
    module.write_bytes(SOURCE.replace(b"2 *", b"3 *"))
    os.utime(module, (0, 0))
    assert imported(version, tmp_path) == {
        "value": os.name,
        "doubled": 9,
        "compiled": [str(module)],
    }


def imported(version: str, folder: Path) -> Mapping[str, object]:
    """Import the module; tell what it says, and what Python had to compile for it."""
    program = (
        "import sys, json, importlib.machinery as machinery\n"
        "compiled = []\n"
        "loader = machinery.SourceFileLoader\n"
        "own = loader.source_to_code\n"
        "loader.source_to_code = lambda self, data, path, **more: (\n"
        "    compiled.append(path), own(self, data, path, **more))[1]\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import demo\n"
        "print(json.dumps(dict(value=demo.VALUE, doubled=demo.double(3), compiled=compiled)))\n"
    )
    done = subprocess.run(
        [python(version), "-S", "-s", "-B", "-c", program, str(folder)],
        capture_output=True,
        check=True,
        timeout=30,
        env={},
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


UNSOUND = {
    "no syntax": b"def (:\n",
    "a null byte": b"a = 1\0\n",
    "an unknown encoding": b"# -*- coding: nothing-known -*-\n",
    "a wrong encoding": b"a = '\xff'\n",
    "another Python's": b"print 'a'\n",
    "deep brackets": b"(" * 10_000 + b")" * 10_000,
    "a deep list": b"[" * 10_000 + b"]" * 10_000,
    "many signs": b"a = " + b"-" * 100_000 + b"1\n",
    "deep blocks": b"".join(b" " * each + b"if 1:\n" for each in range(200)) + b" " * 200 + b"0",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_cannot_be_compiled(version: str, tmp_path: Path) -> None:
    with compiling(version, tmp_path) as process:
        for name, source in UNSOUND.items():
            assert process.compile("/demo.py", source) == b"", name
        assert process.compile("/demo.py", SOURCE) != b""


def test_sets_whose_order_is_their_addresses(tmp_path: Path) -> None:
    source = b"def found(a):\n    return a in {None, 1, 'a'}\n"
    with compiling("3.7", tmp_path) as process:
        assert process.compile("/demo.py", source) == b""
    with compiling("3.11", tmp_path) as process:
        assert process.compile("/demo.py", source) != b""


@pytest.mark.parametrize(
    ("line", "has"),
    [
        (b"# -*- coding: big5 -*-", False),
        (b"#!/usr/bin/python\n# vim: set fileencoding=koi8-r :", False),
        (b"# coding: UTF_8", True),
        (b"# -*- coding: latin-1 -*-", True),
        (b"# encoding is no matter here", True),
        (b"\n\n# coding: big5", True),
    ],
)
def test_encodings_that_not_every_python_has(line: bytes, has: bool, tmp_path: Path) -> None:
    """The smallest Python of a base has fewer than the one in the image."""
    with compiling("3.11", tmp_path) as process:
        assert bool(process.compile("/a.py", line + b"\nVALUE = 1\n")) == has


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("demo/a.py", True),
        ("demo/a.pyi", False),
        ("demo/tests/a.py", False),
        ("tests/__init__.py", False),
        ("demo/test/deep/a.py", False),
        ("demo/testing/a.py", True),
        ("demo/tests.py", True),
        ("test.py", True),
    ],
)
def test_tests_are_left_to_whoever_runs_them(path: str, wanted: bool) -> None:
    assert child.is_wanted(path) == wanted


# Two functions of a module that has one set of words twice, or two sets.
SETS = "def f(a):\n    return a in {%s}\n\n\ndef g(a):\n    return a in {%s}\n"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "source", [SETS % ("'ab', 'cd'", "'ab', 'cd'"), SETS % ("'ab', 'cd'", "'cd', 'ef'")]
)
def test_sets_of_words_that_were_known_before(version: str, source: str) -> None:
    program = KEEPING.replace('open(sys.argv[2], "rb").read()', "sys.argv[2].encode()")
    command = [python(version), "-c", program.replace("1000", "100"), child.__file__, source]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"]

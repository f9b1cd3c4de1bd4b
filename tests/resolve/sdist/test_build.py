from __future__ import annotations

import fcntl
import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.errors import BuildError, IntegrityError, SpecError, StoreError
from lockyard.events import Silent
from lockyard.lock.model import Wheel
from lockyard.resolve.sdist.build import SdistBuilder, rebuild
from lockyard.resolve.sdist.sandbox import isolation

from .conftest import GOOD, PYPROJECT, make_sdist, record


def failure(builder: SdistBuilder, content: bytes, **environment: str) -> BuildError:
    with pytest.raises(BuildError) as error:
        builder.build(record(content, **environment), content)
    return error.value


def test_gives_the_same_bytes_in_other_folders_and_under_other_settings(
    builder: SdistBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_sdist()
    first = builder.build(record(content), content)
    other = tmp_path / "another folder"
    other.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(other))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    monkeypatch.setenv("LANG", "tr_TR.UTF-8")
    before = os.umask(0o077)
    try:
        again = evolve(builder, cache=other / "cache").build(record(content), content)
    finally:
        os.umask(before)
    assert again.path.read_bytes() == first.path.read_bytes()
    assert (again.file, again.sha256) == (first.file, first.sha256)
    assert [each.name for each in other.iterdir()] == ["cache"]


def test_shows_the_build_nothing_of_the_machine(
    built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@index.invalid/simple")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    body = """
import sys
names = "\\n".join(sorted(os.environ))
paths = "\\n".join(path for path in sys.path if "site-packages" in path)
word = os.environ["WORD"] + os.environ["PYTHONHASHSEED"] + os.environ["SOURCE_DATE_EPOCH"]
mask = os.umask(0)
return tiny.wheel(out, "app-1.0-py3-none-any.whl", names=names, paths=paths, word=word,
                  mask=oct(mask), home=str(os.listdir(os.environ["HOME"])))
"""
    texts = built(body, WORD="given")
    assert not {"PIP_INDEX_URL", "PYTHONPATH", "USER"} & set(texts["names"].split())
    assert texts["word"] == "given0315532800"
    assert texts["mask"] == "0o22"
    assert texts["home"] == "[]"
    assert len(texts["paths"].splitlines()) == 1


@pytest.mark.skipif(not isolation(), reason="this system can't take the network away")
def test_has_no_network(built: Any, index: Any) -> None:
    body = """
import urllib.request
try:
    urllib.request.urlopen(os.environ["URL"], timeout=5)
    word = "reached"
except OSError:
    word = "nothing"
return tiny.wheel(out, "app-1.0-py3-none-any.whl", word=word)
"""
    before = len(index.requests)
    assert built(body, URL=f"{index.url}tiny/") == {"word": "nothing"}
    assert index.fetched("/simple/tiny/") == index.requests[before : before + 1]


def test_leaves_nothing_running(built: Any, tmp_path: Path) -> None:
    path = tmp_path / "held"
    path.touch()
    body = """
import subprocess, sys
code = '''
import fcntl, os, time
file = open(os.environ["HELD"])
fcntl.flock(file, fcntl.LOCK_EX)
print("now", flush=True)
time.sleep(50)
'''
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
child.stdout.readline()
return tiny.wheel(out, "app-1.0-py3-none-any.whl")
"""
    built(body, HELD=str(path))
    begun = time.monotonic()
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('raise ValueError("that is why")', "its build fails: ValueError: that is why"),
        ("raise OSError(os.environ['CC'])", "its build compiles an extension"),
        ("os._exit(3)", "its build fails: it said nothing"),
        ("return 'app-1.0-py3-none-any.whl'", "its build gives no wheel"),
        (GOOD.replace("app-1.0", "lib-1.0"), "its build gives lib-1.0-py3-none-any.whl"),
        (GOOD.replace("app-1.0", "app-2.0"), "its build gives app-2.0-py3-none-any.whl"),
        (GOOD.replace("none-any", "none-linux_x86_64"), "a wheel for py3-none-linux_x86_64"),
        (GOOD.replace("py3-none", "cp311-cp311"), "a wheel for cp311-cp311-any"),
        (GOOD.replace('word="', 'purelib="'), "it says that it isn't pure Python"),
        ("return 3", "it can't be built"),
        ("os.symlink(__file__, out + '/app-1.0-py3-none-any.whl'); return ''", "gives no wheel"),
        ("open(out + '/app-1.0-py3-none-any.whl', 'w').close(); return ''", "archive is damaged"),
    ],
)
def test_refuses_what_builds_badly(builder: SdistBuilder, body: str, reason: str) -> None:
    error = failure(builder, make_sdist(body))
    assert reason in error.reason
    assert error.where.startswith("app-1.0")


@pytest.mark.parametrize("pyproject", [PYPROJECT.replace("tiny>=1", "tiny>=2"), ""])
def test_needs_tools_that_are_pinned(builder: SdistBuilder, pyproject: str) -> None:
    assert "and the pinned tools have" in failure(builder, make_sdist(pyproject=pyproject)).reason


def test_needs_what_the_backend_asks_for(builder: SdistBuilder) -> None:
    error = failure(builder, make_sdist(needs='["numpy>=1"]'))
    assert error.reason == "its build needs numpy>=1, and the pinned tools have none of it"
    content = make_sdist(needs="""['numpy; python_version < "3"', "Tiny"]""")
    assert builder.build(record(content), content).file == "app-1.0-py3-none-any.whl"


@pytest.mark.parametrize("needs", ["3", "None", "[3, 'x']", "{'a': 1}", "['=']"])
def test_refuses_needs_that_say_nothing(builder: SdistBuilder, needs: str) -> None:
    assert failure(builder, make_sdist(needs=needs)).where == "app-1.0.tar.gz"


@pytest.mark.parametrize("pyproject", ["[build-system", "[build-system]\nrequires = 3"])
def test_refuses_a_broken_pyproject(builder: SdistBuilder, pyproject: str) -> None:
    assert "it can't be built" in failure(builder, make_sdist(pyproject=pyproject)).reason


@pytest.mark.parametrize("name", ["PATH", "PYTHONHASHSEED", "A=B", ""])
def test_refuses_variables_that_are_its_own(builder: SdistBuilder, name: str) -> None:
    content = make_sdist()
    with pytest.raises(SpecError):
        builder.build(record(content, **{name: "x"}), content)


def test_says_where_the_network_stays_in_reach(
    builder: SdistBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    isolation.cache_clear()
    notes: list[str] = []
    reporter = Silent()
    monkeypatch.setattr(reporter, "note", notes.append)
    content = make_sdist()
    evolve(builder, reporter=reporter).build(record(content), content)
    isolation.cache_clear()
    assert "network in reach" in notes[0]


def test_builds_once(builder: SdistBuilder, index: Any) -> None:
    content = make_sdist()
    index.add("app-1.0.tar.gz", content)
    first = builder.wheel(record(content))
    assert builder.wheel(record(content)) == first
    assert len(index.fetched("/app-1.0.tar.gz")) == 1
    assert builder.wheel(record(content, WORD="x")).path != first.path


def test_refuses_an_sdist_that_is_another(builder: SdistBuilder, index: Any) -> None:
    index.add("app-1.0.tar.gz", make_sdist("return 1"))
    with pytest.raises(IntegrityError):
        builder.wheel(record(make_sdist()))


class TestRebuild:
    @pytest.fixture
    def sdist_path(self, tmp_path: Path) -> Path:
        path = tmp_path / "sdist"
        path.write_bytes(make_sdist())
        return path

    @pytest.fixture
    def wheel(self, builder: SdistBuilder, sdist_path: Path) -> Wheel:
        content = sdist_path.read_bytes()
        kept = builder.build(record(content), content)
        return Wheel(
            name="app",
            version="1.0",
            file=kept.file,
            sha256=kept.sha256,
            size=kept.size,
            source="pypi",
            required_by=("env",),
            sdist=record(content),
        )

    def test_gives_the_wheel_of_the_lock(
        self, builder: SdistBuilder, wheel: Wheel, sdist_path: Path, tmp_path: Path
    ) -> None:
        fresh = evolve(builder, cache=tmp_path / "fresh")
        path = rebuild(wheel, sdist_path, fresh)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == wheel.sha256
        sdist_path.unlink()  # remembered now, and not built again
        assert rebuild(wheel, sdist_path, fresh) == path

    def test_builds_again_what_is_damaged(
        self, builder: SdistBuilder, wheel: Wheel, sdist_path: Path
    ) -> None:
        path = rebuild(wheel, sdist_path, builder)
        good = path.read_bytes()
        path.write_bytes(good[:-1])
        assert rebuild(wheel, sdist_path, builder).read_bytes() == good

    def test_refuses_other_bytes(
        self, builder: SdistBuilder, wheel: Wheel, sdist_path: Path
    ) -> None:
        with pytest.raises(IntegrityError, match="building it again gives other bytes"):
            rebuild(evolve(wheel, sha256="0" * 64), sdist_path, builder)

    def test_says_which_sdist_is_missing(
        self, builder: SdistBuilder, wheel: Wheel, tmp_path: Path
    ) -> None:
        with pytest.raises(StoreError, match=r"app-1\.0.tar\.gz: it can't be read"):
            rebuild(wheel, tmp_path / "none", evolve(builder, cache=tmp_path / "fresh"))

    def test_refuses_a_wheel_of_the_index(
        self, builder: SdistBuilder, wheel: Wheel, sdist_path: Path
    ) -> None:
        with pytest.raises(IntegrityError, match="names no sdist"):
            rebuild(evolve(wheel, sdist=None), sdist_path, builder)

    def test_refuses_another_sdist(
        self, builder: SdistBuilder, wheel: Wheel, sdist_path: Path, tmp_path: Path
    ) -> None:
        sdist_path.write_bytes(make_sdist("return 1"))
        with pytest.raises(IntegrityError, match="isn't what its sha256 says"):
            rebuild(wheel, sdist_path, evolve(builder, cache=tmp_path / "fresh"))

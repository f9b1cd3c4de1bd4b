from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from installer.sources import WheelFile

from lockyard.errors import BuildError
from lockyard.resolve.sdist.normal import normal_wheel

INFO = "app-1.0.dist-info"
FILES = {
    "zeta.py": "z",
    "app/__init__.py": "a" * 1000,
    f"{INFO}/METADATA": "Name: app\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
    f"{INFO}/RECORD": "anything",
}
# What the files above have been normalised to since there is a format; see cache.FORMAT.
GOLDEN = "5c69f01790bd8e130eac40b7f1fc8e9c22a0b9849b9f966a7cad6636193ece79"


def make(path: Path, files: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
            info.external_attr = 0o100666 << 16
            archive.writestr(info, text)
    return path


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make(tmp_path / "app-1.0-py3-none-any.whl", FILES)


def test_has_the_bytes_that_it_always_had(wheel: Path) -> None:
    assert hashlib.sha256(normal_wheel(wheel, "app-1.0.tar.gz")).hexdigest() == GOLDEN


def test_is_a_function_of_the_contents(wheel: Path, tmp_path: Path) -> None:
    backwards = dict(reversed(FILES.items())) | {"app/": ""}
    other = make(tmp_path / "other" / wheel.name, backwards, zipfile.ZIP_STORED)
    assert normal_wheel(other, "app-1.0.tar.gz") == normal_wheel(wheel, "app-1.0.tar.gz")
    changed = make(tmp_path / "third" / wheel.name, FILES | {"zeta.py": "Z"})
    assert normal_wheel(changed, "app-1.0.tar.gz") != normal_wheel(wheel, "app-1.0.tar.gz")


def test_is_a_sound_wheel(wheel: Path) -> None:
    files = {**FILES, 'app/a, "b".txt': "odd", "app/ünï.txt": "ü"}
    wheel = make(wheel, files)
    wheel.write_bytes(normal_wheel(wheel, "app-1.0.tar.gz"))
    with WheelFile.open(wheel) as source:
        source.validate_record(validate_contents=True)
    with zipfile.ZipFile(wheel) as archive:
        infos = archive.infolist()
        assert {info.filename: archive.read(info).decode() for info in infos} | {
            f"{INFO}/RECORD": "anything"
        } == files
    names = [info.filename for info in infos]
    assert names[-3:] == [f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/RECORD"]
    assert names[:-3] == sorted(names[:-3])
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.external_attr >> 16 for info in infos} == {0o100644}
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}


def test_keeps_what_is_executable(wheel: Path) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        info = zipfile.ZipInfo("app-1.0.data/scripts/run")
        info.external_attr = 0o100700 << 16
        archive.writestr(info, "#!python")
    wheel.write_bytes(normal_wheel(wheel, "app-1.0.tar.gz"))
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo(info.filename).external_attr >> 16 == 0o100755


@pytest.mark.parametrize("name", ["/x", "../x", "app//x", "a\\b"])
def test_refuses_unsafe_names(wheel: Path, name: str) -> None:
    with pytest.raises(BuildError, match="a file of the name"):
        normal_wheel(make(wheel, FILES | {name: ""}), "app-1.0.tar.gz")


@pytest.mark.parametrize("needed", ["METADATA", "WHEEL"])
def test_refuses_what_lacks_its_metadata(wheel: Path, needed: str) -> None:
    files = {name: text for name, text in FILES.items() if needed not in name}
    with pytest.raises(BuildError, match=f"it has no {INFO}/{needed}"):
        normal_wheel(make(wheel, files), "app-1.0.tar.gz")


def test_refuses_names_that_say_nothing(wheel: Path) -> None:
    with pytest.raises(BuildError):
        normal_wheel(wheel.rename(wheel.with_name("app.whl")), "app-1.0.tar.gz")


def test_a_build_tag_that_no_lock_can_hold(wheel: Path) -> None:
    odd = wheel.rename(wheel.with_name("app-1.0-1@x-py3-none-any.whl"))
    with pytest.raises(BuildError, match="its build gives"):
        normal_wheel(odd, "app-1.0.tar.gz")

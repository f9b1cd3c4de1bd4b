from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from lockyard.errors import IntegrityError
from lockyard.resolve.sdist import unpack
from lockyard.resolve.sdist.unpack import unpack_sdist

from .conftest import make_tar


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def make_zip(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def test_unpacks_with_fixed_permissions(tmp_path: Path) -> None:
    script = member("app-1/run.sh")
    script.mode = 0o4777
    content = make_tar({"./app-1/pkg/a.py": "x", "s": script, "d": member("app-1/d", b"5")})
    top = unpack_sdist(content, "app-1.tar.gz", tmp_path)
    assert top == tmp_path / "app-1"
    assert (top / "pkg" / "a.py").read_text() == "x"
    assert (top / "pkg" / "a.py").stat().st_mode & 0o7777 == 0o644
    assert (top / "run.sh").stat().st_mode & 0o7777 == 0o755
    assert (top / "d").is_dir()


def test_unpacks_zip(tmp_path: Path) -> None:
    content = make_zip({"app-1/": "", "app-1/a.py": "x"})
    assert (unpack_sdist(content, "app-1.zip", tmp_path) / "a.py").read_text() == "x"


BAD_NAMES = ["/etc/passwd", "app-1/../../x", "..", "app-1//x", "app-1/a\\b", "app-1/a\nb", "."]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_refuses_names_that_leave_the_folder(tmp_path: Path, name: str) -> None:
    for file, content in (
        ("app-1.tar.gz", make_tar({"app-1/a": "", name: "x"})),
        ("app-1.zip", make_zip({"app-1/a": "", name: "x"})),
    ):
        folder = tmp_path / file / "inside"
        folder.mkdir(parents=True)
        with pytest.raises(IntegrityError, match=r"a file of the name|one folder"):
            unpack_sdist(content, file, folder)
        assert [each.name for each in (tmp_path / file).iterdir()] == ["inside"]


@pytest.mark.parametrize(
    "info",
    [
        member("app-1/x", tarfile.SYMTYPE, "/etc/passwd"),
        member("app-1/x", tarfile.LNKTYPE, "app-1/a"),
        member("app-1/x", tarfile.CHRTYPE),
        member("app-1/x", tarfile.FIFOTYPE),
    ],
)
def test_refuses_what_is_no_file(tmp_path: Path, info: tarfile.TarInfo) -> None:
    with pytest.raises(IntegrityError, match="no regular file"):
        unpack_sdist(make_tar({"app-1/a": "", "x": info}), "app-1.tar.gz", tmp_path)


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a")])
def test_refuses_names_that_come_twice(tmp_path: Path, names: tuple[str, str]) -> None:
    files = {str(place): member(f"app-1/{name}") for place, name in enumerate(names)}
    with pytest.raises(IntegrityError, match=r"twice|a file and a folder"):
        unpack_sdist(make_tar({**files}), "app-1.tar.gz", tmp_path)


def test_refuses_several_tops_and_none(tmp_path: Path) -> None:
    for content in (make_tar({"a/x": "", "b/x": ""}), make_tar({})):
        with pytest.raises(IntegrityError, match="one folder"):
            unpack_sdist(content, "app-1.tar.gz", tmp_path)


@pytest.mark.parametrize("file", ["app-1.tar.gz", "app-1.zip"])
def test_refuses_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    monkeypatch.setattr(unpack, "_LARGEST", 1 << 20)
    make = make_zip if file.endswith(".zip") else make_tar
    content = make({"app-1/a": "0" * ((1 << 20) + 1)})
    with pytest.raises(IntegrityError, match="would unpack to more"):
        unpack_sdist(content, file, tmp_path)
    monkeypatch.setattr(unpack, "_LARGEST", 8 << 20)
    monkeypatch.setattr(unpack, "_MOST_FILES", 2)
    content = make({f"app-1/{number}": "" for number in range(4)})
    with pytest.raises(IntegrityError, match="more than 2 files"):
        unpack_sdist(content, file, tmp_path)


@pytest.mark.parametrize("file", ["app-1.tar.gz", "app-1.zip"])
def test_refuses_damage_wherever_it_is(tmp_path: Path, file: str) -> None:
    make = make_zip if file.endswith(".zip") else make_tar
    content = make({"app-1/a": "some text, and more"})
    refused = 0
    for place in range(len(content)):
        folder = tmp_path / str(place)
        folder.mkdir()
        for damaged in (content[:place], _flipped(content, place)):
            try:
                unpack_sdist(damaged, file, folder)
            except IntegrityError:
                refused += 1
    assert refused > len(content)


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]

from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.assemble import replace
from lockyard.assemble.replace import replace_folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    made, folder = tmp_path / "made", tmp_path / "folder"
    for path, text in ((made, "new"), (folder, "old")):
        path.mkdir()
        (path / "text").write_text(text)
    return made, folder


def text(path: Path) -> str:
    return (path / "text").read_text()


def test_a_free_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    replace_folder(tmp_path / "made", tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("able", [True, False])
def test_two_folders_change_their_names(
    able: bool, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not able:
        monkeypatch.setattr(replace, "_exchanged", lambda *_: False)
    made, folder = folders
    replace_folder(made, folder)
    assert (text(folder), text(made)) == ("new", "old")
    assert sorted(path.name for path in made.parent.iterdir()) == ["folder", "made"]


def test_names_are_exchanged_at_once(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("renamed one by one")

    monkeypatch.setattr(Path, "rename", refuse)
    replace_folder(*folders)
    assert text(folders[1]) == "new"


def test_a_failure_halfway_gives_the_old_one_back(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, folder = folders
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == made:
            raise OSError("halfway")
        return real(self, target)

    monkeypatch.setattr(replace, "_exchanged", lambda *_: False)
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="halfway"):
        replace_folder(made, folder)
    assert (text(folder), text(made)) == ("old", "new")
    assert len(list(folder.parent.iterdir())) == 2

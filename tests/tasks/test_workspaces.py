from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.errors import StoreError
from lockyard.store.store import Store
from lockyard.tasks.workspaces import remember, workspaces


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "work space é"
    root.mkdir()
    (root / "WORKSPACE.toml").touch()
    return root


def test_a_workspace_is_remembered_once(store: Store, root: Path) -> None:
    assert workspaces(store) == ()
    remember(store, root)
    (record,) = (store.root / "records/workspace").iterdir()
    written = record.stat().st_ino
    link = root.with_name("link")
    link.symlink_to(root)
    remember(store, link)
    assert workspaces(store) == (root,)
    assert record.stat().st_ino == written


def test_one_that_has_gone_is_left_out(store: Store, root: Path) -> None:
    remember(store, root)
    (root / "WORKSPACE.toml").unlink()
    assert workspaces(store) == ()
    root.rmdir()
    assert workspaces(store) == ()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"root": 1}', '{"root": "a/b"}', '{"root": "/\\u0000"}']
)
def test_a_damaged_record_is_told(store: Store, root: Path, text: str) -> None:
    remember(store, root)
    (record,) = (store.root / "records/workspace").iterdir()
    record.chmod(0o644)
    record.write_text(text)
    with pytest.raises(StoreError) as caught:
        workspaces(store)
    assert caught.value.where == str(record)


def test_one_that_cannot_be_looked_at_is_told(store: Store, root: Path) -> None:
    remember(store, root)
    file = root / "WORKSPACE.toml"
    file.unlink()
    file.symlink_to(file)
    with pytest.raises(StoreError, match="can't be known") as caught:
        workspaces(store)
    (record,) = (store.root / "records/workspace").iterdir()
    assert caught.value.where == str(file)
    assert str(record) in caught.value.solution


def test_records_that_cannot_be_listed_are_told(store: Store, root: Path) -> None:
    (store.root / "records").mkdir(parents=True)
    (store.root / "records/workspace").touch()
    with pytest.raises(StoreError):
        workspaces(store)


def test_a_store_that_cannot_be_written_is_no_fault(store: Store, root: Path) -> None:
    store.root.touch()
    remember(store, root)

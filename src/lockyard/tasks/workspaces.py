"""The workspaces that share a store."""

from __future__ import annotations

import hashlib
import json
import stat
from contextlib import suppress
from pathlib import Path

from lockyard.errors import StoreError
from lockyard.spec.reader import WORKSPACE_FILE
from lockyard.store.faults import store_faults
from lockyard.store.store import Store

_RECORDS = "workspace"


def remember(store: Store, root: Path) -> None:
    """Record that a workspace uses a store, so that its locks will be asked what they need.

    A store that can't be written isn't cleared up by this user either: that is no error here.
    """
    value = {"root": str(root.resolve())}
    with suppress(StoreError, UnicodeEncodeError):
        if store.record(_RECORDS, _key(root)) != value:
            store.put_record(_RECORDS, _key(root), value)


def record_name(root: Path) -> str:
    """Return the name of the record of a workspace, as KIND/KEY."""
    return f"{_RECORDS}/{_key(root)}"


def workspaces(store: Store) -> tuple[Path, ...]:
    """Return the workspaces that use a store and are still there, sorted.

    Raise StoreError where that can't be said, since what they need can't be known then.
    """
    # Not by glob, to which a folder that can't be read is an empty one.
    records: list[Path] = []
    with store_faults(store.root), suppress(FileNotFoundError):
        folder = store.root / "records" / _RECORDS
        records = [path for path in folder.iterdir() if path.suffix == ".json"]
    return tuple(sorted(root for each in records if _is_there(root := _root(each), store)))


def unknown_needs(root: Path, place: Path, error: OSError, store: Store) -> StoreError:
    """Return the error about a workspace with a file or folder that can't be read."""
    record = store.root / "records" / f"{record_name(root)}.json"
    return StoreError(
        f"what this workspace needs can't be known ({error.strerror or type(error).__name__})",
        where=str(place),
        solution=f"Make it readable; or remove {record}, and it counts no longer.",
    )


def _root(record: Path) -> Path:
    # Not as a record of the store is read: that would be a use of it.
    try:
        root = Path(json.loads(record.read_bytes())["root"])
        if root.is_absolute() and "\0" not in str(root):
            return root
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    raise StoreError(
        "this record of a workspace is damaged, and what that needs can't be known",
        where=str(record),
        solution="Remove it; building in that workspace makes it again.",
    )


def _is_there(root: Path, store: Store) -> bool:
    file = root / WORKSPACE_FILE
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unknown_needs(root, file, error, store) from None


def _key(root: Path) -> str:
    return hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()

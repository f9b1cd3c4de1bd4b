"""Lockfiles in their folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lockyard.errors import LockError, StoreError
from lockyard.lock.model import Lock
from lockyard.lock.text import decode_lock, encode_lock
from lockyard.replace import replace_file

FOLDER = "locks"


def lock_path(env: str) -> str:
    """Return where an env's lock is, relative to the workspace."""
    return f"{FOLDER}/{env}.lock.toml"


def read_lock(root: Path, env: str) -> Lock | None:
    """Read an env's lock, or return None if it has none. Raise LockError if it is damaged."""
    file = lock_path(env)
    try:
        text = (root / file).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(
            f"it can't be read: {_cause(error)}",
            where=file,
            solution="restore it from version control, or remove it and lock again",
        ) from None
    lock = decode_lock(text, file)
    if lock.env != env:
        raise LockError(
            f"it is the lock of {lock.env!r}",
            where=file,
            solution=f"remove it and run: invoke lock {env}",
        )
    return lock


def lock_sha256(root: Path, env: str) -> str:
    """Return the sha256 in hex of an env's lock. Raise LockError if it can't be read."""
    try:
        return hashlib.sha256((root / lock_path(env)).read_bytes()).hexdigest()
    except OSError as error:
        raise LockError(f"it can't be read: {_cause(error)}", where=lock_path(env)) from None


def _cause(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} isn't UTF-8"
    return error.strerror or type(error).__name__


def write_lock(root: Path, lock: Lock) -> bool:
    """Write a lock in place of the old one, whole or not at all; tell whether it changed."""
    path, data = root / lock_path(lock.env), encode_lock(lock).encode()
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise StoreError(
            f"the lock can't be written: {error.strerror}",
            where=lock_path(lock.env),
            solution="make the folder writable, or make room; the old lock is untouched",
        ) from None
    return True

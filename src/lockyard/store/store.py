"""The store: files by digest, shared by all processes of a user."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import platformdirs
from attrs import frozen

from lockyard.errors import StoreError
from lockyard.store.digest import check_content, checked_sha256, file_sha256
from lockyard.store.faults import store_faults
from lockyard.store.partial import Partial
from lockyard.store.usage import hold
from lockyard.store.writer import Writer

Kind = Literal["artifact", "blob"]

_FOLDERS: Mapping[str, str] = {"artifact": "artifacts", "blob": "blobs"}
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", re.ASCII)
_DAY = 86_400
# How long (seconds) a file without a living writer stays: a temporary file is worth nothing,
# an interrupted download may be resumed after a holiday.
_KEPT: Mapping[str, int] = {"tmp": _DAY, "partial": 30 * _DAY}


@frozen
class Store:
    """Find and keep files by their sha256.

    Under ``root``::

        artifacts/sha256/<first two digits>/<sha256>   packages, as their sources serve them
        blobs/sha256/<first two digits>/<sha256>       compressed layers, configs, manifests
        records/<kind>/<key>.json                      small results, by a key of their inputs
        partial/<sha256>                               downloads to be resumed
        cache/                                         what the resolvers keep
        tmp/                                           files that are being written
        lock                                           empty; locked by whoever uses the store

    A file has its final name only once it is complete and hashed, so a kill at any moment
    leaves nothing that is believed. Files are read-only; folders are as the umask says, which
    is how a user decides who may share them. Every method raises StoreError where the file
    system refuses.

    The mtime of an artifact or a record is when it was last asked for, to the day. The file
    system's own time of access isn't relied on: most are mounted such that it lags or stands.
    Layers have the use of the records that name them, since image layouts may share their files.
    """

    root: Path

    @classmethod
    def default(cls, environ: Mapping[str, str]) -> Store:
        """Open the store at ``LOCKYARD_STORE``, else the one in the user's cache folder."""
        configured = environ.get("LOCKYARD_STORE")
        root = Path(configured) if configured else platformdirs.user_cache_path("lockyard")
        return cls.open(root.expanduser().absolute())

    @classmethod
    def open(cls, root: Path, *, now: Callable[[], float] = time.time) -> Store:
        """Use the store at ``root`` until this process ends; see ``usage``.

        What dead processes left in it is removed.
        """
        store = cls(root)
        hold(root)
        store.sweep(now())
        return store

    @property
    def cache(self) -> Path:
        """The folder of the resolvers' caches."""
        return self.root / "cache"

    def artifact(self, sha256: str, size: int | None = None) -> Path | None:
        """Return the path of an artifact, or None where it is absent or not of that size."""
        path = self._find("artifact", sha256, size)
        if path is not None:
            self.mark(path)
        return path

    def blob(self, sha256: str, size: int | None = None) -> Path | None:
        """Return the path of a blob, or None where it is absent or not of that size."""
        return self._find("blob", sha256, size)

    def content(self, sha256: str, size: int | None = None) -> Path | None:
        """Return the path of a file that came as it is or was made here, or None."""
        return self.blob(sha256, size) or self.artifact(sha256, size)

    def verify(self, path: Path, sha256: str, size: int | None = None) -> None:
        """Read a whole file; raise IntegrityError where it isn't what its digest says."""
        with store_faults(self.root):
            found = (file_sha256(path), path.stat().st_size)
        check_content(found=found, expected=(sha256, size), where=str(path))

    def discard(self, path: Path) -> None:
        """Remove a file that isn't what its digest says; it is made or fetched again."""
        with store_faults(self.root):
            path.unlink(missing_ok=True)

    def mark(self, path: Path) -> None:
        """Note that a file is used; once a day is enough, and another user's can't be noted."""
        with suppress(OSError):
            if path.lstat().st_mtime < time.time() - _DAY:
                os.utime(path, follow_symlinks=False)

    def writer(self, kind: Kind) -> Writer:
        """Return a file to write, as a context manager; its ``commit`` gives it its place."""
        return Writer(self.root, self.root / "tmp", lambda sha256: self._place(kind, sha256))

    def scratch(self) -> Path:
        """Return a folder for large temporary files; what dead processes leave in it goes."""
        folder = self.root / "tmp"
        with store_faults(self.root):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def partial(self, sha256: str, wait: Callable[[float], object] = time.sleep) -> Partial:
        """Take hold of the resumable download of an artifact, waiting for whoever has it."""
        path = self.root / "partial" / checked_sha256(sha256)
        return Partial(self.root, path, self._place("artifact", sha256), wait)

    def record(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return what was recorded under ``key``, None where that is absent or unreadable."""
        path = self._record_path(kind, key)
        try:
            value = json.loads(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
            return None
        except OSError as error:
            raise StoreError(
                f"a record can't be read ({error.strerror})",
                where=str(self.root),
                solution="Make the folder readable, or set LOCKYARD_STORE to another one.",
            ) from error
        self.mark(path)
        return value if isinstance(value, dict) else None

    def put_record(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        """Record a JSON object under ``key``, in place of what was there."""
        path = self._record_path(kind, key)
        text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        with Writer(self.root, self.root / "tmp", lambda _: path) as writer:
            writer.write(text.encode() + b"\n")
            writer.commit()

    def sweep(self, now: float) -> None:
        """Remove the temporary files of dead processes; ``now`` is in seconds since 1970."""
        for folder, age in _KEPT.items():
            for path in self._listed(folder):
                try:
                    if path.lstat().st_mtime < now - age:
                        _remove(path)
                except OSError:
                    # Gone already, or another user's: not worth failing for.
                    continue

    def clear_scratch(self) -> None:
        """Remove all temporary files, which are nobody's where nobody else uses the store."""
        with store_faults(self.root):
            for path in self._listed("tmp"):
                _remove(path)

    def _listed(self, folder: str) -> list[Path]:
        try:
            return sorted((self.root / folder).iterdir())
        except OSError:
            return []

    def _place(self, kind: Kind, sha256: str) -> Path:
        name = checked_sha256(sha256)
        return self.root / _FOLDERS[kind] / "sha256" / name[:2] / name

    def _find(self, kind: Kind, sha256: str, size: int | None) -> Path | None:
        path = self._place(kind, sha256)
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            with store_faults(self.root):
                raise
        sound = stat.S_ISREG(status.st_mode) and size in (None, status.st_size)
        return path if sound else None

    def _record_path(self, kind: str, key: str) -> Path:
        for part in (kind, key):
            if not _KEY.fullmatch(part):
                raise ValueError(f"not a record's kind or key: {part!r}")
        return self.root / "records" / kind / f"{key}.json"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()

"""A file on its way into the store."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType

from lockyard.store.digest import check_content
from lockyard.store.faults import store_faults


class Writer:
    """Write bytes that nobody sees before ``commit``; hash them on the way.

    A context manager: leaving it without a commit, by an exception or otherwise, removes what
    was written. Raises StoreError where the file system refuses, as ``faults`` tells it of
    ``root``. Before the commit, its name in ``folder`` begins with ``prefix``.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        place: Callable[[str], Path],
        faults: Callable[[Path], AbstractContextManager[None]] = store_faults,
        prefix: str = "tmp",
    ) -> None:
        self._faults = partial(faults, root)
        self._place = place
        self._hash = hashlib.sha256()
        self.size = 0
        with self._faults():
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix)
        self._path: Path | None = Path(name)
        self._file = os.fdopen(descriptor, "wb")

    @property
    def sha256(self) -> str:
        """The sha256, in hex, of what was written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> int:
        """Append ``data``; return how many bytes that was, as a binary file does."""
        with self._faults():
            self._file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def flush(self) -> None:
        """Do nothing; it is here for libraries that write to a file."""

    def commit(self, *, sha256: str | None = None, size: int | None = None) -> Path:
        """Make the file visible under its sha256, and return its path.

        Raises IntegrityError where ``sha256`` or ``size`` (bytes) is given and differs;
        nothing is left then.
        """
        if self._path is None:
            raise ValueError("this writer is closed")
        check_content(
            found=(self.sha256, self.size), expected=(sha256, size), where="what was written"
        )
        with self._faults():
            target = self._place(self.sha256)
            publish(self._file.fileno(), self._path, target, self._file.flush)
        self._path = None
        self._file.close()
        return target

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._path is None:
            return
        # First the name, then the data: closing writes what is buffered, and on a full disk
        # that fails again, which is no news.
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._file.close()
        self._path = None


def publish(
    descriptor: int, path: Path, target: Path, flush: Callable[[], None] = lambda: None
) -> None:
    """Rename a complete file to ``target``, read-only whatever the umask.

    It is synced first: a rename may reach the disk before the data do, and a loss of power
    would then leave a file of the right name with the wrong content. The folder isn't: a
    rename that was lost only means that the file is made again.
    """
    flush()
    os.fsync(descriptor)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Syncing takes seconds and may be interrupted: until then the file stays writable, so that
    # a download can be gone on with.
    os.fchmod(descriptor, 0o444)
    path.replace(target)

"""Files that cost a build or a download, remembered by what they came from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from attrs import frozen

from lockyard.errors import IntegrityError, StoreError
from lockyard.lock.model import Sdist, is_file_name
from lockyard.replace import replace_file

# Part of every key: raise it with whatever changes a byte of what a build gives.
FORMAT = 1


def build_key(sdist: Sdist) -> str:
    """Return what a build is remembered by: a sha256 in hex of everything that goes into it.

    The file's name is no part of it, nor the Python that builds.
    """
    inputs = [FORMAT, sdist.sha256, sorted(sdist.tools), sorted(sdist.environment.items())]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


@frozen(kw_only=True)
class KeptFile:
    """A file of the cache; ``file`` is its name, ``size`` in bytes, ``sha256`` in hex."""

    path: Path
    file: str
    sha256: str
    size: int


class FileCache:
    """Keep files by keys, each with a record of its hash, and believe only what has it.

    Many processes may share a folder: files and records appear by rename, the record last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> KeptFile | None:
        """Return the file of a key, None where there is none or it is damaged."""
        place = self.place(key)
        try:
            record = json.loads((place / "record.json").read_bytes())
            file, sha256 = str(record["file"]), record["sha256"]
            path = place / Path(file).name
            content = path.read_bytes()
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        if hashlib.sha256(content).hexdigest() != sha256:
            return None
        return KeptFile(path=path, file=path.name, sha256=sha256, size=len(content))

    def put(self, key: str, file: str, content: bytes) -> KeptFile:
        """Keep a file; raise StoreError if the folder can't be written.

        Raise IntegrityError for a name that a file of a lock can't have: it might lead elsewhere.
        """
        if not is_file_name(file):
            raise IntegrityError(
                "this is no name for a file", where=repr(file), solution="use another index"
            )
        sha256 = hashlib.sha256(content).hexdigest()
        place = self.place(key)
        record = json.dumps({"file": file, "sha256": sha256}, sort_keys=True).encode()
        try:
            place.mkdir(parents=True, exist_ok=True)
            replace_file(place / file, content)
            replace_file(place / "record.json", record)
        except OSError as error:
            raise StoreError(
                f"the cache of built wheels can't be written: {error.strerror}",
                where=file,
                solution="free some space, or mend the permissions of the cache's folder",
            ) from error
        return KeptFile(path=place / file, file=file, sha256=sha256, size=len(content))

    def place(self, key: str) -> Path:
        """Return the folder of a key."""
        return self.folder / key[:2] / key


def built_wheels(cache: Path) -> FileCache:
    """Return the cache of built wheels below the folder of all caches of an index."""
    return FileCache(cache / "built")


def told_metadata(cache: Path) -> FileCache:
    """Return the cache of the METADATA of sdists that are compiled elsewhere."""
    return FileCache(cache / "told")

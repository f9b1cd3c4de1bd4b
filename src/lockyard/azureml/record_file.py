"""Records of versions in their files, beside the locks."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import tomli
import tomli_w
from attrs import asdict, frozen
from cattrs import Converter

from lockyard.azureml.record import FORMAT, Record, Version
from lockyard.errors import LockError, StoreError
from lockyard.lock.file import FOLDER
from lockyard.replace import replace_file
from lockyard.spec.structure import converter, structure
from lockyard.spec.unfit import shown

_HEADER = "# Written by `invoke environment {env}`: what was published under a number stays so.\n"
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)


@frozen(kw_only=True)
class _RecordDocument:
    """A record as it stands in its file."""

    format: int
    env: str
    version: tuple[Version, ...]


@cache
def _converter() -> Converter:
    return converter({})


def record_path(env: str) -> str:
    """Return where an env's record is, relative to the workspace."""
    return f"{FOLDER}/{env}.versions.toml"


def encode_record(record: Record) -> str:
    """Return a record's text, the newest version last."""
    versions = [_table(each) for each in record.versions]
    document = {"format": FORMAT, "env": record.env, "version": versions}
    return _HEADER.format(env=record.env) + tomli_w.dumps(document)


def _table(version: Version) -> dict[str, Any]:
    images = [{key: held for key, held in asdict(each).items() if held} for each in version.image]
    table = {"number": version.number, "lock": version.lock}
    return {**table, **({"image": images} if images else {})}


def decode_record(text: str, file: str, env: str) -> Record:
    """Read a record's text. Raise LockError for what this version doesn't write."""
    if _CONFLICT.search(text):
        raise _refused(file, env, "it has the conflict markers of a merge")
    try:
        data = tomli.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(file, env, f"it can't be read: {error}") from None
    if type(data.get("format")) is not int or data["format"] != FORMAT:
        reason = f"it is of format {shown(data.get('format'))}, and this version reads {FORMAT}"
        raise _refused(file, env, reason)
    document = structure(_converter(), data, _RecordDocument, file)
    if isinstance(document, list):
        told = "; ".join(f"{each.key}: {each.reason}" for each in document)
        raise _refused(file, env, f"it can't be read: {told}")
    if document.env != env:
        raise _refused(file, env, f"it is the record of {document.env[:200]!r}")
    numbers = [each.number for each in document.version]
    if numbers != sorted(set(numbers)):
        raise _refused(file, env, "its numbers don't grow")
    for each in document.version:
        variants = [image.variant for image in each.image]
        if len(variants) != len(set(variants)):
            raise _refused(file, env, f"version {each.number} has two images of a variant")
    return Record(env=env, versions=document.version)


def read_record(root: Path, env: str) -> Record:
    """Read an env's record, empty where it has none. Raise LockError if it is damaged."""
    file = record_path(env)
    try:
        text = (root / file).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return Record(env=env)
    except UnicodeDecodeError as error:
        raise _refused(file, env, f"byte {error.start} isn't UTF-8") from None
    except OSError as error:
        raise _refused(file, env, f"it can't be read: {error.strerror}") from None
    return decode_record(text, file, env)


def write_record(root: Path, record: Record) -> bool:
    """Write a record in place of the old one, whole or not at all; tell whether it changed."""
    path, data = root / record_path(record.env), encode_record(record).encode()
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise StoreError(
            f"the record of versions can't be written: {error.strerror}",
            where=record_path(record.env),
            solution="make the folder writable, or make room; the old record is untouched",
        ) from None
    return True


def _refused(file: str, env: str, reason: str) -> LockError:
    return LockError(
        reason,
        where=file,
        solution="restore it from version control; of two branches, keep the one that is "
        f"published, then run: invoke environment {env}",
    )

"""A lock as text: TOML, one form to the byte, made to be reviewed and merged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import tomli
import tomli_w
from attrs import fields, frozen, has
from cattrs import Converter

from lockyard.errors import LockError
from lockyard.lock.contradiction import contradiction
from lockyard.lock.model import (
    FORMAT,
    Artifact,
    BaseImage,
    CondaPackage,
    Deb,
    Lock,
    Target,
    Wheel,
)
from lockyard.spec.structure import converter, structure
from lockyard.spec.unfit import shown

_HEADER = "# Written by `invoke lock {env}`; a change by hand is lost at the next one.\n"
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)


@frozen(kw_only=True)
class _Document:
    """The tables of a lockfile, as they stand in it."""

    format: int
    env: str
    inputs: Mapping[str, str]
    target: tuple[Target, ...]
    image: tuple[BaseImage, ...] = ()
    debian: tuple[Deb, ...] = ()
    conda: tuple[CondaPackage, ...] = ()
    pypi: tuple[Wheel, ...] = ()


@cache
def _converter() -> Converter:
    return converter({})


def encode_lock(lock: Lock) -> str:
    """Return a lock's text: everything sorted, a list's items on lines of their own."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "env": lock.env,
        "inputs": dict(sorted(lock.inputs.items())),
        "target": [_table(each) for each in sorted(lock.targets, key=lambda each: each.name)],
        "image": [_table(each) for each in sorted(lock.images, key=_image_order)],
        "debian": [_table(each) for each in sorted(lock.debs, key=_order)],
        "conda": [_table(each) for each in sorted(lock.conda, key=_order)],
        "pypi": [_table(each) for each in sorted(lock.wheels, key=_order)],
    }
    return _HEADER.format(env=lock.env) + tomli_w.dumps(
        {name: value for name, value in document.items() if value != []}
    )


def decode_lock(text: str, file: str) -> Lock:
    """Read a lock's text. Raise LockError for what this version doesn't write."""
    if _CONFLICT.search(text):
        raise LockError(
            "it has the conflict markers of a merge",
            where=file,
            solution="take either side whole (git checkout --ours or --theirs), then lock again",
        )
    try:
        data = tomli.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(file, str(error)) from None
    if type(data.get("format")) is not int or data["format"] != FORMAT:
        raise LockError(
            f"it is of format {shown(data.get('format'))}, and this version reads {FORMAT}",
            where=file,
            solution="use the version of Lockyard that wrote it, or remove it and lock again",
        )
    document = structure(_converter(), data, _Document, file)
    if isinstance(document, list):
        fault = document[0]
        raise _unreadable(file, f"{fault.key}: {fault.reason}" if fault.key else fault.reason)
    lock = Lock(
        env=document.env,
        inputs=document.inputs,
        targets=document.target,
        images=document.image,
        debs=document.debian,
        conda=document.conda,
        wheels=document.pypi,
    )
    if reason := contradiction(lock):
        raise _unreadable(file, reason)
    return lock


def _table(value: Any) -> dict[str, Any]:
    """Return a model's table, its keys in the model's order, what is as by default left out."""
    table = {}
    for each in fields(type(value)):
        held = getattr(value, each.name)
        if held != each.default and held not in ({}, None):
            table[each.name.replace("_", "-")] = _value(held)
    return table


def _value(held: Any) -> Any:
    if has(type(held)):
        return _table(held)
    if isinstance(held, tuple):
        return [_value(each) for each in held]
    return dict(sorted(held.items())) if isinstance(held, Mapping) else held


def _image_order(image: BaseImage) -> tuple[str, str]:
    return image.image, image.platform


def _order(artifact: Artifact) -> tuple[str, str]:
    return artifact.name, artifact.file


def _unreadable(file: str, reason: str) -> LockError:
    return LockError(
        f"it can't be read: {reason}",
        where=file,
        solution="restore it from version control, or remove it and lock again",
    )

"""A lock as text: TOML, one form to the byte, made to be reviewed and merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli
import tomli_w
from attrs import fields, frozen, has

from lockyard.errors import LockError
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

_HEADER = "# Written by `invoke lock {env}`; a change by hand is lost at the next one.\n"


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
    try:
        data = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise _unreadable(file, str(error)) from None
    if data.get("format") != FORMAT:
        raise LockError(
            f"it is of format {data.get('format')!r}, and this version reads {FORMAT}",
            where=file,
            solution="lock again, or use the version of Lockyard that wrote it",
        )
    document = structure(converter({}), data, _Document, file)
    if isinstance(document, list):
        fault = document[0]
        raise _unreadable(file, f"{fault.key}: {fault.reason}" if fault.key else fault.reason)
    return Lock(
        env=document.env,
        inputs=document.inputs,
        targets=document.target,
        images=document.image,
        debs=document.debian,
        conda=document.conda,
        wheels=document.pypi,
    )


def _table(value: Any) -> dict[str, Any]:
    """Return a model's table, its keys in the model's order, what is empty left out."""
    table = {}
    for key in (each.name for each in fields(type(value))):
        held = getattr(value, key)
        if held not in ("", (), None, {}):
            table[key.replace("_", "-")] = _value(held)
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
        solution="restore it from version control, or lock again",
    )

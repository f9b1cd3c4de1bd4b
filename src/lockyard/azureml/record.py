"""The numbers of an env's environment versions, and the images that they stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, field, frozen

from lockyard.errors import LockError

FORMAT = 1


def _matching(pattern: str, what: str) -> Callable[[Any, Any, str], None]:
    compiled = re.compile(pattern, re.ASCII)

    def check(_: Any, attribute: Any, value: str) -> None:
        if not compiled.fullmatch(value):
            raise ValueError(f"{attribute.name} {value[:200]!r} isn't {what}")

    return check


def _positive(_: Any, attribute: Any, value: int) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} {value} isn't positive")


def _time(_: Any, attribute: Any, value: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value, re.ASCII):
        raise ValueError(f"{attribute.name} {value[:200]!r} isn't a time in UTC")
    datetime.fromisoformat(value)


@frozen(kw_only=True)
class RecordedImage:
    """The image of a variant, as it was built from the version's lock.

    ``digest`` is of what its tag names, ``size`` the bytes of all of its platforms, ``created``
    when the newest of its packages was published (RFC 3339, UTC), ``tag`` the one that it was
    pushed under and that never moves, or empty.
    """

    variant: str = field(validator=_matching(r"[a-z0-9][a-z0-9.]*", "a variant"))
    digest: str = field(validator=_matching("sha256:[0-9a-f]{64}", "a digest"))
    size: int = field(validator=_positive)
    created: str = field(validator=_time)
    tag: str = field(default="", validator=_matching(r"([0-9]{8}\.v[1-9][0-9]*)?", "a dated tag"))


@frozen(kw_only=True)
class Version:
    """A version's number, and the digest of the text of the lock that it is for."""

    number: int = field(validator=_positive)
    lock: str = field(validator=_matching("sha256:[0-9a-f]{64}", "a digest"))
    image: tuple[RecordedImage, ...] = ()

    def of(self, variant: str) -> RecordedImage | None:
        """Return the image of a variant, where it is known."""
        return next((each for each in self.image if each.variant == variant), None)


@frozen(kw_only=True)
class Record:
    """The versions of an env's environments, which its variants share; oldest first."""

    env: str
    versions: tuple[Version, ...] = ()

    def current(self, lock: str, *, new: bool = False) -> Record:
        """Return the record whose last version is that of a lock, by its digest.

        A lock that isn't the last version's gets the next number, also where it came back to
        what an older version had: numbers only grow. With ``new`` it gets one in any case.
        """
        if self.versions and self.versions[-1].lock == lock and not new:
            return self
        number = self.versions[-1].number + 1 if self.versions else 1
        return evolve(self, versions=(*self.versions, Version(number=number, lock=lock)))

    def noted(self, images: Mapping[str, RecordedImage], where: str) -> Record:
        """Return the record with images of its last version, by their variants.

        Raise LockError where that version has another image of a variant already: what was
        published under a number stays.
        """
        *before, last = self.versions
        held = {each.variant: each for each in last.image}
        for variant, image in images.items():
            old = held.get(variant)
            if old is not None and old.digest != image.digest:
                raise LockError(
                    f"version {last.number} is of another image of {variant}, {old.digest}, than "
                    f"the one that is built, {image.digest}",
                    where=where,
                    solution=f"build what that version is of, or give this one a number of its "
                    f"own: invoke environment {self.env} --new-version",
                )
            held[variant] = old or image
        ordered = tuple(held[variant] for variant in sorted(held))
        return evolve(self, versions=(*before, evolve(last, image=ordered)))

    def tagged(self, tag: str, variants: Collection[str]) -> Record:
        """Return the record with the tag that images of its last version were pushed under."""
        *before, last = self.versions
        images = [
            evolve(each, tag=tag) if each.variant in variants else each for each in last.image
        ]
        return evolve(self, versions=(*before, evolve(last, image=tuple(images))))

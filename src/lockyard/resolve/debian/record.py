"""One binary package of an index."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from attrs import field, frozen
from debian.deb822 import Packages
from debian.debian_support import NativeVersion

from lockyard.errors import IntegrityError
from lockyard.resolve.debian.relation import (
    NAME,
    Clause,
    Relation,
    parse_clauses,
    parse_relations,
)

SHA256 = re.compile(r"[0-9a-f]{64}")
PRIORITIES = ("required", "important", "standard", "optional", "extra")


@frozen(kw_only=True, eq=False)
class Record:
    """A package at a version: how to get it, and what it asks of others.

    ``depends`` joins Pre-Depends and Depends, ``conflicts`` joins Conflicts and Breaks: a
    finished set of packages knows no difference. ``path`` is relative to the mirror's root.
    Two records are equal only where they are the same object.
    """

    name: str
    version: str
    architecture: str
    multi_arch: str
    priority: str
    depends: tuple[Clause, ...] = field(repr=False)
    conflicts: tuple[Relation, ...] = field(repr=False)
    provides: tuple[Relation, ...] = field(repr=False)
    path: str = field(repr=False)
    sha256: str = field(repr=False)
    size: int = field(repr=False)

    @property
    def rank(self) -> int:
        """Order by Priority, the most needed first."""
        known = self.priority in PRIORITIES
        return PRIORITIES.index(self.priority) if known else len(PRIORITIES)

    def meets(self, relation: Relation, architecture: str) -> bool:
        """Tell whether the package, by its name or by a Provides, meets a relation.

        ``architecture`` is the image's own. A versioned relation is met by a versioned
        Provides only (Policy 7.5), ``:any`` only by a package with ``Multi-Arch: allowed``.
        """
        if relation.qualifier == "any" and self.multi_arch != "allowed":
            return False
        if relation.qualifier not in ("", "any", "native", architecture):
            return False
        if relation.name == self.name and relation.admits(self.version):
            return True
        return any(
            provided.name == relation.name and relation.admits(provided.version)
            for provided in self.provides
        )

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def read_record(paragraph: bytes, architecture: str, where: str) -> Record:
    """Read a paragraph of a Packages index.

    Raises IntegrityError where a field that a lock needs is missing or malformed; ``where``
    names the index.
    """
    name = ""
    try:
        fields = Packages(paragraph.decode("utf-8"))
        name = _name(fields["Package"])
        depends = ", ".join(filter(None, (fields.get("Pre-Depends"), fields.get("Depends"))))
        conflicts = ", ".join(filter(None, (fields.get("Conflicts"), fields.get("Breaks"))))
        return Record(
            name=name,
            version=str(NativeVersion(fields["Version"])),
            architecture=fields["Architecture"],
            multi_arch=fields.get("Multi-Arch", "no"),
            priority=fields.get("Priority", "optional"),
            depends=parse_clauses(depends, architecture),
            conflicts=parse_relations(conflicts, architecture),
            provides=parse_relations(fields.get("Provides", ""), architecture),
            path=_path(fields["Filename"]),
            sha256=_sha256(fields["SHA256"]),
            size=int(fields["Size"]),
        )
    except KeyError as error:
        raise _unreadable(name, f"it has no field {error}", where) from error
    except (ValueError, TypeError) as error:
        raise _unreadable(name, str(error), where) from error


def _unreadable(name: str, why: str, where: str) -> IntegrityError:
    return IntegrityError(
        f"the record of {name or 'a package'} can't be used: {why}",
        where=where,
        solution="The archive itself is at fault: use another suite or another mirror.",
    )


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError(f"{text!r} can't be a package's name")
    return text


def _path(text: str) -> str:
    parts = text.split("/")
    if "\\" in text or not text.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"its Filename {text!r} leaves the mirror")
    return str(PurePosixPath(text))


def _sha256(text: str) -> str:
    if not SHA256.fullmatch(text.lower()):
        raise ValueError(f"its SHA256 {text!r} is not one")
    return text.lower()

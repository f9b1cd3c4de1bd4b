"""Relations between packages, as Depends and its kin write them (Debian Policy, chapter 7)."""

from __future__ import annotations

import logging
import operator
import re
from collections.abc import Callable

from attrs import frozen
from debian.deb822 import PkgRelation

# Version itself is libapt's on a machine that has python3-apt, and Debian's algorithm in
# Python elsewhere: the same one everywhere leaves nothing to chance.
from debian.debian_support import NativeVersion

# What python-debian logs of a malformed relation becomes an error below, said once.
logging.getLogger("debian.deb822").addHandler(logging.NullHandler())

NAME = re.compile(r"[a-z0-9A-Z][a-zA-Z0-9+.\-]*")
# The short forms are obsolete; both mean "or equal" (Policy 7.1).
OPERATORS: dict[str, Callable[[NativeVersion, NativeVersion], bool]] = {
    "<<": operator.lt,
    "<=": operator.le,
    "<": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.ge,
    ">>": operator.gt,
}


@frozen
class Relation:
    """A package name, and the versions of it that will do.

    ``qualifier`` is what stands after the colon (``any``, ``native`` or an architecture), or
    empty; ``comparison`` and ``version`` are empty where every version will do.
    """

    name: str
    qualifier: str = ""
    comparison: str = ""
    version: str = ""

    def admits(self, version: str) -> bool:
        """Tell whether a version is in the relation's range; an empty one only if all are."""
        if not self.comparison:
            return True
        if not version:
            return False
        compare = OPERATORS[self.comparison]
        return compare(NativeVersion(version), NativeVersion(self.version))

    def __str__(self) -> str:
        name = f"{self.name}:{self.qualifier}" if self.qualifier else self.name
        return f"{name} ({self.comparison} {self.version})" if self.comparison else name


@frozen
class Clause:
    """Alternatives, the preferred one first; one of them has to be met."""

    relations: tuple[Relation, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.relations))


def parse_clauses(text: str, architecture: str) -> tuple[Clause, ...]:
    """Parse a relationship field: clauses set apart by commas, alternatives by bars.

    Architecture restrictions in brackets are applied for ``architecture``. Raises ValueError,
    with the part that isn't a relation.
    """
    if not text.strip():
        return ()
    clauses = []
    for alternatives in PkgRelation.parse_relations(text.strip().rstrip(",")):
        kept = [_relation(parsed) for parsed in alternatives if _applies(parsed, architecture)]
        if kept:
            clauses.append(Clause(tuple(kept)))
    return tuple(clauses)


def parse_relations(text: str, architecture: str) -> tuple[Relation, ...]:
    """Parse a relationship field that allows no alternatives, as Conflicts and Provides."""
    clauses = parse_clauses(text, architecture)
    return tuple(relation for clause in clauses for relation in clause.relations)


def _relation(parsed: PkgRelation.ParsedRelation) -> Relation:
    name, qualifier = parsed["name"], parsed["archqual"] or ""
    comparison, version = parsed["version"] or ("", "")
    # python-debian hands back what it can't parse as a name.
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a relation to a package")
    if comparison and comparison not in OPERATORS:
        raise ValueError(f"{comparison!r} does not compare versions")
    if version:
        NativeVersion(version)
    return Relation(name, qualifier, comparison, version)


def _applies(parsed: PkgRelation.ParsedRelation, architecture: str) -> bool:
    restrictions = parsed["arch"]
    if not restrictions:
        return True
    named = any(restriction.arch == architecture for restriction in restrictions)
    return named == restrictions[0].enabled

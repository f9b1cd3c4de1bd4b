"""Say in words why no set of packages satisfies the requirements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lockyard.errors import ResolveError
from lockyard.resolve.debian.index import Index
from lockyard.resolve.debian.relation import Clause, Relation
from lockyard.resolve.debian.solver import Candidate, Key, Requirement, Unsatisfiable

if TYPE_CHECKING:
    from lockyard.resolve.debian.solver import Cause

# Half an index may ask for the C library: the few that rule most out explain the collision.
LINES = 6


def explain(index: Index, found: Unsatisfiable, suite: str) -> ResolveError:
    """Turn what collided into an error that tells who requires what, from the roots on."""
    causes = sorted(found.causes, key=lambda cause: _breadth(cause.requirement))
    lines = dict.fromkeys(_line(index, cause, found.origins) for cause in causes)
    listed = "".join(f"\n  - {line}" for line in [*lines][:LINES])
    return ResolveError(
        f"no packages of {suite} for {index.architecture} satisfy the requirements:{listed}",
        solution="Correct or drop one of these requirements.",
    )


def _breadth(requirement: Requirement) -> tuple[int, str]:
    """Order by how much a requirement leaves open, the conflicts first."""
    return (-1 if requirement.negative else len(requirement.options), str(requirement.clause))


def _line(index: Index, cause: Cause, origins: Mapping[Key, Cause]) -> str:
    requirement, parent = cause
    chain = _chain(parent, origins)
    if not chain:
        line = f"{requirement.label} asks for {requirement.clause}"
    else:
        verb = "conflicts with" if requirement.negative else "requires"
        line = f"{', '.join(chain)} {verb} {requirement.clause}"
    if requirement.options:
        return line
    return f"{line}, but {_absence(index, requirement.clause)}"


def _chain(parent: Candidate | None, origins: Mapping[Key, Cause]) -> list[str]:
    """List who asks, from the root: ``["env asks for a", "which requires b", "which"]``."""
    steps: list[Requirement] = []
    record = None
    while parent is not None:
        record = record or parent.record
        requirement, parent = origins[parent.key]
        # A choice hands its clause on to the package that it settles for.
        if not steps or steps[-1].clause is not requirement.clause:
            steps.append(requirement)
    if record is None or not steps:
        return []
    first, *rest = reversed(steps)
    asked = [f"{first.label} asks for {first.clause}"]
    return [*asked, *(f"which requires {step.clause}" for step in rest), f"and {record}"]


def _absence(index: Index, clause: Clause) -> str:
    return "; ".join(_absent(index, relation) for relation in clause.relations)


def _absent(index: Index, relation: Relation) -> str:
    versions = [str(record) for record in index.meeting(Relation(relation.name))]
    if versions:
        return f"the index has only {', '.join(versions)}"
    near = index.near(relation.name)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    return f"no package is or provides {relation.name}{hint}"

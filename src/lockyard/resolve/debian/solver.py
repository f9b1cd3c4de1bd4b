"""Choose the packages that satisfy a set of requirements together.

The search is resolvelib's; this module gives it Debian's facts. A relation that packages of
several names could meet is a question of its own in the search, a *choice*, whose candidates
are those packages; and a package that a conflict speaks of may be answered by its *absence*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, overload

from attrs import field, frozen
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver
from resolvelib.resolvers import ResolutionTooDeep
from resolvelib.structs import RequirementInformation

from lockyard.errors import ResolveError
from lockyard.resolve.debian.index import Index
from lockyard.resolve.debian.record import Record
from lockyard.resolve.debian.relation import Clause

if TYPE_CHECKING:
    from resolvelib.structs import State

    Cause: TypeAlias = RequirementInformation["Requirement", "Candidate"]

Rank: TypeAlias = tuple[bool, bool]

# A round settles one question; a desktop has some 3,000 packages.
ROUNDS = 50_000
SETTLING = 5


class Key(NamedTuple):
    """A question of the search: which version of a package, or which package for a choice."""

    choice: bool
    text: str


@frozen
class Candidate:
    """An answer to a question; no record means that the package stays out."""

    key: Key
    record: Record | None


@frozen
class Requirement:
    """What a root or a package asks of one question.

    A positive one takes any of ``options``; a negative one, of a conflict, anything but them.
    ``label`` names the root that asks, and is empty where a package does.
    """

    key: Key
    options: tuple[Record, ...]
    clause: Clause
    label: str = field(default="", kw_only=True)
    negative: bool = field(default=False, kw_only=True)

    def takes(self, record: Record | None) -> bool:
        """Tell whether a record, or the absence of one, is an answer."""
        return (record in self.options) is not self.negative


class Unsatisfiable(Exception):  # noqa: N818 (it is a finding, which a ResolveError explains)
    """No solution exists: what collided, and for every question who asked it first."""

    def __init__(self, causes: Sequence[Cause], origins: Mapping[Key, Cause]) -> None:
        super().__init__()
        self.causes = causes
        self.origins = origins


def ask(
    index: Index, clause: Clause, *, label: str = "", asker: Record | None = None
) -> tuple[Requirement, ...]:
    """Turn a clause into what the search has to answer; nothing where its asker meets it.

    A root that names a package means that package, not one that provides the name.
    """
    options = index.options(clause)
    if asker is not None and asker in options:
        return ()
    if label:
        names = {relation.name for relation in clause.relations}
        options = tuple(option for option in options if option.name in names) or options
    names = {option.name for option in options}
    key = Key(False, names.pop()) if len(names) == 1 else Key(True, str(clause))
    return (Requirement(key, options, clause, label=label),)


def solve(
    index: Index, roots: Sequence[Requirement], pinned: Mapping[str, str]
) -> tuple[Record, ...]:
    """Find records that meet the roots and each other's relations, sorted by name.

    ``pinned`` maps names to versions that are preferred wherever they are in the index. Of
    alternatives the first wins that is needed anyhow, then the first that is pinned, then
    the first that can be installed. Recommends are not followed. Whatever comes out, the
    same comes out once it is pinned. Raises Unsatisfiable.
    """
    hopeless = [RequirementInformation(root, None) for root in roots if not root.options]
    if hopeless:  # resolvelib would stop at the first of them
        raise Unsatisfiable(hopeless, {})
    found = _search(index, roots, pinned)
    # A search that had to turn back may hold on to what it needed on the way there only.
    for _ in range(SETTLING):
        again = _search(index, roots, {record.name: record.version for record in found})
        if again == found:
            break
        found = again
    return found


def _search(
    index: Index, roots: Sequence[Requirement], pinned: Mapping[str, str]
) -> tuple[Record, ...]:
    watch = _Watch()
    resolver = Resolver(_Provider(index, pinned, watch), watch)
    try:
        result = resolver.resolve(roots, max_rounds=ROUNDS)
    except ResolutionImpossible as error:
        raise Unsatisfiable(tuple(error.causes), watch.origins) from None
    except ResolutionTooDeep as error:
        raise ResolveError(
            f"no solution was found in {ROUNDS} rounds",
            solution="Ask for fewer packages, or pin some versions.",
        ) from error
    chosen = {c.record for key, c in result.mapping.items() if not key.choice and c.record}
    return tuple(sorted(_reached(index, chosen, roots), key=lambda record: record.name))


def required(index: Index, asker: Record, chosen: Set[Record]) -> set[Record]:
    """Find the chosen records through which a record's relations are met."""
    met = (chosen & set(index.options(clause)) for clause in asker.depends)
    return set().union(*met) - {asker}


def _reached(index: Index, chosen: Set[Record], roots: Sequence[Requirement]) -> set[Record]:
    """Leave out what the search took in for a package that it then changed for another."""
    reached = {record for root in roots for record in chosen & set(root.options)}
    waiting = list(reached)
    while waiting:
        more = required(index, waiting.pop(), chosen) - reached
        reached |= more
        waiting += more
    return reached


class _Watch(BaseReporter[Requirement, Candidate, Key]):
    """Follow the search: what it holds at the moment, and who first asked each question."""

    def __init__(self) -> None:
        self.answers: Mapping[Key, Candidate] = {}
        self.origins: dict[Key, Cause] = {}

    def adding_requirement(self, requirement: Requirement, parent: Candidate | None) -> None:
        self.origins.setdefault(requirement.key, RequirementInformation(requirement, parent))

    def ending_round(self, index: int, state: State[Requirement, Candidate, Key]) -> None:  # noqa: ARG002
        self.answers = state.mapping

    def holds(self, record: Record) -> bool:
        """Tell whether a record is in the set that the search has built so far."""
        answer = self.answers.get(Key(False, record.name))
        return answer is not None and answer.record is record


class _Ranked(Sequence[Candidate]):
    """Candidates, put in order each time that they are asked for.

    resolvelib gathers them when a question comes up, and tries them when it has settled
    others: what it holds by then decides the order.
    """

    def __init__(self, candidates: Sequence[Candidate], rank: Callable[[Candidate], Rank]) -> None:
        self._candidates = candidates
        self._rank = rank

    def __iter__(self) -> Iterator[Candidate]:
        return iter(sorted(self._candidates, key=self._rank))

    def __len__(self) -> int:
        return len(self._candidates)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Candidate]: ...
    def __getitem__(self, index: int | slice) -> Candidate | Sequence[Candidate]:
        return sorted(self._candidates, key=self._rank)[index]


class _Provider(AbstractProvider[Requirement, Candidate, Key]):
    """Debian's facts, as resolvelib asks for them."""

    def __init__(self, index: Index, pinned: Mapping[str, str], watch: _Watch) -> None:
        self._index = index
        self._pinned = pinned
        self._watch = watch
        self._dependencies: dict[Candidate, tuple[Requirement, ...]] = {}

    def identify(self, requirement_or_candidate: Requirement | Candidate) -> Key:
        return requirement_or_candidate.key

    def get_preference(
        self,
        identifier: Key,
        resolutions: Mapping[Key, Candidate],  # noqa: ARG002
        candidates: Mapping[Key, Iterator[Candidate]],  # noqa: ARG002
        information: Mapping[Key, Iterator[Cause]],  # noqa: ARG002
        backtrack_causes: Sequence[Cause],  # noqa: ARG002
    ) -> bool:
        """Leave choices until all is known that is needed whatever they turn out to be."""
        return identifier.choice

    def find_matches(
        self,
        identifier: Key,
        requirements: Mapping[Key, Iterator[Requirement]],
        incompatibilities: Mapping[Key, Iterator[Candidate]],
    ) -> Sequence[Candidate]:
        wanted = list(requirements[identifier])
        failed = set(incompatibilities[identifier])
        positive = [requirement for requirement in wanted if not requirement.negative]
        # With nobody asking for the package, only conflicts speak of it: it stays out.
        options: tuple[Record | None, ...] = positive[0].options if positive else (None,)
        candidates = [
            candidate
            for candidate in (Candidate(identifier, option) for option in options)
            if candidate not in failed
            and all(requirement.takes(candidate.record) for requirement in wanted)
        ]
        return _Ranked(candidates, self._last)

    def _last(self, candidate: Candidate) -> Rank:
        """Sort what is needed anyhow to the front, then what is pinned."""
        record = candidate.record
        if record is None:
            return (False, False)
        return not self._watch.holds(record), self._pinned.get(record.name) != record.version

    def is_satisfied_by(self, requirement: Requirement, candidate: Candidate) -> bool:
        return requirement.takes(candidate.record)

    def get_dependencies(self, candidate: Candidate) -> tuple[Requirement, ...]:
        if candidate not in self._dependencies:
            self._dependencies[candidate] = tuple(self._ask_of(candidate))
        return self._dependencies[candidate]

    def _ask_of(self, candidate: Candidate) -> Iterator[Requirement]:
        record = candidate.record
        if record is None:
            return
        if candidate.key.choice:
            clause = self._watch.origins[candidate.key].requirement.clause
            yield Requirement(Key(False, record.name), (record,), clause)
            return
        for clause in record.depends:
            yield from ask(self._index, clause, asker=record)
        for relation in record.conflicts:
            barred = self._index.meeting(relation)
            for name in sorted({other.name for other in barred} - {record.name}):
                options = tuple(other for other in barred if other.name == name)
                yield Requirement(Key(False, name), options, Clause((relation,)), negative=True)

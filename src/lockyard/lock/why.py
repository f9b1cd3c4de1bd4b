"""Why a lock holds a package: the ways that lead to it from a line of the spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve, frozen

from lockyard.errors import UsageError
from lockyard.lock.check_closure import labels
from lockyard.lock.check_pypi import applies
from lockyard.lock.finding import Kind, Subject, serving
from lockyard.lock.model import Artifact, Target
from lockyard.lock.parent import inherited, parent_label
from lockyard.spec.model import DebianBase, ImageBase
from lockyard.spec.unfit import suggestion


@frozen(kw_only=True)
class Route:
    """A shortest way from who asks for a package to the package.

    ``requirement`` is what ``asker`` says, or empty where no line of the spec says it (Debian's
    essential packages). ``packages`` are ``name version``, from what is asked for by name to
    the package in question. ``targets`` is empty where the way is the same in all.
    """

    kind: Kind
    asker: str
    requirement: str
    packages: tuple[str, ...]
    targets: tuple[str, ...] = ()

    def __str__(self) -> str:
        asked = f'{self.asker} requires "{self.requirement}"' if self.requirement else self.asker
        scope = f" ({', '.join(self.targets)})" if self.targets else ""
        return f"{self.kind}{scope}: {asked}: {' -> '.join(self.packages)}"


def routes(subject: Subject, package: str) -> tuple[Route, ...]:
    """Return a shortest way to a package from each line that leads to it, shortest first.

    Raise UsageError for a package that isn't locked, with the nearest name that is.
    """
    name = _known(subject, package)
    merged: dict[Route, list[str]] = {}
    for target in subject.lock.targets:
        for route in _target_routes(subject, name, target):
            merged.setdefault(route, []).append(target.name)
    everywhere = len(subject.lock.targets)
    return tuple(
        evolve(route, targets=() if len(targets) == everywhere else tuple(sorted(targets)))
        for route, targets in sorted(
            merged.items(),
            key=lambda item: (item[0].kind, len(item[0].packages), item[0].asker, item[0].packages),
        )
    )


def _known(subject: Subject, package: str) -> str:
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    names = {each.name for each in subject.lock.artifacts}
    found = next((each for each in (package, canonicalize_name(package)) if each in names), None)
    if found is None:
        near = suggestion(package, tuple(sorted(names)))
        raise UsageError(
            f"the lock has no package {package!r}",
            where=subject.file,
            # All the names that there are would help nobody.
            solution=near if near.startswith("did") else f"see what it has in {subject.file}",
        )
    return str(found)


def _target_routes(subject: Subject, name: str, target: Target) -> Iterator[Route]:
    lock = subject.lock
    kinds: Mapping[Kind, Sequence[Artifact]] = {
        "conda": lock.conda,
        "debian": lock.debs,
        "pypi": lock.wheels,
    }
    for kind, artifacts in kinds.items():
        held = {each.name: each for each in serving(artifacts, target)}
        if name not in held:
            continue
        said = _requirements(subject, target, kind)
        for chain in _chains(held, name):
            for asker in sorted(labels(subject) & set(held[chain[0]].required_by)):
                if _is_others(subject, asker, [held[each] for each in chain]):
                    continue
                yield Route(
                    kind=kind,
                    asker=asker,
                    requirement=", ".join(said.get((asker, chain[0]), ())),
                    packages=tuple(f"{each} {held[each].version}" for each in chain),
                )


def _is_others(subject: Subject, asker: str, chain: Sequence[Artifact]) -> bool:
    """Tell whether a way is for the env that this one extends to tell.

    It asks for all of its own packages itself, so no way leads from it to one over another.
    """
    if subject.env.parent is None or asker == "env":
        return False
    label = parent_label(subject.env.parent.name)
    return asker != label or any(label in each.required_by for each in chain[1:])


def _chains(held: Mapping[str, Artifact], name: str) -> Iterator[tuple[str, ...]]:
    """Give the shortest chain from each package to the named one, those nearest first."""
    chains: dict[str, tuple[str, ...]] = {name: (name,)}
    waiting = [name]
    for reached in waiting:
        yield chains[reached]
        for asker in held[reached].required_by:
            if asker in held and asker not in chains:
                chains[asker] = (asker, *chains[reached])
                waiting.append(asker)


def _requirements(subject: Subject, target: Target, kind: Kind) -> dict[tuple[str, str], list[str]]:
    """Return the requirements that hold on a target, by who asks and what for."""
    asked = list(subject.asked(target, kind))
    label, base = f"base {subject.env.base}", subject.base
    if kind == "debian" and isinstance(base, DebianBase):
        asked += [(label, text) for text in base.packages]
    if kind == "conda" and isinstance(base, ImageBase):
        asked.append((label, f"python {base.python}.*"))
    held = inherited(subject.parent, target.name) if subject.parent else None
    if subject.parent and held:
        asker = parent_label(subject.parent.env)
        asked += [(asker, text) for text in getattr(held.requirements, kind)]
    said: dict[tuple[str, str], list[str]] = {}
    for asker, text in asked:
        if kind != "pypi":
            said.setdefault((asker, text.partition(" ")[0]), []).append(text)
        elif name := applies(text, subject.pythons.get(target.name)):
            said.setdefault((asker, name), []).append(text)
    return said

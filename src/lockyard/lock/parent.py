"""What an env that extends another takes of the other's lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any, TypeVar

from attrs import evolve, frozen

from lockyard.lock.model import Artifact, BaseImage, CondaPackage, Deb, Lock, Target, Wheel
from lockyard.spec.model import Env, Requirements
from lockyard.spec.names import target_name

A = TypeVar("A", bound=Artifact)
_SPEC = "env"


def parent_label(parent: str) -> str:
    """Return how a lock calls the parent, by its name, as one who asks for packages."""
    return f"parent {parent}"


def other_labels(env: Env) -> dict[str, str]:
    """Return what people call the other envs whose locks are among an env's inputs."""
    found = {"parent": parent_label(env.parent.name)} if env.parent else {}
    return {**found, **({"builder": f"builder {env.builder.name}"} if env.builder else {})}


@frozen(kw_only=True)
class Inherited:
    """What one target of the parent's lock holds, as the derived env's lock has it.

    What the parent's spec asks for, the parent asks for here: ``required_by`` names its label
    in all of the packages, and keeps those packages, the base and the recipe that ask as well.
    """

    target: Target
    image: BaseImage | None
    debs: tuple[Deb, ...]
    conda: tuple[CondaPackage, ...]
    wheels: tuple[Wheel, ...]

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return every package."""
        return (*self.debs, *self.conda, *self.wheels)

    @property
    def requirements(self) -> Requirements:
        """Return what asks for exactly these packages."""
        asked: dict[str, Any] = {
            "debian": tuple(f"{deb.name} (= {deb.version})" for deb in self.debs),
            "conda": tuple(f"{each.name} =={each.version} {each.build}" for each in self.conda),
            "pypi": tuple(f"{wheel.name}=={wheel.version}" for wheel in self.wheels),
        }
        return Requirements(**asked)


def inherited(lock: Lock, target: str) -> Inherited | None:
    """Return what an env that extends a lock's has of it for a target, by the target's name.

    None where the lock has no such target.
    """
    found = next((each for each in lock.targets if each.name == target), None)
    if found is None:
        return None
    images = [each for each in lock.images if each.platform == found.platform]
    return Inherited(
        target=found,
        image=images[0] if images else None,
        debs=tuple(_relabelled(lock.debs, lock.env, target)),
        conda=tuple(_relabelled(lock.conda, lock.env, target)),
        wheels=tuple(_relabelled(lock.wheels, lock.env, target)),
    )


def _relabelled(artifacts: tuple[A, ...], parent: str, target: str) -> Iterator[A]:
    for each in artifacts:
        if each.serves(target):
            others = {by for by in each.required_by if by != _SPEC and not _is_parent(by)}
            asking = tuple(sorted({*others, parent_label(parent)}))
            yield evolve(each, required_by=asking, targets=())


def _is_parent(label: str) -> bool:
    # No package has a space in its name.
    return label.startswith(parent_label(""))


def parent_parts(env: Env, lock: Lock | None) -> Mapping[str, Any]:
    """Return all that matters of a parent's lock to an env that extends it, as JSON has it.

    It is what the env's targets are made of, and not who requires it or where it comes from.
    """
    targets = {target_name(variant, each) for variant in env.variants for each in env.platforms}
    return _parts(env.parent.name if env.parent else "", lock, targets)


def builder_parts(env: Env, lock: Lock | None) -> Mapping[str, Any]:
    """Return the same of the lock of the env that compiles packages for another."""
    targets = {target.name for target in lock.targets} if lock else set()
    return _parts(env.builder.name if env.builder else "", lock, targets)


def _parts(name: str, lock: Lock | None, targets: Set[str]) -> Mapping[str, Any]:
    parts: dict[str, Any] = {"name": name}
    for target in sorted(targets):
        held = inherited(lock, target) if lock else None
        if held is not None:
            parts[target] = [
                [held.target.base, held.target.python, held.target.glibc],
                held.image.manifest if held.image else "",
                sorted([each.file, each.sha256] for each in held.artifacts),
            ]
    return parts

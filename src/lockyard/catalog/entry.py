"""What the catalogue says of one image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen
from packaging.requirements import Requirement

from lockyard.azureml.framework import framework_of
from lockyard.azureml.record import Version
from lockyard.lock.finding import serving
from lockyard.lock.model import Lock, Target
from lockyard.spec.model import Env, Recipe, Requirements, Workspace
from lockyard.spec.names import names, normalised

# What users know by another name than its package's.
_KNOWN_AS = {"cudatoolkit": "CUDA", "cudnn": "cuDNN"}


@frozen(kw_only=True)
class Package:
    """A package of an image, and the ecosystem that it is of; none of the fields is empty."""

    ecosystem: str
    name: str
    version: str


@frozen(kw_only=True)
class Entry:
    """One image: a variant of an env.

    ``framework`` is empty where there is none. ``packages`` are those that the spec itself
    asks for, as NAME==VERSION in its order; ``contents`` are all, by platform. ``digest``,
    ``tag`` and ``created`` are empty, and ``size`` is 0, while the image of the lock isn't
    built; ``size`` is in bytes, of all platforms.
    """

    env: str
    base: str
    python: str
    framework: str
    variant: str
    packages: tuple[str, ...]
    image: str
    environment: str
    version: int
    digest: str
    tag: str
    size: int
    created: str
    contents: Mapping[str, tuple[Package, ...]]

    @property
    def count(self) -> int:
        """Return the number of packages, each once whatever the platforms."""
        each = {(held.ecosystem, held.name) for own in self.contents.values() for held in own}
        return len(each)


def entries(
    workspace: Workspace, env: Env, recipe: Recipe, lock: Lock, version: Version
) -> tuple[Entry, ...]:
    """Return an env's entries, one for each variant in their order."""
    return tuple(
        _entry(workspace, env, recipe, lock, version, str(variant))
        for variant in sorted(env.variants)
    )


def _entry(
    workspace: Workspace, env: Env, recipe: Recipe, lock: Lock, version: Version, variant: str
) -> Entry:
    called = names(workspace, env, recipe, variant)
    targets = sorted(
        (target for target in lock.targets if target.variant == variant),
        key=lambda target: target.platform,
    )
    framework, image = framework_of(env), version.of(variant)
    return Entry(
        env=env.name,
        base=env.base,
        python=workspace.bases[env.base].python,
        framework=str(framework) if framework else "",
        variant=variant,
        packages=tuple(_asked(env, lock, targets[0])),
        image=called.repository,
        environment=called.environment,
        version=version.number,
        digest=image.digest if image else "",
        tag=image.tag if image else "",
        size=image.size if image else 0,
        created=image.created if image else "",
        contents={target.platform: tuple(_contents(lock, target)) for target in targets},
    )


def _asked(env: Env, lock: Lock, target: Target) -> Iterator[str]:
    """Give what the spec asks for, and what it extends before that, with locked versions."""
    if env.parent is not None:
        yield from _asked(env.parent, lock, target)
    variants = {str(name): added for name, added in env.variants.items()}
    wheels = {each.name: each.version for each in serving(lock.wheels, target)}
    conda = {each.name: each.version for each in serving(lock.conda, target)}
    debs = {each.name: each.version for each in serving(lock.debs, target)}
    for asked in (env.requirements, variants.get(target.variant, Requirements())):
        named = [
            *((wheels, normalised(Requirement(text).name)) for text in asked.pypi),
            *((conda, text.split()[0].lower()) for text in asked.conda),
            *((debs, text.split()[0]) for text in asked.debian),
        ]
        for held, name in named:
            # A requirement of another Python or platform is locked nowhere.
            if name in held:
                yield f"{_KNOWN_AS.get(name, name)}=={held[name]}"


def _contents(lock: Lock, target: Target) -> Iterator[Package]:
    for ecosystem, held in (("debian", lock.debs), ("conda", lock.conda), ("pypi", lock.wheels)):
        for each in sorted(serving(held, target), key=lambda each: each.name):
            yield Package(ecosystem=ecosystem, name=each.name, version=each.version)

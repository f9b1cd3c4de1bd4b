"""Resolve an env: every target's base and wheels, put together to one lock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve
from packaging.utils import canonicalize_name

from lockyard.errors import LockyardError, ResolveError, SpecError
from lockyard.lock.inputs import inputs
from lockyard.lock.merge import merge_targets
from lockyard.lock.model import BaseImage, CondaPackage, Deb, Lock, Target, Wheel
from lockyard.lock.parent import Inherited, parent_label
from lockyard.resolve.base import Asked, BaseResolver, ResolvedBase
from lockyard.resolve.debian.base import DebianBaseResolver
from lockyard.resolve.image.base import ImageBaseResolver
from lockyard.resolve.moves import Moves
from lockyard.resolve.pypi.resolver import Requirement, resolve_pypi
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.resolve.request import Pins, World
from lockyard.resolve.scoped import Scoped
from lockyard.resolve.threads import side_by_side
from lockyard.sources.pypi import certificate, index_access
from lockyard.spec.builder import builder_names
from lockyard.spec.model import (
    CondaSource,
    DebianBase,
    DebianSource,
    Env,
    ImageBase,
    PypiSource,
    Recipe,
    RegistrySource,
    Requirements,
    Workspace,
)
from lockyard.spec.names import target_name
from lockyard.spec.platform import MACHINES


def resolve_env(
    workspace: Workspace,
    env: Env,
    recipe: Recipe,
    old: Lock | None,
    world: World,
    moves: Moves | None = None,
    parent: Lock | None = None,
    builder: Lock | None = None,
) -> Lock:
    """Resolve all targets of an env. What ``old`` pins stays wherever it still fits.

    Where the env extends another, ``parent`` is the lock of that: all that it has for these
    targets is asked for as it is, and taken as it is where nothing is added to it. ``builder`` is
    that of the env that compiles for it, if one does.

    Raise ResolveError where requirements conflict, FetchError where a source can't be
    reached, IntegrityError where it can't be trusted.
    """
    pins = Pins(old=old, moves=moves or Moves(), parent=parent, as_of=env.as_of)
    asked = [
        Asked(
            variant=variant,
            platform=platform,
            name=(name := target_name(variant, platform)),
            by=_asked(env, recipe, added, pins.inherited(name)),
        )
        for variant, added in sorted(env.variants.items())
        for platform in sorted(set(env.platforms))
    ]
    reporters = {each.name: Scoped(world.reporter, f"{env.name} {each.name}") for each in asked}

    def resolve(each: Asked) -> tuple[ResolvedBase, tuple[Wheel, ...]]:
        with world.slots:
            own = evolve(world, reporter=reporters[each.name])
            return _resolve_target(workspace, env, each, pins, own)

    try:
        resolved = side_by_side(resolve, asked, world.jobs)
    finally:
        for reporter in reporters.values():
            reporter.tell()
    debs: dict[str, tuple[Deb, ...]] = {}
    conda: dict[str, tuple[CondaPackage, ...]] = {}
    wheels: dict[str, tuple[Wheel, ...]] = {}
    images: dict[str, BaseImage] = {}
    for base, own in resolved:
        name = base.target.name
        debs[name], conda[name], wheels[name] = base.debs, base.conda, own
        if base.image is not None:
            # One for all variants: the registry might name another at the next question.
            images.setdefault(base.target.platform, base.image)
    return Lock(
        env=env.name,
        inputs=inputs(workspace, env, recipe, parent, builder),
        targets=tuple(base.target for base, _ in resolved),
        images=tuple(images[platform] for platform in sorted(images)),
        debs=merge_targets(debs),
        conda=merge_targets(conda),
        wheels=merge_targets(wheels),
    )


def _resolve_target(
    workspace: Workspace, env: Env, asked: Asked, pins: Pins, world: World
) -> tuple[ResolvedBase, tuple[Wheel, ...]]:
    held, own = pins.inherited(asked.name), asked.by["env"]
    try:
        if held and not (own.debian or own.conda):
            base = _base_of(held)
        else:
            base = _base_resolver(workspace, env, pins, world).resolve(asked)
        if held and not own.pypi:
            wheels = held.wheels
        else:
            wheels = _resolve_wheels(workspace, env, base.target, asked.by, pins, world)
        _one_side(base.conda, wheels)
    except LockyardError as error:
        _place(error, env, f"{env.name} ({asked.variant}, {asked.platform})")
        raise
    return base, wheels


def _base_resolver(workspace: Workspace, env: Env, pins: Pins, world: World) -> BaseResolver:
    """Return who resolves the env's kind of base; the reader has seen to its sources' kinds."""
    base, sources = workspace.bases[env.base], workspace.sources
    match base, sources[base.source]:
        case DebianBase(), DebianSource() as source:
            return DebianBaseResolver(
                name=env.base, base=base, source=source, pins=pins, world=world
            )
        case ImageBase(), RegistrySource() as registry:
            channel = sources[base.conda]
            assert isinstance(channel, CondaSource)  # noqa: S101
            return ImageBaseResolver(
                name=env.base,
                base=base,
                registry=registry,
                channel=channel,
                pins=pins,
                world=world,
            )
    raise AssertionError(env.base)


def _base_of(held: Inherited) -> ResolvedBase:
    return ResolvedBase(target=held.target, debs=held.debs, conda=held.conda, image=held.image)


def _place(error: LockyardError, env: Env, where: str) -> None:
    """Let an error say in which target it was met, and what a parent has to do with it."""
    error.where = f"{where}: {error.where}" if error.where else where
    name = env.parent.name if env.parent else ""
    if name and isinstance(error, ResolveError) and parent_label(name) in error.reason:
        advice = f"what {name} has moves in its own lock alone"
        error.solution = f"{error.solution.rstrip('.')}; {advice} (invoke lock {name})"


def _asked(
    env: Env, recipe: Recipe, added: Requirements, held: Inherited | None
) -> dict[str, Requirements]:
    """Return who asks for what, beside the base, by the label that the lock gives them."""
    own = Requirements(
        pypi=env.requirements.pypi + added.pypi,
        conda=env.requirements.conda + added.conda,
        debian=env.requirements.debian + added.debian,
    )
    asked = {"env": own, f"recipe {recipe.name}": recipe.requirements}
    if env.parent is not None and held is not None:
        asked[parent_label(env.parent.name)] = held.requirements
    return asked


def _resolve_wheels(
    workspace: Workspace,
    env: Env,
    target: Target,
    asked: Mapping[str, Requirements],
    pins: Pins,
    world: World,
) -> tuple[Wheel, ...]:
    base = workspace.bases[env.base]
    source = workspace.sources[base.pypi]
    assert isinstance(source, PypiSource)  # noqa: S101 - the reader has seen to it
    cutoff = pins.cutoff(base.pypi)
    known = {
        wheel.name: wheel.version
        for wheel in pins.wheels(target.name)
        # What is younger can't stay, and a solver that must learn it by trying takes for ever.
        if cutoff is None or not wheel.uploaded or datetime.fromisoformat(wheel.uploaded) < cutoff
    }
    return resolve_pypi(
        requirements=[
            Requirement(text, label) for label, each in asked.items() for text in each.pypi
        ],
        target=PythonTarget(
            python=target.python,
            glibc=target.glibc,
            machine=MACHINES[target.platform],
        ),
        pinned=known,
        # A keyring may ask its user: once is enough.
        index=world.once.get(
            ("index", source.index), lambda: index_access(source.index, world.environ)
        ),
        source=base.pypi,
        cache=world.cache / "pypi",
        cert=certificate(world.environ),
        cutoff=cutoff,
        upgrade=pins.moves.of(known),
        sdists={
            name: {str(variable): value for variable, value in rule.environment.items()}
            for name, rule in env.sdists.items()
        },
        builders=builder_names(env),
        build_tools=workspace.build_tools,
        reporter=world.reporter,
        shared=world.shared,
    )


def _one_side(conda: tuple[CondaPackage, ...], wheels: tuple[Wheel, ...]) -> None:
    """Raise SpecError where a package comes from conda and from PyPI: one would overwrite."""
    both = sorted(
        {str(canonicalize_name(each.name)) for each in conda} & {each.name for each in wheels}
    )
    if both:
        raise SpecError(
            f"{', '.join(both)} would come from conda and from PyPI",
            where="requirements",
            solution="ask for it on one side only",
        )

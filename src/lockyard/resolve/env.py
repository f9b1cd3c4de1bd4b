"""Resolve an env: every target's base and wheels, put together to one lock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from attrs import frozen

from lockyard.errors import LockyardError, SpecError
from lockyard.events import Reporter
from lockyard.lock.inputs import inputs
from lockyard.lock.merge import merge_targets
from lockyard.lock.model import Deb, Lock, Target, Wheel
from lockyard.resolve.debian.resolver import resolve_debian, upstream_version
from lockyard.resolve.pypi.resolver import Requirement, resolve_pypi
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.sources.debian import mirror_url
from lockyard.sources.http import session
from lockyard.sources.pypi import certificate, index_url
from lockyard.spec.model import Base, DebianSource, Env, PypiSource, Recipe, Requirements, Workspace
from lockyard.spec.names import target_name

# What each ecosystem calls a processor.
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@frozen(kw_only=True)
class World:
    """What resolving takes from outside: a cache, the environment, the time, progress."""

    cache: Path
    environ: Mapping[str, str]
    now: datetime
    reporter: Reporter


def resolve_env(
    workspace: Workspace, env: Env, recipe: Recipe, old: Lock | None, world: World
) -> Lock:
    """Resolve all targets of an env. What ``old`` pins stays wherever it still fits.

    Raise ResolveError where requirements conflict, FetchError where a source can't be
    reached, IntegrityError where it can't be trusted.
    """
    base = workspace.bases[env.base]
    debs: dict[str, tuple[Deb, ...]] = {}
    wheels: dict[str, tuple[Wheel, ...]] = {}
    targets = []
    for variant, added in sorted(env.variants.items()):
        for platform in sorted(set(env.platforms)):
            name = target_name(variant, platform)
            asked = _asked(env, recipe, added)
            try:
                debs[name] = _resolve_base(workspace, env, platform, asked, old, world)
                target = _target(name, variant, platform, env.base, base, debs[name])
                wheels[name] = _resolve_wheels(workspace, base, target, asked, old, world)
            except LockyardError as error:
                error.where = f"{env.name} ({variant}, {platform})" + (
                    f": {error.where}" if error.where else ""
                )
                raise
            targets.append(target)
    return Lock(
        env=env.name,
        inputs=inputs(workspace, env, recipe),
        targets=tuple(targets),
        debs=merge_targets(debs),
        wheels=merge_targets(wheels),
    )


def _asked(env: Env, recipe: Recipe, added: Requirements) -> dict[str, Requirements]:
    """Return who asks for what, beside the base, by the label that the lock gives them."""
    own = Requirements(
        pypi=env.requirements.pypi + added.pypi, debian=env.requirements.debian + added.debian
    )
    return {"env": own, f"recipe {recipe.name}": recipe.requirements}


def _resolve_base(
    workspace: Workspace,
    env: Env,
    platform: str,
    asked: Mapping[str, Requirements],
    old: Lock | None,
    world: World,
) -> tuple[Deb, ...]:
    base = workspace.bases[env.base]
    source = workspace.sources[base.source]
    assert isinstance(source, DebianSource)  # noqa: S101 - the reader has seen to it
    architecture = platform.partition("/")[2]
    roots: dict[str, tuple[str, ...]] = {f"base {env.base}": base.packages}
    roots |= {label: each.debian for label, each in asked.items() if each.debian}
    return resolve_debian(
        session=session(certificate(world.environ)),
        mirror=mirror_url(source.mirror, world.environ),
        source=base.source,
        suite=base.suite,
        components=base.components,
        architecture=architecture,
        keys=source.keys,
        roots=roots,
        pinned={
            deb.name: deb.version
            for deb in (old.debs if old else ())
            if deb.architecture in {architecture, "all"}
        },
        cache=world.cache / "debian",
        now=world.now,
        reporter=world.reporter,
    ).debs


def _target(
    name: str, variant: str, platform: str, base_name: str, base: Base, debs: tuple[Deb, ...]
) -> Target:
    """Describe a target by what its base turned out to hold."""
    by_name = {deb.name: deb for deb in debs}
    interpreter = f"python{base.python}"
    for needed in (interpreter, "libc6"):
        if needed not in by_name:
            raise SpecError(
                f"the base has no package {needed}",
                where=f"WORKSPACE.toml: bases.{base_name}.packages",
                solution=f'add "{needed}", or correct the base\'s python',
            )
    return Target(
        name=name,
        variant=variant,
        platform=platform,
        base=base_name,
        python=upstream_version(by_name[interpreter]),
        glibc=upstream_version(by_name["libc6"]),
    )


def _resolve_wheels(
    workspace: Workspace,
    base: Base,
    target: Target,
    asked: Mapping[str, Requirements],
    old: Lock | None,
    world: World,
) -> tuple[Wheel, ...]:
    source = workspace.sources[base.pypi]
    assert isinstance(source, PypiSource)  # noqa: S101 - the reader has seen to it
    return resolve_pypi(
        requirements=[
            Requirement(text, label) for label, each in asked.items() for text in each.pypi
        ],
        target=PythonTarget(
            python=target.python,
            glibc=target.glibc,
            machine=_MACHINES[target.platform.partition("/")[2]],
        ),
        pinned={wheel.name: wheel.version for wheel in _serving(old, target)},
        index=index_url(source.index, world.environ),
        source=base.pypi,
        cache=world.cache / "pypi",
        cert=certificate(world.environ),
        reporter=world.reporter,
    )


def _serving(old: Lock | None, target: Target) -> list[Wheel]:
    wheels = old.wheels if old else ()
    return [wheel for wheel in wheels if not wheel.targets or target.name in wheel.targets]

"""Plan an env's images from its lock, if the lock still fits."""

from __future__ import annotations

from lockyard.errors import LockError, UnsupportedError
from lockyard.lock.check import check_coherence
from lockyard.lock.file import lock_path, read_lock
from lockyard.lock.inputs import changed_inputs, inputs
from lockyard.lock.model import Lock
from lockyard.plan.image import ImagePlan, plan_image
from lockyard.spec.model import Env, ImageBase
from lockyard.spec.names import target_name
from lockyard.spec.reader import Fleet
from lockyard.tasks.check import python_facts


def plan_env(fleet: Fleet, name: str) -> list[ImagePlan]:
    """Return the plans of all targets of an env.

    Raise LockError if it has no lock, or one that was made from another spec, and
    UnsupportedError for what is locked but can't be built.
    """
    env = fleet.env(name)
    recipe = fleet.recipe(env.recipe)
    lock = fresh_lock(fleet, env)
    if isinstance(fleet.workspace.bases[env.base], ImageBase):
        raise UnsupportedError(
            "its base is a registry's image, which can be locked but not built yet",
            where=f"envs/{name}.toml: base",
            solution="build an env on a base of Debian packages",
        )
    built = sorted({wheel.name for wheel in lock.wheels if wheel.sdist})
    if built:
        raise UnsupportedError(
            f"{', '.join(built)} comes from source, which can be locked but not built yet",
            where=lock_path(name),
            solution="require a version that has a wheel",
        )
    return [plan_image(fleet.workspace, env, recipe, lock, target) for target in lock.targets]


def fresh_lock(fleet: Fleet, env: Env) -> Lock:
    """Return an env's lock. Raise LockError if there is none that fits and holds together."""
    lock = read_lock(fleet.root, env.name)
    mend = f"run: invoke lock {env.name}"
    if lock is None:
        raise LockError("there is no lock yet", where=lock_path(env.name), solution=mend)
    recipe = fleet.recipe(env.recipe)
    now = inputs(fleet.workspace, env, recipe)
    changed = changed_inputs(lock, now)
    if changed:
        what = {"base": f"base {env.base}", "recipe": f"recipe {env.recipe}", "env": "env"}
        raise LockError(
            f"the {' and the '.join(what.get(each, each) for each in changed)} changed "
            "since it was made",
            where=lock_path(env.name),
            solution=mend,
        )
    if _targets(env) != {(target.name, target.base) for target in lock.targets}:
        # Not by this program: the digests would have changed with the spec.
        raise LockError(
            "its targets aren't those of its env", where=lock_path(env.name), solution=mend
        )
    for fault in check_coherence(lock, fleet.workspace, env, recipe, python_facts):
        # By hand, or merged from two locks that each held together.
        where = f"{fault.lock}: {fault.package}" if fault.package else fault.lock
        raise LockError(fault.reason, where=where, solution=fault.solution)
    return lock


def _targets(env: Env) -> set[tuple[str, str]]:
    return {
        (target_name(variant, platform), str(env.base))
        for variant in env.variants
        for platform in env.platforms
    }

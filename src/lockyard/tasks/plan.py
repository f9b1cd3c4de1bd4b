"""Plan an env's images from its lock, if the lock still fits."""

from __future__ import annotations

from lockyard.errors import LockError
from lockyard.lock.file import lock_path, read_lock
from lockyard.lock.inputs import changed_inputs, inputs
from lockyard.lock.model import Lock, Target
from lockyard.lock.parent import other_labels
from lockyard.plan.image import ImagePlan, plan_image
from lockyard.spec.builder import builder_variant
from lockyard.spec.model import Env
from lockyard.spec.names import target_name
from lockyard.spec.reader import Fleet
from lockyard.tasks.parents import builder_lock, parent_lock


def plan_env(fleet: Fleet, name: str) -> list[ImagePlan]:
    """Return the plans of all targets of an env.

    Raise LockError if it has no lock, or one that was made from another spec; and so for the
    env that it extends, if it does.
    """
    return _plans(fleet, fleet.env(name))


def _plans(fleet: Fleet, env: Env) -> list[ImagePlan]:
    recipe = fleet.recipe(env.recipe)
    below, builders = (
        {plan.target.name: plan for plan in _plans(fleet, other)} if other else {}
        for other in (env.parent, env.builder)
    )
    lock = fresh_lock(fleet, env)
    return [
        plan_image(
            fleet.workspace,
            env,
            recipe,
            lock,
            target,
            below.get(target.name),
            builders.get(_builder_target(env, target)),
        )
        for target in lock.targets
    ]


def _builder_target(env: Env, target: Target) -> str:
    """Return the name of the builder's target that compiles for one of an env."""
    if env.builder is None:
        return ""
    return target_name(builder_variant(env.builder, target.variant), target.platform)


def fresh_lock(fleet: Fleet, env: Env) -> Lock:
    """Return an env's lock.

    Raise LockError if there is none that fits, or none for the env that it extends or the one
    that compiles for it.
    """
    lock = read_lock(fleet.root, env.name)
    parent = fresh_lock(fleet, env.parent) if env.parent else None
    builder = fresh_lock(fleet, env.builder) if env.builder else None
    mend = f"run: invoke lock {env.name}"
    if lock is None:
        raise LockError("there is no lock yet", where=lock_path(env.name), solution=mend)
    now = inputs(fleet.workspace, env, fleet.recipe(env.recipe), parent, builder)
    changed = changed_inputs(lock, now)
    if changed:
        what = {"base": f"base {env.base}", "recipe": f"recipe {env.recipe}", "env": "env"}
        what |= other_labels(env)
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
    return lock


def check_coherent(fleet: Fleet, name: str) -> None:
    """Raise LockError where an env's lock has parts that don't work together.

    It was made by hand then, or merged from two locks each of which held together. Only what
    is built must be looked at: it takes longer than all else that finds nothing to do.
    """
    from lockyard.lock.check import check_coherence  # noqa: PLC0415
    from lockyard.tasks.check import python_facts  # noqa: PLC0415

    env = fleet.env(name)
    lock = fresh_lock(fleet, env)
    recipe = fleet.recipe(env.recipe)
    parent, builder = parent_lock(fleet, env), builder_lock(fleet, env)
    for fault in check_coherence(lock, fleet.workspace, env, recipe, python_facts, parent, builder):
        where = f"{fault.lock}: {fault.package}" if fault.package else fault.lock
        raise LockError(fault.reason, where=where, solution=fault.solution)


def _targets(env: Env) -> set[tuple[str, str]]:
    return {
        (target_name(variant, platform), str(env.base))
        for variant in env.variants
        for platform in env.platforms
    }

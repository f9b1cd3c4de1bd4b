"""What the fleet is: every image with its names and its state."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import frozen

from lockyard.assemble.layout import read_ledger
from lockyard.lock.file import read_lock
from lockyard.lock.inputs import changed_inputs, inputs
from lockyard.spec.model import Env
from lockyard.spec.names import names
from lockyard.spec.reader import Fleet
from lockyard.tasks.parents import builder_lock, parent_lock


@frozen(kw_only=True)
class Listed:
    """One image of an env; ``digest`` is that of the newest build, or empty."""

    env: str
    title: str
    variant: str
    platforms: tuple[str, ...]
    image: str
    repository: str
    environment: str
    lock: Literal["fresh", "stale", "missing"]
    digest: str


def list_env(fleet: Fleet, name: str, output: Path) -> list[Listed]:
    """Return an env's images, one for each variant."""
    env = fleet.env(name)
    recipe = fleet.recipe(env.recipe)
    state = _lock_state(fleet, env)
    rows = []
    for variant in sorted(env.variants):
        called = names(fleet.workspace, env, recipe, variant)
        ledger = read_ledger(fleet.root / output / called.image) or {}
        rows.append(
            Listed(
                env=name,
                title=env.title,
                variant=variant,
                platforms=env.platforms,
                image=called.image,
                repository=called.repository,
                environment=called.environment,
                lock=state,
                digest=", ".join(sorted(ledger.get("images", {}).values())),
            )
        )
    return rows


def _lock_state(fleet: Fleet, env: Env) -> Literal["fresh", "stale", "missing"]:
    lock = read_lock(fleet.root, env.name)
    if lock is None:
        return "missing"
    others = (each for each in (env.parent, env.builder) if each is not None)
    if any(_lock_state(fleet, each) != "fresh" for each in others):
        return "stale"
    parent, builder = parent_lock(fleet, env), builder_lock(fleet, env)
    now = inputs(fleet.workspace, env, fleet.recipe(env.recipe), parent, builder)
    return "stale" if changed_inputs(lock, now) else "fresh"

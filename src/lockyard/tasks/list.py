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
from lockyard.tasks.origin import Origins
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


def list_env(fleet: Fleet, name: str, output: Path, origins: Origins | None = None) -> list[Listed]:
    """Return an env's images, one for each variant.

    ``origins`` are the fleet's, where several envs are listed: they read what they share once.
    """
    env = fleet.env(name)
    recipe = fleet.recipe(env.recipe)
    held = {
        variant: names(fleet.workspace, env, recipe, variant) for variant in sorted(env.variants)
    }
    ledgers = [read_ledger(fleet.root / output / called.image) or {} for called in held.values()]
    origin = (origins or Origins(fleet)).of(env)
    # What was built from these very files has a lock that fits.
    built = any(origin and ledger.get("origin") == origin for ledger in ledgers)
    state = "fresh" if built else _lock_state(fleet, env)
    return [
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
        for (variant, called), ledger in zip(held.items(), ledgers, strict=True)
    ]


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

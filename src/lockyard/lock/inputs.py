"""What a lock was resolved from, as digests, to tell whether it still fits its spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from attrs import asdict

from lockyard.lock.model import Lock
from lockyard.spec.model import DebianSource, Env, PypiSource, Recipe, Requirements, Workspace


def inputs(workspace: Workspace, env: Env, recipe: Recipe) -> dict[str, str]:
    """Return the digest of each thing that decides a lock: the env, its recipe, its base.

    Order, repetition, comments, titles and mirrors decide nothing, so they don't count.
    """
    base = workspace.bases[env.base]
    debian, pypi = workspace.sources[base.source], workspace.sources[base.pypi]
    return {
        "base": _digest(
            {
                "name": env.base,
                "source": base.source,
                "suite": base.suite,
                "components": sorted(set(base.components)),
                "packages": sorted(set(base.packages)),
                "python": base.python,
                "pypi": base.pypi,
                "keys": sorted(set(debian.keys)) if isinstance(debian, DebianSource) else [],
                "kinds": [debian.kind, pypi.kind if isinstance(pypi, PypiSource) else ""],
            }
        ),
        "env": _digest(
            {
                "requirements": _requirements(env.requirements),
                "variants": {name: _requirements(added) for name, added in env.variants.items()},
                "platforms": sorted(set(env.platforms)),
            }
        ),
        "recipe": _digest(
            {"name": recipe.name, "requirements": _requirements(recipe.requirements)}
        ),
    }


def changed_inputs(lock: Lock, now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what has changed since the lock was made, sorted."""
    names = lock.inputs.keys() | now.keys()
    return tuple(sorted(name for name in names if lock.inputs.get(name) != now.get(name)))


def _requirements(requirements: Requirements) -> dict[str, list[str]]:
    return {kind: sorted(set(texts)) for kind, texts in asdict(requirements).items()}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

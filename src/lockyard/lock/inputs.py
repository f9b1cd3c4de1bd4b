"""What a lock was resolved from, as digests, to tell whether it still fits its spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from attrs import asdict

from lockyard.lock.model import Lock
from lockyard.lock.parent import builder_parts, parent_parts
from lockyard.spec.builder import builder_names
from lockyard.spec.model import (
    CondaSource,
    DebianBase,
    DebianSource,
    Env,
    ImageBase,
    Recipe,
    RegistrySource,
    Requirements,
    Workspace,
)


def inputs(
    workspace: Workspace,
    env: Env,
    recipe: Recipe,
    parent: Lock | None = None,
    builder: Lock | None = None,
) -> dict[str, str]:
    """Return the digest of each thing that decides a lock: the env, its recipe, its base.

    Where the env extends another, ``parent`` is the lock of that, which decides as well; and
    so is ``builder`` where another env compiles for it.

    Order, repetition, comments, titles and mirrors decide nothing, so they don't count; nor
    does what is left at its default, so that a key that is new to the format makes no lock
    stale.
    """
    base = workspace.bases[env.base]
    described = (
        _debian_base(workspace, base)
        if isinstance(base, DebianBase)
        else _image_base(workspace, base)
    )
    asked = {
        "requirements": _requirements(env.requirements),
        "variants": {name: _requirements(added) for name, added in env.variants.items()},
        "platforms": sorted(set(env.platforms)),
        "as-of": dict(env.as_of),
        "sdists": {name: dict(rule.environment) for name, rule in env.sdists.items()},
        "builders": builder_names(env),
        "build-tools": sorted(workspace.build_tools) if env.sdists else [],
    }
    optional = {"as-of", "sdists", "builders", "build-tools"}
    extended = {"parent": _digest(parent_parts(env, parent))} if env.parent else {}
    compiled = {"builder": _digest(builder_parts(env, builder))} if env.builder else {}
    return {
        **extended,
        **compiled,
        "base": _digest({"name": env.base, **described}),
        "env": _digest({key: held for key, held in asked.items() if held or key not in optional}),
        "recipe": _digest(
            {"name": recipe.name, "requirements": _requirements(recipe.requirements)}
        ),
    }


def changed_inputs(lock: Lock, now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what has changed since the lock was made, sorted."""
    names = lock.inputs.keys() | now.keys()
    return tuple(sorted(name for name in names if lock.inputs.get(name) != now.get(name)))


def _debian_base(workspace: Workspace, base: DebianBase) -> dict[str, Any]:
    debian, pypi = workspace.sources[base.source], workspace.sources[base.pypi]
    return {
        "source": base.source,
        "suite": base.suite,
        "components": sorted(set(base.components)),
        "packages": sorted(set(base.packages)),
        "python": base.python,
        "pypi": base.pypi,
        "keys": sorted(set(debian.keys)) if isinstance(debian, DebianSource) else [],
        "kinds": [debian.kind, pypi.kind],
    }


def _image_base(workspace: Workspace, base: ImageBase) -> dict[str, Any]:
    registry, conda = workspace.sources[base.source], workspace.sources[base.conda]
    return {
        "source": base.source,
        "registry": registry.registry if isinstance(registry, RegistrySource) else "",
        "image": base.image,
        "tag": base.tag,
        "index": base.index or "",
        "manifests": dict(base.manifests),
        "glibc": base.glibc,
        "python": base.python,
        "conda": base.conda,
        "channel": conda.channel if isinstance(conda, CondaSource) else "",
        "pypi": base.pypi,
        "kinds": [registry.kind, conda.kind, workspace.sources[base.pypi].kind],
    }


def _requirements(requirements: Requirements) -> dict[str, list[str]]:
    held = {kind: sorted(set(texts)) for kind, texts in asdict(requirements).items()}
    if not held["conda"]:
        del held["conda"]
    return held


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

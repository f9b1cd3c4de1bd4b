"""Plan an image: its layers in order, and what its config says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from lockyard import ASSEMBLY_VERSION
from lockyard.lock.model import Artifact, Lock, Target, Wheel
from lockyard.plan.cuda import cuda_environment, cuda_labels
from lockyard.plan.layer import (
    ACCOUNT_PACKAGES,
    DebianLayer,
    Layer,
    RecipeLayer,
    WheelLayer,
    digest_of,
    layer_key,
)
from lockyard.plan.venv import Venv
from lockyard.spec.model import Base, Env, Recipe, Workspace
from lockyard.spec.names import Names, names

# A wheel of at least so many bytes is a layer of its own; the others share a fixed number of
# layers by a hash of their names, so that a bump of one changes one layer.
_BIG = 8 << 20
_SHARED = 8
_MOST_BIG = 80


@frozen(kw_only=True)
class ImagePlan:
    """Everything that decides an image's bytes.

    ``layers`` stand base first. ``config`` is the OCI config's ``config`` object, ``created``
    when the newest of its packages was published (RFC 3339).
    """

    env: str
    names: Names
    target: Target
    layers: tuple[Layer, ...]
    config: Mapping[str, Any]
    created: str

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what the image is made of, each once."""
        found = {each.sha256: each for layer in self.layers for each in layer.artifacts}
        return tuple(found.values())

    @property
    def key(self) -> str:
        """Return the sha256 of all that decides the image's bytes."""
        return digest_of(
            {
                "assembly": ASSEMBLY_VERSION,
                "layers": [layer_key(layer) for layer in self.layers],
                "titles": [layer.title for layer in self.layers],
                "repository": self.names.repository,
                "platform": self.target.platform,
                "config": self.config,
                "created": self.created,
            }
        )


def plan_image(
    workspace: Workspace, env: Env, recipe: Recipe, lock: Lock, target: Target
) -> ImagePlan:
    """Plan the image of one target of a lock."""
    base = workspace.bases[env.base]
    venv = Venv(prefix=base.prefix, interpreter=base.interpreter, python=target.python)
    debs = tuple(deb for deb in lock.debs if deb.serves(target.name))
    wheels = [wheel for wheel in lock.wheels if wheel.serves(target.name)]
    return ImagePlan(
        env=env.name,
        names=names(workspace, env, recipe, target.variant),
        target=target,
        layers=(
            DebianLayer(debs=debs),
            *wheel_layers(wheels, venv),
            RecipeLayer(
                recipe=recipe,
                venv=venv,
                account_debs=tuple(deb for deb in debs if deb.name in ACCOUNT_PACKAGES),
            ),
        ),
        config=_config(env, recipe, base, target.variant, venv),
        created=max((wheel.uploaded for wheel in wheels if wheel.uploaded), default=_UNKNOWN),
    )


_UNKNOWN = "1980-01-01T00:00:00Z"


def wheel_layers(wheels: Iterable[Wheel], venv: Venv) -> list[WheelLayer]:
    """Divide wheels into layers: the big ones alone, the others by a hash of their names."""
    ordered = sorted(wheels, key=lambda wheel: (-wheel.size, wheel.name))
    big = [wheel for wheel in ordered[:_MOST_BIG] if wheel.size >= _BIG]
    shared: dict[int, list[Wheel]] = {}
    for wheel in ordered[len(big) :]:
        number = int(hashlib.sha256(wheel.name.encode()).hexdigest()[:8], 16) % _SHARED
        shared.setdefault(number, []).append(wheel)
    layers = [
        WheelLayer(title=f"{wheel.name} {wheel.version}", wheels=(wheel,), venv=venv)
        for wheel in sorted(big, key=lambda wheel: wheel.name)
    ]
    for number in sorted(shared):
        members = tuple(sorted(shared[number], key=lambda wheel: wheel.name))
        title = ", ".join(f"{wheel.name} {wheel.version}" for wheel in members)
        layers.append(WheelLayer(title=title, wheels=members, venv=venv))
    return layers


def _config(env: Env, recipe: Recipe, base: Base, variant: str, venv: Venv) -> dict[str, Any]:
    """Return the ``config`` object of the OCI image configuration."""
    path = [f"{base.prefix}/bin", "/usr/local/sbin", "/usr/local/bin"]
    path += ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    environment = {"PATH": ":".join(path), "HOME": recipe.user.home}
    environment |= cuda_environment(variant, base, venv)
    for added in (recipe.config.environment, env.environment):
        environment.update((str(name), value) for name, value in added.items())
    return {
        # By number, so that a cluster can see without the image's passwd that it isn't root.
        "User": f"{recipe.user.uid}:{recipe.user.gid}",
        "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
        "Cmd": list(recipe.config.command),
        "WorkingDir": recipe.config.workdir,
        "ExposedPorts": {f"{port}/tcp": {} for port in sorted(recipe.config.ports)},
        "StopSignal": recipe.config.stop_signal,
        "Labels": {
            "org.opencontainers.image.title": env.name,
            "org.opencontainers.image.description": f"{env.title}: {recipe.title}",
            "org.opencontainers.image.base.name": env.base,
            **cuda_labels(variant),
        },
    }

"""Plan an image: its layers in order, and what its config says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from lockyard import ASSEMBLY_VERSION
from lockyard.errors import Fault, SpecError
from lockyard.export.channel import channel_address
from lockyard.lock.finding import serving
from lockyard.lock.model import Artifact, BaseImage, Lock, Target
from lockyard.plan.config import image_config
from lockyard.plan.division import LARGEST, MOST_BIG, divide
from lockyard.plan.layer import (
    ACCOUNT_PACKAGES,
    ChosenLayer,
    CondaLayer,
    DebianLayer,
    Layer,
    PackageLayer,
    RecipeLayer,
    WheelLayer,
    digest_of,
    in_parts,
    layer_key,
)
from lockyard.plan.prefix import Prefix
from lockyard.spec.model import Env, ImageBase, Recipe, Workspace
from lockyard.spec.names import Names, names

_UNKNOWN = "1980-01-01T00:00:00Z"


@frozen(kw_only=True)
class ImagePlan:
    """Everything that decides an image's bytes.

    ``layers`` stand base first, upon those of ``image`` where the base is a registry's.
    ``config`` is the OCI config's ``config`` object, ``created`` when the newest of its
    packages was published (RFC 3339), ``owners`` the packages that the env has chosen where
    several own a path, ``run`` the commands that run over all layers.
    """

    env: str
    names: Names
    target: Target
    image: BaseImage | None = None
    layers: tuple[Layer, ...]
    config: Mapping[str, Any]
    created: str
    owners: Mapping[str, str] = field(factory=dict)
    run: tuple[str, ...] = ()

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what the image is made of, each once."""
        found = {each.sha256: each for layer in self.layers for each in layer.artifacts}
        return tuple(found.values())

    @property
    def parts(self) -> dict[str, Any]:
        """Return all that decides the image's bytes, as JSON has it."""
        return {
            "assembly": ASSEMBLY_VERSION,
            "base": self.image.manifest if self.image else "",
            "layers": [[layer.title, layer_key(layer)] for layer in self.layers],
            "repository": self.names.repository,
            "platform": self.target.platform,
            "config": self.config,
            "created": self.created,
            **({"run": list(self.run)} if self.run else {}),
        }

    @property
    def key(self) -> str:
        """Return the sha256 of all that decides the image's bytes."""
        return digest_of(self.parts)


def plan_image(
    workspace: Workspace, env: Env, recipe: Recipe, lock: Lock, target: Target
) -> ImagePlan:
    """Plan the image of one target of a lock."""
    base = workspace.bases[env.base]
    prefix = Prefix(
        path=base.prefix,
        interpreter=base.interpreter,
        python=target.python,
        virtual=not isinstance(base, ImageBase),
    )
    image = next((each for each in lock.images if each.platform == target.platform), None)
    debs = tuple(serving(lock.debs, target))
    wheels = serving(lock.wheels, target)
    conda = _conda_layers(workspace, lock, target, prefix)
    alone = sum(len(layer.packages) == 1 for layer in conda)
    packages: list[PackageLayer] = [
        *conda,
        *(
            WheelLayer(title=_title(group), wheels=group, prefix=prefix)
            for group in divide(wheels, MOST_BIG - alone)
        ),
    ]
    parts = [part for layer in packages for part in in_parts(layer, LARGEST)]
    return ImagePlan(
        env=env.name,
        names=names(workspace, env, recipe, target.variant),
        target=target,
        image=image,
        layers=(
            *([DebianLayer(debs=debs)] if debs else []),
            *parts,
            *chosen_layers(packages, env),
            RecipeLayer(
                recipe=recipe,
                prefix=prefix,
                account_debs=tuple(deb for deb in debs if deb.name in ACCOUNT_PACKAGES),
                image=image,
            ),
        ),
        config=image_config(workspace, env, recipe, target.variant, prefix, image),
        created=max((wheel.uploaded for wheel in wheels if wheel.uploaded), default=_UNKNOWN),
        owners={str(path): str(owner) for path, owner in env.owners.items()},
        run=tuple(str(command) for command in env.run),
    )


def chosen_layers(packages: Sequence[PackageLayer], env: Env) -> list[ChosenLayer]:
    """Return a layer for each package whose files the env has chosen to stand.

    Raise SpecError for a package that isn't there.
    """
    paths: dict[str, list[str]] = {}
    for path, package in env.owners.items():
        paths.setdefault(str(package), []).append(str(path))
    layers = []
    for owner, chosen in sorted(paths.items()):
        alone = next((each for layer in packages if (each := layer.alone(owner))), None)
        if alone is None:
            fault = Fault(f"envs/{env.name}.toml", "owners", f"the lock has no package {owner!r}")
            raise SpecError("1 fault to mend", where=fault.file, faults=(fault,))
        layers.append(ChosenLayer(layer=alone, paths=tuple(sorted(chosen))))
    return layers


def _conda_layers(
    workspace: Workspace, lock: Lock, target: Target, prefix: Prefix
) -> list[CondaLayer]:
    """Divide a target's conda packages; all are of its base's one channel."""
    return [
        CondaLayer(
            title=_title(group),
            packages=group,
            prefix=prefix,
            channel=channel_address(workspace.sources, group[0].source),
        )
        for group in divide(serving(lock.conda, target))
    ]


def _title(group: Iterable[Artifact]) -> str:
    return ", ".join(f"{each.name} {each.version}" for each in group)

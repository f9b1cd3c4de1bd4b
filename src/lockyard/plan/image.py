"""Plan an image: its layers in order, and what its config says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from lockyard import ASSEMBLY_VERSION
from lockyard.errors import Fault, LockError, SpecError
from lockyard.export.channel import channel_address
from lockyard.lock.file import lock_path
from lockyard.lock.finding import serving
from lockyard.lock.model import Artifact, BaseImage, Deb, Lock, Target, Wheel
from lockyard.plan.added import added_layers, new_debs, own_choice
from lockyard.plan.compiler import Compiler, compiler_of
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
    several own a path, ``run`` the commands that run over all layers. ``compiled`` are the
    packages that an engine compiles in the image of ``builder``, and installs with the wheels;
    ``installed`` are the Debian packages that it installs by their scripts.
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
    compiled: tuple[Wheel, ...] = ()
    builder: ImagePlan | None = None
    installed: tuple[Deb, ...] = ()

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what the image is made of, each once."""
        found = {each.sha256: each for layer in self.layers for each in layer.artifacts}
        return (*found.values(), *self.compiled, *self.installed)

    @property
    def parts(self) -> dict[str, Any]:
        """Return all that decides the image's bytes, as JSON has it."""
        return {
            "assembly": ASSEMBLY_VERSION,
            "base": self.image.manifest if self.image else "",
            "layers": [[layer.title, layer_key(layer)] for layer in self.layers],
            "packages": sorted([each.name, each.version] for each in self.artifacts),
            "repository": self.names.repository,
            "platform": self.target.platform,
            "config": self.config,
            "created": self.created,
            **({"run": list(self.run)} if self.run else {}),
            **({"installed": [each.sha256 for each in self.installed]} if self.installed else {}),
            **self._compilation,
        }

    @property
    def _compilation(self) -> dict[str, Any]:
        """Return all that decides what is compiled: the sources, and the image where that is."""
        if self.builder is None or not self.compiled:
            return {}
        return {
            "compiled": [
                [each.file, each.sha256, dict(each.compiled.environment) if each.compiled else {}]
                for each in self.compiled
            ],
            "builder": [
                self.builder.image.manifest if self.builder.image else "",
                [layer_key(layer) for layer in self.builder.layers],
                self.builder.config["Env"],
            ],
        }

    @property
    def key(self) -> str:
        """Return the sha256 of all that decides the image's bytes."""
        return digest_of(self.parts)


def plan_image(
    workspace: Workspace,
    env: Env,
    recipe: Recipe,
    lock: Lock,
    target: Target,
    parent: ImagePlan | None = None,
    builder: ImagePlan | None = None,
) -> ImagePlan:
    """Plan the image of one target of a lock.

    Where the env extends another, ``parent`` is that one's plan for the target: its layers stand
    as they are, and below those of what is added. ``builder`` is the plan of the image that its
    packages are compiled in, if any are. Raise LockError where that stands on another base.
    """
    base = workspace.bases[env.base]
    prefix = Prefix(
        path=base.prefix,
        interpreter=base.interpreter,
        python=target.python,
        virtual=not isinstance(base, ImageBase),
    )
    image = next((each for each in lock.images if each.platform == target.platform), None)
    compiler = compiler_of(lock, target, base.interpreter, base.prefix) if recipe.bytecode else None
    packages = _package_layers(workspace, lock, target, prefix, parent, compiler)
    debs = tuple(serving(lock.debs, target))
    layers = (
        _first_layers(env, recipe, debs, packages, prefix, image, compiler)
        if parent is None
        else _added_layers(env, recipe, debs, packages, parent.layers, compiler)
    )
    if builder is not None and builder.image != image:
        raise LockError(
            f"its base image isn't that of {builder.env}, which compiles for it",
            where=lock_path(env.name),
            solution=f"move it in both: invoke lock {builder.env} {env.name} --refresh",
        )
    published = [wheel.uploaded for wheel in serving(lock.wheels, target) if wheel.uploaded]
    return ImagePlan(
        env=env.name,
        names=names(workspace, env, recipe, target.variant),
        target=target,
        image=image,
        layers=layers,
        config=image_config(workspace, env, recipe, target.variant, prefix, image),
        created=max(published, default=_UNKNOWN),
        owners={str(path): str(owner) for path, owner in env.owners.items()},
        run=tuple(str(command) for command in env.run),
        compiled=tuple(each for each in serving(lock.wheels, target) if each.compiled),
        builder=builder,
        installed=new_debs(debs, layers) if env.run_scripts else (),
    )


def _package_layers(
    workspace: Workspace,
    lock: Lock,
    target: Target,
    prefix: Prefix,
    parent: ImagePlan | None,
    compiler: Compiler | None,
) -> list[PackageLayer]:
    """Divide a target's conda packages and wheels, less those that a parent has."""
    held = {each.sha256 for each in parent.artifacts} if parent else set()
    most = MOST_BIG - sum(_is_alone(layer) for layer in parent.layers) if parent else MOST_BIG
    conda = [each for each in serving(lock.conda, target) if each.sha256 not in held]
    # All are of the base's one channel.
    layers: list[PackageLayer] = [
        CondaLayer(
            title=_title(group),
            packages=group,
            prefix=prefix,
            channel=channel_address(workspace.sources, group[0].source),
            compiler=compiler,
        )
        for group in divide(conda, max(most, 0))
    ]
    most -= sum(map(_is_alone, layers))
    wheels = [
        each
        for each in serving(lock.wheels, target)
        if each.sha256 not in held and not each.compiled
    ]
    return [
        *layers,
        *(
            WheelLayer(title=_title(group), wheels=group, prefix=prefix, compiler=compiler)
            for group in divide(wheels, max(most, 0))
        ),
    ]


def _is_alone(layer: Layer) -> bool:
    return isinstance(layer, PackageLayer) and len(layer.artifacts) == 1


def _first_layers(
    env: Env,
    recipe: Recipe,
    debs: tuple[Deb, ...],
    packages: Sequence[PackageLayer],
    prefix: Prefix,
    image: BaseImage | None,
    compiler: Compiler | None,
) -> tuple[Layer, ...]:
    """Return the layers of an env that extends none."""
    return (
        *([DebianLayer(debs=debs, compiler=compiler)] if debs else []),
        *(part for layer in packages for part in in_parts(layer, LARGEST)),
        *chosen_layers(packages, env),
        RecipeLayer(
            recipe=recipe,
            prefix=prefix,
            account_debs=tuple(deb for deb in debs if deb.name in ACCOUNT_PACKAGES),
            image=image,
        ),
    )


def _added_layers(
    env: Env,
    recipe: Recipe,
    debs: tuple[Deb, ...],
    packages: Sequence[PackageLayer],
    below: Sequence[Layer],
    compiler: Compiler | None,
) -> tuple[Layer, ...]:
    own = own_choice(env, packages, below)
    chosen = chosen_layers(own, env) if own else []
    return added_layers(env, recipe, debs, packages, chosen, below, compiler)


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


def _title(group: Iterable[Artifact]) -> str:
    return ", ".join(f"{each.name} {each.version}" for each in group)

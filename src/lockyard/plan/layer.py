"""Descriptions of layers: what goes in, and the key that it makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from attrs import asdict, evolve, frozen

from lockyard import ASSEMBLY_VERSION
from lockyard.lock.model import Artifact, BaseImage, CondaPackage, Deb, Wheel
from lockyard.plan.compiler import Compiler
from lockyard.plan.compression import COMPRESSION
from lockyard.plan.part import WHOLE, Part
from lockyard.plan.prefix import Prefix
from lockyard.spec.checks import ImagePath, Owner
from lockyard.spec.model import LaidFile, Recipe, User

# What a lock says of a package that is no matter of the package itself.
_ELSEWHERE = {"required_by", "targets", "source"}
# The packages that decide which accounts a base has; a recipe adds its user to those.
ACCOUNT_PACKAGES = ("apt", "base-passwd")


def in_parts(layer: PackageLayer, most: int) -> list[PackageLayer]:
    """Divide a layer of one package of more than ``most`` bytes; leave any other as it is."""
    number = -(-sum(each.size for each in layer.artifacts) // most)
    if number == 1 or len(layer.artifacts) > 1:
        return [layer]
    return [
        evolve(layer, part=Part(each, number), title=f"{layer.title} part {each + 1} of {number}")
        for each in range(number)
    ]


@frozen(kw_only=True)
class DebianLayer:
    """Debian packages, unpacked and configured.

    Those ``below`` are among them, and stand in the image already: the layer has what all of
    them together have beyond what those alone do. Where there is a ``compiler``, Python's modules
    have their bytecode beside them.
    """

    debs: tuple[Deb, ...]
    below: tuple[Deb, ...] = ()
    compiler: Compiler | None = None

    @property
    def title(self) -> str:
        """Return what people call this layer."""
        if not self.below:
            return f"{len(self.debs)} Debian packages"
        known = {deb.name for deb in self.below}
        return ", ".join(f"{deb.name} {deb.version}" for deb in self.debs if deb.name not in known)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before this can be built."""
        return self.debs

    def inputs(self) -> Mapping[str, Any]:
        """Return all that decides this layer's bytes."""
        below = {"below": _digests(self.below)} if self.below else {}
        debs = {"kind": "debian", "debs": _digests(self.debs), **below}
        return debs | _bytecode(self.compiler)


@frozen(kw_only=True)
class WheelLayer:
    """Wheels in a prefix, or a part of the files of one, compiled where there is a ``compiler``."""

    title: str
    wheels: tuple[Wheel, ...]
    prefix: Prefix
    part: Part = WHOLE
    compiler: Compiler | None = None

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before this can be built."""
        return self.wheels

    def inputs(self) -> Mapping[str, Any]:
        """Return all that decides this layer's bytes.

        Neither the image nor the other packages are among it, so images share layers; nor is
        the Python's last number, which is in no path.
        """
        place = [self.prefix.path, self.prefix.minor, self.prefix.virtual]
        wheels = {"kind": "wheels", "wheels": _digests(self.wheels), "prefix": place}
        return wheels | _part(self.part) | _bytecode(self.compiler)

    def alone(self, name: str) -> WheelLayer | None:
        """Return the layer that one of the packages would be alone, without bytecode."""
        found = tuple(each for each in self.wheels if each.name == name)
        return evolve(self, wheels=found, title=name, part=WHOLE, compiler=None) if found else None


@frozen(kw_only=True)
class CondaLayer:
    """Conda packages of one channel, installed into a prefix, or a part of the files of one.

    ``channel`` is its canonical address, which the records of what is installed name. Where
    there is a ``compiler``, modules of packages for any platform have their bytecode beside them.
    """

    title: str
    packages: tuple[CondaPackage, ...]
    prefix: Prefix
    channel: str
    part: Part = WHOLE
    compiler: Compiler | None = None

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before this can be built."""
        return self.packages

    def inputs(self) -> Mapping[str, Any]:
        """Return all that decides this layer's bytes.

        Packages for any platform go where the Python of the image looks for modules.
        """
        anywhere = any(package.subdir == "noarch" for package in self.packages)
        return {
            "kind": "conda",
            # What is recorded of a package in the image is what the lock says of it.
            "packages": [
                asdict(package, filter=lambda attribute, _: attribute.name not in _ELSEWHERE)
                for package in sorted(self.packages, key=lambda package: package.file)
            ],
            "prefix": [self.prefix.path, self.prefix.minor if anywhere else ""],
            "channel": self.channel,
            **_part(self.part),
            **_bytecode(compiler_for(self)),
        }

    def alone(self, name: str) -> CondaLayer | None:
        """Return the layer that one of the packages would be alone, without bytecode."""
        found = tuple(each for each in self.packages if each.name == name)
        return (
            evolve(self, packages=found, title=name, part=WHOLE, compiler=None) if found else None
        )


PackageLayer = WheelLayer | CondaLayer


@frozen(kw_only=True)
class ChosenLayer:
    """Files of one package that stand, by the env's choice, where another has the same paths.

    ``layer`` is what that package alone would be; ``paths`` are absolute, and sorted.
    """

    layer: PackageLayer
    paths: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return what people call this layer."""
        return f"chosen files of {self.layer.title}"

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before this can be built."""
        return self.layer.artifacts

    def inputs(self) -> Mapping[str, Any]:
        """Return all that decides this layer's bytes."""
        return {"kind": "chosen", "of": self.layer.inputs(), "paths": self.paths}


@frozen(kw_only=True)
class RecipeLayer:
    """The recipe's user, folders and files, and what a prefix has that is no package's.

    The user is added to the accounts of the base: those of its ``account_debs``, or those in
    its ``image``.
    """

    recipe: Recipe
    prefix: Prefix
    account_debs: tuple[Deb, ...] = ()
    image: BaseImage | None = None

    @property
    def title(self) -> str:
        """Return what people call this layer."""
        return f"recipe {self.recipe.name}"

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before this can be built."""
        return self.account_debs

    def inputs(self) -> Mapping[str, Any]:
        """Return all that decides this layer's bytes."""
        recipe = self.recipe
        return {
            "kind": "recipe",
            "user": asdict(recipe.user),
            "directories": dict(recipe.directories),
            "files": _laid(recipe.files, recipe.contents),
            "prefix": asdict(self.prefix),
            "debs": _digests(self.account_debs),
            "image": self.image.manifest if self.image else "",
        }


@frozen(kw_only=True)
class FilesLayer:
    """Files and folders of an env's own, over those of its recipe.

    Among the ``directories`` are those of the recipe that layers upon its own give another
    owner.
    """

    env: str
    user: User
    files: Mapping[ImagePath, LaidFile]
    directories: Mapping[ImagePath, Owner]
    contents: Mapping[str, bytes]

    @property
    def title(self) -> str:
        """Return what people call this layer."""
        return f"files of {self.env}"

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before this can be built."""
        return ()

    def inputs(self) -> Mapping[str, Any]:
        """Return all that decides this layer's bytes."""
        return {
            "kind": "files",
            "user": [self.user.uid, self.user.gid],
            "directories": dict(self.directories),
            "files": _laid(self.files, self.contents),
        }


Layer = DebianLayer | PackageLayer | ChosenLayer | RecipeLayer | FilesLayer


def layer_key(layer: Layer) -> str:
    """Return the sha256 of all that decides a layer's bytes, this code's version included."""
    return digest_of({"assembly": ASSEMBLY_VERSION, "compression": COMPRESSION, **layer.inputs()})


def digest_of(value: Any) -> str:
    """Return the sha256 of a value's canonical JSON form."""
    return _sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def compiler_for(layer: Layer) -> Compiler | None:
    """Return the Python that compiles modules of a layer, None where none are to be compiled."""
    match layer:
        case DebianLayer() | WheelLayer():
            return layer.compiler
        case CondaLayer() if any(each.subdir == "noarch" for each in layer.packages):
            return layer.compiler
    return None


def tools_of(layer: Layer) -> tuple[Artifact, ...]:
    """Return what must be in the store to build a layer, beside what it is made of."""
    compiler = compiler_for(layer)
    return compiler.tools if compiler else ()


def _bytecode(compiler: Compiler | None) -> dict[str, Any]:
    return {"bytecode": compiler.inputs()} if compiler else {}


def _part(part: Part) -> dict[str, list[int]]:
    return {} if part == WHOLE else {"part": [part.number, part.of]}


def _digests(artifacts: tuple[Artifact, ...]) -> list[list[str]]:
    return sorted([artifact.file, artifact.sha256] for artifact in artifacts)


def _laid(
    files: Mapping[ImagePath, LaidFile], contents: Mapping[str, bytes]
) -> dict[str, list[str]]:
    return {
        path: [laid.mode, laid.owner, _sha256(contents[laid.source])]
        for path, laid in files.items()
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

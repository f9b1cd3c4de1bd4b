"""Descriptions of layers: what goes in, and the key that it makes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

from lockyard import ASSEMBLY_VERSION
from lockyard.lock.model import Artifact, Deb, Wheel
from lockyard.plan.compression import COMPRESSION
from lockyard.plan.venv import Venv
from lockyard.spec.model import Recipe

# The packages that decide which accounts a base has; a recipe adds its user to those.
ACCOUNT_PACKAGES = ("apt", "base-passwd")


@frozen(kw_only=True)
class DebianLayer:
    """Debian packages, unpacked and configured."""

    debs: tuple[Deb, ...]

    @property
    def title(self) -> str:
        """Return what people call this layer."""
        return f"{len(self.debs)} Debian packages"

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before this can be built."""
        return self.debs

    def inputs(self) -> Mapping[str, Any]:
        """Return all that decides this layer's bytes."""
        return {"kind": "debian", "debs": _digests(self.debs)}


@frozen(kw_only=True)
class WheelLayer:
    """Wheels, installed into a virtual environment."""

    title: str
    wheels: tuple[Wheel, ...]
    venv: Venv

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before this can be built."""
        return self.wheels

    def inputs(self) -> Mapping[str, Any]:
        """Return all that decides this layer's bytes.

        Neither the image nor the other packages are among it, so images share layers; nor is
        the Python's last number, which is in no path.
        """
        place = {"prefix": self.venv.prefix, "python": self.venv.minor}
        return {"kind": "wheels", "wheels": _digests(self.wheels), "venv": place}


@frozen(kw_only=True)
class RecipeLayer:
    """The recipe's user, folders and files, and the empty virtual environment."""

    recipe: Recipe
    venv: Venv
    account_debs: tuple[Deb, ...]

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
            "files": {
                path: [laid.mode, laid.owner, _sha256(recipe.contents[laid.source])]
                for path, laid in recipe.files.items()
            },
            "venv": asdict(self.venv),
            "debs": _digests(self.account_debs),
        }


Layer = DebianLayer | WheelLayer | RecipeLayer


def layer_key(layer: Layer) -> str:
    """Return the sha256 of all that decides a layer's bytes, this code's version included."""
    return digest_of({"assembly": ASSEMBLY_VERSION, "compression": COMPRESSION, **layer.inputs()})


def digest_of(value: Any) -> str:
    """Return the sha256 of a value's canonical JSON form."""
    return _sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def _digests(artifacts: tuple[Artifact, ...]) -> list[list[str]]:
    return sorted([artifact.file, artifact.sha256] for artifact in artifacts)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

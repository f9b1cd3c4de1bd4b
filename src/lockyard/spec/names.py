"""The names of an image and its curated environment, of targets and of packages."""

from __future__ import annotations

import re

from attrs import frozen

from lockyard.spec.model import Env, Recipe, Workspace


@frozen(kw_only=True)
class Names:
    """The names of one variant's image.

    ``image`` is the last part alone, ``repository`` the whole path without a tag,
    ``environment`` the curated environment's name.
    """

    image: str
    repository: str
    environment: str


def names(workspace: Workspace, env: Env, recipe: Recipe, variant: str) -> Names:
    """Derive the names of an env's variant.

    The form is ``<env>-<os>-py<XY>-{cpu | cuda<version>-gpu}-<recipe's suffix>``.
    """
    python = "py" + workspace.bases[env.base].python.replace(".", "")
    kind = variant if variant == "cpu" else f"{variant}-gpu"
    image = f"{env.stem or env.name}-{env.base}-{python}-{kind}-{recipe.suffix}"
    parts = workspace.names
    return Names(
        image=image,
        repository=f"{parts.registry}/{parts.repository}/{image}",
        environment=f"{parts.environment_prefix}{image}",
    )


def target_name(variant: str, platform: str) -> str:
    """Return how locks and folders call a variant on a platform, as ``cpu-linux-amd64``."""
    return f"{variant}-{platform.replace('/', '-')}"


def normalised(package: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub("[-_.]+", "-", package).lower()

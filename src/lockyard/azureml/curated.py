"""A curated environment: what all of its forms say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from lockyard.azureml.conda import conda_dependencies
from lockyard.azureml.framework import framework_of
from lockyard.lock.model import Lock, Target
from lockyard.spec.model import Env, Recipe, Workspace
from lockyard.spec.names import names

AMD64 = "linux/amd64"


@frozen(kw_only=True)
class Route:
    """Where the server in an image answers."""

    path: str
    port: int


@frozen(kw_only=True)
class Curated:
    """One variant's environment.

    ``image`` is the reference of its image, ``conda`` the packages as conda's environment file
    has them, ``architecture`` as in ``amd64``. ``liveness`` and ``scoring`` are there where the
    image listens.
    """

    name: str
    version: int
    image: str
    description: str
    tags: Mapping[str, str]
    conda: Mapping[str, Any] = field(factory=dict)
    architecture: str = "amd64"
    liveness: Route | None = None
    scoring: Route | None = None


def curated(
    workspace: Workspace,
    env: Env,
    recipe: Recipe,
    lock: Lock,
    target: Target,
    *,
    version: int,
    image: str,
) -> Curated:
    """Return the environment of the variant that a target is of.

    ``version`` is its number, ``image`` the reference of its image. Raise as
    ``conda_dependencies`` does.
    """
    called = names(workspace, env, recipe, target.variant)
    port = min(recipe.config.ports, default=None)
    return Curated(
        name=called.environment,
        version=version,
        image=image,
        description=f"{env.title}: {recipe.title}",
        tags=_tags(env, recipe, target),
        conda=conda_dependencies(lock, target, workspace.sources, called.image),
        architecture=target.platform.rpartition("/")[2],
        liveness=Route(path="/", port=port) if port else None,
        scoring=Route(path="/score", port=port) if port else None,
    )


def main_target(lock: Lock, variant: str) -> Target:
    """Return the target that stands for a variant: that of linux/amd64, where Azure ML runs."""
    own = [target for target in lock.targets if target.variant == variant]
    return min(own, key=lambda target: (target.platform != AMD64, target.platform))


def reference(repository: str, *, tag: str, digest: str) -> str:
    """Return an image's reference: by its digest where that is known, and by a tag otherwise."""
    tagged = f"{repository}:{tag}" if tag else repository
    if digest:
        return f"{tagged}@{digest}"
    return tagged if tag else f"{repository}:latest"


def _tags(env: Env, recipe: Recipe, target: Target) -> dict[str, str]:
    """Return the tags that such environments have, sorted; Azure ML's values are texts."""
    framework = framework_of(env)
    tags = {
        "OS": re.sub("^[a-z]", lambda first: first[0].upper(), env.base),
        "Python": ".".join(target.python.split(".")[:2]),
        **({framework.name: framework.version} if framework else {}),
        **({"GPU": target.variant.capitalize()} if target.variant != "cpu" else {}),
        **({"Inferencing": ""} if recipe.suffix == "inference" else {}),
    }
    return dict(sorted(tags.items()))

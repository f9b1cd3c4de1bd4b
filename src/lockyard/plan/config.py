"""What an image's config says: user, environment, command, labels."""

from __future__ import annotations

from typing import Any

from lockyard.lock.model import BaseImage
from lockyard.plan.cuda import cuda_environment, cuda_labels
from lockyard.plan.prefix import Prefix
from lockyard.spec.model import Env, Recipe, RegistrySource, Workspace


def image_config(
    workspace: Workspace,
    env: Env,
    recipe: Recipe,
    variant: str,
    prefix: Prefix,
    image: BaseImage | None,
) -> dict[str, Any]:
    """Return the ``config`` object of the OCI image configuration.

    ``image`` is what the image stands on, where that is a registry's.
    """
    path = [f"{prefix.path}/bin", "/usr/local/sbin", "/usr/local/bin"]
    path += ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    environment = {"PATH": ":".join(path), "HOME": recipe.user.home}
    environment |= cuda_environment(variant, prefix)
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
            **cuda_labels(variant),
            **_base_labels(workspace, env, image),
        },
    }


def _base_labels(workspace: Workspace, env: Env, image: BaseImage | None) -> dict[str, str]:
    """Name the base (OCI image annotations): a registry's image by its digest as well."""
    label = "org.opencontainers.image.base"
    if image is None:
        return {f"{label}.name": env.base}
    source = workspace.sources[image.source]
    registry = source.registry if isinstance(source, RegistrySource) else image.source
    return {
        f"{label}.name": f"{registry}/{image.image}:{image.tag}",
        f"{label}.digest": f"sha256:{image.manifest}",
    }

"""What the image of a CUDA variant says to the container toolkit, and to its own server."""

from __future__ import annotations

from lockyard.plan.prefix import Prefix


def cuda_environment(variant: str, prefix: Prefix) -> dict[str, str]:
    """Return the variables of a variant's image; none for ``cpu``.

    NVIDIA's container toolkit reads those that begin with ``NVIDIA_``: which devices and which
    parts of the host's driver to bring in, and what the driver must be able to do. It looks at
    ``CUDA_VERSION`` only where there is no ``NVIDIA_REQUIRE_CUDA``; people look at it, too.
    Other runtimes read none of them, so the image starts without a GPU as well.

    The start script reads ``SERVER_LIBRARY_PATH``: see ``library_path``.
    """
    if variant == "cpu":
        return {}
    version = variant.removeprefix("cuda")
    major, minor = [*version.split("."), "0"][:2]
    return {
        "CUDA_VERSION": version,
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        "NVIDIA_REQUIRE_CUDA": f"cuda>={major}.{minor}",
        "NVIDIA_VISIBLE_DEVICES": "all",
        "SERVER_LIBRARY_PATH": library_path(prefix),
    }


def cuda_labels(variant: str) -> dict[str, str]:
    """Return the labels of a variant's image; none for ``cpu``.

    For whoever lists images: the toolkit reads no label. ``com.nvidia.volumes.needed`` was for
    version 1 of nvidia-docker alone, and is left out.
    """
    return {} if variant == "cpu" else {"com.nvidia.cuda.version": variant.removeprefix("cuda")}


def library_path(prefix: Prefix) -> str:
    """Return where the CUDA libraries of an image are, as patterns with colons between.

    NVIDIA's wheels put theirs below ``nvidia``, a folder for each or one for all. PyTorch finds
    them there by itself; TensorFlow does so for most of them. What conda installs is in its
    prefix, where no wheel looks.
    """
    places = [f"/{prefix.site_packages}/nvidia/*/lib"]
    if not prefix.virtual:
        places.insert(0, f"{prefix.path}/lib")
    return ":".join(places)

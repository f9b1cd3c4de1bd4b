"""A file for ``docker buildx bake``, which builds many images in one call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from lockyard.docker.template import contexts, epoch
from lockyard.plan.image import ImagePlan

FILE = "docker-bake.json"


def bake_text(plans: Iterable[ImagePlan]) -> str:
    """Return the bake file that stands beside the folders of images' contexts.

    Each target is an image on a platform, in groups by platform: an engine runs the steps of
    its own, or of those that it can emulate. It writes one archive of an OCI layout a target.
    """
    targets: dict[str, Any] = {}
    groups: dict[str, list[str]] = {"default": []}
    for plan in plans:
        platform = platform_name(plan)
        name = target_name(plan)
        targets[name] = {
            "context": context_path(plan),
            "contexts": contexts(plan, f"{context_path(plan)}/"),
            "platforms": [plan.target.platform],
            "args": {"SOURCE_DATE_EPOCH": str(epoch(plan))},
            "network": "none",
            "attest": ["type=provenance,disabled=true"],
            "output": [
                f"type=oci,dest={plan.names.image}-{platform}.tar,rewrite-timestamp=true",
            ],
        }
        groups["default"].append(name)
        groups.setdefault(platform, []).append(name)
    value = {"group": {name: {"targets": each} for name, each in groups.items()}}
    return json.dumps({**value, "target": targets}, indent=2) + "\n"


def context_path(plan: ImagePlan) -> str:
    """Return where an image's context stands below the folder of all."""
    return f"{plan.names.image}/{platform_name(plan)}"


def platform_name(plan: ImagePlan) -> str:
    """Return an image's platform as a file's name, as linux-amd64."""
    return plan.target.platform.replace("/", "-")


def target_name(plan: ImagePlan) -> str:
    """Return an image's name as bake takes it: letters, digits, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"{plan.names.image}-{platform_name(plan)}")

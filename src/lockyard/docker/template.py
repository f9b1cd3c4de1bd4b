"""A recipe's Dockerfile, filled in for one image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lockyard.docker.debs import install_steps
from lockyard.errors import BuildError, Fault, SpecError
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import RecipeLayer
from lockyard.plan.prefix import Prefix

BASE = "base"  # the stage that all others stand on, and the folder of what takes its place
# A Dockerfile and its shell have their own $, and an @ stands before a digest.
_PLACE = re.compile(r"@\{(\w+)\}")


def render(template: str, plan: ImagePlan, where: str) -> str:
    """Return the Dockerfile of an image; ``where`` names the template in errors.

    Its places are ``title``, ``platform``, ``epoch``, ``contexts``, ``builder`` (what the stage
    that compiles stands on), ``prefix``, ``python``, ``modules`` (the folder of Python's packages),
    ``debs`` (the Debian packages whose scripts run), ``steps`` (the env's own commands) and
    ``config``, which are the instructions for what the config says. Raise SpecError for a template
    that has another, or that lacks one that the image needs, and BuildError for a setting that no
    Dockerfile can say.
    """
    _check_places(template, plan, where)
    prefix = prefix_of(plan)
    places = {
        "title": plan.names.repository,
        "platform": plan.target.platform,
        "epoch": str(epoch(plan)),
        "contexts": "".join(
            # Its line of the head goes on in another, for it is long.
            f" \\\n#     --build-context {name}={place}"
            for name, place in contexts(plan).items()
        ),
        # With Debian packages, its first archive is a whole base of its own.
        "builder": "scratch" if plan.compiled and plan.image is None else "checked",
        "prefix": prefix.path,
        "python": prefix.executable,
        "modules": f"/{prefix.site_packages}",
        "debs": "\n".join(install_steps(plan, epoch(plan))),
        "steps": "\n".join(_steps(plan)),
        "config": "\n".join(_instructions(plan)),
    }
    try:
        return _PLACE.sub(lambda place: places[place[1]], template)
    except KeyError as error:
        fault = Fault(where, f"@{{{error.args[0]}}}", "there is no such place", ", ".join(places))
        raise SpecError("1 fault to mend", where=where, faults=(fault,)) from None


def _check_places(template: str, plan: ImagePlan, where: str) -> None:
    """Raise SpecError for a template that hasn't got what an image needs."""
    needed = {"builder": plan.compiled, "debs": plan.installed, "steps": plan.run}
    faults = tuple(
        Fault(
            where,
            f"@{{{place}}}",
            "it isn't there, and this image needs it",
            "take it over from Lockyard's own images/inference/Dockerfile",
        )
        for place, what in needed.items()
        if what and f"@{{{place}}}" not in template
    )
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise SpecError(f"{count} to mend", where=where, faults=faults)


def contexts(plan: ImagePlan, folder: str = "") -> dict[str, str]:
    """Return what takes the place of stages: a registry's image, an OCI layout in the context.

    ``folder`` is the context's, with a slash at its end, unless it is the current one.
    """
    if plan.image is None:
        return {}
    return {BASE: f"oci-layout://{folder}{BASE}@sha256:{plan.image.manifest}"}


def epoch(plan: ImagePlan) -> int:
    """Return when an image counts as made, in seconds since 1970: its SOURCE_DATE_EPOCH."""
    return int(datetime.fromisoformat(plan.created).timestamp())


def prefix_of(plan: ImagePlan) -> Prefix:
    """Return where the Python packages of an image go."""
    (recipe,) = (layer for layer in plan.layers if isinstance(layer, RecipeLayer))
    return recipe.prefix


def _steps(plan: ImagePlan) -> Iterator[str]:
    """Give an env's own commands as instructions, in a form that nothing in them ends or fills."""
    path = [line for line in plan.config["Env"] if line.startswith("PATH=")]
    # What Python compiles has the time in it at which it did. And buildx hands on the user's
    # proxies, with their passwords, as variables that no Dockerfile has to name.
    fixed = ["-i", "HOME=/root", *path, "PYTHONDONTWRITEBYTECODE=1"]
    shell = ["/usr/bin/env", *fixed, "/bin/sh", "-euc"]
    for command in plan.run:
        yield f"RUN --network=none {json.dumps([*shell, command])}"


def _instructions(plan: ImagePlan) -> Iterator[str]:
    """Give an image's config as instructions (Dockerfile reference)."""
    config = plan.config

    def pairs(items: list[tuple[str, Any]]) -> str:
        quoted = (f"{name}={_quoted(plan, name, value)}" for name, value in items)
        return " \\\n    ".join(quoted)

    yield f"ENV {pairs([tuple(line.split('=', 1)) for line in config['Env']])}"
    yield f"LABEL {pairs(sorted(config['Labels'].items()))}"
    yield f"WORKDIR {_quoted(plan, 'workdir', config['WorkingDir'])}"
    if config["ExposedPorts"]:
        yield f"EXPOSE {' '.join(config['ExposedPorts'])}"
    yield f"USER {config['User']}"
    yield f"STOPSIGNAL {config['StopSignal']}"
    yield f"CMD {json.dumps(config['Cmd'])}"


def _quoted(plan: ImagePlan, name: str, value: str) -> str:
    """Quote what an instruction would take for a variable or the end of a word."""
    if "\n" in value or "\r" in value:
        raise BuildError(
            f"the value of {name} has several lines, which no Dockerfile can say",
            where=plan.names.image,
            solution="write it in one line, or use the embedded builder",
        )
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("$", r"\$")
    return f'"{escaped}"'

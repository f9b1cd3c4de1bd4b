"""What an image's context has for packages that are compiled while it is built."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from lockyard.lock.model import Wheel
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import Layer

FOLDER = "sdists"
# Each is a variable that would show the machine, or the moment, in what is compiled.
_FIXED = {
    "HOME": "/tmp",  # noqa: S108 - of the stage, which nobody shares
    "LC_ALL": "C",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "315532800",  # 1980-01-01, the first that a zip archive can hold
    "TZ": "UTC",
}


def builder_archives(plan: ImagePlan) -> Iterator[tuple[str, Layer]]:
    """Give where a context has the layers of the image that packages are compiled in."""
    if plan.builder is None or not plan.compiled:
        return
    for number, layer in enumerate(plan.builder.layers, 1):
        yield f"layers/builder-{number:03}.tar.gz", layer


def compile_texts(plan: ImagePlan) -> Iterator[tuple[str, str]]:
    """Give the paths and texts of the files that say what is compiled, and how."""
    if not plan.compiled:
        return
    yield f"{FOLDER}/requirements.txt", "".join(f"{e.name}=={e.version}\n" for e in plan.compiled)
    for each in plan.compiled:
        yield f"{FOLDER}/{each.file}.sh", _command(plan, each)


def _command(plan: ImagePlan, wheel: Wheel) -> str:
    """Return a script that runs what it is given with the variables of one compilation alone."""
    assert plan.builder is not None  # noqa: S101 - whatever is compiled has one
    assert wheel.compiled is not None  # noqa: S101
    variables = dict(line.split("=", 1) for line in plan.builder.config["Env"])
    variables |= {**wheel.compiled.environment, **_FIXED}
    lines = [f"{name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    return " \\\n  ".join(["exec env -i", *lines, '"$@"']) + "\n"

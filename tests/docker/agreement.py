"""Whether two builders' images of one plan agree, but for what is excepted.

The exceptions are those of docs/howto/docker-builder.md, which explains each.
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

from tests.docker.trees import config_of, first_difference, texts_of, tree_of

# What an installer says of itself.
_OWN = re.compile(r".+\.dist-info/(INSTALLER|RECORD|REQUESTED)")
# Scripts that no wheel declares by these names: pip's is called by the Python that runs it.
_BY_PYTHON = re.compile(r"(pip|easy_install-)\d+\.\d+")
_DECLARED = re.compile(r".+\.dist-info/entry_points\.txt")


def disagreement(own: Path, other: Path, prefix: str) -> str:
    """Name the first path in which two layouts differ, or return "".

    ``own`` is the embedded builder's, ``prefix`` the folder of their packages.
    """
    folder = f"{prefix.lstrip('/')}/bin"
    one, two = tree_of(own), tree_of(other)
    scripts = {f"{folder}/{name}" for name in declared(own)}
    scripts |= {path for path in one if _BY_PYTHON.fullmatch(path.removeprefix(f"{folder}/"))}

    def excepted(path: str) -> bool:
        return path in scripts or _OWN.fullmatch(path) is not None

    found = first_difference(one, two, excepted)
    if found:
        return found
    calls, others = (
        {path: started(text) for path, text in texts_of(layout, scripts.__contains__).items()}
        for layout in (own, other)
    )
    for path in sorted(scripts):
        if calls.get(path) != others.get(path):
            return f"/{path}:\n  {calls.get(path)}\n  {others.get(path)}"
    return ""


def declared(layout: Path) -> set[str]:
    """Return the names of the scripts that an image's packages declare."""
    names: set[str] = set()
    for text in texts_of(layout, _DECLARED.fullmatch).values():
        parser = configparser.ConfigParser(delimiters=("=",))
        parser.read_string(text)
        names |= {*parser["console_scripts"]} if "console_scripts" in parser else set()
    return names


def started(script: str) -> tuple[str, ...]:
    """Return a script's interpreter, what it imports of its package, and what it calls."""
    wanted = re.compile(r"#!.*|from .* import .*|\s*sys\.exit\(.*\)")
    return tuple(line.strip() for line in script.splitlines() if wanted.fullmatch(line))


def said(layout: Path) -> dict[str, Any]:
    """Return what an image's config says, in one form for both builders."""
    config: dict[str, Any] = config_of(layout)["config"]
    config["Env"].sort()
    config.pop("ArgsEscaped", None)  # a mark of Windows images that BuildKit sets on all
    return config

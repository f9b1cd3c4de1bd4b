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
_DECLARED = re.compile(r".+\.dist-info/entry_points\.txt")
# Scripts of pip's own wheel, which pip names by the Python that it runs on.
_PIPS = re.compile(r"pip3\.\d+")


def disagreement(own: Path, other: Path, prefix: str) -> str:
    """Name the first path in which two layouts differ, or return "".

    ``own`` is the embedded builder's, ``prefix`` the folder of their packages.
    """
    folder = f"{prefix.lstrip('/')}/bin"
    scripts = {f"{folder}/{name}" for name in declared(own)}

    def excepted(path: str) -> bool:
        name = path.rpartition("/")[2]
        return path in scripts or bool(_OWN.fullmatch(path) or _PIPS.fullmatch(name))

    found = first_difference(tree_of(own), tree_of(other), excepted)
    if found:
        return found
    one, two = (
        {path: started(text) for path, text in texts_of(layout, scripts.__contains__).items()}
        for layout in (own, other)
    )
    for path in sorted(scripts):
        if one.get(path) != two.get(path) and not _PIPS.fullmatch(path.rpartition("/")[2]):
            return f"/{path}:\n  {one.get(path)}\n  {two.get(path)}"
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

"""A target's packages as conda's environment file lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockyard.export.channel import channel_address
from lockyard.lock.finding import serving
from lockyard.lock.model import Lock, Target
from lockyard.spec.model import Source

# What conda puts before a channel's name (its default channel_alias).
_ALIAS = "https://conda.anaconda.org/"


def conda_dependencies(
    lock: Lock, target: Target, sources: Mapping[str, Source], name: str
) -> dict[str, Any]:
    """Return the environment file of a target as a table: channels, packages, pip's last.

    Every version is pinned. Builds aren't, since Azure ML's own tools refuse them. Python
    stands first; it is the target's, whether conda brought it or the base did. Raise as
    ``channel_address`` does.
    """
    packages = serving(lock.conda, target)
    pinned = sorted(f"{each.name}={each.version}" for each in packages if each.name != "python")
    wheels = sorted(f"{each.name}=={each.version}" for each in serving(lock.wheels, target))
    channels = {channel_address(sources, each.source) for each in packages}
    return {
        "name": name,
        "channels": sorted(address.removeprefix(_ALIAS) for address in channels),
        "dependencies": [
            f"python={target.python}",
            *pinned,
            *([{"pip": wheels}] if wheels else []),
        ],
    }

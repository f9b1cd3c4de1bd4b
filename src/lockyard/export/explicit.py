"""A target's conda packages as an explicit list, for ``conda create --file``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockyard.export.channel import package_address
from lockyard.lock.finding import serving
from lockyard.lock.model import CondaPackage, Lock, Target
from lockyard.spec.model import Source
from lockyard.spec.platform import SUBDIRS


def explicit_text(lock: Lock, target: Target, sources: Mapping[str, Source]) -> str:
    """Return the list: an address and an MD5 a line, each package after what it depends on."""
    packages = in_order(serving(lock.conda, target))
    head = [f"# {lock.env}, {target.name}", f"# platform: {SUBDIRS[target.platform]}", "@EXPLICIT"]
    lines = [f"{package_address(sources, package)}#{package.md5}" for package in packages]
    return "\n".join([*head, *lines]) + "\n"


def in_order(packages: Sequence[CondaPackage]) -> list[CondaPackage]:
    """Return packages after what they depend on, by name otherwise; a cycle is cut."""
    held = {package.name: package for package in sorted(packages, key=lambda each: each.name)}
    placed: dict[str, CondaPackage] = {}
    seen: set[str] = set()
    waiting = [(name, False) for name in sorted(held, reverse=True)]
    while waiting:
        name, ready = waiting.pop()
        if ready:
            placed[name] = held[name]
        elif name not in seen:
            seen.add(name)
            waiting.append((name, True))
            needed = {text.split()[0] for text in held[name].depends}
            waiting += [(each, False) for each in sorted(needed & held.keys(), reverse=True)]
    return list(placed.values())

"""A lock's conda packages as conda-lock.yml (conda-lock's format 1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from lockyard.export.channel import channel_address, package_address
from lockyard.lock.finding import serving
from lockyard.lock.model import CondaPackage, Lock, Target
from lockyard.spec.model import Source
from lockyard.spec.platform import SUBDIRS


def conda_lock_text(lock: Lock, targets: Sequence[Target], sources: Mapping[str, Source]) -> str:
    """Return a conda-lock.yml of targets that are of one variant, each another platform.

    Wheels aren't in it, since a lock has no address of them: they are a requirements file's
    part. Every text is written as JSON writes it, which YAML reads as the same.
    """
    held = {target: serving(lock.conda, target) for target in targets}
    channels = sorted({package.source for packages in held.values() for package in packages})
    lines = [
        f"# {lock.env}: the conda packages of {', '.join(target.name for target in targets)}.",
        "version: 1",
        "metadata:",
        "  content_hash:",
        *(f"    {SUBDIRS[target.platform]}: {_text(_content(lock, target))}" for target in targets),
        "  channels:" if channels else "  channels: []",
    ]
    for channel in channels:
        lines += [f"  - url: {_text(channel_address(sources, channel))}", "    used_env_vars: []"]
    lines += ["  platforms:", *(f"  - {SUBDIRS[target.platform]}" for target in targets)]
    lines += ["  sources:", f"  - {_text(f'envs/{lock.env}.toml')}"]
    lines.append("package:" if any(held.values()) else "package: []")
    for target, packages in held.items():
        for package in sorted(packages, key=lambda each: each.name):
            lines += _package(package, SUBDIRS[target.platform], sources)
    return "\n".join(lines) + "\n"


def _package(package: CondaPackage, platform: str, sources: Mapping[str, Source]) -> Iterator[str]:
    yield f"- name: {_text(package.name)}"
    yield f"  version: {_text(package.version)}"
    yield "  manager: conda"
    yield f"  platform: {platform}"
    depends = [text.partition(" ") for text in package.depends]
    yield "  dependencies:" if depends else "  dependencies: {}"
    for name, versions in sorted({name: versions for name, _, versions in depends}.items()):
        yield f"    {_text(name)}: {_text(versions)}"
    yield f"  url: {_text(package_address(sources, package))}"
    yield "  hash:"
    yield f"    md5: {_text(package.md5)}"
    yield f"    sha256: {_text(package.sha256)}"
    yield "  category: main"
    yield "  optional: false"


def _content(lock: Lock, target: Target) -> str:
    """Return a digest of what the packages were resolved from."""
    given = json.dumps([target.name, dict(sorted(lock.inputs.items()))])
    return hashlib.sha256(given.encode()).hexdigest()


def _text(text: str) -> str:
    return json.dumps(text)

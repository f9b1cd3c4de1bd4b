"""The framework that an env is made for, read off its name and title."""

from __future__ import annotations

import re

from attrs import frozen

from lockyard.spec.model import Env

_VERSION = re.compile(r"-([0-9]+(?:\.[0-9]+)*)$", re.ASCII)


@frozen(kw_only=True)
class Framework:
    """A framework by the name that its users know, and the version that the env promises."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def framework_of(env: Env) -> Framework | None:
    """Return an env's framework, or None where its images' name promises no version of one.

    The version is what that name ends with, as in ``pytorch-1.7``; the name is the title's. An
    env that extends another has the framework of that.
    """
    while env.parent is not None:
        env = env.parent
    found = _VERSION.search(env.stem or env.name)
    if found is None:
        return None
    return Framework(name=env.title.removesuffix(f" {found[1]}"), version=found[1])

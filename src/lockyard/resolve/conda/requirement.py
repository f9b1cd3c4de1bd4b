"""What is asked of a conda channel."""

from __future__ import annotations

import re

from attrs import frozen

from lockyard.errors import SpecError

_FORM = re.compile(r"[a-z0-9_][a-z0-9_.-]*( [^\s#\[\]:/]+( [^\s#\[\]:/]+)?)?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


@frozen
class CondaRequirement:
    """What is asked for, and by whom: a match spec and a label such as ``env``.

    The match spec has the form ``name``, ``name version`` or ``name version build``: the
    channel and the platform are the caller's to choose.
    """

    text: str
    origin: str

    @property
    def name(self) -> str:
        """The package that is asked for."""
        return self.text.partition(" ")[0]


def check_form(requirement: CondaRequirement) -> None:
    """Raise SpecError unless a requirement has the form that is taken.

    Whether its version and build are valid is for the solver to say.
    """
    if not _FORM.fullmatch(requirement.text):
        raise not_a_requirement(requirement)
    if requirement.name.startswith("__"):
        raise SpecError(
            f"{requirement.name} is no package: the base and the variant decide on it",
            where=requirement.origin,
            solution="take it out, and choose the base or the variant's CUDA version",
        )


def not_a_requirement(requirement: CondaRequirement, why: str = "") -> SpecError:
    """Make the error for what isn't a match spec; ``why`` says more of it."""
    return SpecError(
        f"{requirement.text!r} is no requirement of a conda package" + (f": {why}" if why else ""),
        where=requirement.origin,
        solution='write a name, a version and a build, such as "python 3.7.*" or '
        '"cudnn 8.0.5.39.* ha5ca753_1"; the last two may be left out',
    )


def required_name(spec: str) -> str:
    """Return the name of the package that a record's own match spec is about."""
    found = _NAME.match(spec.rpartition("::")[2].lstrip())
    return found.group().lower() if found else ""

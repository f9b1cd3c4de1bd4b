"""The checks of what is in an image, by programs that run in a container of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from attrs import define, field

from lockyard.trial.container import Box, ProgramError
from lockyard.trial.modules import modules
from lockyard.trial.outcome import WrongError
from lockyard.trial.packages import Installed, check_consistency, check_packages, installed_of
from lockyard.trial.structure import check_laid
from lockyard.trial.subject import Subject

_IMPORT_SECONDS = 120
_ROOT = "0:0"
_AT_ONCE = 500  # modules whose names go into one command


@define
class Contents:
    """A container of an image that does nothing, and what its checks share."""

    box: Box
    subject: Subject
    _installed: Installed | None = field(default=None, init=False)

    def check_privileges(self) -> str:
        """Check that no file gives who runs it more rights."""
        found = self._told("files", "privileged", user=_ROOT)
        if found:
            raise WrongError("no setuid or setgid file, and none with capabilities", lines(found))
        return "no setuid or setgid file"

    def check_writable(self) -> str:
        """Check that the image's user may write only where it is meant to."""
        allowed = self.subject.writable
        found = self._told("files", "writable", *allowed)
        if found:
            raise WrongError(f"writable: {', '.join(allowed)} and what is below", lines(found))
        return f"only {', '.join(allowed)}"

    def check_files(self) -> str:
        """Check what recipe and env lay: that it is there, its owner, its mode and its content."""
        laid = self.subject.laid
        found = self._told("files", "files", *laid, user=_ROOT)
        return check_laid(laid, {path: found.get(path) for path in laid})

    def check_packages(self) -> str:
        """Check that the packages are those of the lock."""
        return check_packages(self.subject, self.installed)

    def check_consistency(self) -> str:
        """Check that every distribution has what it requires."""
        return check_consistency(self.installed)

    def check_imports(self) -> str:
        """Check that every top-level module of every package can be imported."""
        skipped = self.subject.spec.skip
        known = modules(self.installed)
        asked = [module for module in known if module not in skipped]
        if not asked:
            raise WrongError("modules to import", "no package has any")
        failures: dict[str, str] = {}
        for number in range(0, len(asked), _AT_ONCE):
            part = json.dumps(asked[number : number + _AT_ONCE])
            failures |= self._told("imports", str(_IMPORT_SECONDS), part)
        if failures:
            found = (f"{module}: {why}" for module, why in sorted(failures.items()))
            raise WrongError(f"{len(asked)} modules can be imported", "\n".join(found))
        left = [module for module in known if module in skipped]
        return f"{len(asked)} modules" + (f", without {', '.join(left)}" if left else "")

    @property
    def installed(self) -> Installed:
        """Return what the image says of its packages."""
        if self._installed is None:
            try:
                self._installed = installed_of(self._told("packages"))
            except ValueError as error:
                raise WrongError("packages that can be read", str(error)) from None
        return self._installed

    def _told(self, program: str, *arguments: str, user: str = "") -> Any:
        try:
            return self.box.inside(self.subject.python, program, *arguments, user=user)
        except ProgramError as error:
            raise WrongError(f"{self.subject.python} runs", str(error)) from None


def lines(found: Any) -> str:
    """Return what was found, a line each."""
    return "\n".join(_texts(found))


def _texts(found: Any) -> Iterator[str]:
    for each in found if isinstance(found, list) else [found]:
        yield str(each)

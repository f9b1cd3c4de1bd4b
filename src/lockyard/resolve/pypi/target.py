"""The Python that wheels are chosen for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import Attribute, field, frozen
from packaging.tags import Tag, compatible_tags, cpython_tags

from lockyard.errors import SpecError

# The oldest glibc that each machine has manylinux tags for (PEP 600), and the names that
# some of them had before it (PEPs 513, 571 and 599).
_OLDEST_GLIBC = {"aarch64": 17, "x86_64": 5}
_LEGACY_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}

_Validator = Callable[[Any, "Attribute[str]", str], None]


def _matching(pattern: str, example: str) -> _Validator:
    def check(_: object, attribute: Attribute[str], value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise SpecError(
                f"{value!r} is no {attribute.name} of a target",
                solution=f"write it as {example}",
            )

    return check


@frozen
class PythonTarget:
    """A CPython on Linux with glibc.

    ``python`` is its full version (``3.11.2``), ``glibc`` the version of the image's C library
    (``2.36``), ``machine`` what ``uname -m`` says (``x86_64`` or ``aarch64``). A glibc that is
    set too low costs nothing but the newest releases; one too high chooses wheels that don't
    load. Raise SpecError for values of another shape.
    """

    python: str = field(validator=_matching(r"3\.\d{1,3}\.\d{1,3}", "3.11.2"))
    glibc: str = field(validator=_matching(r"2\.\d{1,3}", "2.36"))
    machine: str = field(validator=_matching("x86_64|aarch64", "x86_64 or aarch64"))

    def __str__(self) -> str:
        return f"Python {self.python}, glibc {self.glibc}, {self.machine}"

    @property
    def version_info(self) -> tuple[int, int, int]:
        """Return major, minor and micro version."""
        major, minor, micro = map(int, self.python.split("."))
        return major, minor, micro

    @property
    def markers(self) -> dict[str, str]:
        """Return the environment that dependency markers are evaluated in (PEP 508).

        The kernel's release and version are empty: an image doesn't have a kernel.
        """
        return {
            "implementation_name": "cpython",
            "implementation_version": self.python,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.python,
            "python_version": self.python.rpartition(".")[0],
            "sys_platform": "linux",
        }

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the platform tags that the target can load, best first (PEP 600)."""
        newest = int(self.glibc.partition(".")[2])
        tags = []
        for minor in range(newest, _OLDEST_GLIBC[self.machine] - 1, -1):
            tags.append(f"manylinux_2_{minor}_{self.machine}")
            if minor in _LEGACY_NAMES:
                tags.append(f"{_LEGACY_NAMES[minor]}_{self.machine}")
        return (f"linux_{self.machine}", *tags)

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the wheel tags that pip on the target would support, best first (PEP 425)."""
        version = self.version_info[:2]
        interpreter = f"cp{version[0]}{version[1]}"
        # Up to 3.7 the ABI's name tells of the memory allocator, which was always pymalloc.
        abi = f"{interpreter}m" if version < (3, 8) else interpreter
        return (
            *cpython_tags(version, [abi], self.platforms),
            *compatible_tags(version, interpreter, self.platforms),
        )

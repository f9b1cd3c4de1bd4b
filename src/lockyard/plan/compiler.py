"""The Python that compiles an image's modules: its own."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from attrs import field, frozen

from lockyard.lock.finding import serving
from lockyard.lock.model import Artifact, CondaPackage, Deb, Lock, Target
from lockyard.spec.platform import MACHINES

# Raised with what the compiling process does, so that layers are built anew.
_FORMAT = 5


@frozen(kw_only=True)
class Compiler:
    """A Python as packages of a lock have it, which runs without the rest of its image.

    ``interpreter`` and ``home`` are paths in the image. ``packages`` are those that it runs
    from, by platform: bytecode is the same on all, so any that runs here will do. All have one
    ``version``, which is that of the package and not of Python alone.
    """

    interpreter: str
    home: str
    version: str
    packages: Mapping[str, tuple[Deb, ...] | tuple[CondaPackage, ...]] = field(eq=False)

    @property
    def platform(self) -> str:
        """Return the platform that is this machine's, or else one that it might emulate."""
        machine = platform.machine()
        own = [each for each in self.packages if MACHINES.get(each) == machine]
        return (own or sorted(self.packages))[0]

    @property
    def tag(self) -> str:
        """Return what the files of its bytecode are named by, as cpython-311 (PEP 3147)."""
        minor = self.interpreter.rpartition("/python")[2]
        return f"cpython-{minor.replace('.', '')}"

    @property
    def tools(self) -> tuple[Artifact, ...]:
        """Return what must be in the store before it can run."""
        return self.packages[self.platform]

    def inputs(self) -> list[object]:
        """Return all that decides the bytes that it makes of a module."""
        return [_FORMAT, self.version]


def compiler_of(lock: Lock, target: Target, interpreter: str, prefix: str) -> Compiler | None:
    """Return the Python of a target, None where no package of its lock has it.

    Those of the lock's other platforms are among its packages if they are of the same version.
    """
    found: dict[str, tuple[str, str, tuple[Deb, ...] | tuple[CondaPackage, ...]]] = {}
    for each in lock.targets:
        held = _of_debian(lock, each, interpreter) or _of_conda(lock, each, prefix)
        if held is not None:
            found.setdefault(each.platform, held)
    if target.platform not in found:
        return None
    version, home, _ = found[target.platform]
    return Compiler(
        interpreter=interpreter,
        home=home,
        version=version,
        packages={name: each[2] for name, each in found.items() if each[0] == version},
    )


def _of_debian(
    lock: Lock, target: Target, interpreter: str
) -> tuple[str, str, tuple[Deb, ...]] | None:
    """Return the version and home of a Debian Python, with the libraries that it needs."""
    folder, _, name = interpreter.rpartition("/bin/")
    debs = {deb.name: deb for deb in serving(lock.debs, target)}
    python = debs.get(f"{name}-minimal") or debs.get(name)
    if python is None:
        return None
    needed = {python.name: python}
    while more := {
        deb.name: deb
        for deb in debs.values()
        if deb.name not in needed
        and deb.name.startswith(("lib", "zlib"))
        and needed.keys() & {*deb.required_by}
    }:
        needed |= more
    return python.version, folder, tuple(needed[name] for name in sorted(needed))


def _of_conda(
    lock: Lock, target: Target, prefix: str
) -> tuple[str, str, tuple[CondaPackage, ...]] | None:
    """Return the version and home of conda's Python, which needs no other package to compile."""
    for package in serving(lock.conda, target):
        if package.name == "python":
            return f"{package.version}-{package.build}", prefix, (package,)
    return None

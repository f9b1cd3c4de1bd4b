"""The virtual packages of a target: what a solver is told of the machine it solves for."""

from __future__ import annotations

from attrs import frozen

from lockyard.lock.model import Target
from lockyard.spec.platform import MACHINES, SUBDIRS

# The kernel is the host's, and no image knows it. This is the oldest that is still supported
# widely; nothing that an image is made of asks for a newer one.
_LINUX = "4.18"
_PROCESSORS = {SUBDIRS[platform]: machine for platform, machine in MACHINES.items()}


@frozen(kw_only=True)
class VirtualPackages:
    """What a target gives to its packages: the base's glibc, and the variant's CUDA or none."""

    glibc: str
    cuda: str | None = None

    def versions(self, subdir: str) -> dict[str, str]:
        """Map names to versions, each with a build after a space where that matters."""
        found = {"__unix": "0", "__linux": _LINUX, "__glibc": self.glibc}
        if subdir in _PROCESSORS:
            found["__archspec"] = f"1 {_PROCESSORS[subdir]}"
        if self.cuda is not None:
            found["__cuda"] = self.cuda
        return dict(sorted(found.items()))


def virtual_packages(target: Target) -> VirtualPackages:
    """Return what a target gives: its base's glibc, and its variant's CUDA if it has one."""
    cuda = target.variant.removeprefix("cuda") if target.variant != "cpu" else None
    return VirtualPackages(glibc=target.glibc, cuda=cuda)

"""Which of an index's files a target could take, told by their names (child process only)."""

from __future__ import annotations

from itertools import product

from .target import PythonTarget


class Suited:
    """Tell by package and file name whether pip's finder has to look at a file.

    It would leave out all others itself: wheels for other machines, and source distributions
    of packages that aren't among ``sdists``.
    """

    def __init__(self, target: PythonTarget, sdists: frozenset[str]) -> None:
        self.target = target
        self.sdists = sdists
        self._tags = {(tag.interpreter, tag.abi, tag.platform) for tag in target.tags}
        self._known: dict[str, bool] = {}

    def scope(self, package: str) -> str:
        """Return what the answers for a package's files depend on, besides the files' names."""
        return f"1 {self.target} {package in self.sdists}"  # another number for other rules

    def __call__(self, package: str, file: str) -> bool:
        """Answer for a file of a package; in doubt, yes."""
        if not file.endswith(".whl"):
            return package in self.sdists
        parts = file.removesuffix(".whl").split("-")
        if len(parts) < 5:
            return True
        suffix = "-".join(parts[-3:])
        if suffix not in self._known:
            # There are far fewer such endings than files.
            sets = (part.lower().split(".") for part in parts[-3:])
            self._known[suffix] = not self._tags.isdisjoint(product(*sets))
        return self._known[suffix]

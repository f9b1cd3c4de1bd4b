"""What an env's images are made from, as one digest: to see that nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import define, field

import lockyard
from lockyard.lock.file import lock_path
from lockyard.spec.model import Env
from lockyard.spec.reader import WORKSPACE_FILE, Fleet


@define
class Origins:
    """Digests of the files that decide the plans of envs' images.

    They are the workspace's, the env's, its lock and its recipe's, the same of what it extends and
    of what compiles for it, and this program's own. What has the same digest as at its last build
    needs no plan to be found unchanged; what hasn't, for a comment's sake, say, is planned to find
    that out.
    """

    fleet: Fleet
    _shared: bytes | None = None
    _recipes: dict[str, bytes] = field(factory=dict)

    def of(self, env: Env) -> str:
        """Return the digest of what an env's images are made from, "" if it can't be had.

        Raise SpecError for a recipe with faults.
        """
        try:
            if self._shared is None:
                workspace = (self.fleet.root / WORKSPACE_FILE).read_bytes()
                self._shared = _digest([_program(), workspace])
            return _digest([self._shared, *self._own(env)]).hex()
        except OSError:
            return ""

    def _own(self, env: Env) -> Iterable[bytes]:
        """Give the contents of an env's own files, and of those that it stands on."""
        yield (self.fleet.root / f"envs/{env.name}.toml").read_bytes()
        yield (self.fleet.root / lock_path(env.name)).read_bytes()
        yield _files(env.contents)
        yield self._recipe(env.recipe)
        for other in (env.parent, env.builder):
            if other is not None:
                yield from self._own(other)

    def _recipe(self, name: str) -> bytes:
        """Return the digest of a recipe and of what it lays, wherever links have that from."""
        if name not in self._recipes:
            laid = _files(self.fleet.recipe(name).contents)
            own = (self.fleet.root / f"images/{name}/recipe.toml").read_bytes()
            self._recipes[name] = _digest([own, laid])
        return self._recipes[name]


def _program() -> bytes:
    """Return the digest of this program's own code, the same wherever that stands."""
    folder = Path(lockyard.__file__).parent
    return _files(
        {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*.py")}
    )


def _files(contents: Mapping[str, bytes]) -> bytes:
    """Return the digest of files by their paths."""
    named = ((name.encode(), content) for name, content in sorted(contents.items()))
    return _digest(part for pair in named for part in pair)


def _digest(parts: Iterable[bytes]) -> bytes:
    """Return the sha256 of parts, each apart from the next."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.digest()

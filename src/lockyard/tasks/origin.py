"""What an env's images are made from, as one digest: to see that nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from attrs import define, field

import lockyard
from lockyard.lock.file import lock_path
from lockyard.spec.model import Env
from lockyard.spec.reader import WORKSPACE_FILE, Fleet


@define
class Origins:
    """Digests of the files that decide the plans of envs' images.

    They are the workspace's, the env's and its lock, its recipe's, those of what it extends and
    of what compiles for it, and this program's own. What has the same digest as at its last build
    needs no plan to be found unchanged; what hasn't, for a comment's sake, say, is planned to find
    that out.
    """

    fleet: Fleet
    _shared: bytes | None = None
    _recipes: dict[str, bytes] = field(factory=dict)

    def of(self, env: Env) -> str:
        """Return the digest of what an env's images are made from, "" if it can't be had."""
        try:
            if self._shared is None:
                workspace = (self.fleet.root / WORKSPACE_FILE).read_bytes()
                self._shared = _digest([_program(), workspace])
            if env.recipe not in self._recipes:
                self._recipes[env.recipe] = _tree(self.fleet.root / "images" / env.recipe)
            parts = [self._shared, self._recipes[env.recipe], *self._own(env)]
            return _digest(parts).hex()
        except OSError:
            return ""

    def _own(self, env: Env) -> Iterable[bytes]:
        """Give the contents of an env's own files, and of those that it stands on."""
        yield (self.fleet.root / f"envs/{env.name}.toml").read_bytes()
        yield (self.fleet.root / lock_path(env.name)).read_bytes()
        for name, content in sorted(env.contents.items()):
            yield name.encode()
            yield content
        for other in (env.parent, env.builder):
            if other is not None:
                yield from self._own(other)


def _program() -> bytes:
    """Return the digest of this program's own code, the same wherever that stands."""
    return _tree(Path(lockyard.__file__).parent, "*.py")


def _tree(folder: Path, pattern: str = "*") -> bytes:
    """Return the digest of the files below a folder that a pattern names, by their paths."""
    files = sorted(path for path in folder.rglob(pattern) if path.is_file())
    parts = ((str(path.relative_to(folder)).encode(), path.read_bytes()) for path in files)
    return _digest(part for pair in parts for part in pair)


def _digest(parts: Iterable[bytes]) -> bytes:
    """Return the sha256 of parts, each apart from the next."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.digest()

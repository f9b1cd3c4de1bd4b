"""A base of Debian packages, resolved for one target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from lockyard.errors import ResolveError, SpecError
from lockyard.lock.model import Deb
from lockyard.resolve.base import Asked, ResolvedBase
from lockyard.resolve.debian.resolver import resolve_debian, upstream_version
from lockyard.resolve.request import Pins, World
from lockyard.sources.debian import mirror_url
from lockyard.sources.http import session
from lockyard.sources.pypi import certificate
from lockyard.spec.model import DebianBase, DebianSource


@frozen(kw_only=True)
class DebianBaseResolver:
    """Resolve a base by its ``name`` in the workspace."""

    name: str
    base: DebianBase
    source: DebianSource
    pins: Pins
    world: World

    def resolve(self, asked: Asked) -> ResolvedBase:
        """See BaseResolver."""
        asked.refuse("conda", 'a base of kind "debian" has no conda prefix')
        roots: dict[str, tuple[str, ...]] = {f"base {self.name}": self.base.packages}
        roots |= {label: each.debian for label, each in asked.by.items() if each.debian}
        pinned, wanted = self._pinned(asked.name)
        debs = resolve_debian(
            session=session(certificate(self.world.environ)),
            mirror=mirror_url(self.source.mirror, self.world.environ),
            source=self.base.source,
            suite=self.base.suite,
            components=self.base.components,
            architecture=asked.platform.partition("/")[2],
            keys=self.source.keys,
            roots=roots,
            pinned=pinned | wanted,
            cache=self.world.cache / "debian",
            now=self.world.now,
            keyring=self.world.root / self.source.keyring if self.source.keyring else None,
            reporter=self.world.reporter,
            once=self.world.once,
        ).debs
        by_name = {deb.name: deb for deb in debs}
        self._check_moved(by_name, wanted)
        self._check_named(by_name, roots)
        interpreter = by_name[f"python{self.base.python}"]
        target = asked.target(
            self.name, upstream_version(interpreter), upstream_version(by_name["libc6"])
        )
        return ResolvedBase(target=target, debs=debs)

    def _pinned(self, target: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the versions that stay, and those that packages are to move to.

        Both are what the solver takes first, and neither is a root: a package that nobody
        asks for any more goes, however it is pinned.
        """
        moves = dict(each.partition("==")[::2] for each in sorted(self.pins.moves.packages))
        held = {deb.name: deb.version for deb in self.pins.debs(target)}
        stay = {name: version for name, version in held.items() if name not in moves}
        return stay, {name: moves[name] for name in held if moves.get(name)}

    def _check_moved(self, debs: Mapping[str, Deb], wanted: Mapping[str, str]) -> None:
        for name, version in wanted.items():
            if name in debs and debs[name].version != version:
                raise ResolveError(
                    f"{name} can't move to {version}: the suite has {debs[name].version}, or "
                    "other packages need that",
                    where=f"source {self.base.source}",
                    solution="name a version that the suite has and that the others allow",
                )

    def _check_named(self, debs: Mapping[str, Deb], roots: Mapping[str, Iterable[str]]) -> None:
        """Refuse virtual packages: which one was meant couldn't be told from the lock."""
        for needed in (f"python{self.base.python}", "libc6"):
            if needed not in debs:
                raise SpecError(
                    f"the base has no package {needed}",
                    where=f"WORKSPACE.toml: bases.{self.name}.packages",
                    solution=f'add "{needed}", or correct the base\'s python',
                )
        for label, texts in roots.items():
            for name in (text.partition(" ")[0] for text in texts):
                if name not in debs:
                    chosen = sorted(deb.name for deb in debs.values() if label in deb.required_by)
                    raise SpecError(
                        f"{name} is a virtual package",
                        where=f"{label}: requirements.debian",
                        solution=f"name the package itself; locked for {label}: "
                        f"{', '.join(chosen)}",
                    )

"""Push an env's images to a registry, beside those of the rest of the fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from attrs import field, frozen

from lockyard.assemble.layout import read_ledger
from lockyard.errors import LockyardError, UsageError
from lockyard.events import Reporter
from lockyard.lock.file import read_lock
from lockyard.ship.layout import read_layout
from lockyard.ship.push import Push
from lockyard.ship.repository import Donor, Repository
from lockyard.ship.tags import LATEST, check_extra
from lockyard.sources.registry import Registry, host_address
from lockyard.spec.checks import TEXT_CHECKS
from lockyard.spec.checks import Registry as Host
from lockyard.spec.model import RegistrySource
from lockyard.spec.reader import Fleet
from lockyard.tasks.plan import plan_env


@frozen(kw_only=True)
class PushedImage:
    """What came of one image; see Pushed. ``percent`` is the part of its bytes that was sent."""

    env: str
    image: str
    repository: str
    digest: str
    size: int
    sent: int
    percent: float
    mounted: int
    present: int
    tags: tuple[str, ...]
    tagged: tuple[str, ...]


@frozen(kw_only=True)
class Pusher:
    """Push images of a fleet from a folder of layouts to the registry at ``host``.

    ``day`` is that of the dated tags, ``extra`` are more tags for each image.
    """

    fleet: Fleet
    output: Path
    host: str
    environ: Mapping[str, str]
    reporter: Reporter
    day: date
    extra: Sequence[str] = ()
    dry_run: bool = False
    registry: Registry = field(init=False)

    @registry.default
    def _registry(self) -> Registry:
        return Registry(self.host, host_address(self.host), self.environ)

    def push(self, name: str) -> list[PushedImage]:
        """Push an env's images, one for each variant.

        Raise UsageError where one of them isn't built as its lock says, PushError where the
        registry can't be reached or refuses.
        """
        keys: dict[str, dict[str, str]] = {}
        for plan in plan_env(self.fleet, name):
            keys.setdefault(plan.names.image, {})[plan.target.platform] = plan.key
        for image, plans in keys.items():
            ledger = read_ledger(self.output / image)
            if ledger is None or ledger.get("plans") != plans:
                raise UsageError(
                    _unfit(ledger, plans),
                    where=str(self.output / image),
                    solution=f"run: invoke build {name}",
                )
        return [self._image(name, image) for image in sorted(keys)]

    def _image(self, env: str, image: str) -> PushedImage:
        layout = read_layout(self.output / image)
        repository = Repository(registry=self.registry, image=self._path(image))
        pushed = Push(
            layout=layout,
            repository=repository,
            donors=[*self._fleet(image), *self._bases(env)],
            day=self.day,
            extra=self.extra,
            reporter=self.reporter,
        ).run(dry_run=self.dry_run)
        return PushedImage(
            env=env,
            image=image,
            repository=repository.name,
            digest=pushed.digest,
            size=pushed.size,
            sent=pushed.sent,
            percent=round(100 * pushed.sent / pushed.size, 2),
            mounted=pushed.mounted,
            present=pushed.present,
            tags=pushed.tags,
            tagged=pushed.tagged,
        )

    def _path(self, image: str) -> str:
        return f"{self.fleet.workspace.names.repository}/{image}"

    def _fleet(self, image: str) -> list[Donor]:
        """Return the repositories of the images that are built beside this one."""
        found = []
        for folder in sorted(self.output.iterdir()):
            # Builds write theirs under names that begin with a dot.
            if folder.name.startswith(".") or folder.name == image:
                continue
            if ledger := read_ledger(folder):
                digests = frozenset(f"sha256:{name}" for name in ledger["blobs"])
                found.append(self._donor(self._path(folder.name), LATEST, digests))
        return found

    def _bases(self, env: str) -> list[Donor]:
        """Return the repositories of an env's base images that are in the same registry."""
        lock, sources = read_lock(self.fleet.root, env), self.fleet.workspace.sources
        found = []
        for image in lock.images if lock else ():
            source = sources.get(image.source)
            if isinstance(source, RegistrySource) and source.registry == self.host:
                layers = frozenset(f"sha256:{layer.digest}" for layer in image.layers)
                reference = f"sha256:{image.manifest}"
                found.append(self._donor(image.image, reference, layers or None))
        return found

    def _donor(self, image: str, reference: str, digests: frozenset[str] | None) -> Donor:
        return Donor(registry=self.registry, image=image, reference=reference, digests=digests)


def _unfit(ledger: Mapping[str, Any] | None, plans: Mapping[str, str]) -> str:
    """Say why what is built isn't what is planned, by platform."""
    if ledger is None:
        return "this image isn't built"
    built = ledger.get("plans")
    if isinstance(built, dict) and built.items() < plans.items():
        # An engine builds for those platforms alone that it can run.
        return f"this image was built without {', '.join(sorted(plans.keys() - built.keys()))}"
    return "this image was built from another lock or spec than there is now"


def checked_host(fleet: Fleet, given: str) -> str:
    """Return the registry to push to: the one that is given, or the workspace's.

    Raise UsageError for what isn't a host. It is reached by HTTPS, on this machine by HTTP.
    """
    host = given or fleet.workspace.names.registry
    try:
        TEXT_CHECKS[Host](host)
    except (ValueError, LockyardError):
        raise UsageError(
            f"{host[:200]!r} isn't a registry's host",
            where="--registry",
            solution="write HOST or HOST:PORT, as registry.example:5000",
        ) from None
    return host


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return extra tags, if they can be given; see check_extra."""
    for tag in tags:
        check_extra(tag)
    return tuple(tags)

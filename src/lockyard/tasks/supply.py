"""Have what a lock names: fetched from its sources, or built where no index has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from attrs import frozen

from lockyard.errors import IntegrityError, LockyardError, StoreError
from lockyard.events import Reporter
from lockyard.fetch.failures import gathered
from lockyard.lock.model import Artifact, BaseImage, Wheel
from lockyard.spec.model import CondaSource, DebianSource, PypiSource, RegistrySource, Workspace
from lockyard.store.store import Store

if TYPE_CHECKING:
    from lockyard.fetch.image import PulledImage


@frozen(kw_only=True)
class Supply:
    """Bring artifacts of a workspace's locks into the store, with what it takes from outside."""

    workspace: Workspace
    store: Store
    environ: Mapping[str, str]
    reporter: Reporter

    def provide(self, artifacts: Iterable[Artifact], *, verify: bool = False) -> None:
        """Have every artifact in the store, as its sha256 says.

        As ``provide_each``, but raise what fails; what was brought until then is kept.
        """
        wanted = list(artifacts)
        failures = self.provide_each(wanted, verify=verify)
        if failures:
            raise gathered(list(failures.values()), len({each.sha256 for each in wanted}))

    def provide_each(
        self, artifacts: Iterable[Artifact], *, verify: bool = False
    ) -> dict[str, LockyardError]:
        """Bring what can be had into the store; return by its sha256 why something can't.

        With ``verify``, what is there is read again, and brought again where it is damaged. A
        wheel that no index has is built from its sdist. Raise StoreError.
        """
        wanted = list(artifacts)
        plain = [each for each in wanted if not is_built(each)]
        built = {each.sha256: each for each in wanted if is_built(each)}
        missing = [wheel for wheel in built.values() if not self._held(wheel, verify)]
        sdists = [_sdist(wheel) for wheel in missing]
        failures = self._fetch([*plain, *sdists], verify)
        for wheel, sdist in zip(missing, sdists, strict=True):
            try:
                # Several wheels may be built from one sdist, each in another environment.
                if failure := failures.get(sdist.sha256):
                    raise failure
                self._build(wheel)
            except StoreError:
                raise
            except LockyardError as error:
                failures[wheel.sha256] = error
        return failures

    def pull(self, image: BaseImage) -> PulledImage:
        """Have a base image in the store, its layers read again; see ``fetch_image``."""
        from lockyard.fetch.image import fetch_image  # noqa: PLC0415
        from lockyard.sources.registry import source_registry  # noqa: PLC0415

        source = self.workspace.sources[image.source]
        assert isinstance(source, RegistrySource)  # noqa: S101 - the reader has seen to it
        return fetch_image(
            image,
            store=self.store,
            registry=source_registry(image.source, source, self.environ),
            reporter=self.reporter,
            verify=True,
        )

    def _held(self, wheel: Wheel, verify: bool) -> bool:
        path = self.store.artifact(wheel.sha256, wheel.size)
        if path is None or not verify:
            return path is not None
        try:
            self.store.verify(path, wheel.sha256, wheel.size)
        except IntegrityError:
            return False
        return True

    def _fetch(self, artifacts: list[Artifact], verify: bool) -> dict[str, LockyardError]:
        if not artifacts:
            return {}
        from lockyard.fetch.fetch import fetch_each  # noqa: PLC0415
        from lockyard.fetch.locate import Locator  # noqa: PLC0415
        from lockyard.sources.http import session  # noqa: PLC0415
        from lockyard.sources.pypi import certificate  # noqa: PLC0415

        connection = session(certificate(self.environ))
        return fetch_each(
            artifacts,
            store=self.store,
            locate=Locator(connection, addresses(self.workspace, self.environ)),
            session=connection,
            reporter=self.reporter,
            verify=verify,
        )

    def _build(self, wheel: Wheel) -> None:
        """Build a wheel whose sdist is in the store, and keep it among the artifacts."""
        from lockyard.resolve.sdist.build import SdistBuilder, rebuild  # noqa: PLC0415
        from lockyard.resolve.sdist.index import Index  # noqa: PLC0415
        from lockyard.sources.pypi import certificate  # noqa: PLC0415

        sdist = _sdist(wheel)
        builder = SdistBuilder(
            index=Index(
                address=addresses(self.workspace, self.environ)[wheel.source](),
                source=wheel.source,
                cert=certificate(self.environ),
            ),
            cache=self.store.cache / "pypi",
            reporter=self.reporter,
        )
        path = rebuild(wheel, self.store.artifact(sdist.sha256) or Path(sdist.file), builder)
        with self.store.writer("artifact") as writer:
            writer.write(path.read_bytes())
            writer.commit(sha256=wheel.sha256, size=wheel.size)


def is_built(artifact: Artifact) -> TypeGuard[Wheel]:
    """Tell whether an artifact is a wheel that no index has, built from its sdist."""
    return isinstance(artifact, Wheel) and artifact.sdist is not None


def _sdist(wheel: Wheel) -> Artifact:
    """Return what a wheel is built from, as an artifact of the wheel's own source."""
    assert wheel.sdist is not None  # noqa: S101 - the caller has looked
    return Artifact(
        name=wheel.name,
        version=wheel.version,
        file=wheel.sdist.file,
        sha256=wheel.sdist.sha256,
        size=wheel.sdist.size,
        source=wheel.source,
        required_by=(),
    )


def addresses(workspace: Workspace, environ: Mapping[str, str]) -> dict[str, Callable[[], str]]:
    """Return how to find the address of each source of packages, asked for only if it is needed."""
    from lockyard.sources.conda import channel_access  # noqa: PLC0415
    from lockyard.sources.debian import mirror_url  # noqa: PLC0415
    from lockyard.sources.pypi import index_access  # noqa: PLC0415

    found: dict[str, Callable[[], str]] = {}
    for name, source in workspace.sources.items():
        match source:
            case DebianSource():
                found[name] = partial(mirror_url, source.mirror, environ)
            case PypiSource():
                found[name] = partial(index_access, source.index, environ)
            case CondaSource():
                found[name] = partial(channel_access, name, source.channel, source.mirror, environ)
    return found

"""Have what a lock names: fetched from its sources, or built where no index has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeGuard

from attrs import frozen

from lockyard.errors import IntegrityError
from lockyard.events import Reporter
from lockyard.lock.model import Artifact, Wheel
from lockyard.spec.model import CondaSource, DebianSource, PypiSource, Workspace
from lockyard.store.store import Store


@frozen(kw_only=True)
class Supply:
    """Bring artifacts of a workspace's locks into the store, with what it takes from outside."""

    workspace: Workspace
    store: Store
    environ: Mapping[str, str]
    reporter: Reporter

    def provide(self, artifacts: Iterable[Artifact], *, verify: bool = False) -> None:
        """Have every artifact in the store, as its sha256 says.

        With ``verify``, what is there is read again, and brought again where it is damaged. A
        wheel that no index has is built from its sdist. Raise FetchError, IntegrityError,
        BuildError or StoreError; what was brought until then is kept.
        """
        wanted = list(artifacts)
        built = [each for each in wanted if is_built(each)]
        plain = [each for each in wanted if not is_built(each)]
        missing = [wheel for wheel in built if not self._held(wheel, verify)]
        self._fetch([*plain, *(_sdist(wheel) for wheel in missing)], verify)
        for wheel in missing:
            self._build(wheel)

    def _held(self, wheel: Wheel, verify: bool) -> bool:
        path = self.store.artifact(wheel.sha256, wheel.size)
        if path is None or not verify:
            return path is not None
        try:
            self.store.verify(path, wheel.sha256, wheel.size)
        except IntegrityError:
            return False
        return True

    def _fetch(self, artifacts: list[Artifact], verify: bool) -> None:
        if not artifacts:
            return
        from lockyard.fetch.fetch import fetch  # noqa: PLC0415
        from lockyard.fetch.locate import Locator  # noqa: PLC0415
        from lockyard.sources.http import session  # noqa: PLC0415
        from lockyard.sources.pypi import certificate  # noqa: PLC0415

        connection = session(certificate(self.environ))
        fetch(
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
    """Return how to find the address of each source, asked for only if it is needed."""
    from lockyard.sources.conda import mirror_address  # noqa: PLC0415
    from lockyard.sources.debian import mirror_url  # noqa: PLC0415
    from lockyard.sources.pypi import index_url  # noqa: PLC0415

    found: dict[str, Callable[[], str]] = {}
    for name, source in workspace.sources.items():
        match source:
            case DebianSource():
                found[name] = partial(mirror_url, source.mirror, environ)
            case PypiSource():
                found[name] = partial(index_url, source.index, environ)
            case CondaSource():
                mirror = mirror_address(name, source.mirror, environ)
                found[name] = partial(str, mirror or source.channel)
    return found

"""What the locks of workspaces need of the store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from attrs import field, frozen

from lockyard.errors import LockError, LockyardError
from lockyard.lock.file import FOLDER, lock_path, read_lock
from lockyard.lock.model import BaseImage, Lock
from lockyard.plan.layer import layer_key
from lockyard.resolve.sdist.cache import build_key, built_wheels
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.plan import plan_env
from lockyard.tasks.workspaces import record_name, unknown_needs

_SUFFIX = ".lock.toml"
_DIGEST = re.compile(rb"sha256:([0-9a-f]{64})")
# More than registries take for a manifest.
_LARGEST = 16 << 20


@frozen(kw_only=True)
class Needs:
    """What has to stay in a store.

    ``digests`` are of artifacts and layers, ``records`` are KIND/KEY, ``folders`` are paths
    below the caches. ``unplanned`` are the locks whose layers aren't known, because they can't
    be built as they stand; their artifacts are.
    """

    digests: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    locks: tuple[str, ...] = ()
    unplanned: tuple[str, ...] = ()


@frozen
class _Gatherer:
    store: Store
    digests: set[str] = field(factory=set)
    records: set[str] = field(factory=set)
    folders: set[str] = field(factory=set)
    locks: list[str] = field(factory=list)
    unplanned: list[str] = field(factory=list)

    def workspace(self, root: Path) -> None:
        self.records.add(record_name(root))
        for env in _locked(root, self.store):
            where = str(root / lock_path(env))
            self.lock(_read(root, env))
            self.locks.append(where)
            layers = _layers(root, env)
            self.records.update(f"layer/{key}" for key in layers)
            if not layers:
                self.unplanned.append(where)

    def lock(self, lock: Lock) -> None:
        self.digests.update(artifact.sha256 for artifact in lock.artifacts)
        for image in lock.images:
            self.digests.update(_image_digests(image, self.store))
        for sdist in (wheel.sdist for wheel in lock.wheels if wheel.sdist):
            self.digests.add(sdist.sha256)
            built = built_wheels(Path("pypi"))
            # Beside what it gave, what it is built with: both are small.
            self.folders.update({built.place(build_key(sdist)).as_posix(), "pypi/tools"})


def needs_of(roots: Iterable[Path], store: Store) -> Needs:
    """Return what the locks of some workspaces need.

    Raise StoreError or LockError where a lock can't be read.
    """
    found = _Gatherer(store)
    for root in roots:
        found.workspace(root)
    return Needs(
        digests=frozenset(found.digests),
        records=frozenset(found.records),
        folders=frozenset(found.folders),
        locks=tuple(found.locks),
        unplanned=tuple(found.unplanned),
    )


def _locked(root: Path, store: Store) -> list[str]:
    """Return the names of a workspace's locks, also of those whose env has gone."""
    folder = root / FOLDER
    try:
        files = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unknown_needs(root, folder, error, store) from None
    return [
        file.removesuffix(_SUFFIX)
        for file in files
        # A hidden one is an editor's, or half a lock of a process that was killed.
        if file.endswith(_SUFFIX) and not file.startswith(".")
    ]


def _read(root: Path, env: str) -> Lock:
    where = str(root / lock_path(env))
    try:
        lock = read_lock(root, env)
    except LockError as error:
        # Of which of the workspaces it is, the path must say.
        raise LockError(error.reason, where=where, solution=error.solution) from None
    if lock is None:
        raise LockError("it has just gone", where=where, solution="try again")
    return lock


def _image_digests(image: BaseImage, store: Store) -> Iterator[str]:
    """Give the digests of a base image's documents and layers.

    A lock doesn't always have those of the layers, but the manifest does. Whatever it names
    counts: too many do no harm.
    """
    yield from (image.index, image.manifest)
    yield from (blob.digest for blob in (*image.layers, image.config) if blob)
    for path in (store.artifact(image.manifest), store.blob(image.manifest)):
        if path is not None:
            with suppress(OSError), path.open("rb") as file:
                yield from (each.decode() for each in _DIGEST.findall(file.read(_LARGEST)))


def _layers(root: Path, env: str) -> set[str]:
    """Return the keys of the layers of an env, none where it can't be planned."""
    try:
        plans = plan_env(read_fleet(root), env)
    except LockyardError:
        return set()
    return {layer_key(layer) for plan in plans for layer in plan.layers}

"""Where artifacts are that must be in the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lockyard.errors import StoreError
from lockyard.lock.model import Artifact
from lockyard.store.store import Store


def artifact_paths(artifacts: Sequence[Artifact], store: Store) -> dict[str, Path]:
    """Return the paths of artifacts by their files. Raise StoreError where one has gone."""
    paths = {}
    for artifact in artifacts:
        path = store.artifact(artifact.sha256, artifact.size)
        if path is None:
            raise StoreError(
                f"{artifact.file} has gone from the store",
                where=str(store.root),
                solution="build again: it will be fetched again",
            )
        paths[artifact.file] = path
    return paths

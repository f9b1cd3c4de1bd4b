from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.build.built import BuiltLayer
from lockyard.lock.model import Target
from lockyard.plan.image import ImagePlan
from lockyard.spec.names import Names
from lockyard.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def put_layer(store: Store) -> Callable[[str], BuiltLayer]:
    """Return a function that puts a layer of any content into the store."""

    def put(title: str) -> BuiltLayer:
        content = title.encode() * 100
        with store.writer("blob") as writer:
            writer.write(gzip.compress(content, mtime=0))
            writer.commit()
        diff_id = hashlib.sha256(content).hexdigest()
        return BuiltLayer(title=title, digest=writer.sha256, size=writer.size, diff_id=diff_id)

    return put


@pytest.fixture(scope="session")
def make_plan() -> Callable[..., ImagePlan]:
    """Return a function that plans an image of nothing for a platform."""

    def make(platform: str = "linux/amd64") -> ImagePlan:
        return ImagePlan(
            env="demo",
            names=Names(image="demo", repository="registry.example/demo", environment="demo"),
            target=Target(
                name=f"cpu-{platform.replace('/', '-')}",
                variant="cpu",
                platform=platform,
                base="debian12",
                python="3.11.2",
                glibc="2.36",
            ),
            layers=(),
            config={"Env": ["A=ü"], "User": "1000:1000"},
            created="2026-01-01T00:00:00Z",
        )

    return make

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from lockyard.assemble.layout import Image, assemble, write_layout
from lockyard.build.built import BuiltLayer
from lockyard.lock.model import Target
from lockyard.plan.image import ImagePlan
from lockyard.spec.names import Names
from lockyard.store.store import Store

REPOSITORY = "lockyard.invalid/tests/ship"


def image(store: Store, platform: str = "linux/amd64") -> Image:
    """Assemble an image of one layer, which holds one empty folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("folder")
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(info)
    with store.writer("blob") as writer:
        writer.write(gzip.compress(stream.getvalue(), mtime=0))
        writer.commit()
    layer = BuiltLayer(
        title="one",
        digest=writer.sha256,
        size=writer.size,
        diff_id=hashlib.sha256(stream.getvalue()).hexdigest(),
    )
    target = Target(
        name=f"cpu-{platform.replace('/', '-')}",
        variant="cpu",
        platform=platform,
        base="debian12",
        python="3.11.2",
        glibc="2.36",
    )
    plan = ImagePlan(
        env="demo",
        names=Names(image="demo", repository=REPOSITORY, environment="demo"),
        target=target,
        layers=(),
        config={"Cmd": ["/none"]},
        created="2026-01-01T00:00:00Z",
    )
    return assemble(plan, [layer])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A layout of an image of one platform."""
    store, made = Store(tmp_path / "store"), tmp_path / "dist" / "demo"
    write_layout([image(store)], REPOSITORY, b"{}", store, made)
    return made


@pytest.fixture
def folder_of_two(tmp_path: Path) -> Path:
    """A layout of an image of two platforms."""
    store, made = Store(tmp_path / "store"), tmp_path / "dist" / "two"
    images = [image(store, platform) for platform in ("linux/amd64", "linux/arm64")]
    write_layout(images, REPOSITORY, b"{}", store, made)
    return made

"""Images for two processors: who reads them finds each processor's code, and no other's.

The arm64 image is built where none of it can run.
"""

from __future__ import annotations

import gzip
import json
import struct
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockyard.tasks.build import Builder

pytestmark = [pytest.mark.network, pytest.mark.engine]

MACHINES = {"amd64": 62, "arm64": 183}  # e_machine of elf(5)
ENVS = ["minimal-py311", "onnxruntime-1.31", "sklearn-1.9", "xgboost-3.2"]


# One worker for all tests of an env: its image is made once.
@pytest.fixture(
    scope="module", params=[pytest.param(e, marks=pytest.mark.xdist_group(e)) for e in ENVS]
)
def layout(request: pytest.FixtureRequest, builder: Builder) -> Path:
    (built,) = builder.build(request.param)
    return Path(built.folder)


def test_skopeo_finds_both_platforms(layout: Path, skopeo: Callable[..., str]) -> None:
    index = json.loads(skopeo("inspect", "--raw", f"oci:{layout}:latest"))
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    platforms = [each["platform"] for each in index["manifests"]]
    assert platforms == [{"os": "linux", "architecture": each} for each in MACHINES]
    for architecture in MACHINES:
        override = f"--override-arch={architecture}"
        told = json.loads(skopeo(override, "inspect", f"oci:{layout}:latest"))
        assert told["Architecture"] == architecture


@pytest.mark.parametrize("architecture", MACHINES)
def test_every_elf_file_is_of_its_platform(layout: Path, architecture: str) -> None:
    machines = dict(_elf_files(layout, architecture))
    assert {path for path, found in machines.items() if found != MACHINES[architecture]} == set()
    assert "usr/bin/python3.11" in machines
    assert len(machines) > 200


def _elf_files(layout: Path, architecture: str) -> Iterator[tuple[str, int]]:
    """Give each ELF file of a platform's layers, and the machine that it is for."""
    for layer in _manifest(layout, architecture)["layers"]:
        # Layers are of several gzip members, of which tarfile by itself reads the first.
        with (
            gzip.open(_blob(layout, layer)) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file and (start := file.read(20)).startswith(b"\x7fELF"):
                    order = {1: "<", 2: ">"}[start[5]]
                    yield member.name, struct.unpack(f"{order}H", start[18:])[0]


def _manifest(layout: Path, architecture: str) -> Any:
    (top,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    (found,) = (
        each
        for each in json.loads(_blob(layout, top).read_bytes())["manifests"]
        if each["platform"]["architecture"] == architecture
    )
    return json.loads(_blob(layout, found).read_bytes())


def _blob(layout: Path, descriptor: dict[str, Any]) -> Path:
    return layout / "blobs" / str(descriptor["digest"]).replace(":", "/")

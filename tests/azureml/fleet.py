"""This workspace's fleet in a folder of its own, so that its records of versions stay."""

from __future__ import annotations

import shutil
from pathlib import Path

from lockyard.azureml.record import RecordedImage
from lockyard.azureml.record_file import write_record
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.tasks.environment import number
from tests.conftest import ROOT

FILES = ("WORKSPACE.toml",)
FOLDERS = ("envs", "images", "locks")
DIGEST = f"sha256:{'ab' * 32}"


def copied(folder: Path) -> Fleet:
    """Copy the workspace."""
    for each in FILES:
        shutil.copy(ROOT / each, folder)
    for each in FOLDERS:
        shutil.copytree(ROOT / each, folder / each)
    return read_fleet(folder)


def as_built(fleet: Fleet, name: str, digest: str = DIGEST, tag: str = "20261122.v1") -> None:
    """Note in an env's record that its images are built, and have a digest."""
    numbered = number(fleet, name, None)
    images = {
        str(variant): RecordedImage(
            variant=str(variant),
            digest=digest,
            size=1_234_567_890,
            created="2026-10-01T12:00:00Z",
            tag=tag,
        )
        for variant in numbered.env.variants
    }
    write_record(fleet.root, numbered.record.noted(images, "record"))

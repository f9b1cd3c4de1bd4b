"""What locking costs: metadata, and never the gigabytes that it is of."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from lockyard.lock.text import decode_lock
from tests.fleet.locked import ROOT
from tests.fleet.proxy import View, serving
from tests.fleet.pythons import checked

pytestmark = pytest.mark.network

MEGABYTE = 1_000_000


def test_locking_torch_with_cuda_receives_under_50_megabytes(tmp_path: Path) -> None:
    shutil.copy(ROOT / "WORKSPACE.toml", tmp_path)
    shutil.copytree(ROOT / "images", tmp_path / "images")
    (tmp_path / "envs").mkdir()
    shutil.copy(ROOT / "envs/pytorch-2.15.toml", tmp_path / "envs/torch.toml")
    with serving(View()) as proxy:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "LOCKYARD_STORE": str(tmp_path / "store"),
            "LOCKYARD_DEBIAN_MIRROR": f"{proxy.url}/debian",
            "PIP_INDEX_URL": proxy.index_url,
            "NO_PROXY": "127.0.0.1",
        }
        command = [sys.executable, "-m", "lockyard", "lock", "torch", "--json"]
        done = checked(command, environment, tmp_path)
        received = proxy.received
    (told,) = json.loads(done.stdout)
    file = told["file"]
    lock = decode_lock((tmp_path / file).read_text(), file)
    names = {wheel.name for wheel in lock.wheels}
    assert "torch" in names
    assert [name for name in names if name.startswith("nvidia-cudnn")]
    assert sum(wheel.size for wheel in lock.wheels) > 1000 * MEGABYTE
    # Every body that came, Debian's package index among them.
    assert min(received.pages, received.files, received.debian) > 0
    assert received.total < 50 * MEGABYTE, received

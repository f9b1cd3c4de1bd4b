from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.build.debian.archive import open_debs
from lockyard.build.debian.base import base_tree
from lockyard.build.tar import write_tar
from tests.build.makers import base_passwd

Unpack = Callable[..., Path]


@pytest.fixture
def unpack(tmp_path: Path) -> Unpack:
    """Return a function that makes a base of packages (by name) and unpacks it with tar(1)."""

    def run(*, accounts: bytes | None = None, **debs: bytes) -> Path:
        root = tmp_path / "root"
        paths = {}
        for name, data in {"base-passwd": accounts or base_passwd(), **debs}.items():
            path = paths[f"{name}.deb"] = tmp_path / f"{name}.deb"
            path.write_bytes(data)
        stream = io.BytesIO()
        with open_debs(paths) as opened:
            write_tar(base_tree(opened), stream.write)
        root.mkdir()
        command = ["tar", "-x", "-p", "--numeric-owner", "-C", str(root)]
        subprocess.run(command, input=stream.getvalue(), check=True, timeout=60)
        return root

    return run

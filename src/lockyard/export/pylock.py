"""A target's wheels as pylock.toml (PEP 751)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import tomli_w

from lockyard.lock.finding import serving
from lockyard.lock.model import Lock, Target, Wheel
from lockyard.spec.platform import MACHINES


def pylock_text(lock: Lock, target: Target, wheels: str) -> str:
    """Return a pylock.toml whose wheels are files of the folder ``wheels``.

    The folder is relative to the file's own, with slashes: PEP 751 wants a path or an address
    of each wheel, and a lock has no address.
    """
    version = target.python.rpartition(".")[0]
    machine = MACHINES[target.platform]
    held = sorted(serving(lock.wheels, target), key=lambda wheel: wheel.name)
    return tomli_w.dumps(
        {
            "lock-version": "1.0",
            "environments": [
                f"sys_platform == 'linux' and platform_machine == '{machine}' and "
                f"implementation_name == 'cpython' and python_version == '{version}'"
            ],
            "requires-python": f"=={version}.*",
            "created-by": "lockyard",
            "packages": [_package(wheel, wheels) for wheel in held],
        }
    )


def _package(wheel: Wheel, folder: str) -> dict[str, Any]:
    file: dict[str, Any] = {"name": wheel.file}
    if wheel.uploaded:
        file["upload-time"] = datetime.fromisoformat(wheel.uploaded)
    file["path"] = f"{folder}/{wheel.file}" if folder else wheel.file
    file["size"] = wheel.size
    file["hashes"] = {"sha256": wheel.sha256}
    # What is compiled for each image is the index's source distribution here.
    held = {"sdist": file} if wheel.compiled else {"wheels": [file]}
    return {"name": wheel.name, "version": wheel.version, **held}

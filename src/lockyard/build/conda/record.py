"""What an installation notes of a package in ``conda-meta``, free of where it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from lockyard.lock.model import CondaPackage

# Paths of the machine that installed, which nobody reads but a removal of its caches.
_LEFT_OUT = {"extracted_package_dir", "link", "package_tarball_full_path", "requested_spec"}


def record_name(package: CondaPackage) -> str:
    """Return the name of a package's record, as conda forms it."""
    return f"{package.name}-{package.version}-{package.build}.json"


def record_text(record: Mapping[str, Any], package: CondaPackage, channel: str) -> str:
    """Return rattler's record of an installed package as it stands in an image.

    It names the channel's canonical address, as an installation from there would. Which
    packages were asked for is the env's matter and not the package's, so it isn't told.
    """
    paths = record["paths_data"]
    told = {key: value for key, value in record.items() if key not in _LEFT_OUT} | {
        "channel": f"{channel}/{package.subdir}",
        "files": sorted(record["files"]),
        "fn": package.file,
        "md5": package.md5,
        "paths_data": {**paths, "paths": sorted(paths["paths"], key=lambda each: each["_path"])},
        "requested_specs": [],
        "sha256": package.sha256,
        "size": package.size,
        "url": f"{channel}/{package.subdir}/{quote(package.file)}",
    }
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

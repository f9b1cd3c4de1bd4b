"""An extracted conda package: what its ``info`` folder says, held against what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from lockyard.build.conda.archive import Member, broken, extract
from lockyard.errors import BuildError
from lockyard.lock.model import CondaPackage

_LARGEST = 256 << 20
_TYPES: Mapping[str, str] = {
    "hardlink": "file",
    "softlink": "symlink",
    "directory": "directory",
}
# conda's "name = module:function", where the name becomes a file's.
_ENTRY_POINT = re.compile(r"\s*[\w+-][\w.+-]*\s*=\s*[\w.]+\s*:\s*[\w.]+\s*")
# What a record says beyond what the lock does; the index's own packing of it is older.
_KEPT = (
    "arch",
    "features",
    "license",
    "license_family",
    "noarch",
    "platform",
    "timestamp",
    "track_features",
)


@frozen(kw_only=True)
class Extracted:
    """A sound package in a folder; ``record`` is its index as the channel has it.

    ``directories`` are those that it lists, since nothing is in them.
    """

    package: CondaPackage
    folder: Path
    record: Mapping[str, Any]
    directories: tuple[str, ...]

    @property
    def needs_python(self) -> bool:
        """Tell whether its files go where the environment's Python looks for them."""
        return bool(self.record.get("noarch") == "python")


def open_package(path: Path, package: CondaPackage, folder: Path, prefix: str) -> Extracted:
    """Extract a package into an empty folder, and check all that installing it relies on.

    Every file has to be in ``paths.json`` with its size and sha256. Raise IntegrityError where
    the package contradicts itself or the lock, BuildError where it can't be at ``prefix``.
    """
    members = extract(path, package, folder)
    index = _read(folder, "index.json", members, package.file)
    for key in ("name", "version", "build"):
        if index.get(key) != getattr(package, key):
            raise broken(
                package.file, f"its {key} is {index.get(key)!r} where the lock has another"
            )
    if index.get("noarch") and package.subdir != "noarch":
        # The layer's key goes by the lock: another Python would be given these files as well.
        raise broken(
            package.file,
            f"its noarch is {index.get('noarch')!r}, and the channel has it in {package.subdir}",
        )
    if "info/paths.json" not in members:
        raise BuildError(
            "it has no info/paths.json: it was made by a conda-build of before 2017",
            where=package.file,
            solution="lock a newer build of the package",
        )
    listed = _read(folder, "paths.json", members, package.file)
    _check_paths(listed, members, package.file, prefix)
    if "info/link.json" in members:
        _check_entry_points(_read(folder, "link.json", members, package.file), package.file)
    if package.name == "python" and index.get("noarch") == "python":
        raise broken(package.file, "it is a Python that needs a Python to be installed")
    return Extracted(
        package=package,
        folder=folder,
        record=_record(index, package),
        directories=_set_apart_directories(listed, folder),
    )


def _set_apart_directories(listed: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Take directories out of the ``paths.json`` of a folder: rattler would copy them as files."""
    by_kind: dict[bool, list[Any]] = {True: [], False: []}
    for each in listed["paths"]:
        by_kind[each["path_type"] == "directory"].append(each)
    place = folder / "info" / "paths.json"
    place.unlink()
    place.write_text(json.dumps({**listed, "paths": by_kind[False]}), encoding="utf-8")
    return tuple(each["_path"] for each in by_kind[True])


def _record(index: Mapping[str, Any], package: CondaPackage) -> dict[str, Any]:
    """Return the index with what the lock says in place of it: channels put records right."""
    return {key: index[key] for key in _KEPT if index.get(key) is not None} | {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": package.build_number,
        "subdir": package.subdir,
        "depends": list(package.depends),
        "constrains": list(package.constrains),
    }


def _read(folder: Path, name: str, members: Mapping[str, Member], file: str) -> dict[str, Any]:
    member = members.get(f"info/{name}")
    if member is None or member.kind != "file" or member.size > _LARGEST:
        raise broken(file, f"it has no sound info/{name}")
    try:
        value = json.loads((folder / "info" / name).read_bytes())
    except (ValueError, RecursionError):
        raise broken(file, f"its info/{name} isn't JSON") from None
    if not isinstance(value, dict):
        raise broken(file, f"its info/{name} isn't a table")
    return value


def _check_paths(
    listed: Mapping[str, Any], members: Mapping[str, Member], file: str, prefix: str
) -> None:
    known = set()
    for each in _tables(listed.get("paths"), file):
        path = each.get("_path")
        if not isinstance(path, str) or path in known or path.split("/")[0] == "info":
            raise broken(file, f"its info/paths.json has {path!r} twice, or as no path")
        known.add(path)
        if path not in members:
            raise broken(file, f"its info/paths.json has {path}, and its archive doesn't")
        _check_path(each, path, members[path], file)
        _check_placeholder(each, path, file, prefix)
    for path, member in members.items():
        if member.kind != "directory" and path not in known and path.split("/")[0] != "info":
            raise broken(file, f"its archive has {path}, and its info/paths.json doesn't")


def _tables(value: object, file: str) -> Iterator[dict[str, Any]]:
    for each in value if isinstance(value, list) else [None]:
        if not isinstance(each, dict):
            raise broken(file, "its info/paths.json isn't a list of paths")
        yield each


def _check_path(each: Mapping[str, Any], path: str, member: Member, file: str) -> None:
    kind = str(each.get("path_type"))
    if _TYPES.get(kind) != member.kind:
        raise broken(file, f"{path} is a {member.kind} and its info/paths.json says {kind}")
    if member.kind == "file" and (each.get("sha256"), each.get("size_in_bytes")) != (
        member.sha256,
        member.size,
    ):
        raise broken(file, f"{path} doesn't have the sha256 and size of its info/paths.json")


def _check_placeholder(each: Mapping[str, Any], path: str, file: str, prefix: str) -> None:
    """Refuse a placeholder that can't become the prefix: a binary can't grow."""
    placeholder, mode = each.get("prefix_placeholder"), str(each.get("file_mode"))
    if placeholder is None:
        return
    if not isinstance(placeholder, str) or not placeholder or mode not in {"text", "binary"}:
        raise broken(file, f"its info/paths.json gives no sound prefix for {path}")
    if mode == "binary" and len(prefix.encode()) > len(placeholder.encode()):
        raise BuildError(
            f"/{path} is a binary with room for a prefix of {len(placeholder.encode())} bytes, "
            f"and {prefix} is longer",
            where=file,
            solution="give the base a shorter prefix",
        )


def _check_entry_points(link: Mapping[str, Any], file: str) -> None:
    noarch = link.get("noarch")
    points = noarch.get("entry_points") if isinstance(noarch, dict) else None
    for point in points if isinstance(points, list) else [points]:
        if point is not None and not _is_entry_point(point):
            raise broken(file, f"its info/link.json declares {point!r}, which is no entry point")


def _is_entry_point(point: object) -> bool:
    return isinstance(point, str) and _ENTRY_POINT.fullmatch(point) is not None

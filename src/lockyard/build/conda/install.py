"""From conda packages in the store to a layer's tree, the same to the bit everywhere."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from attrs import frozen

from lockyard.build.conda.child import Job
from lockyard.build.conda.package import Extracted, open_package
from lockyard.build.conda.process import run_jobs
from lockyard.build.conda.record import record_name, record_text
from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.errors import BuildError
from lockyard.fetch.pool import Cancel
from lockyard.lock.model import CondaPackage
from lockyard.store.faults import store_faults

_META = "conda-meta"
_LINK_SCRIPT = re.compile(r"(?:bin|Scripts)/\.[^/]+-(?:pre-link|post-link|pre-unlink)\.(?:sh|bat)")


@frozen(kw_only=True)
class CondaPrefix:
    """Where conda packages go, and what of it shows in their files.

    ``path`` is absolute in the image. ``python`` is the version of the environment's Python,
    of which pure Python packages need the first two numbers. ``channels`` maps sources to the
    canonical addresses of their channels.
    """

    path: str
    python: str
    channels: Mapping[str, str]


@contextmanager
def conda_packages(
    packages: Sequence[CondaPackage],
    paths: Mapping[str, Path],
    prefix: CondaPrefix,
    scratch: Path | None = None,
    cancel: Cancel | None = None,
) -> Iterator[list[list[Entry]]]:
    """Give the entries of packages, each installed for itself; ``paths`` has their files by name.

    What a package gives depends on nothing but itself and the prefix. Contents stay readable
    while the context is open: they wait below ``scratch``, or the system's temporary folder,
    which takes what the packages unpack to. No script of a package runs. Raise IntegrityError
    for a package that isn't sound, BuildError for one that can't be installed.
    """
    with ExitStack() as stack:
        with store_faults(scratch or Path(tempfile.gettempdir())):
            folder = tempfile.TemporaryDirectory(prefix="lockyard-conda-", dir=scratch)
            name = stack.enter_context(folder)
        installed = _install(packages, paths, prefix, Path(name), cancel or Cancel())
        yield [list(_entries(each, prefix)) for each in installed]


def history(prefix: str) -> Entry:
    """Return the empty file by which conda's tools know a prefix; it is no package's."""
    return text(f"{prefix.strip('/')}/{_META}/history", "")


def link_scripts(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the paths of scripts that conda would run at installing, and that are not run."""
    return tuple(
        sorted(
            entry.path
            for entry in entries
            if _LINK_SCRIPT.fullmatch("/".join(entry.path.split("/")[-2:]))
        )
    )


@frozen(kw_only=True)
class _Installed:
    """A package that is installed in the folder ``root``, as if that were the prefix."""

    extracted: Extracted
    root: Path
    record: Mapping[str, Any]

    @property
    def package(self) -> CondaPackage:
        return self.extracted.package


def _install(
    packages: Sequence[CondaPackage],
    paths: Mapping[str, Path],
    prefix: CondaPrefix,
    root: Path,
    cancel: Cancel,
) -> Iterator[_Installed]:
    """Install packages, each into a folder of its own, in the order of their files' names.

    Their extracted files are links of the installed ones. They aren't kept for others: what
    many processes share would have to be hashed again before it could be believed.
    """
    done = []
    for number, package in enumerate(sorted(packages, key=lambda package: package.file)):
        cancel.check()
        place = root / str(number)
        with store_faults(root):
            (folder := place / "cache" / _cache_name(package)).mkdir(parents=True)
        extracted = open_package(paths[package.file], package, folder, prefix.path)
        with store_faults(root):
            done.append((extracted, _job(extracted, place, prefix)))
    run_jobs([job for _, job in done], [each.package.file for each, _ in done], root, cancel)
    for extracted, job in done:
        target, package = Path(job.target), extracted.package
        record = json.loads((target / _META / record_name(package)).read_bytes())
        if (target / "__clobbers__").exists():
            raise BuildError(
                "two of its files have one place when they are installed",
                where=package.file,
                solution="the package is broken: report it, or lock another version",
            )
        yield _Installed(extracted=extracted, root=target, record=record)


def _cache_name(package: CondaPackage) -> str:
    """Return the name by which rattler knows an extracted package."""
    return f"{package.name}-{package.version}-{package.build}"


def _job(extracted: Extracted, place: Path, prefix: CondaPrefix) -> Job:
    records = [place / "record.json"]
    records[0].write_text(json.dumps(extracted.record), encoding="utf-8")
    if extracted.needs_python:
        records.append(_python(place, prefix.python))
    return Job(
        records=tuple(map(str, records)),
        cache=str(place / "cache"),
        target=str(place / "prefix"),
        prefix=prefix.path,
    )


def _python(place: Path, version: str) -> Path:
    """Make a Python without files: rattler asks it where pure Python packages go."""
    record = {
        "name": "python",
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": [],
        "subdir": "linux-64",
    }
    info = place / "cache" / f"python-{version}-0" / "info"
    info.mkdir(parents=True)
    (info / "paths.json").write_text('{"paths": [], "paths_version": 1}', encoding="utf-8")
    (info / "index.json").write_text(json.dumps(record), encoding="utf-8")
    return info / "index.json"


def _entries(installed: _Installed, prefix: CondaPrefix) -> Iterator[Entry]:
    top, package = prefix.path.strip("/"), installed.package
    for each in installed.record["paths_data"]["paths"]:
        yield _entry(each, f"{top}/{each['_path']}", installed)
    for path in installed.extracted.directories:
        yield directory(f"{top}/{_placed(path, installed.extracted, prefix)}")
    record = record_text(installed.record, package, prefix.channels[package.source])
    yield text(f"{top}/{_META}/{record_name(package)}", record, owner=package.file)


def _placed(path: str, extracted: Extracted, prefix: CondaPrefix) -> str:
    """Return where a package's directory goes, which rattler decides for files alone."""
    if not extracted.needs_python or not path.startswith("site-packages/"):
        return path
    major, minor = prefix.python.split(".")[:2]
    return f"lib/python{major}.{minor}/{path}"


def _entry(each: Mapping[str, Any], path: str, installed: _Installed) -> Entry:
    """Return the entry of an installed path; all are root's, with two modes and no others."""
    package = installed.package
    # The disk has names in UTF-8, whatever the locale says.
    place = os.fsencode(installed.root) + b"/" + each["_path"].encode()
    status = os.lstat(place)
    match each["path_type"], stat.S_IFMT(status.st_mode):
        case "softlink", stat.S_IFLNK:
            target = os.readlink(place).decode("utf-8", "surrogateescape")  # noqa: PTH115
            return symlink(path, target, owner=package.file)
        case "hardlink" | "unix_python_entry_point", stat.S_IFREG:
            return Entry(
                path=path,
                kind="file",
                mode=0o755 if status.st_mode & 0o111 else 0o644,
                size=status.st_size,
                sha256=each.get("sha256_in_prefix") or each["sha256"],
                open=partial(_open, place),
                owner=package.file,
            )
    raise BuildError(
        f"/{path} was installed as something else than a {each['path_type']}",
        where=package.file,
        solution="use a temporary folder on a file system that has hard links",
    )


def _open(path: bytes) -> BinaryIO:
    return cast(BinaryIO, open(path, "rb"))  # noqa: PTH123 - a name in bytes

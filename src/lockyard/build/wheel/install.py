"""Where each file of a wheel goes, and what installing it adds."""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from installer.scripts import Script
from installer.utils import fix_shebang, parse_entrypoints

from lockyard.build.entry import Entry, text
from lockyard.build.paths import safe_path
from lockyard.build.wheel.archive import Member, WheelArchive, broken
from lockyard.errors import BuildError
from lockyard.plan.prefix import Prefix

# Scripts that are named by a Python: of each, what it runs, what wheels may call it, and what it
# has to be called for one Python.
_NAMED_BY_PYTHON = (
    ("pip", re.compile(r"pip\d+(\.\d+)?"), ("pip3", "pip{minor}")),
    ("easy_install", re.compile(r"easy_install-\d+\.\d+"), ("easy_install-{minor}",)),
)
_SCHEMES = {"purelib", "platlib", "scripts", "headers", "data"}


def installed_entries(wheel: WheelArchive, prefix: Prefix) -> list[Entry]:
    """Return the entries that a wheel's installation makes in a virtual environment.

    Beside the wheel's own files these are the scripts of its entry points, INSTALLER, and
    the RECORD of what was installed (PyPA: recording installed projects).
    """
    root = wheel.root_scheme()
    entries = [_placed(wheel, member, root, prefix) for member in wheel.members()]
    entries += _entry_point_scripts(wheel, prefix)
    folder = f"{prefix.site_packages}/{wheel.dist_info}"
    entries.append(text(f"{folder}/INSTALLER", "lockyard\n", owner=wheel.file))
    entries.append(_record(entries, f"{folder}/RECORD", prefix, wheel.file))
    return entries


def _placed(wheel: WheelArchive, member: Member, root: str, prefix: Prefix) -> Entry:
    scheme, path = root, member.path
    top, _, rest = member.path.partition("/")
    if top.endswith(".data") and rest:
        scheme, _, path = rest.partition("/")
        if scheme not in _SCHEMES or not path:
            raise BuildError(
                f"{member.path} is in no scheme of the data folder that is known",
                where=wheel.file,
                solution=f"known: {', '.join(sorted(_SCHEMES))}",
            )
    folder = prefix.scheme(scheme, wheel.distribution)
    if scheme == "scripts":
        return _script(wheel, member, f"{folder}/{path}", prefix)
    return Entry(
        path=f"{folder}/{path}",
        kind="file",
        mode=0o755 if member.executable else 0o644,
        size=member.size,
        sha256=member.sha256,
        open=partial(wheel.open, member.path),
        deflated=wheel.deflated(member.path),
        owner=wheel.file,
    )


def _script(wheel: WheelArchive, member: Member, path: str, prefix: Prefix) -> Entry:
    with wheel.open(member.path) as stream:
        content = stream.read()
    if hashlib.sha256(content).hexdigest() != member.sha256:
        raise broken(wheel.file, f"{member.path} doesn't have the hash that RECORD gives")
    with fix_shebang(io.BytesIO(content), prefix.executable) as fixed:
        return text(path, fixed.read(), mode=0o755, owner=wheel.file)


def _entry_point_scripts(wheel: WheelArchive, prefix: Prefix) -> Iterator[Entry]:
    folder = prefix.scheme("scripts", wheel.distribution)
    declared = wheel.read_dist_info("entry_points.txt") or ""
    try:
        scripts = [Script(*each) for each in parse_entrypoints(declared)]
    except (configparser.Error, AssertionError, AttributeError):
        # The parser asserts what it expects, and knows no error of its own.
        raise broken(wheel.file, "its entry_points.txt declares a script in a wrong way") from None
    for script in _for_python(scripts, prefix.minor):
        name, content = script.generate(prefix.executable, "posix")
        if "/" in name:
            raise broken(wheel.file, f"its script {name!r} would stand outside of the scripts")
        path = f"{folder}/{safe_path(name, wheel.file)}"
        yield text(path, content, mode=0o755, owner=wheel.file)


def _for_python(scripts: list[Script], minor: str) -> list[Script]:
    """Name scripts by the Python that they are for, as pip does.

    The wheels of pip and of old setuptools name them by the Python that made the wheel.
    """
    for name, versioned, wanted in _NAMED_BY_PYTHON:
        for script in [each for each in scripts if each.name == name and each.section == "console"]:
            scripts = [each for each in scripts if not versioned.fullmatch(each.name)]
            scripts += [replace(script, name=each.format(minor=minor)) for each in wanted]
    return scripts


def _record(entries: list[Entry], path: str, prefix: Prefix, owner: str) -> Entry:
    """Return RECORD: paths relative to site-packages, as pip writes them."""
    rows = sorted(
        (
            _relative(entry.path, prefix),
            "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(entry.sha256)).decode().rstrip("="),
            str(entry.size),
        )
        for entry in entries
    )
    rows.append((_relative(path, prefix), "", ""))
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return text(path, stream.getvalue(), owner=owner)


def _relative(path: str, prefix: Prefix) -> str:
    inside = f"{prefix.site_packages}/"
    if path.startswith(inside):
        return path[len(inside) :]
    return f"../../../{path[len(prefix.path) :]}"

"""What an sdist that is compiled elsewhere says of itself, told without building it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from build import ProjectBuilder
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from lockyard.errors import BuildError
from lockyard.lock.model import Sdist

from .sandbox import BACKEND_FAILURES, make_sandbox
from .unpack import unpack_sdist

# The first version of metadata that says what a build may change (PEP 643).
_STATIC = Version("2.2")
_NEEDED = {"requires-dist", "requires-python", "provides-extra"}
_LARGEST = 16 << 20
# What chooses the compiler is for the builder; here there is none.
_COMPILERS = {"CC", "CXX", "PATH"}
_ADVICE = (
    "its metadata is made with the workspace's build-tools, without a compiler; name there what "
    "it needs, or ask for a version whose PKG-INFO is of metadata 2.2 and says all"
)


def told_metadata_of(sdist: Sdist, content: bytes, wheels: Iterable[Path], python: str) -> bytes:
    """Return the METADATA of a verified sdist: its PKG-INFO, if no build may change that.

    Else its build backend is asked to prepare it (PEP 517), in a sandbox with the ``wheels`` of
    the tools. Raise BuildError where that can't be done.
    """
    with tempfile.TemporaryDirectory(prefix="lockyard-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        for name in ("source", "metadata"):
            (root / name).mkdir()
        source = unpack_sdist(content, sdist.file, root / "source")
        static = _static(source / "PKG-INFO")
        data = static or _prepared(sdist, source, root, wheels, python)
        _check(_parsed(data), sdist.file)
        return data


def _static(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    head = _parsed(data)
    try:
        version = Version(str(head["Metadata-Version"]))
    except InvalidVersion:
        return None
    dynamic = {str(each).strip().lower() for each in head.get_all("Dynamic", [])}
    return data if version >= _STATIC and not dynamic & _NEEDED else None


def _prepared(sdist: Sdist, source: Path, root: Path, wheels: Iterable[Path], python: str) -> bytes:
    given = {name: each for name, each in sdist.environment.items() if name not in _COMPILERS}
    sandbox = make_sandbox(root, wheels, given, python)
    try:
        project = ProjectBuilder(source, python_executable=sandbox.python, runner=sandbox.run)
        made = project.prepare("wheel", root / "metadata")
    except BACKEND_FAILURES as error:
        reason = f"its metadata can't be made: {sandbox.last_words()}"
        raise BuildError(reason, where=sdist.file, solution=_ADVICE) from error
    path = root / "metadata" / Path(made or "").name / "METADATA"
    if made is None or path.is_symlink() or not path.is_file():
        reason = "its build backend makes no metadata without a build"
        raise BuildError(reason, where=sdist.file, solution=_ADVICE)
    return path.read_bytes()


def _parsed(data: bytes) -> Message:
    return HeaderParser().parsestr(data[:_LARGEST].decode("utf-8", "replace"))


def _check(head: Message, file: str) -> None:
    """Raise BuildError for metadata of another package or version than the sdist's."""
    try:
        said = canonicalize_name(str(head["Name"])), Version(str(head["Version"]))
        expected = parse_sdist_filename(file)
    except (InvalidVersion, InvalidSdistFilename) as error:
        raise BuildError(str(error), where=file, solution=_ADVICE) from error
    if said != expected:
        reason = f"it says that it is {said[0]} {said[1]}"
        raise BuildError(reason, where=file, solution="ask for another version")

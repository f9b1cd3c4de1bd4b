"""The build of one sdist, once or again."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import field, frozen
from build import BuildBackendException, ProjectBuilder
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from lockyard.errors import BuildError, IntegrityError, StoreError
from lockyard.events import Reporter, Silent
from lockyard.lock.model import Sdist, Wheel

from .cache import KeptFile, build_key, built_wheels, told_metadata
from .index import Index, verified
from .metadata import told_metadata_of
from .normal import normal_wheel
from .sandbox import BACKEND_FAILURES, NO_COMPILER, Sandbox, isolation, make_sandbox
from .tools import Tool, fetch_tools, parse_tools
from .unpack import unpack_sdist


@frozen(kw_only=True)
class SdistBuilder:
    """Build sdists of an index with tools of the same index, and remember the wheels.

    ``cache`` is the folder of all that is remembered of the index; ``python`` runs the builds,
    and shows in no byte of them.
    """

    index: Index
    cache: Path
    python: str = sys.executable
    reporter: Reporter = field(factory=Silent)

    def wheel(self, sdist: Sdist) -> KeptFile:
        """Return the wheel of an sdist of the index, built now unless it was before.

        Raise FetchError and IntegrityError for what comes from the index, BuildError if it
        can't be built or isn't pure Python, StoreError if it can't be kept.
        """
        found = built_wheels(self.cache).get(build_key(sdist))
        if found is not None:
            return found
        return self.build(sdist, self._content(sdist))

    def metadata(self, sdist: Sdist) -> KeptFile:
        """Return the METADATA of an sdist of the index, which is built elsewhere.

        Raise as ``wheel`` does.
        """
        kept = told_metadata(self.cache)
        found = kept.get(build_key(sdist))
        if found is not None:
            return found
        content = self._content(sdist)
        tools = fetch_tools(parse_tools(sdist.tools), self.index, self.cache)
        task = f"metadata {sdist.file}"
        self.reporter.begin(task, f"Reading {sdist.file}")
        try:
            paths = [each.path for each in tools]
            data = told_metadata_of(sdist, content, paths, self.python)
        finally:
            self.reporter.end(task)
        return kept.put(build_key(sdist), "METADATA", data)

    def _content(self, sdist: Sdist) -> bytes:
        listed = self.index.file(_project(sdist.file), sdist.file)
        return self.index.download(listed, sha256=sdist.sha256, size=sdist.size)

    def build(self, sdist: Sdist, content: bytes) -> KeptFile:
        """Build the wheel of an sdist whose content was verified, whatever is remembered."""
        tools = parse_tools(sdist.tools)
        wheels = fetch_tools(tools, self.index, self.cache)
        if not isolation():
            self.reporter.note(
                f"{sdist.file} is built with the network in reach, as nothing"
                " here lets a user take it away"
            )
        task = f"build {sdist.file}"
        self.reporter.begin(task, f"Building {sdist.file}")
        try:
            file, wheel = build_wheel(
                sdist, content, tools, [each.path for each in wheels], self.python
            )
        finally:
            self.reporter.end(task)
        return built_wheels(self.cache).put(build_key(sdist), file, wheel)


def rebuild(wheel: Wheel, sdist_path: Path, builder: SdistBuilder) -> Path:
    """Return the wheel that a lock says is built from an sdist, which lies at a path.

    It is built again unless the builder remembers these very bytes. Raise IntegrityError if
    the sdist isn't the lock's, or if what the build gives isn't; see SdistBuilder for more.
    """
    if wheel.sdist is None:
        raise IntegrityError("the lock names no sdist that it is built from", where=wheel.file)
    found = built_wheels(builder.cache).get(build_key(wheel.sdist))
    if found is None or found.sha256 != wheel.sha256:
        found = builder.build(wheel.sdist, _read(sdist_path, wheel.sdist))
    if (found.file, found.sha256, found.size) != (wheel.file, wheel.sha256, wheel.size):
        raise IntegrityError(
            f"building it again gives other bytes: {found.file} with the sha256 {found.sha256}",
            where=f"{wheel.file} (built from {wheel.sdist.file})",
            solution="lock again; if it happens again, that build isn't reproducible",
        )
    return found.path


def _project(file: str) -> str:
    try:
        return parse_sdist_filename(file)[0]
    except InvalidSdistFilename as error:
        raise IntegrityError(str(error), where=file) from error


def _read(path: Path, sdist: Sdist) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"it can't be read: {error.strerror}", where=sdist.file) from error
    return verified(content, sha256=sdist.sha256, where=sdist.file)


def build_wheel(
    sdist: Sdist, content: bytes, tools: Sequence[Tool], wheels: Iterable[Path], python: str
) -> tuple[str, bytes]:
    """Build an sdist in a sandbox of its own; return the wheel's file name and its bytes.

    They are a function of the sdist's content, the tools and the environment. ``wheels`` are
    those of the tools. The dependencies that a ``setup.py`` computes are those for the Python
    that builds; what is declared with markers holds for all.
    """
    with tempfile.TemporaryDirectory(prefix="lockyard-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        for name in ("source", "wheel"):
            (root / name).mkdir()
        source = unpack_sdist(content, sdist.file, root / "source")
        sandbox = make_sandbox(root, wheels, sdist.environment, python)
        try:
            _run_backend(sandbox, source, root / "wheel", tools, sdist.file)
        except BACKEND_FAILURES as error:
            raise _failure(error, sandbox, sdist.file) from error
        made = [path for path in (root / "wheel").glob("*.whl") if not path.is_symlink()]
        if len(made) != 1:
            raise BuildError("its build gives no wheel", where=sdist.file)
        return made[0].name, normal_wheel(made[0], sdist.file)


def _run_backend(
    sandbox: Sandbox, source: Path, output: Path, tools: Sequence[Tool], file: str
) -> None:
    """Run the hooks of the sdist's build backend (PEP 517), if the tools are what they need."""
    project = ProjectBuilder(source, python_executable=sandbox.python, runner=sandbox.run)
    _check_needs(project.build_system_requires, tools, file)
    with warnings.catch_warnings():
        # What backends warn of is for the package's authors.
        warnings.simplefilter("ignore")
        _check_needs(project.get_requires_for_build("wheel"), tools, file)
        project.build("wheel", output)


def _check_needs(needs: Iterable[str], tools: Sequence[Tool], file: str) -> None:
    versions = {tool.name: tool.version for tool in tools}
    for text in sorted(needs):
        try:
            need = Requirement(text)
        except InvalidRequirement:
            raise BuildError(f"its build needs {text!r}, which says nothing", where=file) from None
        if need.marker is not None and not need.marker.evaluate():
            continue
        version = versions.get(canonicalize_name(need.name))
        if version is None or not need.specifier.contains(version, prereleases=True):
            raise BuildError(
                f"its build needs {text}, and the pinned tools have {version or 'none of it'}",
                where=file,
                solution="pin one that fits in build-tools",
            )


def _failure(error: Exception, sandbox: Sandbox, file: str) -> BuildError:
    cause = error.exception if isinstance(error, BuildBackendException) else error
    if isinstance(cause, subprocess.TimeoutExpired):
        text = f"its build doesn't end within {cause.timeout:.0f} seconds"
    elif isinstance(cause, subprocess.CalledProcessError) and NO_COMPILER in sandbox.last_words():
        text = "its build compiles an extension, so that its wheel would be for one platform alone"
    elif isinstance(cause, subprocess.CalledProcessError):
        text = f"its build fails: {sandbox.last_words()}"
    else:
        text = f"it can't be built: {cause}"
    return BuildError(
        text,
        where=file,
        solution="set what its build needs in the environment of its rule, or ask for another"
        " version; builds see no compiler and no network, for only pure Python is built",
    )

"""Build an env's images once more, in a process and a store of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import frozen

import lockyard
from lockyard.assemble.layout import share
from lockyard.errors import BuildError, LockyardError
from lockyard.spec.reader import WORKSPACE_FILE
from lockyard.store.faults import store_faults
from lockyard.store.store import Store
from lockyard.verify.conditions import Conditions, Machine
from lockyard.verify.enter import commands

TIME_LIMIT = 4 * 3600  # seconds; the largest images take minutes
_PREFIX = "lockyard-verify-"
_DAY = 86_400
_SHARED = Path("/dev/shm")  # noqa: S108 - where shm_open(3) and sem_open(3) have their files
_FOLDERS = ("envs", "images", "locks")


@frozen(kw_only=True)
class Rebuilt:
    """What one rebuild made: its layouts by image, and what the process saw of its conditions."""

    layouts: Mapping[str, Path]
    seen: Mapping[str, Any]
    seconds: float


@frozen(kw_only=True)
class Rebuilder:
    """Rebuild an env of the workspace at ``root`` from artifacts (paths) of a store.

    Every rebuild has a store of its own that holds these, hashed again by the builder, and no
    layers; all of it is removed afterwards.
    """

    root: Path
    env: str
    store: Store
    artifacts: Sequence[Path]
    machine: Machine

    @property
    def size(self) -> int:
        """Return the bytes of the artifacts."""
        return sum(path.stat().st_size for path in self.artifacts)

    @contextmanager
    def rebuild(self, given: Conditions) -> Iterator[Rebuilt]:
        """Build under conditions; the layouts last as long as the block.

        Raise what the builder says of what it can't build, StoreError where there is no room.
        """
        with store_faults(self.store.root):
            place = Path(given.memory) if given.memory else self.store.scratch()
            if given.memory:
                _sweep(place)
            scratch = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        try:
            with store_faults(self.store.root):
                self._furnish(scratch, given)
            yield self._run(scratch, given)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _furnish(self, scratch: Path, given: Conditions) -> None:
        """Put the workspace, a home and a store of artifacts into a folder of the user's."""
        workspace = scratch / given.folder
        for folder in _FOLDERS:
            if (self.root / folder).is_dir():
                # Editors leave links that lead nowhere.
                shutil.copytree(
                    self.root / folder, workspace / folder, ignore_dangling_symlinks=True
                )
        shutil.copyfile(self.root / WORKSPACE_FILE, workspace / WORKSPACE_FILE)
        for name in ("home", "tmp", "store"):
            (scratch / name).mkdir()
        if given.user and self.machine.users == "root":
            # Before the artifacts are there: they are the user's own files under other names.
            for path in (scratch, *scratch.rglob("*")):
                os.chown(path, given.user, given.user)
        for source in self.artifacts:
            target = scratch / "store" / source.relative_to(self.store.root)
            self._make_folders(target.parent, scratch)
            if not target.exists():
                share(source, target)

    def _make_folders(self, folder: Path, scratch: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir()
            owner = scratch.stat()
            if os.getuid() == 0:
                os.chown(each, owner.st_uid, owner.st_gid)

    def _run(self, scratch: Path, given: Conditions) -> Rebuilt:
        told = scratch / "tmp" / "seen.json"
        settings = {
            "nice": given.nice,
            "processors": given.processors,
            "order": given.order,
            "told": str(told),
        }
        command = [
            *commands(self.machine.uid, host=given.host, network=given.network, user=given.user),
            *_clock(given, self.machine),
            *(given.python, "-s", "-P", "-m", "lockyard.verify.child", json.dumps(settings)),
            *("build", self.env, "--json", "--jobs", str(given.jobs)),
            *("--output", str(scratch / "dist")),
        ]
        started = time.monotonic()
        status, output, said = _communicate(
            command,
            cwd=scratch / given.folder,
            env=_environment(scratch, given),
            umask=given.umask,
        )
        seconds = round(time.monotonic() - started, 2)
        if status != 0:
            raise _failure(said, status, self.env)
        built = {each["image"]: Path(each["folder"]) for each in json.loads(output)}
        return Rebuilt(layouts=built, seen=json.loads(told.read_bytes()), seconds=seconds)


def _sweep(place: Path) -> None:
    """Remove what killed rebuilds left in memory, a day ago or more."""
    for path in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if path.lstat().st_mtime < time.time() - _DAY:
                shutil.rmtree(path, ignore_errors=True)


def _communicate(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], umask: int
) -> tuple[int, bytes, bytes]:
    """Run a command; it is gone when this returns or raises."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        umask=umask,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, said = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            raise BuildError(
                f"a rebuild took more than {TIME_LIMIT // 3600} hours",
                solution="see what the machine is busy with, and verify again",
            ) from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            # What libfaketime shares with its children, and can't remove where it is killed.
            for name in ("faketime_shm_", "sem.faketime_sem_"):
                with suppress(OSError):
                    (_SHARED / f"{name}{process.pid}").unlink()
    return process.returncode, output, said


def _environment(scratch: Path, given: Conditions) -> dict[str, str]:
    """Return all variables that a rebuild sees."""
    found = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "LOCKYARD_STORE": str(scratch / "store"),
        "SOURCE_DATE_EPOCH": str(given.epoch),
        "TZ": given.zone,
        "LANG": given.locale,
        "LC_ALL": given.locale,
        "PYTHONHASHSEED": str(given.hash_seed),
        "PYTHONOPTIMIZE": str(given.optimize),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    if given.locale == "C":
        # Or Python would take UTF-8 there as well.
        found |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    root = str(Path(lockyard.__file__).parents[1])
    if given.python == sys.executable and root != sysconfig.get_path("purelib"):
        found["PYTHONPATH"] = root
    return found


def _clock(given: Conditions, machine: Machine) -> list[str]:
    """Return what a command begins with whose clock is another.

    Not the variables of what comes before: the library shares memory with whatever the same
    process was, which may have been another user.
    """
    if not given.clock:
        return []
    # Waiting goes by the monotonic clock, which has to be right; what libfaketime does for older
    # C libraries makes each wait for Python's lock end at once, so that threads wait by spinning.
    variables = {
        "LD_PRELOAD": machine.clock,
        "FAKETIME": f"@{given.clock}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    }
    return ["env", *(f"{name}={value}" for name, value in variables.items())]


def _failure(said: bytes, status: int, env: str) -> LockyardError:
    """Return the error that a rebuild has told of, or one about its breakdown."""
    lines = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    try:
        told = json.loads(lines[0])["error"]
        return _families()[told["family"]](
            told["reason"], where=told["where"], solution=told["solution"]
        )
    except (ValueError, LookupError, TypeError):
        return BuildError(
            f"a rebuild broke down with status {status}: {lines[-1]}",
            where=env,
            solution=f"see whether it can be built: invoke build {env}",
        )


def _families() -> dict[str, type[LockyardError]]:
    return {each.family: each for each in LockyardError.__subclasses__()}

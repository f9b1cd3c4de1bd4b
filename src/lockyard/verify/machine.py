"""Find out what this machine allows a process to have of its own."""

from __future__ import annotations

import ctypes.util
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Literal

from lockyard import ASSEMBLY_VERSION, __version__
from lockyard.errors import UsageError
from lockyard.verify.conditions import Machine, chosen_locales
from lockyard.verify.enter import commands

_MEMORY = Path("/dev/shm")  # noqa: S108 - Linux has its file system in memory there
_CLOCK = "faketime/libfaketimeMT.so.1"
_SECONDS = 60  # for a program that says one line


def look(pythons: Sequence[str] = ()) -> Machine:
    """Return what this machine allows, each thing tried once.

    ``pythons`` are other interpreters to use. Raise UsageError for one that doesn't have this
    version of Lockyard.
    """
    memory = _memory()
    return Machine(
        uid=os.getuid(),
        locales=chosen_locales(_said(["locale", "-a"]).split()),
        clock=_clock(),
        users=_users(),
        hosts=_works(host="x"),
        network=_works(network=False),
        memory=memory,
        room=_room(memory) if memory else 0,
        processors=tuple(sorted(os.sched_getaffinity(0))),
        pythons=tuple(dict.fromkeys((sys.executable, *map(_checked, pythons)))),
    )


def _users() -> Literal["", "root", "namespace"]:
    if os.getuid() == 0:
        return "root" if _works(user=12345) else ""
    return "namespace" if _works(user=0) else ""


def _memory() -> str:
    """Return a file system in memory that an image's Python can run from."""
    with suppress(OSError):
        status = os.statvfs(_MEMORY)
        if os.access(_MEMORY, os.W_OK) and not status.f_flag & os.ST_NOEXEC:
            return str(_MEMORY)
    return ""


def _room(folder: str) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


@cache
def _works(*, host: str = "", network: bool = True, user: int | None = None) -> bool:
    """Tell whether a process can be entered so, and read the interpreter there."""
    command = commands(os.getuid(), host=host, network=network, user=user)
    return _said([*command, sys.executable, "-I", "-S", "-c", "print('so')"]).strip() == "so"


@cache
def _clock() -> str:
    """Return the path of libfaketime, if it is there and does what it is for."""
    folders = ("/usr/lib", *sorted(map(str, Path("/usr/lib").glob("*-linux-gnu"))))
    paths = [f"{folder}/{_CLOCK}" for folder in folders]
    paths.append(ctypes.util.find_library("faketimeMT") or "")
    for path in paths:
        if path and Path(path).exists():
            environ = {"LD_PRELOAD": path, "FAKETIME": "@2001-02-03 04:05:06", "TZ": "UTC0"}
            program = "import time; print(time.gmtime().tm_year)"
            if _said([sys.executable, "-I", "-S", "-c", program], environ).strip() == "2001":
                return path
    return ""


def _checked(python: str) -> str:
    """Return the path of an interpreter that has this very version, or raise UsageError."""
    program = "import lockyard as l; print(l.__version__, l.ASSEMBLY_VERSION)"
    found = _said([python, "-c", program]).strip()
    if found != f"{__version__} {ASSEMBLY_VERSION}":
        raise UsageError(
            f"{python} doesn't have Lockyard {__version__}",
            where="--python",
            solution="install this version there, or leave it out",
        )
    return str(Path(python).absolute())


def _said(command: Sequence[str], environ: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **(environ or {})},
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""

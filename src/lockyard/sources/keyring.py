"""The user's keyring, asked through its own program (https://keyring.readthedocs.io)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

TIME_LIMIT = 30.0  # seconds; one that takes longer waits for somebody
Provider = Literal["auto", "disabled", "import", "subprocess"]
_Login = tuple[str, str]


def keyring_login(services: Sequence[str], user: str | None, provider: Provider) -> _Login | None:
    """Return the user and password of the first service that a keyring knows, if any.

    ``user`` is whose password is wanted, None for anybody's. ``provider`` is pip's setting:
    ``import`` is the keyring beside Lockyard, ``subprocess`` the program on the path, ``auto``
    the one and then the other. Nobody is asked anything: a keyring that is locked, broken, or
    takes longer than ``TIME_LIMIT`` has nothing.
    """
    for program in _programs(provider):
        try:
            for service in services:
                if found := _ask(program, service, user):
                    return found
        except (OSError, subprocess.SubprocessError):
            continue
    return None


def _programs(provider: Provider) -> list[list[str]]:
    found = []
    if provider in ("auto", "import") and find_spec("keyring"):
        # As a program, too: what a keyring does in its own process can be ended.
        found.append([sys.executable, "-P", "-m", "keyring"])
    if provider in ("auto", "subprocess"):
        own = Path(sysconfig.get_path("scripts"))
        folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
        others = [folder for folder in folders if folder and Path(folder) != own]
        if program := shutil.which("keyring", path=os.pathsep.join(others)):
            found.append([program])
    return found


def _ask(program: list[str], service: str, user: str | None) -> _Login | None:
    asked = ["get", service, *([] if user is None else [user])]
    status, out = _run([*program, "--mode=creds", "--output=json", *asked])
    if status == 2 and user is not None:
        # Before its version 25.2.1 it knew only passwords of users that are named.
        status, out = _run([*program, *asked])
        return (user, out.removesuffix("\n")) if status == 0 and out.strip() else None
    if status != 0:
        return None
    try:
        value = json.loads(out)
        name, password = value["username"], value["password"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return (name, password) if isinstance(name, str) and isinstance(password, str) else None


def _run(command: list[str]) -> tuple[int, str]:
    """Run a program that has nobody to ask: no input, and no terminal."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        out, _ = child.communicate(timeout=TIME_LIMIT)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdout:
            child.stdout.close()
    return child.returncode, out

"""The fleet's committed locks."""

from __future__ import annotations

from pathlib import Path

from lockyard.lock.file import read_lock
from lockyard.lock.model import Lock
from lockyard.spec.reader import read_fleet

ROOT = Path(__file__).resolve().parents[2]


def held(env: str) -> Lock:
    """Return the committed lock of an env."""
    lock = read_lock(ROOT, env)
    assert lock is not None, env
    return lock


def locked_pins(env: str) -> dict[str, str]:
    """Return the versions of an env's wheels by name."""
    return {wheel.name: wheel.version for wheel in held(env).wheels}


def first_generation() -> list[str]:
    """Return the envs that are for Python 3.7."""
    fleet = read_fleet(ROOT)
    envs = {name: fleet.env(name) for name in fleet.env_names()}
    return [name for name, env in envs.items() if fleet.workspace.bases[env.base].python == "3.7"]

"""Compare an env's lock with the one that a commit has."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from attrs import frozen

from lockyard.errors import LockError, UsageError
from lockyard.lock.diff import Change, Total, diff_locks
from lockyard.lock.file import lock_path, read_lock
from lockyard.lock.model import Lock
from lockyard.lock.text import decode_lock
from lockyard.spec.reader import Fleet

_SECONDS = 60


@frozen(kw_only=True)
class Diffed:
    """What an env's lock changes against a commit; ``new`` where the commit has none."""

    env: str
    against: str
    new: bool
    changes: tuple[Change, ...]
    totals: tuple[Total, ...]


def diff_env(fleet: Fleet, name: str, against: str = "HEAD") -> Diffed:
    """Compare a lock with the one of a commit, a tag or a branch.

    Raise UsageError where there is no such env, commit or checkout, LockError where neither
    side has a lock or one can't be read.
    """
    fleet.env(name)
    new = read_lock(fleet.root, name)
    old = _lock_at(fleet.root, name, against)
    if old is None and new is None:
        raise LockError(
            f"there is no lock, neither here nor at {against}",
            where=lock_path(name),
            solution=f"make it: invoke lock {name}",
        )
    found = diff_locks(old, new)
    return Diffed(
        env=name,
        against=against,
        new=old is None,
        changes=found.changes,
        totals=found.totals,
    )


def _lock_at(root: Path, name: str, against: str) -> Lock | None:
    """Read a lock as a commit has it, None where the commit has none."""
    file = lock_path(name)
    status, _, told = _git(root, "rev-parse", "--git-dir")
    if status:
        raise UsageError(
            f"this is no git checkout to compare with ({told})",
            where="arguments",
            solution="run it in a clone of the workspace's repository",
        )
    status, commit, _ = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{against}^{{commit}}"
    )
    if status:
        raise UsageError(
            f"there is no commit {against!r}",
            where="--against",
            solution="name a commit, a tag or a branch; a shallow clone may have to be deepened",
        )
    sha = commit.decode().strip()
    _, listed, _ = _git(root, "ls-tree", "-z", sha, "--", file)
    if not listed:
        return None
    status, data, _ = _git(root, "cat-file", "blob", f"{sha}:./{file}")
    where = f"{file} at {against}"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        status, text = 1, ""
    if status:
        raise LockError("it can't be read", where=where, solution="compare with another commit")
    return decode_lock(text, where)


def _git(root: Path, *arguments: str) -> tuple[int, bytes, str]:
    """Run git; return its status, its output and the first line of what it says of an error.

    Raise UsageError where it can't be run.
    """
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(
            f"git can't be asked ({type(error).__name__})",
            where="arguments",
            solution="install git; a lock is compared with the one of a commit",
        ) from None
    told = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
    return done.returncode, done.stdout, told

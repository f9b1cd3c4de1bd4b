"""Tell of the files of this image, as JSON: ``files.py privileged|writable|files PATH...``."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any

_MOST = 200  # more tell nothing more


def mounts() -> set[str]:
    """Return where other file systems begin (proc_pid_mountinfo(5)): those aren't the image's."""
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        points = {line.split()[4].replace("\\040", " ") for line in lines}
    return points - {"/"}


def walked(skipped: set[str]) -> Iterator[str]:
    """Give all paths but links, and none at or below those that are skipped."""
    for folder, folders, files in os.walk("/"):
        paths = {name: os.path.join(folder, name) for name in folders}
        folders[:] = [name for name, path in paths.items() if path not in skipped]
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            if path not in skipped and not os.path.islink(path):
                yield path


def privileged(_: list[str]) -> list[str]:
    """Return files that give who runs them more rights, by their mode or their capabilities."""
    found = []
    for path in walked(mounts()):
        about = os.lstat(path)
        if stat.S_ISREG(about.st_mode) and (
            about.st_mode & (stat.S_ISUID | stat.S_ISGID)
            or "security.capability" in os.listxattr(path)
        ):
            found.append(f"{stat.S_IMODE(about.st_mode):04o} {path}")
    return sorted(found)[:_MOST]


def writable(allowed: list[str]) -> list[str]:
    """Return what this user may write, or make so, beside the folders where it may."""
    found = []
    open_folders = set()  # what is below tells nothing more
    for path in walked(mounts() | set(allowed)):
        below = os.path.dirname(path) in open_folders
        if below or os.access(path, os.W_OK) or os.lstat(path).st_uid == os.getuid():
            if os.path.isdir(path):
                open_folders.add(path)
            if not below:
                found.append(path)
    return sorted(found)[:_MOST]


def files(paths: list[str]) -> dict[str, Any]:
    """Return of each path its kind, mode, user, group, and its content's sha256 where it has one.

    What isn't there is null.
    """
    found: dict[str, Any] = {}
    for path in paths:
        try:
            about = os.lstat(path)
            sha256 = ""
            if stat.S_ISREG(about.st_mode):
                with open(path, "rb") as stream:
                    sha256 = hashlib.sha256(stream.read()).hexdigest()
            kind = stat.filemode(about.st_mode)[0]
            mode = f"{stat.S_IMODE(about.st_mode):04o}"
            found[path] = [kind, mode, about.st_uid, about.st_gid, sha256]
        except OSError:
            found[path] = None
    return found


if __name__ == "__main__":
    asked = {"privileged": privileged, "writable": writable, "files": files}[sys.argv[1]]
    sys.stdout.write(json.dumps(asked(sys.argv[2:])))

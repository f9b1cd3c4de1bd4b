"""Users and groups: the base's own, as its packages declare them, and the recipe's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import evolve, frozen

from lockyard.build.debian.archive import DebArchive
from lockyard.build.entry import Entry, text
from lockyard.build.tar import MTIME
from lockyard.errors import BuildError
from lockyard.spec.model import User

ACCOUNT_FILES = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")
_SHADOW_GROUP = 42
_CHANGED = MTIME // 86400
_LINE = re.compile(r"[a-z_][a-z0-9_-]*:\*:[0-9]+:", re.ASCII)


@frozen(kw_only=True)
class Accounts:
    """The lines of passwd(5) and group(5), in order."""

    users: tuple[str, ...]
    groups: tuple[str, ...]

    def user_id(self, name: str, default: int) -> int:
        """Return a user's number, or the default for a name that isn't an account here."""
        return _number(self.users, name, default)

    def group_id(self, name: str, default: int) -> int:
        """Return a group's number, or the default for a name that isn't a group here."""
        return _number(self.groups, name, default)

    def with_user(self, user: User) -> Accounts:
        """Add a recipe's user and group. Raise BuildError where the base has that number."""
        line = f"{user.name}:*:{user.uid}:{user.gid}::{user.home}:/bin/sh"
        for known, number in ((self.users, user.uid), (self.groups, user.gid)):
            for taken in known:
                if taken.split(":")[2] == str(number) or taken.split(":")[0] == user.name:
                    raise BuildError(
                        f"the base has an account {taken.split(':')[0]!r} of number {number}",
                        where=f"user {user.name}",
                        solution="choose another name and number in the recipe's [user]",
                    )
        return evolve(
            self,
            users=(*self.users, line),
            groups=(*self.groups, f"{user.name}:*:{user.gid}:"),
        )

    def entries(self) -> list[Entry]:
        """Return passwd, group and their shadows; nobody has a password (shadow(5))."""
        names = [line.split(":")[0] for line in self.users]
        groups = [line.split(":")[0] for line in self.groups]
        files = {
            "passwd": [line.replace(":*:", ":x:", 1) for line in self.users],
            "group": [line.replace(":*:", ":x:", 1) for line in self.groups],
            "shadow": [f"{name}:*:{_CHANGED}:0:99999:7:::" for name in names],
            "gshadow": [f"{name}:*::" for name in groups],
        }
        made = []
        for name, lines in files.items():
            entry = text(f"etc/{name}", "".join(f"{line}\n" for line in lines), owner="accounts")
            secret = name.endswith("shadow")
            made.append(evolve(entry, mode=0o640, gid=_SHADOW_GROUP) if secret else entry)
        return made


def base_accounts(debs: Iterable[DebArchive]) -> Accounts:
    """Return the accounts that the configured packages would have made."""
    by_name = {deb.name: deb for deb in debs}
    if "base-passwd" not in by_name:
        raise BuildError(
            "the base has no package base-passwd, which declares its accounts",
            where="WORKSPACE.toml",
            solution="bases are made with the suite's essential packages: lock again",
        )
    users, groups = (
        _master(by_name["base-passwd"], f"usr/share/base-passwd/{name}.master")
        for name in ("passwd", "group")
    )
    if "apt" in by_name:
        # adduser --system gives the first free number from 100 on, and the group nogroup.
        users += ("_apt:*:100:65534::/nonexistent:/usr/sbin/nologin",)
    return Accounts(users=users, groups=groups)


def _master(deb: DebArchive, path: str) -> tuple[str, ...]:
    for owned in deb.members:
        if owned.entry.path == path and owned.entry.open is not None:
            with owned.entry.open() as stream:
                lines = stream.read().decode("ascii", "replace").splitlines()
            if all(_LINE.match(line) for line in lines):
                return tuple(lines)
    raise BuildError(f"it has no sound {path}", where=deb.file, solution="lock another version")


def _number(lines: tuple[str, ...], name: str, default: int) -> int:
    for line in lines:
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2])
    return default

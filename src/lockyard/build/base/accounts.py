"""Users and groups of a registry's image, and the recipe's."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from lockyard.build.entry import Entry, text
from lockyard.build.tar import MTIME
from lockyard.errors import BuildError
from lockyard.spec.model import User

_FILES = ("passwd", "group", "shadow", "gshadow")
PATHS = frozenset(f"etc/{name}" for name in _FILES)


@frozen(kw_only=True)
class ImageAccounts:
    """The files of passwd(5), group(5) and shadow(5) that an image has, by path.

    What the image says in them stays, to the byte; a line is added to each.
    """

    files: Mapping[str, Entry]

    def with_user(self, user: User) -> ImageAccounts:
        """Add a recipe's user and group. Raise BuildError where the image has them already."""
        for file, number in (("etc/passwd", user.uid), ("etc/group", user.gid)):
            for line in self._lines(file):
                fields = line.split(":")
                if fields[0] == user.name or fields[2:3] == [str(number)]:
                    raise BuildError(
                        f"the base has an account {fields[0]!r} of number {number}",
                        where=f"user {user.name}",
                        solution="choose another name and number in the recipe's [user]",
                    )
        added = {
            "etc/passwd": f"{user.name}:x:{user.uid}:{user.gid}::{user.home}:/bin/sh",
            "etc/group": f"{user.name}:x:{user.gid}:",
            "etc/shadow": f"{user.name}:*:{MTIME // 86400}:0:99999:7:::",
            "etc/gshadow": f"{user.name}:*::",
        }
        # An image without shadows doesn't want one for a user who can't log in.
        needed = {"etc/passwd", "etc/group"} | self.files.keys()
        return evolve(
            self, files={path: self._with_line(path, added[path]) for path in sorted(needed)}
        )

    def entries(self) -> list[Entry]:
        """Return the files, with the modes and owners that the image gives them."""
        return [entry for _, entry in sorted(self.files.items())]

    def _with_line(self, path: str, line: str) -> Entry:
        content, held = self._content(path), self.files.get(path)
        end = b"" if content.endswith(b"\n") or not content else b"\n"
        made = text(path, content + end + f"{line}\n".encode(), owner="accounts")
        return evolve(made, mode=held.mode, uid=held.uid, gid=held.gid) if held else made

    def _lines(self, path: str) -> list[str]:
        return [
            line.decode("utf-8", "surrogateescape") for line in self._content(path).split(b"\n")
        ]

    def _content(self, path: str) -> bytes:
        held = self.files.get(path)
        if held is None or held.open is None:
            return b""
        with held.open() as stream:
            return stream.read()

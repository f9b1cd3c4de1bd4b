"""The file tree of a layer: entries by path, complete and without contradiction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockyard.build.entry import Entry, directory
from lockyard.errors import BuildError


class Tree:
    """Entries by path. Two owners may share a path only with the very same entry."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self.add(entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """Add entries. Raise BuildError where one contradicts an earlier one.

        Directories merge: the first one's mode and owner hold, as dpkg and pip have it.
        """
        for entry in entries:
            if "/.wh." in f"/{entry.path}":
                raise BuildError(
                    "its name is one by which layers remove files of others (OCI whiteouts)",
                    where=f"/{entry.path}",
                    solution=f"leave out {entry.owner}, or lock another version",
                )
            known = self._entries.setdefault(entry.path, entry)
            if known is entry or known.kind == entry.kind == "directory":
                continue
            if known != entry or not (entry.sha256 or entry.kind == "symlink"):
                raise BuildError(
                    f"two packages own this path: {known.owner} and {entry.owner}",
                    where=f"/{entry.path}",
                    solution="require only one of them, or versions that don't collide; or choose "
                    "whose file it is, in the env's `owners`",
                )

    def cover(self, entries: Iterable[Entry]) -> None:
        """Add those entries whose paths are free."""
        self.add(entry for entry in entries if entry.path not in self._entries)

    def replace(self, entry: Entry) -> None:
        """Put an entry in the place of whatever has its path."""
        self._entries[entry.path] = entry

    def get(self, path: str) -> Entry | None:
        """Return the entry of a path."""
        return self._entries.get(path)

    def below(self, folder: str) -> list[Entry]:
        """Return the entries below a folder that are no directories."""
        inside = f"{folder}/"
        return [
            entry
            for path, entry in self._entries.items()
            if path.startswith(inside) and entry.kind != "directory"
        ]

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def __iter__(self) -> Iterator[Entry]:
        """Give all entries by path, each below a directory of the tree, parents first.

        Paths sort by their parts, so that a directory is followed by all that it holds.
        Hard links come last, since their targets must stand before them.
        """
        complete = dict(self._entries)
        seen: set[str] = set()
        for path, entry in self._entries.items():
            for parent in parents(path):
                if parent in seen:
                    break  # and so is all that is above it
                seen.add(parent)
                above = complete.get(parent)
                if above is None:
                    complete[parent] = directory(parent)
                elif above.kind != "directory":
                    raise BuildError(
                        f"it is a {above.kind} of {above.owner}, and "
                        f"/{path} of {entry.owner} lies below it",
                        where=f"/{parent}",
                        solution="require only one of them, or versions that don't collide",
                    )
            if entry.kind == "hardlink" and not self._is_file(entry.link):
                raise BuildError(
                    f"it is a hard link to /{entry.link}, which is no file here",
                    where=f"/{path}",
                    solution=f"{entry.owner} can't be unpacked here",
                )
        return iter(sorted(complete.values(), key=_order))

    def _is_file(self, path: str) -> bool:
        return path in self._entries and self._entries[path].kind == "file"


def parents(path: str) -> Iterator[str]:
    """Give the directories above a path, the nearest first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _order(entry: Entry) -> tuple[bool, list[bytes]]:
    name = entry.path.encode("utf-8", "surrogateescape")
    return entry.kind == "hardlink", name.split(b"/")

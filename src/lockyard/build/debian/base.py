"""A base made of Debian packages, as one tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from attrs import evolve

from lockyard.build.debian.accounts import ACCOUNT_FILES, Accounts, base_accounts
from lockyard.build.debian.archive import DebArchive, Owned
from lockyard.build.debian.configure import configure
from lockyard.build.debian.database import MERGED, database_entries, merged
from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.build.tree import Tree, parents
from lockyard.errors import BuildError

# Left out of every image, as the small images of the distribution have it, and told to dpkg,
# so that packages added by a Dockerfile later leave the same out. Copyright files stay.
_LEFT_OUT = ("doc", "info", "lintian", "locale", "man")
_DPKG_CONFIG = """\
# What Lockyard leaves out of images; copyright files stay.
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
"""


def base_tree(debs: Sequence[DebArchive]) -> Tree:
    """Unpack and configure packages. Raise BuildError for what would need execution."""
    accounts = base_accounts(debs)
    tree = Tree(_skeleton(debs))
    overrides = []
    for deb in debs:
        for owned in deb.members:
            entry, override = _placed(owned, accounts)
            if entry is not None:
                tree.add([entry])
                overrides += [override] if override else []
    configure(debs, tree)
    tree.add(accounts.entries())
    tree.add([text("etc/dpkg/dpkg.cfg.d/lockyard", _DPKG_CONFIG, owner="lockyard")])
    tree.add(list(database_entries(debs, tree, sorted(overrides))))
    return tree


def added_tree(debs: Sequence[DebArchive], below: Set[str]) -> Tree:
    """Return what packages have beyond what some of them, ``below``, have by themselves.

    Those are given by their files. Raise BuildError where the others bring an account: the
    files of accounts below are a recipe's, who has put its user in.
    """
    alone = {each.path: each for each in base_tree([deb for deb in debs if deb.file in below])}
    whole = list(base_tree(debs))
    added = Tree(each for each in whole if not _same(each, alone.get(each.path)))
    if any(path in added for path in ACCOUNT_FILES):
        names = ", ".join(sorted(deb.name for deb in debs if deb.file not in below))
        raise BuildError(
            f"one of these brings an account, which only the base can have: {names}",
            where="requirements.debian",
            solution="require it in the env that this one extends, or in its base",
        )
    # A layer that names a file gives the folders above it a mode and an owner again.
    above = {parent for entry in added for parent in parents(entry.path)}
    added.cover(entry for entry in whole if entry.path in above)
    return added


def _same(entry: Entry, other: Entry | None) -> bool:
    """Tell whether an entry is another: a file's content, not hashed yet, is its package's."""
    return entry == other and (entry.kind == "directory" or entry.owner == other.owner)


def _skeleton(debs: Sequence[DebArchive]) -> Iterator[Entry]:
    """Give the links that make /usr merged, before any package unpacks through them."""
    wanted = {"bin", "lib", "sbin"} | {
        owned.entry.path.partition("/")[0]
        for deb in debs
        for owned in deb.members
        if owned.entry.path.partition("/")[0] in MERGED
    }
    for name in sorted(wanted):
        yield symlink(name, f"usr/{name}", owner="base")
        yield directory(f"usr/{name}")


def _placed(owned: Owned, accounts: Accounts) -> tuple[Entry | None, str]:
    """Return a package's entry as the base has it, or None, and its mode's override."""
    entry = owned.entry
    path = merged(entry.path)
    if (entry.path in MERGED and entry.kind == "symlink") or _left_out(path):
        return None, ""
    placed = evolve(
        entry,
        path=path,
        link=merged(entry.link) if entry.kind == "hardlink" else entry.link,
        uid=accounts.user_id(owned.user, entry.uid),
        gid=accounts.group_id(owned.group, entry.gid),
    )
    if entry.kind in {"file", "hardlink"} and entry.mode & 0o6000:
        # No program of an image may give its caller another's rights. A hard link's own mode
        # counts too: whoever unpacks it sets that mode on the file that both names share.
        plain = evolve(placed, mode=entry.mode & 0o1777, uid=0, gid=0)
        return plain, f"root root {plain.mode:04o} /{entry.path}"
    return placed, ""


def _left_out(path: str) -> bool:
    parts = path.split("/")
    if parts[:2] != ["usr", "share"] or len(parts) < 4 or parts[2] not in _LEFT_OUT:
        return False
    return not (parts[2] == "doc" and (len(parts) == 4 or parts[4:] == ["copyright"]))

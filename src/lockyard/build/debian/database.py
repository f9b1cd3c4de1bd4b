"""The package database that dpkg, apt and scanners read (dpkg(1), deb-control(5))."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from lockyard.build.debian.archive import DebArchive
from lockyard.build.entry import Entry, directory, text
from lockyard.build.paths import safe_path
from lockyard.build.tree import Tree
from lockyard.errors import IntegrityError

FOLDER = "var/lib/dpkg"
# What the status has its own lines for.
_NOT_COPIED = {"package", "status", "conffiles"}
# What dpkg keeps of a package's control files; the rest goes into the status.
_NOT_KEPT = {"control", "md5sums", "conffiles"}


def database_entries(
    debs: Sequence[DebArchive], tree: Tree, overrides: Sequence[str]
) -> Iterator[Entry]:
    """Give the database's entries for packages whose files are in the tree.

    ``overrides`` are lines of dpkg-statoverride(1). Files that the image leaves out are
    neither listed nor summed, so that ``dpkg --verify`` finds nothing missing.
    """
    paragraphs = [_status(deb, tree) for deb in debs]
    yield text(f"{FOLDER}/status", "".join(paragraphs))
    yield text(f"{FOLDER}/available", "")
    yield text(f"{FOLDER}/diversions", "")
    yield text(f"{FOLDER}/statoverride", "".join(f"{line}\n" for line in overrides))
    yield text(f"{FOLDER}/info/format", "1\n")
    yield directory(f"{FOLDER}/updates")
    yield from _triggers(debs)
    for deb in debs:
        yield from _info(deb, tree)


def _triggers(debs: Sequence[DebArchive]) -> Iterator[Entry]:
    """Give who is interested in which trigger (deb-triggers(5)): of files, and of names.

    Without these, what a Dockerfile installs later would not reach ldconfig.
    """
    files, named = [], dict[str, list[str]]()
    for deb in debs:
        for line in _trigger_lines(deb):
            directive, _, trigger = line.partition("#")[0].strip().partition(" ")
            if not directive.startswith("interest"):
                continue
            who = f"{deb.name}/noawait" if directive.endswith("-noawait") else deb.name
            if trigger.startswith("/"):
                files.append(f"{trigger} {who}\n")
            else:
                named.setdefault(trigger, []).append(f"{who}\n")
    yield text(f"{FOLDER}/triggers/File", "".join(files))
    yield text(f"{FOLDER}/triggers/Unincorp", "")
    for trigger, lines in named.items():
        name = safe_path(trigger, "triggers")
        yield text(f"{FOLDER}/triggers/{name}", "".join(lines))


def _trigger_lines(deb: DebArchive) -> list[str]:
    try:
        return deb.control.get("triggers", b"").decode().splitlines()
    except UnicodeDecodeError as error:
        raise IntegrityError(
            f"its file of triggers isn't UTF-8 (byte {error.start})",
            where=deb.file,
            solution="the package is broken: report it, or lock another version",
        ) from None


def merged(path: str) -> str:
    """Return where a path of a package is in a base whose /usr is merged."""
    top = path.partition("/")[0]
    return f"usr/{path}" if top in MERGED else path


MERGED = ("bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin")


def _status(deb: DebArchive, tree: Tree) -> str:
    lines = [f"Package: {deb.name}", "Status: install ok installed"]
    lines += [
        f"{key}: {value}" for key, value in deb.fields.items() if key.lower() not in _NOT_COPIED
    ]
    conffiles = list(_conffiles(deb, tree))
    if conffiles:
        lines += ["Conffiles:", *conffiles]
    return "\n".join(lines) + "\n\n"


def _conffiles(deb: DebArchive, tree: Tree) -> Iterator[str]:
    """Give a line for each configuration file: its path and the MD5 that dpkg compares."""
    contents = {owned.entry.path: owned.entry for owned in deb.members}
    for line in _decoded(deb, "conffiles").splitlines():
        path = line.split()[-1].lstrip("/") if line.strip() else ""
        entry = contents.get(path)
        if entry is None or entry.open is None or merged(path) not in tree:
            continue
        with entry.open() as stream:
            digest = hashlib.md5(stream.read(), usedforsecurity=False).hexdigest()
        yield f" /{path} {digest}"


def _decoded(deb: DebArchive, name: str) -> str:
    """Return a control file whose paths may be any bytes, as those of entries."""
    return deb.control.get(name, b"").decode("utf-8", "surrogateescape")


def _info(deb: DebArchive, tree: Tree) -> Iterator[Entry]:
    stem = f"{FOLDER}/info/{deb.name}"
    if deb.fields.get("Multi-Arch") == "same":
        stem += f":{deb.fields['Architecture']}"
    paths = [owned.entry.path for owned in deb.members if merged(owned.entry.path) in tree]
    yield text(f"{stem}.list", "".join(f"{path}\n" for path in ["/.", *(f"/{p}" for p in paths)]))
    sums = _decoded(deb, "md5sums").splitlines(keepends=True)
    kept = [line for line in sums if merged(line.rstrip("\n")[34:]) in tree]
    # There even if it is empty: dpkg takes a package without it for a damaged one.
    yield text(f"{stem}.md5sums", "".join(kept))
    if "conffiles" in deb.control:
        yield text(f"{stem}.conffiles", deb.control["conffiles"])
    for name in sorted(deb.control.keys() - _NOT_KEPT):
        script = name in {"preinst", "postinst", "prerm", "postrm", "config"}
        yield text(f"{stem}.{name}", deb.control[name], mode=0o755 if script else 0o644)

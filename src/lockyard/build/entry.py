"""One file, directory or link of a layer."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal

from attrs import field, frozen

Kind = Literal["file", "directory", "symlink", "hardlink"]


@frozen(kw_only=True)
class Entry:
    """A path of a layer and all that is recorded of it; times and names of owners are not.

    ``path`` is relative to the root, normal, with ``/`` between its parts; bytes that aren't
    UTF-8 are surrogate escapes. ``link`` is a symlink's target as it is written, or a hard
    link's path like ``path``. ``open`` gives ``size`` bytes of content; ``sha256``, where it
    is known beforehand, is what they must have. ``deflated``, of what is large and is kept so,
    gives the same content once more in parts, each beside the bytes that deflate has made of it
    (RFC 1951) or of another part. ``owner`` names the artifact for messages.
    """

    path: str
    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    size: int = 0
    link: str = ""
    sha256: str = ""
    open: Callable[[], BinaryIO] | None = field(default=None, eq=False, repr=False)
    deflated: Callable[[], Iterator[tuple[bytes, bytes]]] | None = field(
        default=None, eq=False, repr=False
    )
    owner: str = field(default="", eq=False)


def directory(path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    """Return a directory's entry."""
    return Entry(path=path, kind="directory", mode=mode, uid=uid, gid=gid)


def symlink(path: str, target: str, *, owner: str = "") -> Entry:
    """Return a symbolic link's entry."""
    return Entry(path=path, kind="symlink", mode=0o777, link=target, owner=owner)


def text(path: str, content: str | bytes, *, mode: int = 0o644, owner: str = "") -> Entry:
    """Return the entry of a file whose content is at hand."""
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    return Entry(
        path=path,
        kind="file",
        mode=mode,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        open=lambda: io.BytesIO(data),
        owner=owner,
    )

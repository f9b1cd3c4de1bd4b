"""The first thing in which two images differ: the culprit, with its package and likely cause."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import zip_longest
from typing import IO

from attrs import evolve, frozen

from lockyard.sources.manifest import Descriptor
from lockyard.verify.archive import unpacked
from lockyard.verify.cause import cause_of
from lockyard.verify.compression import Blob
from lockyard.verify.documents import document_changes
from lockyard.verify.layer import layer_difference
from lockyard.verify.package import package_of
from lockyard.verify.steps import Change
from lockyard.verify.view import View, layer_titles

_LONGEST = 1000  # characters of a line


@frozen(kw_only=True)
class Difference:
    """What differs first between the images ``one`` and ``other``.

    ``part`` is ``index``, ``manifest``, ``config`` or ``layer``. Of a layer, ``layer`` is its
    number from 1 and ``title`` what it is called; ``path`` is a file's there, or one in a JSON
    document. ``kind`` says in short what is the matter. ``further`` and ``further_layers`` count
    what else differs in that layer or document, and after it.
    """

    one: str
    other: str
    platform: str
    part: str
    kind: str
    cause: str
    path: str = ""
    changes: tuple[Change, ...] = ()
    layer: int = 0
    title: str = ""
    package: str = ""
    further: int = 0
    further_layers: int = 0

    def __str__(self) -> str:
        layer = f"layer {self.layer} ({self.title})" if self.layer else self.part
        lines = [f"{self.platform}, {layer}: {self.kind}"]
        if self.path:
            lines.append(f"  {self.path}")
        lines += [f"    {each.what}: {each.one} -> {each.other}" for each in self.changes]
        if self.package:
            lines.append(f"  of {self.package}")
        lines.append(f"  likely cause: {self.cause}")
        more = [
            f"{self.further} more in this {self.part}" if self.further else "",
            f"{self.further_layers} more layers" if self.further_layers else "",
        ]
        if any(more):
            lines.append(f"  {' and '.join(filter(None, more))} differ")
        return "\n".join(map(_plain, lines))


def _plain(line: str) -> str:
    """Return a line as terminals show it: archives and configs name things as they like."""
    short = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in short
    )


def difference(one: View, other: View) -> Difference | None:
    """Return what differs first between two images, of the platforms that both have.

    None where nothing does. Raise IntegrityError where a blob can't be read, and what the views
    raise.
    """
    common = [each for each in sorted(other.manifests) if each in one.manifests]
    for platform in common:
        if one.manifests[platform].digest != other.manifests[platform].digest:
            return _of_platform(one, other, platform)
    if one.top.digest in {other.top.digest, *(each.digest for each in other.manifests.values())}:
        return None
    found = document_changes(one.top.data, other.top.data)
    lacking = sorted(one.manifests.keys() ^ other.manifests.keys())
    kind = f"only one of them has {', '.join(lacking)}" if lacking else "another index"
    return Difference(
        one=one.title,
        other=other.title,
        platform=", ".join(lacking or common),
        part="index",
        kind=kind,
        cause=cause_of("platform" if lacking else "index"),
        path=found[0].what if found else "",
        changes=tuple(found[:1]),
        further=max(0, len(found) - 1),
    )


def _of_platform(one: View, other: View, platform: str) -> Difference:
    ours, theirs = one.manifest(platform).layers, other.manifest(platform).layers
    apart = [
        number
        for number, (mine, his) in enumerate(zip_longest(ours, theirs))
        if mine is None or his is None or mine.digest != his.digest
    ]
    if not apart:
        return _of_documents(one, other, platform)
    number = apart[0]
    titles = [
        dict(enumerate(layer_titles(each.config(platform)))).get(number, "no name")
        for each in (one, other)
    ]
    found = Difference(
        one=one.title,
        other=other.title,
        platform=platform,
        part="layer",
        kind="",
        cause="",
        layer=number + 1,
        title=titles[0] if number < len(ours) else titles[1],
        further_layers=len(apart) - 1,
    )
    if number >= min(len(ours), len(theirs)):
        only = one.title if number < len(ours) else other.title
        return evolve(found, kind=f"only {only} has it", cause=cause_of("layers"))
    if titles[0] != titles[1]:
        found = evolve(found, title=f"{titles[0]}; there: {titles[1]}")
    inside = layer_difference(_blob(one, ours[number]), _blob(other, theirs[number]))
    view, layers = (other, theirs) if inside.kind == "added" else (one, ours)
    return evolve(
        found,
        kind=inside.kind,
        cause=inside.cause,
        path=f"/{inside.path}" if inside.path else "",
        changes=inside.changes,
        package=_package(inside.path, found.title, view, layers, number) if inside.path else "",
        further=inside.further,
    )


def _blob(view: View, layer: Descriptor) -> Blob:
    return Blob(path=view.blob(layer), media_type=layer.media_type)


def _package(path: str, title: str, view: View, layers: Sequence[Descriptor], number: int) -> str:
    """Return the package of a path: the layer itself knows best, and may be a part of several."""
    order = [layers[number], *layers[:number], *layers[number + 1 :]]
    known = package_of(path, [partial(_opened, view, each) for each in order])
    # The title of a layer of several packages names them all.
    return known or ("" if ", " in title else title)


def _opened(view: View, layer: Descriptor) -> AbstractContextManager[IO[bytes]]:
    return unpacked(view.blob(layer), layer.media_type)


def _of_documents(one: View, other: View, platform: str) -> Difference:
    """Return the first difference of two manifests with the same layers, or of their configs."""
    told = Difference(
        one=one.title, other=other.title, platform=platform, part="config", kind="", cause=""
    )
    found = document_changes(one.config(platform), other.config(platform))
    if not found:
        manifests = (each.manifests[platform].data for each in (one, other))
        found = document_changes(*manifests)
        told = evolve(told, part="manifest")
    if len(found) == 1 and found[0].what == "form":
        kind, path = "the same values, written in another form", ""
    else:
        kind, path = "another value", found[0].what
    return evolve(
        told,
        kind=kind,
        cause=cause_of(told.part),
        path=path,
        changes=tuple(found[:1]),
        further=len(found) - 1,
    )

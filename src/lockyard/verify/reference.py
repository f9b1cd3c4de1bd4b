"""What an image is compared with: a layout, an archive of one, or an image of a registry."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO

from attrs import frozen

from lockyard.assemble.document import Document
from lockyard.build.headers import BoundedInfo
from lockyard.errors import UsageError
from lockyard.events import Reporter
from lockyard.fetch.download import Ask
from lockyard.fetch.fetch import obtain
from lockyard.sources.manifest import INDEXES, MANIFESTS, Descriptor
from lockyard.sources.registry import Registry, host_address, source_registry
from lockyard.spec.model import RegistrySource, Workspace
from lockyard.store.faults import store_faults
from lockyard.store.store import Store
from lockyard.verify.view import View, layout_view, view_of

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
# As Docker has them (distribution/reference): a host has a dot, a port, or is this machine.
_REFERENCE = re.compile(
    r"(?:(?P<host>localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+(?=:\d))(?P<port>:\d+)?/)?"
    r"(?P<image>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_HUB = "docker.io"


@frozen(kw_only=True)
class Reference:
    """An image by its host, its path there, and a tag or digest."""

    host: str
    image: str
    tag: str

    def __str__(self) -> str:
        return f"{self.host}/{self.image}{'@' if ':' in self.tag else ':'}{self.tag}"


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest, and nothing else."""
    return _DIGEST.fullmatch(text) is not None


def parsed_reference(text: str) -> Reference:
    """Return the image that a text names as Docker does. Raise UsageError for what names none."""
    found = _REFERENCE.fullmatch(text)
    if found is None or len(text) > 500 or text.startswith("sha256:"):
        raise UsageError(
            f"{text[:200]!r} is no digest, image, image layout or archive of one",
            where="--against",
            solution="give sha256:..., REGISTRY/IMAGE:TAG, or the path of a layout that is there",
        )
    host, image = (found["host"] or "") + (found["port"] or ""), found["image"]
    if not host:
        host, image = _HUB, image if "/" in image else f"library/{image}"
    return Reference(host=host, image=image, tag=found["digest"] or found["tag"] or "latest")


def archive_view(path: Path, folder: Path) -> View:
    """Return the image of an archive, unpacked into a new folder, its blobs verified.

    Raise UsageError for what is no archive of an OCI image layout, IntegrityError where a blob
    isn't what its name says.
    """
    try:
        with store_faults(folder), tarfile.open(path, "r|*", tarinfo=BoundedInfo) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None and (name == "index.json" or _BLOB.fullmatch(name)):
                    if member.issparse() or (folder / name).exists():
                        kind = "a sparse file" if member.issparse() else "there twice"
                        raise tarfile.ReadError(f"{name} is {kind}")
                    _put(content, folder / name)
    except (tarfile.TarError, EOFError) as error:
        raise UsageError(
            f"this is no archive of an image: {error}",
            where=str(path),
            solution="see --archive of build",
        ) from None
    return layout_view(folder, str(path))


def _put(content: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as made:
        shutil.copyfileobj(content, made, 1 << 20)


@frozen(kw_only=True)
class _Layer:
    """A blob as it is asked for; see fetch.download.Content."""

    file: str
    sha256: str
    size: int
    source: str


def registry_view(
    reference: Reference,
    workspace: Workspace,
    store: Store,
    environ: Mapping[str, str],
    reporter: Reporter,
) -> View:
    """Return an image of a registry; its documents are read now, a blob when it is asked for.

    Every one is verified, and blobs are kept in ``store``. A source of the workspace for the
    same registry says where its mirror is. Raise FetchError where the registry doesn't have it.
    """
    registry = _registry(reference.host, workspace, environ)
    kinds = sorted(INDEXES | MANIFESTS)

    def document(name: str) -> Document:
        data = registry.manifest(reference.image, name, kinds)
        return Document(_media_type(data), data)

    def blob(descriptor: Descriptor) -> Path:
        wanted = _Layer(
            file=f"blob {descriptor.digest} of {reference.image}",
            sha256=descriptor.sha256,
            size=descriptor.size,
            source=reference.host,
        )

        def ask(_: _Layer) -> Ask:
            return partial(registry.open_blob, reference.image, descriptor.sha256)

        obtain([wanted], store=store, ask=ask, reporter=reporter, verify=True)
        path = store.artifact(descriptor.sha256, descriptor.size)
        assert path is not None  # noqa: S101 - it has just been verified there
        return path

    return view_of(
        str(reference), document(reference.tag), lambda each: document(each.digest), blob
    )


def _registry(host: str, workspace: Workspace, environ: Mapping[str, str]) -> Registry:
    for name, source in workspace.sources.items():
        if isinstance(source, RegistrySource) and source.registry == host:
            return source_registry(name, source, environ)
    return Registry(host, host_address(host), environ)


def _media_type(data: bytes) -> str:
    try:
        return str(json.loads(data).get("mediaType", ""))
    except (ValueError, AttributeError, RecursionError):
        return ""

"""The build context of an image: exactly what its lock pins, and the Dockerfile."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from lockyard.assemble.document import MANIFEST, Document
from lockyard.assemble.left import prefix_of, sweep_left
from lockyard.assemble.replace import replace_folder
from lockyard.build.built import BuiltLayer
from lockyard.build.bytecode import child
from lockyard.docker import debs
from lockyard.docker.compile import FOLDER, builder_archives, compile_texts
from lockyard.docker.template import BASE
from lockyard.errors import BuildError, StoreError
from lockyard.export.requirements import pinned
from lockyard.fetch.image import PulledImage
from lockyard.lock.model import Artifact
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import CondaLayer, DebianLayer, Layer, WheelLayer, layer_key
from lockyard.store.digest import check_content
from lockyard.store.faults import output_faults
from lockyard.store.store import Store

DOCKERFILE = "Dockerfile"
SUMS = "SHA256SUMS"
COMPILE = "compile.py"
_CHUNK = 1 << 20


@frozen(kw_only=True)
class ContextFile:
    """A file of a context: its text, or its ``sha256`` (hex) and ``size`` in the store."""

    path: str
    sha256: str
    size: int
    data: bytes | None = None


@frozen(kw_only=True)
class Context:
    """A context's files by their paths, in the order of their names."""

    files: tuple[ContextFile, ...]

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)


def context_of(
    plan: ImagePlan,
    dockerfile: str,
    built: Mapping[str, BuiltLayer],
    base: PulledImage | None = None,
) -> Context:
    """Return the context of an image.

    ``built`` has by their keys the layers that aren't wheels: the archives that the stages
    unpack. ``base`` is the registry's image that it stands on, if any. Raise BuildError where
    the lock has no pip to install wheels with.
    """
    layers = [layer for layer in plan.layers if isinstance(layer, WheelLayer)]
    archives = (*_archives(plan), *builder_archives(plan))
    # A large one is in several layers, each with a part of its files.
    wheels = {wheel.file: wheel for layer in layers for wheel in layer.wheels}.values()
    if not any(wheel.name == "pip" for wheel in wheels):
        raise BuildError(
            "the Docker builder installs wheels with the lock's own pip, and there is none",
            where=plan.names.image,
            solution="require pip in the env or its recipe and lock it, or use the embedded "
            "builder",
        )
    files = [
        *(_archive(path, built[layer_key(layer)]) for path, layer in archives),
        *(_package("wheels", wheel) for wheel in wheels),
        _text("requirements.txt", pinned(wheels)),
        *(_package(FOLDER, each) for each in plan.compiled),
        *(_package(debs.FOLDER, each) for each in plan.installed),
        *(_text(path, text) for path, text in own_texts(plan)),
        *(_layout(base) if base else ()),
    ]
    files.sort(key=lambda file: file.path)
    sums = "".join(f"{file.sha256}  ./{file.path}\n" for file in files)
    return Context(files=(_text(DOCKERFILE, dockerfile), _text(SUMS, sums), *files))


def own_texts(plan: ImagePlan) -> Iterator[tuple[str, str]]:
    """Give the paths and texts of the programs that the Dockerfile runs, which are Lockyard's."""
    if any(isinstance(layer, WheelLayer) and layer.compiler for layer in plan.layers):
        # The one that the embedded builder runs.
        yield COMPILE, Path(child.__file__).read_text(encoding="utf-8")
    yield from compile_texts(plan)
    yield from debs.install_texts(plan)


def archived(plan: ImagePlan) -> list[Layer]:
    """Return the layers that the context of an image has as archives, its builder's as well."""
    return [layer for _, layer in (*_archives(plan), *builder_archives(plan))]


def write_context(context: Context, store: Store, folder: Path) -> None:
    """Write a context in place of what the folder held, at once.

    Its files are copies, hashed while they are copied: what is done to them leaves the store as
    it is. Raise IntegrityError or StoreError.
    """
    with output_faults(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep_left(folder, time.time())
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=prefix_of(folder)))
        try:
            for file in context.files:
                path = made / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                _lay(file, store, path)
            # COPY takes modes with it, so they must not be the umask's.
            for path in (made, *made.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            replace_folder(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _archives(plan: ImagePlan) -> Iterator[tuple[str, Layer]]:
    """Give where a context has which layers; the template names these paths.

    What stands above the packages is in the order of its names: the chosen files, the recipe,
    and what an env adds to the one that it extends.
    """
    conda = top = last = 0
    for layer in plan.layers:
        match layer:
            case WheelLayer():
                continue
            case DebianLayer(below=()):
                path = "base"
            case CondaLayer():
                conda += 1
                path = f"conda-{conda:03}"
            case _ if debs.is_last(plan, layer):
                last += 1
                path = f"{debs.LAST}-{last:03}"
            case _:
                top += 1
                path = f"top-{top:03}"
        yield f"layers/{path}.tar.gz", layer


def _layout(base: PulledImage) -> Iterator[ContextFile]:
    """Give the files of an OCI layout of a base image: its own documents, and its layers."""
    media_type = json.loads(base.manifest).get("mediaType", MANIFEST)
    manifest = Document(media_type, base.manifest)
    top = json.dumps({"schemaVersion": 2, "manifests": [manifest.descriptor()]})
    yield _text(f"{BASE}/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
    yield _text(f"{BASE}/index.json", top)
    blobs = f"{BASE}/blobs/sha256"
    for data in (base.manifest, base.config):
        yield _text(f"{blobs}/{hashlib.sha256(data).hexdigest()}", data)
    # An image may have the same layer twice.
    for digest, size in {layer.digest: layer.size for layer in base.layers}.items():
        yield ContextFile(path=f"{blobs}/{digest}", sha256=digest, size=size)


def _archive(path: str, layer: BuiltLayer) -> ContextFile:
    return ContextFile(path=path, sha256=layer.digest, size=layer.size)


def _package(folder: str, package: Artifact) -> ContextFile:
    path = f"{folder}/{package.file}"
    return ContextFile(path=path, sha256=package.sha256, size=package.size)


def _text(path: str, text: str | bytes) -> ContextFile:
    data = text.encode() if isinstance(text, str) else text
    digest = hashlib.sha256(data).hexdigest()
    return ContextFile(path=path, sha256=digest, size=len(data), data=data)


def _lay(file: ContextFile, store: Store, path: Path) -> None:
    if file.data is not None:
        path.write_bytes(file.data)
        return
    source = store.content(file.sha256, file.size)
    if source is None:
        raise StoreError(
            f"{file.path} has gone from the store",
            where=str(store.root),
            solution="run this again: it will be fetched or built again",
        )
    digest = hashlib.sha256()
    with source.open("rb") as old, path.open("xb") as new:
        while chunk := old.read(_CHUNK):
            digest.update(chunk)
            new.write(chunk)
    found = (digest.hexdigest(), path.stat().st_size)
    check_content(found=found, expected=(file.sha256, file.size), where=str(source))

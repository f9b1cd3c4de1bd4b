"""Wheels, Debian packages and artifacts, made for tests."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from lockyard.build.built import BuiltLayer
from lockyard.build.image import LayerBuilds, check_collisions
from lockyard.events import Reporter, Silent
from lockyard.lock.model import Deb, Wheel
from lockyard.plan.layer import Layer, RecipeLayer
from lockyard.plan.prefix import Prefix
from lockyard.spec.model import ImageConfig, LaidFile, Recipe, User
from lockyard.store.store import Store

PREFIX = Prefix(path="/opt/venv", interpreter="/usr/bin/python3.11", python="3.11.2")
PASSWD = b"root:*:0:0:root:/root:/bin/bash\nman:*:6:12:man:/var/cache/man:/usr/sbin/nologin\n"
GROUP = b"root:*:0:\nmail:*:8:\nstaff:*:50:\n"
Content = Mapping[str, bytes]


def build_layers(
    layers: Sequence[Layer],
    store: Store,
    *,
    jobs: int = 2,
    reporter: Reporter | None = None,
    owners: Mapping[str, str] | None = None,
) -> list[BuiltLayer]:
    """Build an image's layers, in their order."""
    with LayerBuilds(store, jobs=jobs, reporter=reporter or Silent()) as builds:
        futures = [builds.submit(layer) for layer in layers]
        built = [future.result() for future in futures]
    check_collisions(layers, built, owners or {})
    return built


def record_hash(data: bytes, algorithm: str = "sha256") -> str:
    """Write a hash as RECORD has it."""
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest())
    return f"{algorithm}={digest.decode().rstrip('=')}"


def wheel_content(name: str, version: str, files: Content) -> dict[str, bytes]:
    """Complete a wheel's files by METADATA, WHEEL and RECORD, where they aren't given."""
    folder = f"{name}-{version}.dist-info"
    content = {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{folder}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **files,
    }
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerows([path, record_hash(data), len(data)] for path, data in content.items())
    rows.writerow([f"{folder}/RECORD", "", ""])
    return {**content, f"{folder}/RECORD": stream.getvalue().encode()}


def zipped(content: Content, modes: Mapping[str, int] | None = None) -> bytes:
    """Pack files, each with the whole mode that ``modes`` gives it, or that of a plain file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in content.items():
            info = zipfile.ZipInfo(path)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(path, 0o100644) << 16
            archive.writestr(info, data)
    return stream.getvalue()


def kept(store: Store, data: bytes) -> dict[str, Any]:
    """Put an artifact into the store; return its digest and size."""
    with store.writer("artifact") as writer:
        writer.write(data)
        writer.commit()
    return {"sha256": writer.sha256, "size": writer.size}


def put_wheel(store: Store, data: bytes, name: str = "demo", version: str = "1.0") -> Wheel:
    """Put a wheel's bytes into the store, and return its artifact."""
    file = f"{name}-{version}-py3-none-any.whl"
    return wheel_artifact(name, version, file=file, **kept(store, data))


def make_wheel(
    store: Store,
    files: Content,
    *,
    name: str = "demo",
    version: str = "1.0",
    modes: Mapping[str, int] | None = None,
) -> Wheel:
    """Make a sound wheel of these files in the store."""
    return put_wheel(store, zipped(wheel_content(name, version, files), modes), name, version)


def wheel_artifact(name: str, version: str = "1.0", **more: Any) -> Wheel:
    """Return a wheel of which only the description matters."""
    values = {
        "file": f"{name}-{version}-py3-none-any.whl",
        "sha256": hashlib.sha256(f"{name} {version}".encode()).hexdigest(),
        "size": 1000,
        "source": "pypi",
        "required_by": ("env",),
        **more,
    }
    return Wheel(name=name.replace("_", "-"), version=version, **cast(Any, values))


def member(path: str, data: bytes = b"", **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Make a member of a tar archive, by default a file of root's that all may read."""
    info = tarfile.TarInfo(path)
    info.size, info.uname, info.gname = len(data), "root", "root"
    for name, value in attributes.items():
        setattr(info, name, value)
    return info, data


def folder(path: str, **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    return member(path, type=tarfile.DIRTYPE, **{"mode": 0o755, **attributes})


def symlink(path: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(path, type=tarfile.SYMTYPE, linkname=target, mode=0o777)


def hardlink(path: str, target: str, **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    return member(path, type=tarfile.LNKTYPE, linkname=target, **attributes)


def tarred(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", encoding="utf-8") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def ar(parts: Mapping[str, bytes]) -> bytes:
    """Pack an ar archive, as dpkg-deb(1) does."""
    packed = b"!<arch>\n"
    for name, data in parts.items():
        packed += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
        packed += data + b"\n" * (len(data) % 2)
    return packed


def deb_bytes(
    name: str,
    members: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    control: Content | None = None,
    fields: str = "",
) -> bytes:
    """Make a Debian package; ``control`` adds control files, ``fields`` lines of ``control``."""
    head = f"Package: {name}\nVersion: 1.0\nArchitecture: amd64\nMaintainer: A <a@example.org>\n"
    text = f"{head}{fields}Description: {name}\n of the tests\n"
    files = {"control": text.encode(), **(control or {})}
    return ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar.xz": lzma.compress(tarred(member(f"./{k}", v) for k, v in files.items())),
            "data.tar.xz": lzma.compress(tarred([folder("./"), *members])),
        }
    )


def put_deb(store: Store, name: str, data: bytes) -> Deb:
    """Put a package's bytes into the store, and return its artifact."""
    return deb_artifact(name, **kept(store, data))


def deb_artifact(name: str, version: str = "1.0", **more: Any) -> Deb:
    """Return a Debian package of which only the description matters."""
    file = f"{name}_{version}_amd64.deb"
    values = {
        "file": file,
        "sha256": hashlib.sha256(f"{name} {version}".encode()).hexdigest(),
        "size": 1000,
        "source": "debian",
        "required_by": ("env",),
        "path": f"pool/main/{name[0]}/{name}/{file}",
        "architecture": "amd64",
        **more,
    }
    return Deb(name=name, version=version, **cast(Any, values))


def base_passwd() -> bytes:
    """Make the package that declares a base's accounts."""
    share = "./usr/share/base-passwd"
    return deb_bytes(
        "base-passwd",
        [member(f"{share}/passwd.master", PASSWD), member(f"{share}/group.master", GROUP)],
    )


def recipe(**more: Any) -> Recipe:
    """Return a recipe of one folder and one file, or other than that in what is given."""
    values = {
        "name": "trial",
        "title": "Trial",
        "suffix": "trial",
        "user": cast(Any, User)(name="someone", uid=1000, gid=1000, home="/home/someone"),
        "config": cast(Any, ImageConfig)(workdir="/srv", command=("/usr/local/bin/start",)),
        "directories": {"/home/someone": "user"},
        "files": {"/usr/local/bin/start": cast(Any, LaidFile)(source="start", mode="0755")},
        "contents": {"start": b"#!/bin/sh\n"},
    }
    return cast(Any, Recipe)(**values | more)  # type: ignore[no-any-return]


def recipe_layer(*debs: Deb, **more: Any) -> RecipeLayer:
    """Return the layer of such a recipe over a base with these account packages."""
    return RecipeLayer(recipe=recipe(**more), prefix=PREFIX, account_debs=debs)

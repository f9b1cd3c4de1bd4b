from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lockyard.errors import IntegrityError, UsageError
from lockyard.ship.archive import write_archive
from lockyard.verify.archive import hashed, unpacked
from lockyard.verify.reference import archive_view, is_digest, parsed_reference

DIGEST = f"sha256:{'a' * 64}"
NAMES = {
    "registry.example/team/image": "registry.example/team/image:latest",
    "registry.example:5000/image:1.0": "registry.example:5000/image:1.0",
    "localhost/image": "localhost/image:latest",
    "127.0.0.1:5000/a/b/c-d_e:x": "127.0.0.1:5000/a/b/c-d_e:x",
    f"registry.example/image@{DIGEST}": f"registry.example/image@{DIGEST}",
    f"registry.example/image:1@{DIGEST}": f"registry.example/image@{DIGEST}",
    "python:3.11": "docker.io/library/python:3.11",
    "team/image": "docker.io/team/image:latest",
}


def _entry(name: str, data: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(data), kind
    return info.tobuf() + data + bytes(-len(data) % 512)


def _pax(*records: tuple[str, str]) -> bytes:
    texts = [f" {key}={value}\n" for key, value in records]
    numbers = [next(n for n in range(9999) if len(f"{n}{text}") == n) for text in texts]
    data = "".join(f"{n}{text}" for n, text in zip(numbers, texts, strict=True)).encode()
    return _entry("x", data, tarfile.XHDTYPE)


_INDEX = _entry("index.json", b"{}")
# By what is said of each.
HOSTILE = {
    "recursion": _pax(("comment", "x")) * 3000 + _INDEX + bytes(1024),
    "literal": _pax(("GNU.sparse.map", "0,z")) + _INDEX + bytes(1024),
    # Two bytes that stand for 2^62.
    "sparse": _pax(("GNU.sparse.map", "0,1"), ("GNU.sparse.size", str(2**62)))
    + _INDEX
    + bytes(1024),
    "twice": _INDEX * 2 + bytes(1024),
}


@pytest.mark.parametrize("text", NAMES)
def test_references(text: str) -> None:
    assert str(parsed_reference(text)) == NAMES[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/etc/passwd",
        "A",
        "a b",
        "../image",
        "r.example/a:",
        "r.example/a@sha256:1",
        "sha256:1a",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="no digest"):
        parsed_reference(text)


def test_digests() -> None:
    assert is_digest(DIGEST)
    assert not is_digest(DIGEST + "0")


def test_an_archive_is_verified(image: Path, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    write_archive(image, archive)
    view = archive_view(archive, tmp_path / "one")
    assert set(view.manifests) == {"linux/amd64"}
    (layer, *_) = view.manifest("linux/amd64").layers
    path = view.blob(layer)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="damaged"):
        view.blob(layer)


def test_an_archive_writes_nowhere_else(tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as made:
        for name in ("../index.json", "/blobs/x", f"blobs/sha256/../../{'a' * 64}", "x"):
            made.addfile(tarfile.TarInfo(name))
    (tmp_path / "in").mkdir()
    with pytest.raises(UsageError, match="whole image layout"):
        archive_view(archive, tmp_path / "in" / "folder")
    assert [path.name for path in tmp_path.iterdir() if path.name != "in"] == ["evil.tar"]
    assert list((tmp_path / "in").rglob("*")) == []
    archive.write_bytes(b"no archive")
    with pytest.raises(UsageError, match="no archive"):
        archive_view(archive, tmp_path / "in" / "folder")


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_an_archive_without_an_end(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "evil.tar"
    archive.write_bytes(HOSTILE[kind])
    with pytest.raises(UsageError, match=kind):
        archive_view(archive, tmp_path / "folder")
    assert sum(path.stat().st_size for path in tmp_path.rglob("index.json")) < 10


@pytest.mark.parametrize("kind", ["recursion", "literal", "sparse"])
def test_a_layer_without_an_end(tmp_path: Path, kind: str) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(HOSTILE[kind])
    with (
        pytest.raises(IntegrityError, match=f"no layer.*{kind}"),
        unpacked(layer, "application/vnd.oci.image.layer.v1.tar") as stream,
    ):
        list(hashed(stream))

from __future__ import annotations

import pytest

from lockyard.build.base.files import base_files
from lockyard.build.entry import Entry
from lockyard.errors import BuildError, IntegrityError, StoreError
from tests.build.base.conftest import DOCKER, OCI, Members, Pulled

WANTED = frozenset({"etc/passwd", "etc/group"})


def content(entry: Entry) -> bytes:
    assert entry.open
    with entry.open() as stream:
        return stream.read()


def found(pulled: Pulled, *layers: Members) -> dict[str, bytes]:
    files = base_files(pulled.image(*layers), pulled.store, WANTED)
    return {path: content(entry) for path, entry in files.items()}


def test_the_uppermost_layer_counts(pulled: Pulled) -> None:
    lower, upper = {"etc/passwd": b"old", "./etc/group": b"g"}, {"etc/passwd": b"new", "x": b""}
    assert found(pulled, lower, upper) == {"etc/passwd": b"new", "etc/group": b"g"}


@pytest.mark.parametrize(
    ("upper", "left"),
    [
        ({"etc/.wh.passwd": b""}, {"etc/group"}),
        ({".wh.etc": b""}, set()),
        ({"etc/.wh..wh..opq": b""}, set()),
        ({"etc/.wh..wh..opq": b"", "etc/passwd": b"new"}, {"etc/passwd"}),
        ({"etc/passwd": b"new", ".wh.etc": b""}, {"etc/passwd"}),
        ({"etc/.wh.passwd-": b"", "usr/.wh..wh..opq": b""}, {"etc/passwd", "etc/group"}),
    ],
)
def test_whiteouts_hide_what_is_below(pulled: Pulled, upper: Members, left: set[str]) -> None:
    lower = {"etc/passwd": b"old", "etc/group": b"old"}
    assert found(pulled, lower, upper).keys() == left
    assert found(pulled, lower, upper, {"etc/group": b"back"})["etc/group"] == b"back"


@pytest.mark.parametrize(
    "kind", [OCI, f"{OCI}+gzip", f"{OCI}+zstd", DOCKER, f"{DOCKER}.gzip", f"{DOCKER}.zstd"]
)
def test_every_compression(pulled: Pulled, kind: str) -> None:
    image = pulled.image({"etc/passwd": b"x" * 100_000}, media_types=[kind])
    (entry,) = base_files(image, pulled.store, WANTED).values()
    assert content(entry) == b"x" * 100_000
    assert (entry.mode, entry.gid) == (0o644, 42)


def test_a_layer_that_is_not_what_the_config_says(pulled: Pulled) -> None:
    image = pulled.image({"etc/passwd": b""}, diff_id="0" * 64)
    with pytest.raises(IntegrityError, match="isn't what the image's config says"):
        base_files(image, pulled.store, WANTED)


@pytest.mark.parametrize("kind", [f"{OCI}+gzip", f"{OCI}+zstd"])
def test_a_layer_of_another_compression(pulled: Pulled, kind: str) -> None:
    image = pulled.image({"etc/passwd": b""}, media_types=[OCI])
    (layer,) = image.layers
    broken = type(image)(
        manifest=b"",
        config=b"",
        layers=(type(layer)(digest=layer.digest, size=layer.size, media_type=kind, diff_id="0"),),
    )
    with pytest.raises(IntegrityError, match="can't be unpacked"):
        base_files(broken, pulled.store, WANTED)


@pytest.mark.parametrize("strange", ["/run/passwd", b"x" * (1 << 20) + b"x"])
def test_what_is_no_small_file(pulled: Pulled, strange: bytes | str) -> None:
    image = pulled.image({"etc/passwd": strange})
    with pytest.raises(BuildError, match="/etc/passwd"):
        base_files(image, pulled.store, WANTED)


def test_a_header_that_would_fill_the_memory(pulled: Pulled) -> None:
    long = "x" * (3 << 20)
    image = pulled.image({f"etc/{long}": b"", "etc/passwd": b""})
    with pytest.raises(IntegrityError, match="can't be unpacked"):
        base_files(image, pulled.store, WANTED)


def test_a_layer_that_has_gone(pulled: Pulled) -> None:
    image = pulled.image({"etc/passwd": b""})
    path = pulled.store.artifact(image.layers[0].digest)
    assert path
    path.unlink()
    with pytest.raises(StoreError, match="has gone"):
        base_files(image, pulled.store, WANTED)

"""A tag becomes digests, as a real registry gives them; what it gives wrongly is refused."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lockyard.errors import FetchError, IntegrityError, ResolveError
from lockyard.lock.model import Blob
from lockyard.resolve.image.resolver import resolve_image
from lockyard.spec.checks import (
    CondaSourceName,
    GlibcVersion,
    ImageDigest,
    ImagePath,
    Platform,
    PypiSourceName,
    PythonVersion,
    RegistrySourceName,
)
from lockyard.spec.model import ImageBase, RegistrySource

GIVEN = "ab" * 32


def base(tag: str = "18.04", **more: Any) -> ImageBase:
    return ImageBase(
        kind="image",
        source=RegistrySourceName("hub"),
        image="library/base",
        tag=tag,
        glibc=GlibcVersion("2.27"),
        python=PythonVersion("3.7"),
        interpreter=ImagePath("/opt/conda/bin/python3.7"),
        prefix=ImagePath("/opt/conda"),
        conda=CondaSourceName("conda-forge"),
        pypi=PypiSourceName("pypi"),
        **more,
    )


def source(address: str) -> RegistrySource:
    return RegistrySource(kind="registry", registry=address)


def test_digests_that_are_given_are_taken_and_nobody_is_asked() -> None:
    given = base(
        index=ImageDigest(f"sha256:{'cd' * 32}"),
        manifests={Platform("linux/amd64"): ImageDigest(f"sha256:{GIVEN}")},
    )
    image = resolve_image(given, source("nobody.invalid"), platform="linux/amd64", environ={})
    assert (image.manifest, image.index, image.layers) == (GIVEN, "cd" * 32, ())


def test_a_platform_without_a_given_digest_is_refused() -> None:
    given = base(manifests={Platform("linux/amd64"): ImageDigest(f"sha256:{GIVEN}")})
    with pytest.raises(ResolveError, match="no digest for linux/arm64"):
        resolve_image(given, source("nobody.invalid"), platform="linux/arm64", environ={})


@pytest.mark.engine
class TestRealRegistry:
    @pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
    def test_a_tag_becomes_the_digests_of_one_platform(self, registry: Any, platform: str) -> None:
        image = resolve_image(base(), source(registry.address), platform=platform, environ={})
        assert image.index == registry.index
        assert image.manifest == registry.manifests[platform]
        digest, size = registry.config[platform]
        assert image.config == Blob(digest=digest, size=size)
        assert [(layer.digest, layer.size) for layer in image.layers] == [registry.layer]
        assert (image.image, image.tag, image.platform) == ("library/base", "18.04", platform)

    def test_a_mirror_from_the_environment_is_asked_instead(self, registry: Any) -> None:
        environ = {"LOCKYARD_HUB_MIRROR": f"http://{registry.address}"}
        image = resolve_image(
            base(), source("nobody.invalid"), platform="linux/amd64", environ=environ
        )
        assert image.index == registry.index

    def test_a_platform_that_it_isnt_made_for(self, registry: Any) -> None:
        with pytest.raises(ResolveError, match="no image for linux/s390x") as caught:
            resolve_image(base(), source(registry.address), platform="linux/s390x", environ={})
        assert "linux/amd64, linux/arm64" in caught.value.solution

    def test_an_unknown_tag(self, registry: Any) -> None:
        with pytest.raises(FetchError, match="404"):
            resolve_image(base("1"), source(registry.address), platform="linux/amd64", environ={})


class Lying(http.server.BaseHTTPRequestHandler):
    """Give every request for a manifest the same document, and for a blob the same blob."""

    body = b""
    blob = b""

    def do_GET(self) -> None:
        body = self.blob if "/blobs/" in self.path else self.body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def lying() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lying) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_document_that_its_digest_doesnt_name(lying: str) -> None:
    Lying.body = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    fixed = base(index=ImageDigest(f"sha256:{GIVEN}"))
    with pytest.raises(IntegrityError, match="gives a document of digest"):
        resolve_image(fixed, source(lying), platform="linux/amd64", environ={})


BLOB = {"digest": f"sha256:{GIVEN}", "size": 5}


@pytest.mark.parametrize(
    "document",
    [
        [],
        5,
        {"mediaType": "text/plain"},
        {"mediaType": 5},
        {"manifests": 5},
        {"manifests": [5]},
        {"manifests": [{}]},
        {"manifests": [BLOB | {"platform": 5}]},
        {"manifests": [BLOB | {"platform": {"os": "linux"}}]},
        {"manifests": [{"digest": "sha512:1", "size": 5}]},
        {"config": None, "layers": []},
        {"config": {"size": 5}, "layers": []},
        {"config": BLOB | {"digest": 5}, "layers": []},
        {"config": BLOB | {"digest": "md5:1"}, "layers": []},
        {"config": BLOB | {"size": 0}, "layers": []},
        {"config": BLOB | {"size": float("inf")}, "layers": []},
        {"config": BLOB, "layers": 5},
        {"config": BLOB, "layers": [None]},
        {"config": BLOB},
    ],
    ids=json.dumps,
)
def test_what_is_no_document(lying: str, document: object) -> None:
    Lying.body = json.dumps(document).encode()
    with pytest.raises(IntegrityError):
        resolve_image(base(), source(lying), platform="linux/amd64", environ={})


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 100_000], ids=["html", "ff", "deep"])
def test_what_is_no_json(lying: str, body: bytes) -> None:
    Lying.body = body
    with pytest.raises(IntegrityError):
        resolve_image(base(), source(lying), platform="linux/amd64", environ={})


def test_an_entry_without_a_platform_is_for_none(lying: str) -> None:
    Lying.body = json.dumps({"manifests": [BLOB, BLOB | {"platform": None}]}).encode()
    with pytest.raises(ResolveError, match="no image for linux/amd64"):
        resolve_image(base(), source(lying), platform="linux/amd64", environ={})


class TestImageWithoutIndex:
    """Its config alone says what it is made for."""

    def serve(self, config: bytes, digest: str = "") -> None:
        digest = digest or hashlib.sha256(config).hexdigest()
        described = {"digest": f"sha256:{digest}", "size": len(config)}
        Lying.blob = config
        Lying.body = json.dumps({"config": described, "layers": [BLOB]}).encode()

    def test_it_is_taken_for_its_platform(self, lying: str) -> None:
        self.serve(b'{"os": "linux", "architecture": "amd64", "rootfs": {}}')
        image = resolve_image(base(), source(lying), platform="linux/amd64", environ={})
        assert (image.index, image.manifest) == ("", hashlib.sha256(Lying.body).hexdigest())
        assert image.config is not None
        assert image.config.digest == hashlib.sha256(Lying.blob).hexdigest()

    def test_it_is_refused_for_another(self, lying: str) -> None:
        self.serve(b'{"os": "linux", "architecture": "amd64"}')
        with pytest.raises(ResolveError, match="no image for linux/arm64") as caught:
            resolve_image(base(), source(lying), platform="linux/arm64", environ={})
        assert "linux/amd64" in caught.value.solution

    def test_a_config_that_its_digest_doesnt_name(self, lying: str) -> None:
        self.serve(b'{"os": "linux", "architecture": "amd64"}', GIVEN)
        with pytest.raises(IntegrityError, match="gives a document of digest"):
            resolve_image(base(), source(lying), platform="linux/amd64", environ={})

    @pytest.mark.parametrize("config", [b"[]", b"no", b'{"os": "linux"}'])
    def test_a_config_that_says_nothing(self, lying: str, config: bytes) -> None:
        self.serve(config)
        with pytest.raises(IntegrityError):
            resolve_image(base(), source(lying), platform="linux/amd64", environ={})


def test_a_registry_that_doesnt_answer() -> None:
    with pytest.raises(FetchError):
        resolve_image(base(), source("127.0.0.1:9"), platform="linux/amd64", environ={})

"""A base image comes into the store whole and verified, or one clear error does."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.errors import FetchError, IntegrityError, LockError, LockyardError
from lockyard.fetch.image import PulledImage, fetch_image
from lockyard.lock.model import BaseImage, Blob
from lockyard.sources.registry import Registry
from lockyard.store.store import Store
from tests.registries import USER, Fake, faking, impatient

IMAGE = "library/base"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER = "application/vnd.docker.image.rootfs.diff.tar"
LAYERS = [bytes(range(256)) * 4000, b"the second layer"]
PLATFORM = {"os": "linux", "architecture": "amd64"}

Fill = Callable[..., BaseImage]
Pull = Callable[..., PulledImage]


@pytest.fixture
def fake() -> Iterator[Fake]:
    with faking() as made:
        yield made


@pytest.fixture
def fill(fake: Fake) -> Fill:
    """Put an image into the registry; return what a lock says of it."""

    def call(
        kind: str = LAYER,
        config_kind: str = CONFIG,
        diff_ids: int = len(LAYERS),
        platform: dict[str, str] = PLATFORM,
        off: int = 0,
    ) -> BaseImage:
        said = {"diff_ids": [f"sha256:{number:064x}" for number in range(diff_ids)]}
        config = json.dumps(platform | {"rootfs": said}).encode()
        value = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described(fake, config_kind, config) | {"size": len(config) + off},
            "layers": [described(fake, kind, layer) for layer in LAYERS],
        }
        digest = fake.put(IMAGE, MANIFEST, value)
        return BaseImage(
            image=IMAGE,
            tag="1",
            source="hub",
            platform="linux/amd64",
            manifest=digest.removeprefix("sha256:"),
        )

    return call


def described(fake: Fake, kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": fake.put_blob(IMAGE, data), "size": len(data)}


@pytest.fixture
def pull(fake: Fake, store: Store, tmp_path: Path) -> Pull:
    """Pull an image with the credentials that Docker has."""
    auths = {"auths": {fake.host: {"auth": USER}}}
    (tmp_path / "config.json").write_text(json.dumps(auths))
    environ = {"DOCKER_CONFIG": str(tmp_path)}

    def call(image: BaseImage) -> PulledImage:
        registry = Registry("hub.example", fake.url, environ, impatient())
        return fetch_image(image, store=store, registry=registry)

    return call


def layer_path(number: int) -> str:
    return f"/blobs/sha256:{hashlib.sha256(LAYERS[number]).hexdigest()}"


def held(store: Store, pulled: PulledImage) -> list[bytes]:
    """Return the layers' bytes as they are in the store."""
    found = [store.artifact(layer.digest, layer.size) for layer in pulled.layers]
    return [path.read_bytes() for path in found if path]


@pytest.mark.parametrize(
    "kind",
    [LAYER, f"{LAYER}+gzip", f"{LAYER}+zstd", DOCKER, f"{DOCKER}.gzip", f"{DOCKER}.zstd"],
)
def test_all_of_an_image_is_in_the_store(fill: Fill, pull: Pull, store: Store, kind: str) -> None:
    image = fill(kind)
    pulled = pull(image)
    assert hashlib.sha256(pulled.manifest).hexdigest() == image.manifest
    assert json.loads(pulled.config)["os"] == "linux"
    assert held(store, pulled) == LAYERS
    assert {layer.media_type for layer in pulled.layers} == {kind}
    assert [int(layer.diff_id, 16) for layer in pulled.layers] == [0, 1]


def test_what_is_there_is_not_asked_for(fill: Fill, pull: Pull, fake: Fake) -> None:
    image = fill()
    first = pull(image)
    fake.asked.clear()
    assert pull(image) == first
    assert fake.asked == []


def test_a_damaged_document_is_fetched_again(fill: Fill, pull: Pull, store: Store) -> None:
    image = fill()
    first = pull(image)
    path = store.artifact(image.manifest)
    assert path
    path.chmod(0o644)
    path.write_bytes(b"{}")
    assert pull(image) == first


def test_the_lock_may_know_the_blobs(fill: Fill, pull: Pull) -> None:
    image, known = fill(), pull(fill())
    config = Blob(digest=hashlib.sha256(known.config).hexdigest(), size=len(known.config))
    layers = tuple(Blob(digest=each.digest, size=each.size) for each in known.layers)
    sound = evolve(image, config=config, layers=layers)
    assert pull(sound) == known
    for wrong in (evolve(sound, layers=layers[:1]), evolve(sound, config=layers[0])):
        with pytest.raises(LockError, match="aren't those of the manifest"):
            pull(wrong)


@pytest.mark.parametrize(
    ("options", "family", "reason"),
    [
        ({"kind": "text/plain"}, IntegrityError, "no kind of layer"),
        ({"kind": ""}, IntegrityError, "no kind of layer"),
        ({"kind": f"{DOCKER}.gzip".replace("diff", "foreign.diff")}, FetchError, "passed on"),
        ({"kind": LAYER.replace("layer", "layer.nondistributable")}, FetchError, "passed on"),
        ({"config_kind": "application/vnd.oci.empty.v1+json"}, IntegrityError, "no image"),
        ({"diff_ids": 1}, IntegrityError, "has 2 layers, and its config speaks of 1"),
        ({"platform": PLATFORM | {"architecture": "arm64"}}, IntegrityError, "linux/arm64"),
        ({"off": 1}, IntegrityError, "bytes where"),
    ],
    ids=str,
)
def test_images_that_are_refused(
    fill: Fill,
    pull: Pull,
    fake: Fake,
    options: dict[str, Any],
    family: type[LockyardError],
    reason: str,
) -> None:
    with pytest.raises(family, match=reason):
        pull(fill(**options))
    assert fake.count("GET", layer_path(0)) == 0


def test_a_config_without_diff_ids(fill: Fill, pull: Pull, fake: Fake) -> None:
    image = fill()
    value = json.loads(fake.manifests[IMAGE, f"sha256:{image.manifest}"][1])
    value["config"] = described(fake, CONFIG, json.dumps(PLATFORM).encode())
    with pytest.raises(IntegrityError, match="malformed"):
        pull(evolve(image, manifest=fake.put(IMAGE, MANIFEST, value).removeprefix("sha256:")))


class TestTrouble:
    """Recovered where it can be, else one error that says what to do."""

    def test_a_layer_that_is_cut_is_resumed(
        self, fill: Fill, pull: Pull, fake: Fake, store: Store
    ) -> None:
        fake.fail("GET", layer_path(0), "cut")
        assert held(store, pull(fill())) == LAYERS
        assert fake.count("GET", layer_path(0)) == 2

    @pytest.mark.parametrize("status", ["429", "500", "503"])
    @pytest.mark.parametrize("path", ["/manifests/", layer_path(0)])
    def test_what_passes(
        self, fill: Fill, pull: Pull, fake: Fake, store: Store, status: str, path: str
    ) -> None:
        fake.fail("GET", path, "status", 2, status=status, Retry_After="1")
        assert held(store, pull(fill())) == LAYERS

    @pytest.mark.parametrize("path", ["/manifests/", layer_path(0)])
    @pytest.mark.parametrize(
        ("status", "reason", "solution"),
        [
            ("403", "refuses access", "credentials"),
            ("404", "doesn't have", "lock again"),
            ("429", "wants fewer requests", "in 3600 seconds"),
            ("500", "fails on", "Try again later"),
        ],
    )
    def test_what_stays(
        self, fill: Fill, pull: Pull, fake: Fake, path: str, status: str, reason: str, solution: str
    ) -> None:
        fake.fail("GET", path, "status", 9, status=status, Retry_After="3600")
        with pytest.raises(FetchError, match=reason) as caught:
            pull(fill())
        assert f"HTTP status {status}" in caught.value.reason
        assert solution in caught.value.solution

    def test_a_layer_of_other_bytes(self, fill: Fill, pull: Pull, fake: Fake, store: Store) -> None:
        fake.fail("GET", layer_path(0), "wrong", 9)
        with pytest.raises(IntegrityError, match="its sha256 is"):
            pull(fill())
        assert store.artifact(hashlib.sha256(LAYERS[0]).hexdigest()) is None

    @pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
    def test_a_document_that_its_digest_does_not_name(
        self, fill: Fill, pull: Pull, fake: Fake, path: str
    ) -> None:
        fake.fail("GET", path, "wrong")
        with pytest.raises(IntegrityError, match="gives a document of digest"):
            pull(fill())

    def test_a_token_that_expires_on_the_way(
        self, fill: Fill, pull: Pull, fake: Fake, store: Store
    ) -> None:
        fake.login = "bearer"
        fake.fail("GET", layer_path(0), "cut")
        fake.fail("GET", layer_path(0), "expire")
        assert held(store, pull(fill())) == LAYERS
        assert fake.issued >= 2
        assert set(map(tuple, fake.tokens.values())) == {(f"repository:{IMAGE}:pull",)}

    @pytest.mark.parametrize("login", ["basic", "bearer"])
    def test_wrong_credentials(
        self, fill: Fill, pull: Pull, fake: Fake, tmp_path: Path, login: str
    ) -> None:
        fake.login, image = login, fill()
        wrong = base64.b64encode(b"pusher:hunter2").decode()
        auths = {"auths": {fake.host: {"auth": wrong}}}
        (tmp_path / "config.json").write_text(json.dumps(auths))
        with pytest.raises(FetchError, match=r"refuses access|gives no token") as caught:
            pull(image)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("login", ["basic", "bearer"])
    def test_another_host_gets_no_credentials(
        self, fill: Fill, pull: Pull, fake: Fake, store: Store, login: str
    ) -> None:
        with faking() as other:
            fake.login, fake.elsewhere = login, other.url
            for layer in LAYERS:
                other.put_blob(IMAGE, layer)
            fake.fail("GET", layer_path(0), "redirect", 9)
            # So that a request of the rest is redirected, too.
            other.fail("GET", layer_path(0), "cut")
            assert held(store, pull(fill())) == LAYERS
            assert [each.authorization for each in other.asked] == ["", ""]
            told = [each.authorization for each in fake.asked if layer_path(0) in each.path]
            assert len(told) == 2
            assert all(told)

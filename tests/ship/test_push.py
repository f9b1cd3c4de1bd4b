"""Images arrive whole, what is there isn't sent, and trouble is mended or told."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from lockyard.assemble.document import Document, layout_index
from lockyard.errors import IntegrityError, PushError
from lockyard.events import Silent
from lockyard.fetch.image import fetch_image
from lockyard.lock.model import BaseImage
from lockyard.ship import upload
from lockyard.ship.layout import read_layout
from lockyard.ship.push import Push, Pushed
from lockyard.ship.repository import Donor, Repository
from lockyard.sources.registry import Registry
from lockyard.store.store import Store
from tests.registries import USER, Fake, counting, faking, impatient
from tests.resolve.image.conftest import running

IMAGE = "team/demo"
BIG = bytes(range(256)) * 16_000  # more than what counts as progress, twice over
DAY = date(2026, 11, 22)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

Send = Callable[..., Pushed]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "BACKOFF", 0)


@pytest.fixture
def fake() -> Iterator[Fake]:
    with faking() as made:
        yield made


@pytest.fixture
def big(folder: Path) -> Path:
    """A layout with a layer that takes a while, of a kind that is only passed through."""
    layers = {"application/vnd.docker.image.rootfs.diff.tar.gzip": BIG}
    return written(folder, layers)


def written(folder: Path, layers: dict[str, bytes]) -> Path:
    """Put an image of these layers, by their media types, in the place of a layout's."""

    def put(kind: str, data: bytes) -> dict[str, object]:
        document = Document(kind, data)
        (folder / "blobs/sha256" / document.digest).write_bytes(data)
        return document.descriptor()

    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": put("application/vnd.oci.image.config.v1+json", b"{}"),
        "layers": [put(kind, data) for kind, data in layers.items()],
    }
    top = Document(MANIFEST, json.dumps(value).encode())
    put(MANIFEST, top.data)
    (folder / "index.json").write_bytes(layout_index(top, "demo", "latest").data)
    return folder


@pytest.fixture
def send(tmp_path: Path) -> Send:
    """Push a layout to a registry, logged in."""

    def call(
        folder: Path,
        host: str,
        image: str = IMAGE,
        givers: tuple[str, ...] = (),
        day: date = DAY,
        extra: tuple[str, ...] = (),
        dry_run: bool = False,
        user: str = USER,
    ) -> Pushed:
        (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": user}}}))
        environ = {"DOCKER_CONFIG": str(tmp_path)}
        registry = Registry(host, f"http://{host}", environ, impatient())
        donors = [Donor(registry=registry, image=each, reference="latest") for each in givers]
        return Push(
            layout=read_layout(folder),
            repository=Repository(registry=registry, image=image),
            donors=donors,
            day=day,
            extra=extra,
            reporter=Silent(),
            jobs=2,
        ).run(dry_run=dry_run)

    return call


def blob(data: bytes = BIG) -> str:
    return f"/blobs/sha256:{hashlib.sha256(data).hexdigest()}"


def arrived(fake: Fake, image: str = IMAGE) -> bytes:
    """Return the bytes of the big layer as the registry has them."""
    return fake.blobs[image, blob().removeprefix("/blobs/")]


class TestTags:
    def test_the_newest_that_names_the_image_is_enough(
        self, folder: Path, fake: Fake, send: Send
    ) -> None:
        first = send(folder, fake.host)
        assert first.tags == first.tagged == ("20261122.v1", "latest")
        again = send(folder, fake.host, day=date(2026, 11, 23))
        assert (again.tags, again.tagged, again.sent) == (first.tags, (), 0)

    def test_a_dated_tag_never_moves(self, folder: Path, big: Path, fake: Fake, send: Send) -> None:
        # Other pushes of the day, which take the list of tags over a page's end.
        for number in range(1, 11):
            fake.put(IMAGE, MANIFEST, {"number": number}, f"20261122.v{number}", "latest")
        before = dict(fake.manifests)
        done = send(big, fake.host)
        assert done.tagged == ("20261122.v11", "latest")
        after = dict(fake.manifests)
        del before[IMAGE, "latest"]
        assert before.items() <= after.items()

    def test_a_tag_that_the_list_does_not_tell_of(
        self, folder: Path, fake: Fake, send: Send
    ) -> None:
        fake.put(IMAGE, MANIFEST, {}, "20261122.v1")
        fake.fail("GET", "/tags/list", "status", status="404")
        assert send(folder, fake.host).tagged == ("20261122.v2", "latest")

    def test_more_tags(self, folder_of_two: Path, fake: Fake, send: Send) -> None:
        done = send(folder_of_two, fake.host, extra=("v7", "latest"))
        assert done.tagged == ("20261122.v1", "latest", "v7")
        named = {fake.manifests[IMAGE, tag][1] for tag in (*done.tags, done.digest)}
        assert len(named) == 1


def test_a_dry_run_tells_what_a_push_does_and_writes_nothing(
    big: Path, fake: Fake, send: Send
) -> None:
    would = send(big, fake.host, dry_run=True)
    assert {each.method for each in fake.asked} == {"HEAD", "GET"}
    assert send(big, fake.host) == would
    assert would.sent == fake.received


def test_manifests_come_last_and_the_index_after_them(
    folder_of_two: Path, fake: Fake, send: Send
) -> None:
    done = send(folder_of_two, fake.host)
    puts = [each.path.rpartition("/")[2] for each in fake.asked if each.method == "PUT"]
    assert all("digest=" in each for each in puts[:3])
    beneath = read_layout(folder_of_two).manifests
    assert puts[3:] == [*(f"sha256:{each.digest}" for each in beneath), *done.tagged]


@pytest.mark.parametrize("login", ["", "basic", "bearer"])
def test_connections_are_used_again(
    folder_of_two: Path, fake: Fake, send: Send, login: str
) -> None:
    fake.login = login
    send(folder_of_two, fake.host)
    assert len(fake.asked) > 20
    # One for each job; another where a list of tags isn't there.
    assert fake.connections <= 4


class TestMounts:
    def test_what_another_repository_has_is_not_sent(
        self, big: Path, fake: Fake, send: Send
    ) -> None:
        send(big, fake.host, "team/other")
        fake.login = "bearer"
        before = fake.received
        done = send(big, fake.host, givers=("team/none", "team/other"))
        assert arrived(fake) == BIG
        assert done.mounted == sum(each.size for each in read_layout(big).blobs)
        assert done.sent == fake.received - before < 2000
        push, other = f"repository:{IMAGE}:pull,push", "repository:team/other:pull"
        assert {tuple(each) for each in fake.tokens.values()} == {
            (push,),
            (push, other),
            (other,),
            ("repository:team/none:pull",),
        }

    def test_a_registry_that_does_not_mount(self, big: Path, fake: Fake, send: Send) -> None:
        send(big, fake.host, "team/other")
        place = f"/v2/{IMAGE}/blobs/uploads/mount"
        fake.uploads["mount"] = bytearray()
        fake.put_blob(IMAGE, b"{}")
        fake.fail("POST", "mount=", "status", status="202", Location=place)
        assert send(big, fake.host, givers=("team/other",)).mounted == 0
        assert arrived(fake) == BIG
        assert fake.count("PATCH", "/mount") == 1

    @pytest.mark.parametrize("status", ["400", "403", "405"])
    def test_a_registry_that_refuses_to_mount(
        self, big: Path, fake: Fake, send: Send, status: str
    ) -> None:
        send(big, fake.host, "team/other")
        fake.fail("POST", "mount=", "status", 9, status=status)
        assert send(big, fake.host, givers=("team/other",)).mounted == 0
        assert arrived(fake) == BIG

    def test_a_repository_that_may_not_be_read(self, big: Path, fake: Fake, send: Send) -> None:
        send(big, fake.host, "team/other")
        fake.fail("HEAD", "/team/other/", "status", 99, status="403")
        assert send(big, fake.host, givers=("team/other",)).mounted == 0
        assert arrived(fake) == BIG


class TestTrouble:
    def test_an_upload_that_is_cut_goes_on(self, big: Path, fake: Fake, send: Send) -> None:
        fake.put_blob(IMAGE, b"{}")
        fake.fail("PATCH", "/uploads/", "cut_upload", 2)
        send(big, fake.host)
        assert arrived(fake) == BIG
        bodies = [each.received for each in fake.asked if each.method == "PATCH"]
        assert bodies == [len(BIG) // 2, len(BIG) // 4, len(BIG) // 4]
        assert fake.count("POST") == 1

    def test_an_upload_that_is_always_cut(self, big: Path, fake: Fake, send: Send) -> None:
        fake.fail("PATCH", "/uploads/", "cut_upload", 99)
        with pytest.raises(PushError, match="no answer") as caught:
            send(big, fake.host)
        assert "push again" in caught.value.solution
        assert fake.count("PATCH") < 20

    def test_an_upload_whose_state_is_lost_begins_anew(
        self, big: Path, fake: Fake, send: Send
    ) -> None:
        fake.fail("PATCH", "/uploads/", "cut_upload")
        fake.fail("GET", "/uploads/", "status", status="404")
        send(big, fake.host)
        assert arrived(fake) == BIG

    @pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT", "GET"])
    @pytest.mark.parametrize("status", ["429", "500", "503"])
    def test_what_passes(self, big: Path, fake: Fake, send: Send, method: str, status: str) -> None:
        fake.fail(method, "/v2/", "status", status=status, Retry_After="0")
        assert send(big, fake.host).tagged
        assert arrived(fake) == BIG

    @pytest.mark.parametrize("path", ["/uploads/", "/manifests/"])
    def test_an_answer_that_is_lost(self, big: Path, fake: Fake, send: Send, path: str) -> None:
        fake.fail("PUT", path, "lose_answer")
        send(big, fake.host)
        assert arrived(fake) == BIG
        assert fake.count("PATCH") == 2, "no blob is sent twice"

    @pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
    @pytest.mark.parametrize(
        ("status", "reason", "solution"),
        [
            ("403", "refuses access", "docker login"),
            ("413", "fails on", "that size"),
            ("429", "wants fewer requests", "wait 3600 seconds"),
            ("500", "fails on", "push again"),
            ("302", "sends elsewhere", "leads to"),
        ],
    )
    def test_what_stays(
        self,
        big: Path,
        fake: Fake,
        send: Send,
        method: str,
        status: str,
        reason: str,
        solution: str,
    ) -> None:
        if (method, status) == ("HEAD", "302"):
            return  # what reads follows redirects
        fake.fail(method, "/v2/", "status", 99, status=status, Retry_After="3600")
        with pytest.raises(PushError, match=reason) as caught:
            send(big, fake.host)
        assert solution in caught.value.solution
        assert not fake.manifests

    def test_a_push_that_failed_is_gone_on_with(
        self, folder: Path, big: Path, fake: Fake, send: Send
    ) -> None:
        fake.fail("PUT", "/manifests/", "status", 9, status="500")
        with pytest.raises(PushError):
            send(big, fake.host)
        fake.faults.clear()
        before = fake.received
        assert send(big, fake.host).sent == fake.received - before < 2000

    def test_wrong_credentials(self, big: Path, fake: Fake, send: Send) -> None:
        fake.login = "basic"
        with pytest.raises(PushError, match="refuses access") as caught:
            send(big, fake.host, user="cHVzaGVyOmh1bnRlcjI=")
        assert "docker login" in caught.value.solution
        assert "hunter2" not in str(caught.value)

    def test_a_token_that_expires_on_the_way(self, big: Path, fake: Fake, send: Send) -> None:
        fake.login = "bearer"
        fake.fail("PATCH", "/uploads/", "expire")
        send(big, fake.host)
        assert arrived(fake) == BIG

    def test_an_upload_to_another_host_gets_no_credentials(
        self, big: Path, fake: Fake, send: Send
    ) -> None:
        with faking() as other:
            fake.login = "basic"
            place = f"{other.url}/v2/{IMAGE}/blobs/uploads/7"
            fake.fail("POST", "/uploads/", "status", 9, status="202", Location=place)
            other.fail("PATCH", "", "status", 9, status="403")
            with pytest.raises(PushError, match="refuses access"):
                send(big, fake.host)
            assert {each.authorization for each in other.asked} == {""}

    def test_an_upload_that_others_can_read(self, big: Path, fake: Fake, send: Send) -> None:
        place = "http://registry.invalid/v2/x"
        fake.fail("POST", "/uploads/", "status", 9, status="202", Location=place)
        with pytest.raises(PushError, match="isn't reached by HTTPS"):
            send(big, fake.host)

    def test_a_registry_that_stored_something_else(self, big: Path, fake: Fake, send: Send) -> None:
        other = f"sha256:{'0' * 64}"
        fake.fail("PUT", "/manifests/", "status", status="201", Docker_Content_Digest=other)
        with pytest.raises(PushError, match="stored another manifest"):
            send(big, fake.host)

    def test_a_blob_that_has_rotted(self, big: Path, fake: Fake, send: Send) -> None:
        path = big / blob().replace("/blobs/sha256:", "blobs/sha256/")
        path.write_bytes(BIG[:-1] + b"!")
        with pytest.raises(IntegrityError, match="is damaged"):
            send(big, fake.host)
        path.write_bytes(BIG[:-1])
        with pytest.raises(IntegrityError, match="is damaged"):
            send(big, fake.host)

    def test_no_registry(self, big: Path, send: Send) -> None:
        with pytest.raises(PushError, match="no answer"):
            send(big, "127.0.0.1:9")


@pytest.mark.engine
class TestRealRegistry:
    """Debian's own registry, with bodies counted on the way, and a reader that isn't ours."""

    def test_what_is_sent_is_what_is_told(
        self, folder_of_two: Path, big: Path, send: Send, tmp_path: Path
    ) -> None:
        with running(tmp_path) as address, counting(address) as counter:
            first = send(folder_of_two, counter.host)
            assert first.sent == counter.received
            counter.received = 0
            assert send(folder_of_two, counter.host).sent == counter.received == 0
            mounted = send(folder_of_two, counter.host, "team/second", (IMAGE,))
            assert mounted.sent == counter.received < first.sent
            assert mounted.mounted == sum(each.size for each in read_layout(folder_of_two).blobs)
            counter.received = 0
            passed = send(big, counter.host, "team/big")
            assert passed.sent == counter.received > len(BIG)
            assert inspected(address, IMAGE)["Digest"] == first.digest
            copied(address, IMAGE, tmp_path / "copy")
            found = {path.name for path in (tmp_path / "copy").rglob("sha256/*")}
            assert found == {path.name for path in folder_of_two.rglob("sha256/*")}

    def test_what_is_pushed_can_be_pulled_as_a_base(
        self, folder: Path, send: Send, tmp_path: Path
    ) -> None:
        layout, store = read_layout(folder), Store(tmp_path / "pulled")
        image = BaseImage(
            image=IMAGE,
            tag="latest",
            source="hub",
            platform="linux/amd64",
            manifest=layout.top.digest,
        )
        with running(tmp_path) as address:
            send(folder, address)
            registry = Registry(address, f"http://{address}", {})
            pulled = fetch_image(image, store=store, registry=registry)
        assert pulled.manifest == layout.top.data
        assert {layer.digest for layer in pulled.layers} < {each.sha256 for each in layout.blobs}
        again = fetch_image(image, store=store, registry=registry)
        assert again == pulled, "the registry is gone, and isn't asked"

    def test_a_cut_upload_is_repeated(self, big: Path, send: Send, tmp_path: Path) -> None:
        # It forgets an upload whose client has gone, so all of that blob is sent again.
        with running(tmp_path) as address, counting(address) as counter:
            counter.cuts = 2
            done = send(big, counter.host)
            assert done.sent == counter.received
            assert done.sent - 3 * len(BIG) < 2000
            assert send(big, counter.host, dry_run=True).sent == 0


def inspected(host: str, image: str) -> dict[str, object]:
    command = ["skopeo", "inspect", "--tls-verify=false", f"docker://{host}/{image}:latest"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60)
    value: dict[str, object] = json.loads(done.stdout)
    return value


def copied(host: str, image: str, target: Path) -> None:
    source = f"docker://{host}/{image}:latest"
    options = ["--all", "--src-tls-verify=false", "--insecure-policy"]
    command = ["skopeo", "copy", *options, source, f"oci:{target}:latest"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)

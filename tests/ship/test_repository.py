"""What a repository says of itself is read to its end, and no further."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from lockyard.errors import FetchError
from lockyard.ship.repository import Donor, Repository
from lockyard.sources.registry import Registry
from tests.registries import Fake, faking, impatient

IMAGE = "team/demo"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with faking() as made:
        yield made


@pytest.fixture
def registry(fake: Fake) -> Registry:
    return Registry(fake.host, fake.url, {}, impatient())


@pytest.fixture
def repository(registry: Registry) -> Repository:
    return Repository(registry=registry, image=IMAGE)


def test_all_pages_of_tags(repository: Repository, fake: Fake) -> None:
    assert repository.tags() == set()
    tags = [f"v{number}" for number in range(7)]
    fake.put(IMAGE, "", {}, *tags)
    assert repository.tags() == set(tags)
    assert fake.count("GET", "/tags/list") == 1 + 4


@pytest.mark.parametrize("link", ["http://127.0.0.1:9/v2/x", "https://registry.invalid/"])
def test_tags_that_lead_elsewhere(repository: Repository, fake: Fake, link: str) -> None:
    fake.fail("GET", "/tags/", "say", body='{"tags": ["a"]}', Link=f'<{link}>; rel="next"')
    with pytest.raises(FetchError, match="leads elsewhere"):
        repository.tags()


def test_tags_that_go_in_a_circle(repository: Repository, fake: Fake) -> None:
    again = f'</v2/{IMAGE}/tags/list?n=1000>; rel="next"'
    fake.fail("GET", "/tags/", "say", 99, body='{"tags": ["a"]}', Link=again)
    assert repository.tags() == {"a"}
    assert fake.count("GET") == 2


@pytest.mark.parametrize("body", ["", "[]", "5", '{"tags": 5}', '{"tags": [5]}', "[" * 9999])
def test_tags_that_are_none(repository: Repository, fake: Fake, body: str) -> None:
    fake.fail("GET", "/tags/", "say", body=body)
    with pytest.raises(FetchError, match="malformed"):
        repository.tags()


def test_an_empty_repository(repository: Repository, fake: Fake) -> None:
    fake.fail("GET", "/tags/", "say", body='{"tags": null}')
    assert repository.tags() == set()


def test_a_digest_that_no_header_tells(repository: Repository, fake: Fake) -> None:
    digest = fake.put(IMAGE, "", {"some": "manifest"}, "latest")
    assert repository.manifest_digest("latest") == digest
    fake.fail("HEAD", "/manifests/", "say", body="")
    assert repository.manifest_digest("latest") == digest
    assert fake.count("GET") == 1
    assert repository.manifest_digest("older") is None


def test_a_donor_is_asked_once(registry: Registry, fake: Fake) -> None:
    fake.put(IMAGE, "", json.loads("{}"), "latest")
    digest, other = fake.put_blob(IMAGE, b"1"), f"sha256:{hashlib.sha256(b'2').hexdigest()}"
    donor = Donor(registry=registry, image=IMAGE, reference="latest")
    assert [donor.has(each) for each in (digest, other, digest, other)] == [True, False] * 2
    assert len(fake.asked) == 3
    absent = Donor(registry=registry, image="team/none", reference="latest")
    assert not absent.has(digest)
    assert not absent.has(other)
    assert len(fake.asked) == 4


def test_a_donor_is_not_asked_for_what_it_cannot_have(registry: Registry, fake: Fake) -> None:
    donor = Donor(registry=registry, image=IMAGE, reference="latest", digests=frozenset())
    assert not donor.has(f"sha256:{'0' * 64}")
    assert fake.asked == []

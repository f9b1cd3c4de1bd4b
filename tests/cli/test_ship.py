"""The push task, through the program."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lockyard.errors import PushError, UsageError
from tests.cli.conftest import Yard
from tests.registries import Fake, faking


@pytest.fixture
def fake() -> Iterator[Fake]:
    with faking() as made:
        yield made


def test_pushes_once(yard: Yard, fake: Fake) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    yard.run("build", "trial")
    options = ("push", "trial", "--registry", fake.host)
    would = yard.run(*options, "--dry-run")
    assert (would.returncode, fake.received) == (0, 0)
    assert "would send" in would.stdout
    first = json.loads(yard.run(*options, "--json").stdout)[0]
    assert first["sent"] == fake.received
    # Of so small an image a second tag's manifest is a good part.
    assert 100 <= first["percent"] < 120
    again = yard.run(*options, "--tag", "stable")
    assert again.returncode == 0
    assert first["digest"] in again.stdout
    assert again.stdout.rstrip().endswith("latest, stable")
    assert fake.received - first["sent"] < 1000


def test_what_fails_has_a_status(yard: Yard, fake: Fake) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    told = yard.refused(UsageError.status, "push", "trial", "--registry", fake.host)
    assert "run: invoke build trial" in told
    yard.run("build", "trial")
    fake.login = "basic"
    told = yard.refused(PushError.status, "push", "trial", "--registry", fake.host)
    assert f"docker login {fake.host}" in told
    yard.refused(UsageError.status, "push", "trial", "--registry", "http://a.example")
    yard.refused(UsageError.status, "push", "trial", "--tag", "20261122.v1")

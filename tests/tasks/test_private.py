"""Locking and fetching from a private index leave its credentials nowhere."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import FetchError
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.supply import Supply
from tests.tasks.world import World, index, signer, site, world

__all__ = ["index", "signer", "site", "world"]

PASSWORD = "sesame-9d1f"
SECRETS = (PASSWORD.encode(), b64encode(f"me:{PASSWORD}".encode()))


class Told:
    """What a task reports."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def __getattr__(self, _: str) -> Any:
        return lambda *given: self.words.append(repr(given))


@pytest.fixture
def private(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A workspace whose index wants a password that a keyring has."""
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(f"""#!/bin/sh\necho '{{"username": "me", "password": "{PASSWORD}"}}'\n""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    world.environ["PIP_KEYRING_PROVIDER"] = "subprocess"
    world.index.login = f"me:{PASSWORD}"
    world.index.wheel("leaf", "1.0")
    world.index.wheel("top", "1.0", "leaf")
    world.env("app", "top")
    return world


def test_a_keyring_serves_for_locking_and_fetching(private: World, tmp_path: Path) -> None:
    private.lock()
    lock, told = private.read(), Told()
    assert [each.name for each in lock.wheels] == ["leaf", "top"]
    store = Store.open(tmp_path / "store")
    fleet = read_fleet(private.root)
    Supply(workspace=fleet.workspace, store=store, environ=private.environ, reporter=told).provide(
        lock.wheels
    )
    assert all(store.artifact(each.sha256, each.size) for each in lock.wheels)
    written = [path for root in (store.root, private.root) for path in root.rglob("*")]
    texts = [path.read_bytes() for path in written if path.is_file()]
    texts += [os.fsencode(path) for path in written] + [word.encode() for word in told.words]
    assert len(texts) > 20
    assert not [text for text in texts for secret in SECRETS if secret in text]


def test_a_wrong_password_is_told_without_it(private: World) -> None:
    private.index.login = "me:another"
    with pytest.raises(FetchError, match="401") as caught:
        private.lock()
    assert PASSWORD not in str(caught.value)
    private.environ["PIP_KEYRING_PROVIDER"] = "disabled"
    with pytest.raises(FetchError, match="401"):
        private.lock()

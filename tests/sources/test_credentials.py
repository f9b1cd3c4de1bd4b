"""What Docker's config says of a registry, and what it may be made to say."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from lockyard.sources.credentials import IDENTITY, docker_credentials

PLAIN = base64.b64encode(b"reader:open: sesame").decode()


def config(folder: Path, value: object) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps(value))
    return {"DOCKER_CONFIG": str(folder)}


def test_a_password_may_have_colons(tmp_path: Path) -> None:
    environ = config(tmp_path, {"auths": {"hub.example": {"auth": PLAIN}}})
    assert docker_credentials("hub.example", environ) == ("reader", "open: sesame")


def test_docker_hub_goes_by_an_old_name(tmp_path: Path) -> None:
    environ = config(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": PLAIN}}})
    assert docker_credentials("docker.io", environ) == ("reader", "open: sesame")


def test_an_identity_token_wins_over_a_user(tmp_path: Path) -> None:
    entry = {"auth": PLAIN, "identitytoken": "a.b.c"}
    environ = config(tmp_path, {"auths": {"hub.example": entry}})
    assert docker_credentials("hub.example", environ) == (IDENTITY, "a.b.c")


def test_a_credential_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-vault"
    helper.write_text('#!/bin/sh\ncat >/dev/null\necho \'{"Username": "u", "Secret": "s"}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    environ = config(tmp_path, {"credHelpers": {"hub.example": "vault"}})
    assert docker_credentials("hub.example", environ) == ("u", "s")
    assert docker_credentials("other.example", environ) is None


@pytest.mark.parametrize("output", ["[]", "5", "", '{"Username": "u"}'])
def test_a_helper_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    helper = tmp_path / "docker-credential-vault"
    helper.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{output}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    environ = config(tmp_path, {"credsStore": "vault"})
    assert docker_credentials("hub.example", environ) is None


def test_a_helper_is_a_name_and_no_path(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-x" / "evil"
    helper.parent.mkdir()
    helper.write_text('#!/bin/sh\necho \'{"Username": "u", "Secret": "s"}\'\n')
    helper.chmod(0o755)
    environ = config(tmp_path, {"credsStore": "x/evil"})
    assert docker_credentials("hub.example", environ) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"auths": []}', '{"auths": {"hub.example": 5}}'])
def test_a_config_that_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert docker_credentials("hub.example", {"DOCKER_CONFIG": str(tmp_path)}) is None

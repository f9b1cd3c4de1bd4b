from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockyard.sources.conda import channel_access, mirror_address

URL = "https://mirror.example/conda-forge"


def test_the_environment_wins() -> None:
    environ = {"LOCKYARD_CONDA_FORGE_MIRROR": URL + "/"}
    assert mirror_address("conda-forge", "https://other.example", environ) == URL


def test_then_the_workspace() -> None:
    environ = {"LOCKYARD_CONDA_FORGE_MIRROR": " ", "LOCKYARD_OTHER_MIRROR": URL}
    assert mirror_address("conda-forge", URL, environ) == URL
    assert mirror_address("conda-forge", None, environ) is None


def test_every_name_has_a_variable() -> None:
    assert mirror_address("my.own-2", None, {"LOCKYARD_MY_OWN_2_MIRROR": URL}) == URL


def test_a_folder_becomes_an_address(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    assert mirror_address("x", str(folder) + "/", {}) == folder.as_uri()
    assert mirror_address("x", folder.as_uri(), {}) == folder.as_uri()
    assert mirror_address("x", "relative", {}) == Path("relative").absolute().as_uri()


def test_a_channel_is_asked_with_what_its_tools_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc, auth = tmp_path / "netrc", tmp_path / "auth.json"
    netrc.write_text("machine mirror.example login me password word\n")
    netrc.chmod(0o600)
    basic = {"BasicHTTP": {"username": "you", "password": "1"}}
    auth.write_text(json.dumps({"conda.example": basic}))
    monkeypatch.setenv("NETRC", str(netrc))
    own, environ = "https://conda.example/x/", {"RATTLER_AUTH_FILE": str(auth)}
    assert channel_access("x", own, None, environ) == "https://you:1@conda.example/x"
    # A mirror has its own, and never gets those of the channel.
    expected = "https://me:word@mirror.example/conda-forge"
    assert channel_access("x", own, URL, environ) == expected
    assert channel_access("x", own, str(tmp_path), environ) == tmp_path.as_uri()

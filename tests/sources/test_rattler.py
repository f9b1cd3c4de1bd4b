from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockyard.sources.rattler import with_rattler_login

CHANNEL = "https://repo.conda.example:8443/internal"
BASIC = {"BasicHTTP": {"username": "me", "password": "p@ss"}}
LOGIN = "https://me:p%40ss@repo.conda.example:8443/internal"


def named(folder: Path, value: object) -> dict[str, str]:
    (folder / "auth.json").write_text(json.dumps(value))
    return {"RATTLER_AUTH_FILE": str(folder / "auth.json")}


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("repo.conda.example", True),
        ("*.repo.conda.example", True),
        ("*.conda.example", True),
        ("*.example", True),
        ("conda.example", False),
        ("*.other.example", False),
        ("*", False),
    ],
)
def test_hosts(tmp_path: Path, host: str, fits: bool) -> None:
    environ = named(tmp_path, {host: BASIC})
    assert with_rattler_login(CHANNEL, environ) == (LOGIN if fits else CHANNEL)


def test_the_nearest_host_and_the_named_file_win(tmp_path: Path) -> None:
    other = {"BasicHTTP": {"username": "you", "password": "1"}}
    (tmp_path / ".rattler").mkdir()
    home = tmp_path / ".rattler" / "credentials.json"
    home.write_text(json.dumps({"repo.conda.example": other}))
    assert "you:1@" in with_rattler_login(CHANNEL, {"HOME": str(tmp_path)})
    environ = named(tmp_path, {"*.conda.example": other, "repo.conda.example": BASIC})
    assert with_rattler_login(CHANNEL, {**environ, "HOME": str(tmp_path)}) == LOGIN


def test_a_channel_server_s_token(tmp_path: Path) -> None:
    environ = named(tmp_path, {"repo.conda.example": {"CondaToken": "to/ken"}})
    expected = "https://repo.conda.example:8443/t/to%2Fken/internal"
    assert with_rattler_login(CHANNEL, environ) == expected


def test_an_address_s_own_login_wins(tmp_path: Path) -> None:
    own = CHANNEL.replace("//", "//own:1@")
    assert with_rattler_login(own, named(tmp_path, {"repo.conda.example": BASIC})) == own


def test_a_folder_needs_none(tmp_path: Path) -> None:
    environ = named(tmp_path, {"*.": BASIC, "": BASIC})
    assert with_rattler_login("file:///srv/channel", environ) == "file:///srv/channel"


@pytest.mark.parametrize(
    "value",
    [[], 5, {"repo.conda.example": 5}, {"repo.conda.example": {"BearerToken": "x"}},
     {"repo.conda.example": {"BasicHTTP": {"username": "me"}}},
     {"repo.conda.example": {"CondaToken": ""}}],
)  # fmt: skip
def test_what_says_nothing(tmp_path: Path, value: object) -> None:
    assert with_rattler_login(CHANNEL, named(tmp_path, value)) == CHANNEL


def test_a_file_that_isn_t_there(tmp_path: Path) -> None:
    environ = {"RATTLER_AUTH_FILE": str(tmp_path / "none"), "HOME": str(tmp_path)}
    assert with_rattler_login(CHANNEL, environ) == CHANNEL

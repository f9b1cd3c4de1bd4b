from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockyard.errors import FetchError
from lockyard.sources import pypi
from tests.resolve.pypi.conftest import Index, index

__all__ = ["index"]

INDEX = "https://index.example/simple"


@pytest.fixture(autouse=True)
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give pip one file to read, and no variables."""
    for name in ("PIP_INDEX_URL", "PIP_CERT", "PIP_KEYRING_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "pip.conf"
    path.touch()
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    monkeypatch.setattr("pip._internal.configuration.get_configuration_files", _no_files)
    return path


def _no_files() -> dict[str, list[str]]:
    return {"global": [], "site": [], "user": []}


def test_the_workspace_wins() -> None:
    assert pypi.index_url(INDEX + "/", {"PIP_INDEX_URL": "https://other.example"}) == INDEX


def test_pip_s_variable_wins_over_its_files(config: Path) -> None:
    config.write_text("[global]\nindex-url = https://other.example/simple\n")
    assert pypi.index_url(None, {"PIP_INDEX_URL": INDEX}) == INDEX


def test_pip_s_file_wins_over_its_default(config: Path) -> None:
    config.write_text(f"[global]\nindex_url = {INDEX}/\nextra-index-url = https://x.example\n")
    assert pypi.index_url(None, {"PIP_INDEX_URL": ""}) == INDEX


def test_pip_s_default_is_the_last_resort() -> None:
    from pip._internal.models.index import PyPI

    environ = {"PIP_EXTRA_INDEX_URL": "https://extra.example"}
    assert pypi.index_url(None, environ) == PyPI.simple_url


def test_a_file_that_pip_can_t_read_is_named(config: Path) -> None:
    config.write_text("index-url: without a section")
    with pytest.raises(FetchError, match=r"pip\.conf"):
        pypi.index_url(None, {})


def test_the_certificate_is_pip_s(config: Path) -> None:
    assert pypi.certificate({}) is None
    assert pypi.certificate({"REQUESTS_CA_BUNDLE": "/r.pem"}) == "/r.pem"
    config.write_text("[global]\ncert = /global.pem\n")
    assert pypi.certificate({"REQUESTS_CA_BUNDLE": "/r.pem"}) == "/global.pem"
    assert pypi.certificate({"PIP_CERT": "/p.pem"}) == "/p.pem"


def test_netrc_gives_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine index.example login me password p@ss/word\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert pypi.index_url(INDEX, {}) == "https://me:p%40ss%2Fword@index.example/simple"
    own = "https://you:1@index.example/simple"
    assert pypi.index_url(own, {}) == own, "credentials of its own win"
    assert pypi.index_url("https://other.example", {}) == "https://other.example"


KEYRING = """\
#!/bin/sh
echo "$@" >> "$0.log"
shift 3
case "$1 $2" in
"$(cat "$0.service") "|"$(cat "$0.service") me") echo '{"username": "me", "password": "s e/cret"}';;
*) exit 1;;
esac
"""
SUBPROCESS = {"PIP_KEYRING_PROVIDER": "subprocess"}


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program on the path that knows one service; return the file that names it."""
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(KEYRING)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program.with_name("keyring.service")


class TestKeyring:
    """An index on this machine may have one; others are asked for nothing."""

    @pytest.fixture
    def address(self, index: Index, keyring: Path) -> str:
        address = index.url.rstrip("/")
        index.login = "me:s e/cret"
        keyring.write_text(address)
        return address

    def known(self, address: str) -> str:
        return address.replace("://", "://me:s%20e%2Fcret@")

    @pytest.mark.parametrize("service", ["{0}", "{0}/", "{1}"])
    def test_the_index_and_its_host_are_services(
        self, index: Index, address: str, keyring: Path, service: str
    ) -> None:
        keyring.write_text(service.format(address, address.split("/")[2]))
        assert pypi.index_access(address, SUBPROCESS) == self.known(address)
        # Once a process: neither the index nor the keyring is asked again.
        requests = list(index.requests)
        assert pypi.index_access(address, SUBPROCESS) == self.known(address)
        assert index.requests == requests == ["GET /simple/pip/"]

    def test_auto_is_the_default(self, address: str, config: Path) -> None:
        assert pypi.index_access(address, {}) == self.known(address)
        config.write_text("[global]\nkeyring-provider = disabled\n")
        assert pypi.index_access(address, {}) == address
        assert pypi.index_access(address, SUBPROCESS) == self.known(address)

    def test_an_unknown_provider_is_an_error(self, address: str) -> None:
        with pytest.raises(FetchError, match="'vault'") as caught:
            pypi.index_access(address, {"PIP_KEYRING_PROVIDER": "vault"})
        assert "subprocess" in caught.value.solution

    def test_an_index_that_wants_nothing_has_nobody_asked(
        self, index: Index, address: str, keyring: Path
    ) -> None:
        index.login = ""
        assert pypi.index_access(address, SUBPROCESS) == address
        assert not keyring.with_name("keyring.log").exists()

    def test_pip_s_default_is_for_everybody(
        self, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pypi, "_default", lambda: address)
        assert pypi.index_access(None, SUBPROCESS) == address
        token = address.replace("://", "://me@")
        assert pypi.index_access(token, SUBPROCESS) == self.known(address)

    def test_a_user_s_password(self, address: str, keyring: Path) -> None:
        named = address.replace("://", "://me@")
        assert pypi.index_access(named, SUBPROCESS) == self.known(address)
        other = address.replace("://", "://you@")
        assert pypi.index_access(other, SUBPROCESS) == address.replace("://", "://you:@")
        asked = keyring.with_name("keyring.log").read_text().splitlines()
        assert all(line.endswith((" me", " you")) for line in asked)

    def test_a_token_is_a_user_that_needs_no_password(
        self, index: Index, address: str, keyring: Path
    ) -> None:
        index.login = "token:"
        named = address.replace("://", "://token@")
        assert pypi.index_access(named, SUBPROCESS) == address.replace("://", "://token:@")
        assert not keyring.with_name("keyring.log").exists()

    def test_a_password_s_own_wins(self, index: Index, address: str) -> None:
        own = address.replace("://", "://you:1@")
        assert pypi.index_access(own, SUBPROCESS) == own
        assert index.requests == []

    def test_where_all_can_read_it_none_is_sent(self, keyring: Path) -> None:
        keyring.write_text("http://index.invalid/simple")
        assert pypi.index_access("http://index.invalid/simple", SUBPROCESS) == (
            "http://index.invalid/simple"
        )

    def test_an_index_that_doesn_t_answer_gets_none(self, keyring: Path) -> None:
        # Whoever asks it next says so.
        address = "http://127.0.0.1:9/simple"
        keyring.write_text(address)
        assert pypi.index_access(address, SUBPROCESS) == address

from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.errors import FetchError
from lockyard.sources import pypi

INDEX = "https://index.example/simple"


@pytest.fixture(autouse=True)
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give pip one file to read, and no variables."""
    for name in ("PIP_INDEX_URL", "PIP_CERT"):
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

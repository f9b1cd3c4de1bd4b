from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.errors import FetchError
from lockyard.sources import conda, debian, pypi
from lockyard.sources.address import checked, login_of, with_login, with_netrc, without_login

HOST = "https://host.example:8443/a%20b"


def test_a_login_goes_into_an_address_and_comes_out() -> None:
    address = with_login(HOST, "me@work", "p@ss:/word")
    assert address == "https://me%40work:p%40ss%3A%2Fword@host.example:8443/a%20b"
    assert login_of(address) == ("me@work", "p@ss:/word")
    assert without_login(address) == HOST
    assert with_login(address, "you", "") == "https://you:@host.example:8443/a%20b"


def test_what_isn_t_there_is_none() -> None:
    assert login_of(HOST) == (None, None)
    assert login_of("https://token@host.example") == ("token", None)
    assert login_of("https://token:@host.example") == ("token", "")


def test_netrc_is_for_who_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine host.example login me password word\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    known = "https://me:word@host.example:8443/a%20b"
    assert with_netrc(HOST) == known
    assert with_netrc(HOST.replace("//", "//me@")) == known
    for other in (HOST.replace("//", "//you@"), with_login(HOST, "me", "1"), "https://x.example"):
        assert with_netrc(other) == other


def test_a_netrc_that_isn_t_there_has_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "gone"))
    assert with_netrc(HOST) == HOST
    monkeypatch.delenv("NETRC")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert with_netrc(HOST) == HOST
    netrc = tmp_path / "_netrc"
    netrc.write_text("machine host.example login me password word\n")
    netrc.chmod(0o600)
    assert login_of(with_netrc(HOST)) == ("me", "word")


@pytest.mark.parametrize("address", ["http://me:secret@[x/simple", "https://me:secret@h:99999/x"])
def test_what_is_no_address_is_told_without_it(address: str) -> None:
    found = []
    for ask, given in (
        (pypi.index_url, (address, {})),
        (debian.mirror_url, (address, {})),
        (conda.channel_access, ("x", "https://conda.example/x", address, {})),
    ):
        with pytest.raises(FetchError, match="address can't be read") as caught:
            ask(*given)
        found.append(str(caught.value))
    assert len(found) == 3
    assert "secret" not in "".join(found)
    assert checked(HOST, "x") == HOST

from __future__ import annotations

from pathlib import Path

import pytest
from pysequoia import Tsk

from lockyard.errors import IntegrityError, UsageError
from lockyard.resolve.debian.keys import find_certs, key_names

BOOKWORM = "B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8"
STABLE = "4D64FEC119C2029067D6E791F8D2585B8783D481"
TRIXIE = "04B54C3CDCA79751B16BC6B5225629DF75B188BD"


def test_shipped_keys_are_what_their_names_say() -> None:
    certs = find_certs((BOOKWORM, STABLE, TRIXIE))
    assert [cert.fingerprint.upper() for cert in certs] == [BOOKWORM, STABLE, TRIXIE]
    assert all(str(cert).startswith("-----BEGIN PGP PUBLIC KEY") for cert in certs)


def test_a_fingerprint_may_be_written_in_groups() -> None:
    (cert,) = find_certs(("b8b8 0b5b 623e ab6a d877  5c45 b7c5 d7d6 3509 47f8",))
    assert cert.fingerprint.upper() == BOOKWORM


def test_a_signing_subkey_is_among_the_names() -> None:
    (cert,) = find_certs((BOOKWORM,))
    assert {"4cb50190207b4758a3f73a796ed0e7b82643e131", "b7c5d7d6350947f8"} <= key_names(cert)


@pytest.mark.parametrize("wrong", ["", "350947F8", "../../etc/passwd", "Z" * 40])
def test_what_is_no_fingerprint_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match="not the fingerprint"):
        find_certs((wrong,))


def test_an_unknown_key_is_said_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_certs(("A" * 40,), tmp_path)
    assert f"{'A' * 40}.asc" in caught.value.solution


def test_the_keyring_comes_first_and_must_hold_the_key(tmp_path: Path, stranger: Tsk) -> None:
    (tmp_path / f"{BOOKWORM}.asc").write_text(str(stranger.extract_certificate()))
    with pytest.raises(IntegrityError, match="holds the key"):
        find_certs((BOOKWORM,), tmp_path)


def test_a_file_that_is_no_key_gives_no_backtrace(tmp_path: Path) -> None:
    (tmp_path / f"{BOOKWORM}.asc").write_text("hello")
    with pytest.raises(IntegrityError) as caught:
        find_certs((BOOKWORM,), tmp_path)
    assert "backtrace" not in str(caught.value)

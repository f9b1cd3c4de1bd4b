from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pysequoia import SignatureMode, Tsk, sign

from lockyard.errors import IntegrityError
from lockyard.resolve.debian.release import Listed, Release, read_release

NOW = datetime(2026, 8, 1, tzinfo=UTC)
TEXT = f"""\
Codename: trial
Suite: stable
Date: Sat, 11 Jul 2026 10:16:37 UTC
Valid-Until: Sat, 05 Sep 2026 10:16:37 UTC
Acquire-By-Hash: yes
No-Support-for-Architecture-all: Packages
Architectures: all amd64
Components: main contrib
SHA256:
 {"a" * 64} 17 main/binary-amd64/Packages
"""


def clear(text: str, signer: Tsk) -> bytes:
    return sign(signer.signer(), text.encode(), mode=SignatureMode.CLEAR)


def read(document: bytes, signer: Tsk, suite: str = "trial", now: datetime = NOW) -> Release:
    return read_release(document, suite=suite, certs=[signer.extract_certificate()], now=now)


def refused(document: bytes, signer: Tsk, suite: str = "trial") -> IntegrityError:
    with pytest.raises(IntegrityError) as caught:
        read(document, signer, suite)
    assert "backtrace" not in str(caught.value).lower()
    assert caught.value.where
    assert caught.value.solution
    return caught.value


def test_a_signed_document_is_read(signer: Tsk) -> None:
    assert read(clear(TEXT, signer), signer) == Release(
        codename="trial",
        date=datetime(2026, 7, 11, 10, 16, 37, tzinfo=UTC),
        valid_until=datetime(2026, 9, 5, 10, 16, 37, tzinfo=UTC),
        components=("main", "contrib"),
        architectures=("all", "amd64"),
        all_apart=False,
        by_hash=True,
        files={"main/binary-amd64/Packages": Listed("a" * 64, 17)},
    )


def test_text_outside_the_signature_is_not_read(signer: Tsk) -> None:
    document = clear(TEXT, signer) + b"\nCodename: other\n"
    assert read(document, signer).codename == "trial"


@pytest.mark.parametrize("document", [b"", b"<html>no", TEXT.encode(), b"Codename: trial\n"])
def test_an_unsigned_document_is_refused(document: bytes, signer: Tsk) -> None:
    assert "not signed" in refused(document, signer).reason


def test_text_before_the_signed_part_is_refused(signer: Tsk) -> None:
    assert "not signed" in refused(b"Codename: other\n" + clear(TEXT, signer), signer).reason


def test_a_changed_document_is_refused(signer: Tsk) -> None:
    changed = clear(TEXT, signer).replace(b" 17 ", b" 18 ")
    assert "doesn't fit" in refused(changed, signer).reason


def test_a_cut_document_is_refused(signer: Tsk) -> None:
    document = clear(TEXT, signer)
    for end in range(len(document) // 10, len(document) - 40, len(document) // 7):
        refused(document[:end], signer)


def test_an_unknown_signer_is_named_with_the_expected_key(signer: Tsk, stranger: Tsk) -> None:
    error = refused(clear(TEXT, stranger), signer)
    assert error.reason.startswith("the document is signed by ")
    assert signer.extract_certificate().fingerprint.upper() in error.reason
    assert "add its fingerprint" in error.solution


def test_no_key_at_all_trusts_nobody(signer: Tsk) -> None:
    with pytest.raises(IntegrityError, match="are none"):
        read_release(clear(TEXT, signer), suite="trial", certs=[], now=NOW)


def test_an_expired_document_is_refused(signer: Tsk) -> None:
    end = datetime(2026, 9, 5, 10, 16, 37, tzinfo=UTC)
    read(clear(TEXT, signer), signer, now=end)
    with pytest.raises(IntegrityError, match="valid until 2026-09-05"):
        read(clear(TEXT, signer), signer, now=end + timedelta(seconds=1))


def test_another_suite_is_refused(signer: Tsk) -> None:
    assert "'trial'" in refused(clear(TEXT, signer), signer, suite="stable").reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Codename: trial\n", ""),
        ("Sat, 11 Jul 2026 10:16:37 UTC", "yesterday"),
        ("a" * 64, "a" * 63),
        (" 17 ", " many "),
        ("SHA256:\n", "MD5Sum:\n"),
    ],
)
def test_a_malformed_document_is_refused(old: str, new: str, signer: Tsk) -> None:
    assert "can't be read" in refused(clear(TEXT.replace(old, new), signer), signer).reason

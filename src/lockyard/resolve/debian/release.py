"""A suite's Release document: what its archive signs for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import frozen
from debian.deb822 import Release as Deb822Release
from pysequoia import Cert, verify

from lockyard.errors import IntegrityError
from lockyard.resolve.debian.keys import key_names

CLEARTEXT = b"-----BEGIN PGP SIGNED MESSAGE-----"
SHA256 = re.compile(r"[0-9a-f]{64}")


@frozen
class Listed:
    """A file that a Release lists: its sha256 in lower-case hex, its size in bytes."""

    sha256: str
    size: int


@frozen(kw_only=True)
class Release:
    """What a verified Release says of its suite; ``files`` by path below the suite's folder."""

    codename: str
    date: datetime
    valid_until: datetime | None
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    all_apart: bool
    by_hash: bool
    files: Mapping[str, Listed]


def read_release(document: bytes, *, suite: str, certs: Sequence[Cert], now: datetime) -> Release:
    """Verify an InRelease document and read what it says.

    At least one of ``certs`` must have signed it; what stands outside the signed text is
    ignored. ``now`` is an aware datetime that a Valid-Until is held against. Raises
    IntegrityError where the document is not signed, is signed by others, was changed, has
    expired, or is another suite's. The format is that of DebianRepository/Format.
    """
    where = f"{suite} InRelease"
    release = _parse(_signed_text(document, certs, where), where)
    if release.codename != suite:
        raise IntegrityError(
            f"the document is of the suite {release.codename!r}",
            where=where,
            solution="Name the suite by its codename, and check the mirror's address.",
        )
    if release.valid_until is not None and release.valid_until < now:
        raise IntegrityError(
            f"the document was valid until {release.valid_until:%Y-%m-%d %H:%M} UTC only",
            where=where,
            solution="The mirror is out of date: wait until it is synchronised, or use another.",
        )
    return release


def _signed_text(document: bytes, certs: Sequence[Cert], where: str) -> bytes:
    """Return the text that one of ``certs`` signed."""
    if not document.lstrip().startswith(CLEARTEXT):
        raise IntegrityError(
            "the document is not signed",
            where=where,
            solution="Check the mirror's address; a proxy may have answered in its place.",
        )
    claimed: list[str] = []

    def store(key_ids: Sequence[str]) -> list[Cert]:
        claimed.extend(key_id.lower() for key_id in key_ids)
        return list(certs)

    try:
        verified = verify(bytes=document, store=store)
    except Exception as error:  # bare RuntimeErrors that carry a Rust backtrace
        raise _refused(claimed, certs, where) from error
    trusted = {cert.fingerprint for cert in certs}
    if verified.bytes is None or not any(sig.certificate in trusted for sig in verified.valid_sigs):
        raise _refused(claimed, certs, where)
    return verified.bytes


def _refused(claimed: Sequence[str], certs: Sequence[Cert], where: str) -> IntegrityError:
    """Tell a text that was changed from one that others signed."""
    known = frozenset[str]().union(*(key_names(cert) for cert in certs))
    if not claimed:
        return IntegrityError(
            "the signature can't be read",
            where=where,
            solution="Try again; if it stays so, use another mirror.",
        )
    if known.isdisjoint(claimed):
        signers = ", ".join(sorted({key_id.upper() for key_id in claimed}))
        expected = ", ".join(cert.fingerprint.upper() for cert in certs) or "none"
        return IntegrityError(
            f"the document is signed by {signers}, and the keys to trust are {expected}",
            where=where,
            solution="If you trust the signer, add its fingerprint to the source's keys.",
        )
    return IntegrityError(
        "the signature doesn't fit the document",
        where=where,
        solution="The document was changed on its way, or its key has expired: "
        "try again, use another mirror, or renew the key in the keyring folder.",
    )


def _parse(text: bytes, where: str) -> Release:
    try:
        fields = Deb822Release(text.decode("utf-8"))
        valid_until = fields.get("Valid-Until")
        return Release(
            codename=fields["Codename"],
            date=_date(fields["Date"]),
            valid_until=_date(valid_until) if valid_until else None,
            components=tuple(fields["Components"].split()),
            architectures=tuple(fields["Architectures"].split()),
            all_apart="Packages" not in fields.get("No-Support-for-Architecture-all", "").split(),
            by_hash=fields.get("Acquire-By-Hash", "no").strip().lower() == "yes",
            files=_files(fields["SHA256"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise IntegrityError(
            f"the signed document can't be read ({error})",
            where=where,
            solution="Lockyard needs Codename, Date, Components, Architectures and SHA256 in it.",
        ) from error


def _date(text: str) -> datetime:
    date = parsedate_to_datetime(text)
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def _files(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Listed]:
    files = {}
    for row in rows:
        sha256 = str(row["sha256"]).lower()
        if not SHA256.fullmatch(sha256):
            raise ValueError(f"{row['name']} has no sha256")
        files[str(row["name"])] = Listed(sha256, int(row["size"]))
    return files

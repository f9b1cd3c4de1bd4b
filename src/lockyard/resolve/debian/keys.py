"""The public keys that archives sign with, found by fingerprint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from pysequoia import Cert
from pysequoia.packet import PacketPile

from lockyard.errors import IntegrityError, UsageError

FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


def find_certs(fingerprints: Iterable[str], keyring: Path | None = None) -> tuple[Cert, ...]:
    """Find the certificates of primary keys, in the order asked for.

    A file ``<FINGERPRINT>.asc`` of the folder ``keyring`` comes before the key of the same
    fingerprint that ships with Lockyard, so that a renewed key can be put there. Raises
    UsageError where a fingerprint is malformed or has no key, IntegrityError where a file
    holds another key than its name says.
    """
    return tuple(_find(_normalise(fingerprint), keyring) for fingerprint in fingerprints)


def key_names(cert: Cert) -> frozenset[str]:
    """Tell every name by which a signature may call a certificate's keys.

    These are the fingerprints and key IDs of the primary key and of all subkeys, in lower
    case: an archive's automatic key signs with a subkey.
    """
    packets = PacketPile.from_bytes(bytes(cert))
    names = (name for packet in packets for name in (packet.fingerprint, packet.key_id))
    return frozenset(name.lower() for name in names if name)


def _normalise(fingerprint: str) -> str:
    bare = fingerprint.replace(" ", "").upper().removeprefix("0X")
    if not FINGERPRINT.fullmatch(bare):
        raise UsageError(
            f"{fingerprint!r} is not the fingerprint of an archive key",
            solution="Give the 40 hexadecimal digits of the primary key; "
            "a short key ID can be forged.",
        )
    return bare


def _find(fingerprint: str, keyring: Path | None) -> Cert:
    name = f"{fingerprint}.asc"
    shipped = resources.files("lockyard.resolve.debian").joinpath("keys", name)
    if keyring is not None and (keyring / name).is_file():
        data = (keyring / name).read_bytes()
    elif shipped.is_file():
        data = shipped.read_bytes()
    else:
        raise UsageError(
            f"no public key has the fingerprint {fingerprint}",
            solution=f"Put the archive's public key into the keyring folder as {name}.",
        )
    return _parse(data, fingerprint, name)


def _parse(data: bytes, fingerprint: str, name: str) -> Cert:
    try:
        cert = Cert.from_bytes(data)
    except Exception as error:  # pysequoia raises bare RuntimeErrors that carry a Rust backtrace
        raise IntegrityError(
            "the file is not an OpenPGP public key",
            where=name,
            solution="Export the key again, as ASCII armor.",
        ) from error
    if cert.fingerprint.upper() != fingerprint:
        raise IntegrityError(
            f"the file holds the key {cert.fingerprint.upper()}",
            where=name,
            solution="Put the key that the file's name says in its place.",
        )
    return cert

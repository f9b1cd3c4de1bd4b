"""The Debian mirror: as apt on this machine is configured."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from debian.deb822 import Deb822

from lockyard.errors import FetchError
from lockyard.sources.address import checked
from lockyard.sources.apt import with_apt_login

APT = Path("/etc/apt")
_FORMAT = "$(REPO_URI)|$(ORIGIN)|$(LABEL)"
_ONE_LINE = re.compile(
    r"deb\s+(?:\[[^\]]*\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)"
)


def mirror_url(
    configured: str | None,
    environ: Mapping[str, str],
    *,
    targets: Callable[[], str] | None = None,
    apt: Path = APT,
) -> str:
    """Return the address of a mirror of Debian's main archive, without a slash at its end.

    ``LOCKYARD_DEBIAN_MIRROR`` wins, then ``configured`` (the workspace's), then what the
    host's apt uses: first ``targets()``, the output of ``apt-get indextargets``, which is empty
    before the first ``apt-get update``; then the files below ``apt``. The address may hold
    credentials, which ``apt``'s own files give where it has none; show it only through
    ``http.redact``. Raises FetchError where none of them names a mirror, as on a host of another
    distribution, and for what is no address.
    """
    found = (
        environ.get("LOCKYARD_DEBIAN_MIRROR")
        or configured
        or from_targets((targets or index_targets)())
        or from_files(apt)
    )
    if not found:
        raise FetchError(
            "no mirror of Debian is known: this machine's apt names none",
            where="source debian",
            solution="Set LOCKYARD_DEBIAN_MIRROR, or `[sources.debian] mirror` in the workspace.",
        )
    return with_apt_login(checked(found.rstrip("/"), "debian"), apt)


def index_targets() -> str:
    """Ask apt for its repositories, one ``URI|ORIGIN|LABEL`` a line; empty without an apt."""
    try:
        return subprocess.run(
            ["apt-get", "indextargets", "--format", _FORMAT, "Created-By: Packages"],
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="replace",
            timeout=30,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def from_targets(text: str) -> str | None:
    """Find the main archive in the output of ``apt-get indextargets``.

    Other vendors' repositories may come first; security updates and backports, which are of
    the same origin, have labels of their own.
    """
    for line in text.splitlines():
        uri, _, kind = line.partition("|")
        if kind == "Debian|Debian" and _is_http(uri):
            return uri
    return None


def from_files(apt: Path) -> str | None:
    """Find the main archive in ``sources.list``, ``*.list`` and ``*.sources`` below ``apt``."""
    folder = apt / "sources.list.d"
    one_line = [apt / "sources.list", *sorted(folder.glob("*.list"))]
    for path in one_line:
        if uri := _first_main(_one_line_entries(_read(path))):
            return uri
    for path in sorted(folder.glob("*.sources")):
        if uri := _first_main(_deb822_entries(_read(path))):
            return uri
    return None


# URI, suites and components of an entry.
_Entry = tuple[str, list[str], list[str]]


def _first_main(entries: Iterable[_Entry]) -> str | None:
    for uri, suites, components in entries:
        # Files don't tell the origin. The archive is served as ``debian`` by every mirror and by
        # snapshots; security updates have suites and a path of their own; vendors that use the
        # same suites don't call their component ``main`` below such a path.
        named = "debian" in uri.rstrip("/").split("/")[3:]
        secure = all("security" in suite for suite in suites)
        if _is_http(uri) and named and not secure and "main" in components:
            return uri
    return None


def _one_line_entries(text: str) -> Iterable[_Entry]:
    """Read sources.list(5)'s one-line style."""
    for line in text.splitlines():
        if match := _ONE_LINE.fullmatch(line.partition("#")[0].strip()):
            yield match["uri"], [match["suite"]], match["components"].split()


def _deb822_entries(text: str) -> Iterable[_Entry]:
    """Read sources.list(5)'s deb822 style."""
    for paragraph in Deb822.iter_paragraphs(text.splitlines()):
        enabled = paragraph.get("Enabled", "yes").lower() not in ("no", "false", "0", "off")
        if enabled and "deb" in paragraph.get("Types", "").split():
            suites = paragraph.get("Suites", "").split()
            components = paragraph.get("Components", "").split()
            for uri in paragraph.get("URIs", "").split():
                yield uri, suites, components


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _is_http(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))

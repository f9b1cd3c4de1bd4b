"""The packages of a committed lock, unpacked and asked by the tools of the host."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from lockyard.build.debian.archive import open_debs
from lockyard.build.debian.base import base_tree
from lockyard.build.tar import write_tar
from lockyard.fetch.fetch import fetch
from lockyard.fetch.locate import Locator
from lockyard.lock.file import read_lock
from lockyard.lock.model import Deb
from lockyard.sources import debian, http, pypi
from lockyard.store.store import Store

LOCKS = Path(__file__).parents[3]
pytestmark = [pytest.mark.network, pytest.mark.xdist_group("debian")]


@pytest.fixture(scope="module")
def debs() -> Sequence[Deb]:
    lock = read_lock(LOCKS, "minimal-py311")
    assert lock
    return [deb for deb in lock.debs if deb.architecture in {"amd64", "all"}]


@pytest.fixture(scope="module")
def root(debs: Sequence[Deb], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base of the lock, unpacked by tar(1); packages come from the user's store."""
    store, session = Store.default(os.environ), http.session(pypi.certificate(os.environ))
    locate = Locator(session, {"debian": lambda: debian.mirror_url(None, os.environ)})
    fetch(debs, store=store, locate=locate, session=session)
    paths = {deb.file: path for deb in debs if (path := store.artifact(deb.sha256))}
    root = tmp_path_factory.mktemp("root")
    archive = root.with_name("base.tar")
    with open_debs(paths) as opened, archive.open("wb") as stream:
        write_tar(base_tree(opened), stream.write)
    command = ["tar", "-x", "-p", "--numeric-owner", "-C", str(root), "-f", str(archive)]
    subprocess.run(command, check=True, timeout=120)
    archive.unlink()
    return root


def told(*command: str | Path) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout


def test_dpkg_lists_what_the_lock_pins(root: Path, debs: Sequence[Deb]) -> None:
    form = "-f=${Package} ${Version} ${Architecture} ${db:Status-Status}\n"
    listed = told("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", form).splitlines()
    assert sorted(listed) == sorted(
        f"{deb.name} {deb.version} {deb.architecture} installed" for deb in debs
    )


def test_dpkg_finds_nothing_amiss(root: Path) -> None:
    for question in ("--audit", "--verify"):
        assert told("dpkg", f"--root={root}", "--force-not-root", question) == ""


def test_every_dependency_is_met(root: Path) -> None:
    command = ("apt-get", "check", "-o", f"Dir::State::status={root}/var/lib/dpkg/status")
    told(*command, "-o", "Dir::Etc::sourcelist=/dev/null", "-o", "Dir::Etc::sourceparts=/dev/null")


def test_every_link_leads_somewhere(root: Path) -> None:
    dead = []
    for path in root.rglob("*"):
        if path.is_symlink():
            target = str(path.readlink())
            start = root if target.startswith("/") else path.parent
            # Links through other absolute links are followed one step only.
            landed = Path(os.path.normpath(start / target.lstrip("/")))
            if not os.path.lexists(landed):
                dead.append(f"{path.relative_to(root)} -> {target}")
    # Of the programs whose pages are left out, and what only a running system has.
    assert [link for link in dead if "/proc/" not in link and "share/man" not in link] == []


def test_no_program_gives_its_caller_anothers_rights(root: Path) -> None:
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    assert [path for path in files if path.stat().st_mode & 0o6000] == []


def test_the_certificates_are_those_of_the_package(root: Path) -> None:
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    count = len(list((root / "usr/share/ca-certificates").rglob("*.crt")))
    assert len(context.get_ca_certs()) == count > 100
    # Where Python and OpenSSL look by themselves.
    assert (root / "usr/lib/ssl/certs").readlink() == Path("/etc/ssl/certs")


def test_the_interpreter_starts(root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may change its root folder")
    program = "import ctypes, ssl, sqlite3, zlib; print(ssl.create_default_context())"
    assert "SSLContext" in told("chroot", root, "/usr/bin/python3.11", "-c", program)

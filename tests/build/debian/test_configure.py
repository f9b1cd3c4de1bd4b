from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.build.debian.configure import EFFECTS, IDLE
from tests.build.makers import deb_bytes, member

Unpack = Callable[..., Path]
SCRIPT = {"postinst": b"#!/bin/sh\n"}
CERTIFICATES = {"mozilla/B (1), x.crt": b"-B-", "mozilla/a.crt": b"-a-\n", "mozilla/no.txt": b""}


def test_certificates_are_enabled(unpack: Unpack) -> None:
    folder = "./usr/share/ca-certificates"
    files = [member(f"{folder}/{name}", data) for name, data in CERTIFICATES.items()]
    root = unpack(**{"ca-certificates": deb_bytes("ca-certificates", files, SCRIPT)})
    assert (root / "etc/ssl/certs/ca-certificates.crt").read_bytes() == b"-B-\n-a-\n"
    listed = (root / "etc/ca-certificates.conf").read_text()
    assert listed == "mozilla/B (1), x.crt\nmozilla/a.crt\n"
    links = {
        p.name: str(p.readlink()) for p in (root / "etc/ssl/certs").iterdir() if p.is_symlink()
    }
    assert links == {
        "B_=1=__x.pem": "/usr/share/ca-certificates/mozilla/B (1), x.crt",
        "a.pem": "/usr/share/ca-certificates/mozilla/a.crt",
    }


@pytest.mark.parametrize(
    ("package", "name", "program"),
    [
        ("mawk", "awk", "/usr/bin/mawk"),
        ("util-linux", "pager", "/usr/bin/more"),
        ("tar", "rmt", "/usr/sbin/rmt-tar"),
        ("debianutils", "which", "/usr/bin/which.debianutils"),
    ],
)
def test_alternatives_are_in_the_form_that_the_tool_reads(
    unpack: Unpack, package: str, name: str, program: str
) -> None:
    root = unpack(**{package: deb_bytes(package, [member(f".{program}", b"")], SCRIPT)})
    assert (root / "etc/alternatives" / name).readlink() == Path(program)
    command = ["update-alternatives", "--admindir", f"{root}/var/lib/dpkg/alternatives"]
    command += ["--altdir", f"{root}/etc/alternatives", "--query", name]
    told = subprocess.check_output(command, text=True, timeout=60)
    fields = dict(re.findall(r"(?m)^(\w+): (.+)$", told))
    assert (fields["Name"], fields["Status"]) == (name, "auto")
    assert fields["Alternative"] == program
    assert (root / fields["Link"][1:]).readlink() == Path(f"/etc/alternatives/{name}")


def test_awk_brings_its_other_name(unpack: Unpack) -> None:
    root = unpack(mawk=deb_bytes("mawk", [member("./usr/bin/mawk", b"")], SCRIPT))
    assert (root / "usr/bin/nawk").readlink() == Path("/etc/alternatives/nawk")
    assert (root / "etc/alternatives/nawk").readlink() == Path("/usr/bin/mawk")


def test_shells_are_those_of_the_packages(unpack: Unpack) -> None:
    share = "./usr/share/debianutils"
    debianutils = deb_bytes(
        "debianutils", [member(f"{share}/shells", b"# shells\n/bin/sh\n")], SCRIPT
    )
    dash = deb_bytes("dash", [member(f"{share}/shells.d/dash", b"/bin/dash\n/usr/bin/dash\n")])
    bash = deb_bytes("bash", [member(f"{share}/shells.d/bash", b"/bin/bash\n")])
    lines = (unpack(debianutils=debianutils, dash=dash, bash=bash) / "etc/shells").read_text()
    assert lines.splitlines() == [
        *("# shells", "/bin/sh", "/bin/bash", "/usr/bin/bash"),
        *("/bin/dash", "/usr/bin/dash", "/usr/bin/dash"),
    ]


def test_base_files_leave_the_folders_of_a_system(unpack: Unpack) -> None:
    share = "./usr/share/base-files"
    files = [
        member(f"{share}/{name}", name.encode()) for name in ("dot.profile", "profile", "motd")
    ]
    root = unpack(**{"base-files": deb_bytes("base-files", files, SCRIPT)})
    assert (root / "root/.profile").read_bytes() == b"dot.profile"
    assert not (root / "root/.bashrc").exists()
    assert (root / "run/lock").stat().st_mode & 0o7777 == 0o1777
    assert (root / "var/run").readlink() == Path("/run")
    for name in ("mnt", "srv", "opt", "usr/local/bin", "usr/local/share/man", "var/mail"):
        assert (root / name).is_dir()


@pytest.mark.parametrize("name", sorted(IDLE))
def test_scripts_that_do_nothing_here(name: str, unpack: Unpack) -> None:
    root = unpack(**{name: deb_bytes(name, control=SCRIPT)})
    # Kept, for a dpkg that configures the package anew.
    assert (root / f"var/lib/dpkg/info/{name}.postinst").is_file()


def test_a_package_is_known_in_one_way() -> None:
    assert not IDLE.keys() & EFFECTS.keys()


def test_time_is_utc_until_somebody_says_otherwise(unpack: Unpack) -> None:
    zone = member("./usr/share/zoneinfo/Etc/UTC", b"TZif")
    root = unpack(tzdata=deb_bytes("tzdata", [zone], SCRIPT))
    assert str((root / "etc/localtime").readlink()) == "/usr/share/zoneinfo/Etc/UTC"
    assert (root / "etc/timezone").read_text() == "Etc/UTC\n"

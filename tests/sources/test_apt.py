from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.sources.apt import with_apt_login

DEBIAN = "https://example.org/debian"
LOGIN = "https://apt:deb%40ian@example.org/debian"


@pytest.mark.parametrize(
    ("machine", "fits"),
    [
        ("example.org", True),
        ("EXAMPLE.org", True),
        ("https://example.org", True),
        ("example.org/deb", True),
        ("example.org/debian", True),
        ("example.org/debian/", True),
        ("example.org:443", True),
        ("http://example.org", False),
        ("example.org:8443", False),
        ("example.org/deb/", False),
        ("example.org/ubuntu", False),
        ("example.orga", False),
        ("example.org:x", False),
        ("org", False),
        ("", False),
    ],
)
def test_machines(tmp_path: Path, machine: str, fits: bool) -> None:
    (tmp_path / "auth.conf").write_text(f"machine {machine} login apt password deb@ian\n")
    assert with_apt_login(DEBIAN, tmp_path) == (LOGIN if fits else DEBIAN)


def test_a_protocol_must_be_named_where_all_can_read(tmp_path: Path) -> None:
    address = "http://example.org:8080/debian"
    (tmp_path / "auth.conf").write_text("machine example.org login a password b\n")
    assert with_apt_login(address, tmp_path) == address
    (tmp_path / "auth.conf").write_text("machine http://example.org:8080 login a password b\n")
    assert with_apt_login(address, tmp_path) == "http://a:b@example.org:8080/debian"


def test_the_first_that_fits_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "auth.conf.d"
    folder.mkdir()
    (tmp_path / "auth.conf").write_text(
        "# machine example.org login old password old\n"
        "machine other.example\nlogin x\tpassword y account z\n"
        "machine example.org/ubuntu login x password y\n"
        "machine example.org login incomplete\n"
    )
    (folder / "20.conf").write_text("machine example.org login late password late\n")
    (folder / "10.conf").write_text("machine example.org\n  login apt\n  password deb@ian\n")
    (folder / "00.txt").write_text("machine example.org login not password asked\n")
    assert with_apt_login(DEBIAN, tmp_path) == LOGIN
    assert with_apt_login(LOGIN.replace("apt:", "own:"), tmp_path).startswith("https://own:")


@pytest.mark.parametrize("text", ["", "machine", "machine example.org login", "password x login y"])
def test_files_that_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "auth.conf").write_text(text)
    assert with_apt_login(DEBIAN, tmp_path) == DEBIAN

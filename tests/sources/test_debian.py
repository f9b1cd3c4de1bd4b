from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.errors import FetchError
from lockyard.sources import debian

MIRROR = "http://mirror.example/debian"
TARGETS = f"""\
http://vendor.example/ubuntu/|Ubuntu|Ubuntu
http://security.example/debian-security/|Debian|Debian-Security
http://mirror.example/debian-backports/|Debian|Debian Backports
cdrom://disc/|Debian|Debian
{MIRROR}/|Debian|Debian
"""
ONE_LINE = f"""\
# deb http://old.example/debian bookworm main
deb-src http://src.example/debian bookworm main
deb [arch=amd64 signed-by=/a/key] http://vendor.example/linux/debian bookworm stable
deb http://vendor.example/apt bookworm main
deb http://security.example/debian bookworm-security main
deb [ arch=amd64 ] {MIRROR}/ bookworm main contrib # ours
"""
DEB822 = f"""\
Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

# A comment.
Types: deb deb-src
URIs: {MIRROR} http://second.example/debian
Suites: bookworm bookworm-updates
# And one within.
Components: main
"""


def no_targets() -> str:
    return ""


def test_the_environment_wins_over_the_workspace() -> None:
    environ = {"LOCKYARD_DEBIAN_MIRROR": MIRROR + "//"}
    assert debian.mirror_url("http://other.example", environ, targets=no_targets) == MIRROR


def test_the_workspace_wins_over_apt() -> None:
    assert debian.mirror_url(MIRROR + "/", {}, targets=lambda: TARGETS) == MIRROR


def test_apt_s_main_archive_is_found_among_others() -> None:
    assert debian.mirror_url(None, {}, targets=lambda: TARGETS) == MIRROR


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", ONE_LINE),
        ("sources.list.d/a.list", ONE_LINE),
        ("sources.list.d/debian.sources", DEB822),
    ],
)
def test_files_are_read_where_apt_never_updated(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert debian.mirror_url(None, {}, targets=no_targets, apt=tmp_path) == MIRROR


def test_apt_s_credentials_go_with_its_mirror(tmp_path: Path) -> None:
    (tmp_path / "auth.conf").write_text("machine http://mirror.example login a password b\n")
    found = debian.mirror_url(None, {}, targets=lambda: TARGETS, apt=tmp_path)
    assert found == MIRROR.replace("//", "//a:b@")
    own = MIRROR.replace("//", "//own:1@")
    assert debian.mirror_url(own, {}, targets=no_targets, apt=tmp_path) == own


def test_another_distribution_s_sources_are_none_of_debian(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://vendor.example/ubuntu jammy main\n")
    with pytest.raises(FetchError) as caught:
        debian.mirror_url(None, {}, targets=no_targets, apt=tmp_path)
    assert "LOCKYARD_DEBIAN_MIRROR" in caught.value.solution


def test_a_host_without_apt_is_no_accident(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.index_targets() == ""

"""The lock task: against sources that don't answer, and on the real ones."""

from __future__ import annotations

import pytest

from lockyard.errors import FetchError, IntegrityError, LockError, ResolveError, UsageError
from tests.cli.conftest import CLOSED, Yard

ENV = 'title = "Trial"\nbase = "debian12"\n'


def test_mirror_that_does_not_answer(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    message = yard.refused(
        FetchError.status, "lock", "trial", "--refresh", LOCKYARD_DEBIAN_MIRROR=CLOSED
    )
    assert "trial (cpu, linux/amd64): " in message
    assert "debian" in message.splitlines()[-2]
    assert "Check the network" in message


def test_mirror_that_nobody_signed(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    yard.site.files["/debian/dists/bookworm/InRelease"] = b"Suite: stable\n"
    message = yard.refused(IntegrityError.status, "lock", "trial", "--refresh")
    assert "trial (cpu, linux/amd64): " in message


def test_damaged_lock_is_not_written_over(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    (yard.root / "locks/trial.lock.toml").write_text("<<<<<<< HEAD\n")
    message = yard.refused(LockError.status, "lock", "trial")
    assert "git checkout --ours" in message


@pytest.mark.network
@pytest.mark.xdist_group("live")
def test_index_that_does_not_answer(live: Yard) -> None:
    live.write_spec("trial", ENV + 'requirements.pypi = ["idna"]\n')
    message = live.refused(FetchError.status, "lock", "trial", PIP_INDEX_URL=CLOSED)
    assert "source pypi" in message


@pytest.mark.network
@pytest.mark.xdist_group("live")
def test_requirements_that_conflict(live: Yard) -> None:
    live.write_spec(
        "trial", ENV + 'requirements.pypi = ["pandas==2.2.*", "python-dateutil<2.8.2"]\n'
    )
    message = live.refused(ResolveError.status, "lock", "trial")
    assert "trial (cpu, linux/amd64): " in message
    assert "pandas" in message
    assert "python-dateutil<2.8.2" in message
    assert "python-dateutil>=2.8.2" in message


@pytest.mark.network
@pytest.mark.xdist_group("live")
def test_package_without_a_wheel(live: Yard) -> None:
    live.write_spec("trial", ENV + 'requirements.pypi = ["gast==0.2.2"]\n')
    message = live.refused(ResolveError.status, "lock", "trial")
    assert "gast" in message
    assert "wheel" in message


@pytest.mark.network
@pytest.mark.xdist_group("live")
def test_package_that_nobody_has(live: Yard) -> None:
    live.write_spec("trial", ENV + 'requirements.debian = ["libgompf1"]\n')
    message = live.refused(ResolveError.status, "lock", "trial")
    assert "libgompf1" in message


@pytest.mark.network
@pytest.mark.xdist_group("live")
def test_locked_again_to_the_same_bytes(live: Yard) -> None:
    live.write_spec("trial", ENV + 'requirements.pypi = ["idna"]\n')
    assert live.run("lock", "trial").returncode == 0
    first = (live.root / "locks/trial.lock.toml").read_bytes()
    (live.root / "locks/trial.lock.toml").unlink()
    assert (
        live.run(
            "lock", "trial", "--refresh", LC_ALL="C", TZ="Asia/Tokyo", PYTHONHASHSEED="7"
        ).returncode
        == 0
    )
    assert (live.root / "locks/trial.lock.toml").read_bytes() == first
    again = live.run("lock", "--all", "--refresh")
    assert again.stdout.startswith("trial: no change, ")
    assert (live.root / "locks/trial.lock.toml").read_bytes() == first


def test_package_to_move_is_read_whole_and_may_be_given_again(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"), yard.wheel("beta"))
    moves = ["--upgrade-package", "alpha", "--upgrade-package", "bete==2"]
    message = yard.refused(UsageError.status, "lock", "trial", *moves)
    assert "no lock has a package 'bete'" in message
    assert "did you mean 'beta'?" in message

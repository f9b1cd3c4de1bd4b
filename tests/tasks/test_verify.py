"""Rebuilds that aren't the same as one another, or as what is expected."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lockyard.errors import VerifyError
from lockyard.tasks.verify import _Trial
from lockyard.verify.conditions import Machine, conditions
from lockyard.verify.expected import Expected, expected_of
from lockyard.verify.rebuild import Rebuilt
from lockyard.verify.view import layout_view
from tests.verify.conftest import SITE, doctor, image
from tests.verify.doctor import Doctor, at

__all__ = ["doctor", "image"]

MODULE = f"{SITE}/demo/__init__.py"
MACHINE = Machine(uid=0, pythons=("python",))


@pytest.fixture
def trial(tmp_path: Path) -> _Trial:
    (tmp_path / "scratch").mkdir()
    return _Trial(expected={}, scratch=tmp_path / "scratch", report=tmp_path / "report")


def made(folder: Path) -> Rebuilt:
    return Rebuilt(layouts={"demo": folder}, seen={}, seconds=1.0)


def test_a_rebuild_that_differs_from_the_first(
    trial: _Trial, image: Path, doctor: Doctor, tmp_path: Path
) -> None:
    shutil.copytree(image, tmp_path / "one")
    trial.take(conditions(1, MACHINE), made(tmp_path / "one"))
    # It outlasts its rebuild.
    assert not (tmp_path / "one").exists()
    doctor.archive(2, at(MODULE, lambda info, _: setattr(info, "mtime", 1)))
    with pytest.raises(VerifyError) as caught:
        trial.take(conditions(2, MACHINE), made(doctor.folder))
    text = str(caught.value)
    assert "rebuild 2 isn't rebuild 1" in text
    assert "layer 2 (demo 1.0): time\n" in text
    assert f"/{MODULE}\n    time: 315532800 -> 1\n" in text
    assert f"rebuild 2 was made with: {conditions(2, MACHINE)}" in text
    assert caught.value.details["difference"]["cause"].startswith("time: something reads")
    assert [each["seconds"] for each in caught.value.details["rounds"]] == [1.0, 1.0]


def test_what_is_at_hand_already_is_not_kept_twice(
    trial: _Trial, image: Path, doctor: Doctor
) -> None:
    trial.expected = {"demo": expected_of(layout_view(image, "last build"))}
    trial.take(conditions(1, MACHINE), made(doctor.folder))
    assert doctor.folder.exists()
    assert list(trial.scratch.iterdir()) == []


def test_a_digest_alone_tells_nothing_of_what_differs(trial: _Trial, doctor: Doctor) -> None:
    trial.expected = {"demo": Expected(title="sha256:0", digests=frozenset({"sha256:0"}))}
    with pytest.raises(VerifyError, match="isn't sha256:0") as caught:
        trial.take(conditions(1, MACHINE), made(doctor.folder))
    assert "difference" not in caught.value.details
    assert "to be told what differs" in caught.value.solution

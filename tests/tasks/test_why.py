"""Why a lock of a workspace on disk holds a package."""

from __future__ import annotations

import pytest

from lockyard.errors import LockError
from lockyard.spec.reader import Fleet
from lockyard.tasks.why import why_package
from tests.tasks.reviewed import fleet

__all__ = ["fleet"]


def test_why_reads_the_lock_and_the_spec(fleet: Fleet) -> None:
    (route,) = why_package(fleet, "trial", "werkzeug")
    assert route.packages == ("server 1.21", "werkzeug 1.21")
    (fleet.root / "locks/trial.lock.toml").unlink()
    with pytest.raises(LockError, match="invoke lock trial"):
        why_package(fleet, "trial", "werkzeug")

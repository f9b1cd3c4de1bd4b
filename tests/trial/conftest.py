"""What tests of trials share."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from lockyard.spec.reader import read_fleet
from lockyard.tasks.plan import plan_env
from lockyard.trial.subject import Subject, subject_of
from tests.conftest import ROOT


@pytest.fixture(scope="session")
def subject() -> Callable[[str], Subject]:
    """Give a function that returns what an env's image has to be, on this machine's platform."""

    def made(name: str) -> Subject:
        fleet = read_fleet(ROOT)
        env = fleet.env(name)
        platform = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[os.uname().machine]
        plan = next(each for each in plan_env(fleet, name) if each.target.platform == platform)
        recipe, base = fleet.recipe(env.recipe), fleet.workspace.bases[env.base]
        return subject_of(plan, env, recipe, base, fleet.trial(env.recipe))

    return made

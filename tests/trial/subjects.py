"""What images of this repository have to be, on this machine's platform."""

from __future__ import annotations

import os

from lockyard.spec.reader import read_fleet
from lockyard.tasks.plan import plan_env
from lockyard.trial.subject import Subject, subject_of
from tests.conftest import ROOT

_PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}


def subject_here(name: str) -> Subject:
    """Return what an env's first image for this machine has to be."""
    fleet = read_fleet(ROOT)
    env, platform = fleet.env(name), _PLATFORMS[os.uname().machine]
    plan = next(each for each in plan_env(fleet, name) if each.target.platform == platform)
    recipe, base = fleet.recipe(env.recipe), fleet.workspace.bases[env.base]
    return subject_of(plan, env, recipe, base, fleet.trial(env.recipe))

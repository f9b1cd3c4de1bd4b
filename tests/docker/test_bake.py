from __future__ import annotations

import json

from attrs import evolve

from lockyard.docker.bake import bake_text, context_path, target_name
from lockyard.plan.image import ImagePlan


def test_targets_by_image_and_platform(plan: ImagePlan) -> None:
    arm = evolve(plan, target=evolve(plan.target, platform="linux/arm64"))
    bake = json.loads(bake_text([plan, arm]))
    assert bake["group"] == {
        "default": {"targets": ["trial-cpu-linux-amd64", "trial-cpu-linux-arm64"]},
        "linux-amd64": {"targets": ["trial-cpu-linux-amd64"]},
        "linux-arm64": {"targets": ["trial-cpu-linux-arm64"]},
    }
    target = bake["target"]["trial-cpu-linux-arm64"]
    assert target["context"] == context_path(arm) == "trial-cpu/linux-arm64"
    assert target["platforms"] == ["linux/arm64"]
    assert target["args"] == {"SOURCE_DATE_EPOCH": "1767323045"}


def test_names_as_bake_takes_them(plan: ImagePlan) -> None:
    dotted = evolve(plan, names=evolve(plan.names, image="sklearn-1.9-cpu"))
    assert target_name(dotted) == "sklearn-1_9-cpu-linux-amd64"

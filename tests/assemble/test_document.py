from __future__ import annotations

import json
from collections.abc import Callable

from lockyard.assemble.document import (
    config_document,
    encoded,
    layout_index,
    manifest_document,
    platform_index,
)
from lockyard.build.built import BuiltLayer
from lockyard.plan.image import ImagePlan

LAYER = BuiltLayer(title="one 1.0", digest="a" * 64, size=10, diff_id="b" * 64)


def test_a_value_has_one_form() -> None:
    assert encoded({"b": [1, True], "a": "é"}) == b'{"a":"\\u00e9","b":[1,true]}'


def test_a_config(make_plan: Callable[..., ImagePlan]) -> None:
    document = config_document(make_plan("linux/arm64"), [LAYER])
    assert json.loads(document.data) == {
        "architecture": "arm64",
        "variant": "v8",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Env": ["A=ü"], "User": "1000:1000"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{'b' * 64}"]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "lockyard: one 1.0"}],
    }
    assert "variant" not in json.loads(config_document(make_plan(), [LAYER]).data)


def test_an_index_is_sorted_by_platform(make_plan: Callable[..., ImagePlan]) -> None:
    manifest = manifest_document(config_document(make_plan(), [LAYER]), [LAYER])
    platforms = ["linux/arm64", "linux/amd64"]
    one, other = (
        platform_index(dict.fromkeys(order, manifest)) for order in (platforms, platforms[::-1])
    )
    assert one == other
    entries = json.loads(one.data)["manifests"]
    assert [entry["platform"]["architecture"] for entry in entries] == ["amd64", "arm64"]
    (top,) = json.loads(layout_index(one, "r.example/x", "latest").data)["manifests"]
    assert top["digest"] == f"sha256:{one.digest}"
    assert top["annotations"]["org.opencontainers.image.ref.name"] == "latest"

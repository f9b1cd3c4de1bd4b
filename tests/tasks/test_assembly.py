"""Layers stand in the order of the plan, whichever is done first."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

from lockyard.build.built import BuiltLayer
from lockyard.build.image import LayerBuilds
from lockyard.events import Silent
from lockyard.plan.layer import layer_key
from lockyard.store.store import Store
from lockyard.tasks.assembly import Assembly
from tests.build.makers import recipe_layer
from tests.determinism.golden import plan


def test_layers_stand_in_the_order_of_the_plan(tmp_path: Path) -> None:
    layers = tuple(
        recipe_layer(contents={"start": bytes([number])}, title=str(number)) for number in range(6)
    )
    futures: dict[str, Future[BuiltLayer]] = {layer_key(each): Future() for each in layers}
    # The last one first, and each smaller than the one before it.
    for number, layer in reversed(list(enumerate(layers))):
        digest = f"{number}" * 64
        futures[layer_key(layer)].set_result(
            BuiltLayer(title=str(number), digest=digest, diff_id=digest, size=100 - number)
        )
    with LayerBuilds(Store(tmp_path), jobs=1, reporter=Silent()) as builds:
        assembly = Assembly(
            reporter=Silent(),
            missing=frozenset(),
            failures={},
            pulled={},
            builds=builds,
            futures=futures,
        )
        (image,) = assembly.images([plan(layers, "linux/amd64")])
    found = json.loads(image.config.data)["rootfs"]["diff_ids"]
    assert found == [f"sha256:{f'{number}' * 64}" for number in range(6)]

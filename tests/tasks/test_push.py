"""An env's images find their registry, and what the rest of the fleet has there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.assemble.layout import write_layout
from lockyard.errors import UsageError
from lockyard.events import Silent
from lockyard.lock.file import write_lock
from lockyard.lock.model import BaseImage
from lockyard.spec.model import RegistrySource
from lockyard.spec.reader import Fleet
from lockyard.store.store import Store
from lockyard.tasks.plan import plan_env
from lockyard.tasks.push import Pusher, _unfit, checked_host, checked_tags
from tests.registries import Fake, faking
from tests.ship.conftest import image
from tests.tasks.conftest import lock_of, wheel

CPU, GPU = ("trial-debian12-py311-cpu-inference", "trial-debian12-py311-cuda12-gpu-inference")


@pytest.fixture
def fake() -> Iterator[Fake]:
    with faking() as made:
        yield made


@pytest.fixture
def pusher(fleet: Fleet, fake: Fake, tmp_path: Path) -> Callable[..., Pusher]:
    write_lock(fleet.root, lock_of(fleet))

    def call(dry_run: bool = False) -> Pusher:
        return Pusher(
            fleet=fleet,
            output=tmp_path / "dist",
            host=fake.host,
            environ={},
            reporter=Silent(),
            day=date(2026, 11, 22),
            dry_run=dry_run,
        )

    return call


def built(folder: Path, name: str, fleet: Fleet) -> None:
    """Lay out an image as if it were what the plan says."""
    store = Store(folder / "store")
    made = image(store)
    plans = [plan for plan in plan_env(fleet, "trial") if plan.names.image == name]
    ledger = {
        "plans": {plan.target.platform: plan.key for plan in plans},
        "images": {made.platform: made.digest},
        "blobs": dict(made.blobs),
    }
    write_layout([made], name, json.dumps(ledger).encode(), store, folder / "dist" / name)


def test_every_variant_is_pushed_and_shares(
    pusher: Callable[..., Pusher], fleet: Fleet, fake: Fake, tmp_path: Path
) -> None:
    made = pusher()
    for name in (CPU, GPU):
        built(tmp_path, name, fleet)
    first, second = made.push("trial")
    assert (first.repository, second.repository) == tuple(
        f"{fake.host}/team/{name}" for name in (CPU, GPU)
    )
    assert (first.mounted, first.percent) == (0, round(100 * first.sent / first.size, 2))
    # The images are the same, so only the manifest of the second is sent.
    assert second.mounted == sum(len(data) for (at, _), data in fake.blobs.items() if GPU in at)
    assert fake.manifests[f"team/{GPU}", "20261122.v1"]


def test_an_image_that_is_not_built(pusher: Callable[..., Pusher], fake: Fake) -> None:
    with pytest.raises(UsageError, match="isn't built") as caught:
        pusher().push("trial")
    assert "invoke build trial" in caught.value.solution
    assert fake.asked == []


def test_no_image_is_pushed_where_one_is_not_built(
    pusher: Callable[..., Pusher], fleet: Fleet, fake: Fake, tmp_path: Path
) -> None:
    made = pusher()
    built(tmp_path, CPU, fleet)
    with pytest.raises(UsageError, match="isn't built") as caught:
        made.push("trial")
    assert GPU in caught.value.where
    assert fake.asked == []


def test_an_image_of_another_lock_is_not_pushed(
    pusher: Callable[..., Pusher], fleet: Fleet, fake: Fake, tmp_path: Path
) -> None:
    made = pusher()
    for name in (CPU, GPU):
        built(tmp_path, name, fleet)
    write_lock(fleet.root, lock_of(fleet, wheel("flask", "1.0")))
    with pytest.raises(UsageError, match="another lock or spec"):
        made.push("trial")
    assert fake.asked == []


def test_layers_of_a_base_in_the_same_registry_are_mounted(
    pusher: Callable[..., Pusher], fleet: Fleet, fake: Fake, tmp_path: Path
) -> None:
    made = pusher()
    (layer,) = image(Store(tmp_path / "store")).layers
    held = Store(tmp_path / "store").blob(layer.digest)
    assert held
    fake.put_blob("library/base", held.read_bytes())
    base = BaseImage(
        image="library/base",
        tag="1",
        source="hub",
        platform="linux/amd64",
        manifest=fake.put("library/base", "", {}).removeprefix("sha256:"),
    )
    write_lock(fleet.root, evolve(lock_of(fleet), images=(base,)))
    here = RegistrySource(kind="registry", registry=fake.host)
    for source, mounted in ((evolve(here, registry="other.example"), 0), (here, layer.size)):
        sources = {**fleet.workspace.sources, "hub": source}
        moved = evolve(fleet, workspace=evolve(fleet.workspace, sources=sources))
        for name in (CPU, GPU):
            built(tmp_path, name, moved)
        first, _ = evolve(made, fleet=moved, dry_run=True).push("trial")
        assert first.mounted == mounted


@pytest.mark.parametrize("host", ["http://a.example", "a b", "a/b", "user@a.example", "-", "a:b"])
def test_what_is_no_host(fleet: Fleet, host: str) -> None:
    if host == "-":
        assert checked_host(fleet, "") == "registry.example"
        return
    with pytest.raises(UsageError, match="isn't a registry's host"):
        checked_host(fleet, host)


def test_extra_tags() -> None:
    assert checked_tags(["a", "b"]) == ("a", "b")
    with pytest.raises(UsageError):
        checked_tags(["a", "20261122.v1"])


def test_an_image_that_lacks_a_platform() -> None:
    plans = {"linux/amd64": "a", "linux/arm64": "b"}
    assert "without linux/arm64" in _unfit({"plans": {"linux/amd64": "a"}}, plans)
    others: list[object] = [{"linux/amd64": "z"}, {**plans, "linux/riscv64": "c"}, [], None]
    for other in others:
        assert "another lock" in _unfit({"plans": other}, plans)
    assert "isn't built" in _unfit(None, plans)

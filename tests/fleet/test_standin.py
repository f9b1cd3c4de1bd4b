"""The stand-in for the sources that the first generation is locked from gives the same locks."""

from __future__ import annotations

import pytest
from attrs import evolve

from lockyard.lock.model import CondaPackage
from lockyard.spec.model import ImageBase
from lockyard.spec.reader import Fleet
from tests.fleet.locked import first_generation, held
from tests.fleet.standin.base import PLATFORM
from tests.fleet.standin.workspace import BASE, StandIn

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]


def test_its_workspace_differs_in_the_digests_of_its_base_alone(
    fleet: Fleet, standin: StandIn
) -> None:
    made, names = standin.fleet, first_generation()
    assert made.env_names() == tuple(names)
    assert [made.env(name) for name in names] == [fleet.env(name) for name in names]
    assert made.recipe("inference") == fleet.recipe("inference")
    base, real = made.workspace.bases[BASE], fleet.workspace.bases[BASE]
    assert isinstance(base, ImageBase)
    assert isinstance(real, ImageBase)
    assert base.manifests == {PLATFORM: standin.base.manifest}
    assert evolve(base, index=real.index, manifests=real.manifests) == real
    bases = {**made.workspace.bases, BASE: real}
    assert evolve(made.workspace, bases=bases) == fleet.workspace


@pytest.mark.parametrize("env", first_generation())
def test_its_locks_have_the_same_packages(env: str, standin: StandIn) -> None:
    lock, real = standin.lock(env), held(env)
    assert lock.wheels == real.wheels
    assert lock.targets == real.targets
    assert lock.debs == real.debs == ()
    assert [unpacked(each) for each in lock.conda] == [unpacked(each) for each in real.conda]
    assert not {each.sha256 for each in lock.conda} & {each.sha256 for each in real.conda}
    (image,), (real_image,) = lock.images, real.images
    assert f"sha256:{image.manifest}" == standin.base.manifest
    assert evolve(image, index=real_image.index, manifest=real_image.manifest) == real_image


def unpacked(package: CondaPackage) -> CondaPackage:
    """Return all of a package but for its bytes."""
    return evolve(package, sha256="0" * 64, md5="0" * 32, size=1)

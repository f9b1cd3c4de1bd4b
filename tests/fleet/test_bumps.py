"""A bump of one package rebuilds its layer alone, and a push of it sends little else.

In PyTorch's image that is about a fiftieth: `python -m tests.fleet.bumps`.
"""

from __future__ import annotations

import pytest

from tests.fleet.bumps import Bump, bump
from tests.fleet.standin.workspace import StandIn

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]


@pytest.fixture(scope="module")
def bumped(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Bump:
    """XGBoost's image, whose other wheels are large: locked to a numpy that may move, and moved."""
    folder = tmp_path_factory.mktemp("bumped")
    apart = standin.apart(folder / "workspace")
    spec = apart.root / "envs/xgboost-0.9.toml"
    text = spec.read_text()
    assert '"numpy==1.20.1"' in text
    spec.write_text(text.replace('"numpy==1.20.1"', '"numpy>=1.20.1,<1.22"'))
    return bump(apart, "xgboost-0.9", "numpy==1.20.1", folder / "registry")


def test_one_layer_is_another(bumped: Bump) -> None:
    assert list(bumped.gone.values()) == ["numpy 1.21.6"]
    assert list(bumped.come.values()) == ["numpy 1.20.1"]
    assert bumped.built.new_layers in {0, 1}  # none where the store has it already
    assert bumped.built.layers > 10


def test_what_is_told_as_sent_is_what_the_registry_received(bumped: Bump) -> None:
    second = bumped.second
    assert second.sent == bumped.received
    assert second.percent == round(100 * bumped.received / second.size, 2)
    assert second.percent < 8
    assert bumped.first.percent == pytest.approx(100, abs=0.1)


def test_a_layer_a_config_and_a_manifest_are_sent(bumped: Bump) -> None:
    (layer,) = (digest.removeprefix("sha256:") for digest in bumped.come)
    # All else is the config, and the manifest once by its day and once as the latest.
    assert 0 < bumped.received - bumped.sizes[layer] < 100_000
    puts = [path for method, path, status in bumped.asked if (method, status) == ("PUT", 201)]
    blobs = [path for path in puts if "/blobs/uploads/" in path]
    tags = {path.rpartition("/")[2] for path in puts if "/manifests/" in path}
    assert len(blobs) == 2
    assert sum(layer in path for path in blobs) == 1
    assert tags == set(bumped.second.tags)

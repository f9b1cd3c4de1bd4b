"""An image on a registry's base, with conda's Python, taken by readers that aren't ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engine.readers import FILES, Seen, Shipped, buildah, classic, containerd, shipping, umoci
from tests.fleet.standin.workspace import StandIn

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]


@pytest.fixture(scope="module")
def shipped(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shipped]:
    standin.lock("minimal")
    builder = standin.builder()
    (built,) = builder.build("minimal")
    with shipping(builder, built, tmp_path_factory.mktemp("shipped")) as made:
        yield made


# Each form of each reader is tried with the image on Debian's base.
@pytest.mark.parametrize(
    ("read", "form"),
    [(buildah, "pushed"), (umoci, "layout"), (containerd, "archive"), (classic, "pushed")],
)
def test_all_see_the_same(
    read: Callable[[Shipped, str], Seen], form: str, shipped: Shipped
) -> None:
    seen = read(shipped, form)
    assert seen.files == FILES
    assert (seen.user, seen.command) == ("1000:1000", ["/usr/local/bin/start-inference"])
    assert {"AML_APP_ROOT=/var/azureml-app", "HOME=/home/dockeruser"} < {*seen.environment}
    # Those of the image take the place of its base's.
    (path,) = (each for each in seen.environment if each.startswith("PATH="))
    assert path.startswith("PATH=/opt/conda/bin:/usr/local/sbin:")

"""The image of an env on Debian's base, taken by readers that aren't ours, in all its forms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lockyard.tasks.build import Builder
from tests.engine.readers import FILES, READERS, Seen, Shipped, shipping, told

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("minimal-py311")]


@pytest.fixture(scope="module")
def shipped(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shipped]:
    (built,) = builder.build("minimal-py311")
    with shipping(builder, built, tmp_path_factory.mktemp("shipped")) as made:
        yield made


@pytest.mark.parametrize("form", ["layout", "archive", "pushed"])
def test_skopeo_copies_every_blob(shipped: Shipped, form: str, tmp_path: Path) -> None:
    # A copy checks the digest and the size of each blob on its way.
    reference, copy = shipped.reference(form), f"oci:{tmp_path / 'copy'}:latest"
    options = ["--insecure-policy", "copy", "--all", "--quiet", "--src-tls-verify=false"]
    told("skopeo", *options, reference, copy)
    blobs = {path.name for path in (tmp_path / "copy").rglob("sha256/*")}
    assert blobs == {path.name for path in shipped.layout.rglob("sha256/*")}


def test_skopeo_reads_the_configuration(shipped: Shipped) -> None:
    reference = shipped.reference("archive")
    image = json.loads(told("skopeo", "inspect", reference))
    assert (image["Os"], image["Architecture"]) == ("linux", "amd64")
    config = json.loads(told("skopeo", "inspect", "--config", reference))["config"]
    assert config["StopSignal"] == "SIGTERM"
    assert list(config["ExposedPorts"]) == ["5001/tcp"]


@pytest.mark.parametrize(("read", "form"), READERS)
def test_all_see_the_same(
    read: Callable[[Shipped, str], Seen], form: str, shipped: Shipped
) -> None:
    seen = read(shipped, form)
    assert seen.files == FILES
    assert (seen.user, seen.command) == ("1000:1000", ["/usr/local/bin/start-inference"])
    assert {"AML_APP_ROOT=/var/azureml-app", "HOME=/home/dockeruser"} < {*seen.environment}
    assert not [each for each in seen.environment if each.startswith("LD_LIBRARY_PATH")]
    (path,) = (each for each in seen.environment if each.startswith("PATH="))
    assert path.startswith("PATH=/opt/venv/bin:/usr/local/sbin:")

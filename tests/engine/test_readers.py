"""Image archives read by a reader that is not ours: skopeo."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("minimal-py311")]


@pytest.fixture(scope="module")
def archive(image_archive: Callable[[str], Path]) -> Path:
    return image_archive("minimal-py311")


def test_skopeo_reads_the_configuration(archive: Path, skopeo: Callable[..., str]) -> None:
    image = json.loads(skopeo("inspect", f"oci-archive:{archive}"))
    assert (image["Os"], image["Architecture"]) == ("linux", "amd64")
    config = json.loads(skopeo("inspect", "--config", f"oci-archive:{archive}"))["config"]
    assert config["Cmd"] == ["/usr/local/bin/start-inference"]
    assert config["WorkingDir"] == "/var/azureml-app"
    assert config["StopSignal"] == "SIGTERM"
    assert list(config["ExposedPorts"]) == ["5001/tcp"]
    assert "AML_APP_ROOT=/var/azureml-app" in config["Env"]
    assert not [variable for variable in config["Env"] if variable.startswith("LD_LIBRARY_PATH")]


def test_skopeo_copies_every_blob(
    archive: Path, skopeo: Callable[..., str], tmp_path: Path
) -> None:
    # A copy checks the digest and the size of each blob on its way.
    copy = f"oci:{tmp_path / 'copy'}:latest"
    skopeo("--insecure-policy", "copy", "--all", f"oci-archive:{archive}", copy)
    original = json.loads(skopeo("inspect", f"oci-archive:{archive}"))
    assert json.loads(skopeo("inspect", copy))["Digest"] == original["Digest"]

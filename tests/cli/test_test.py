"""`test` as users call it, with an image that lacks nearly everything."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import closing
from xml.etree import ElementTree as ET

import docker
import pytest

from lockyard.errors import EngineError, SpecError, TrialError, UsageError
from tests.cli.conftest import Yard

# The engine that the tests have, wherever it is.
ENGINE = {"DOCKER_HOST": os.environ["DOCKER_HOST"]} if "DOCKER_HOST" in os.environ else {}
IMAGE = "trial-debian12-py311-cpu-inference"
LOOK = ("--only", "config", "--only", "packages")


def tags() -> set[str]:
    """Return what the engine's images go by."""
    with closing(docker.from_env()) as engine:
        return {tag for image in engine.images.list() for tag in image.tags}


@pytest.mark.engine
def test_a_check_that_fails_has_a_status_and_reports(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    report = yard.root / "report.xml"
    before = tags()
    # The image has no Python, so nothing can be asked of its packages.
    done = yard.run("test", "trial", *LOOK, "--junit", str(report), **ENGINE)
    assert done.returncode == TrialError.status
    assert done.stdout.startswith(f"{IMAGE}: 1 of 2 checks passed")
    assert "ok      config" in done.stdout
    assert "FAILED  packages" in done.stdout
    assert "    expected  /opt/venv/bin/python3 runs\n" in done.stdout
    assert f"test error: {IMAGE}: 1 of 2 checks failed: packages" in done.stderr
    (suite,) = ET.fromstring(report.read_bytes())  # noqa: S314 - what was just made
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    done = yard.run("test", "--all", *LOOK, "--json", **ENGINE)
    assert done.returncode == TrialError.status
    (row,) = json.loads(done.stdout)
    assert [each["state"] for each in row["outcomes"]] == ["passed", "failed"]
    assert json.loads(done.stderr)["error"]["family"] == "test"
    # Neither an image nor a container of it is left, nor was one of its name taken.
    assert not [
        each for each in tags() - before if IMAGE in each or "lockyard.invalid/test" in each
    ]
    assert yard.run("test", "trial", "--only", "config", **ENGINE).returncode == 0


def test_what_is_no_check(yard: Yard) -> None:
    told = yard.refused(UsageError.status, "test", "trial", "--only", "import")
    assert "there is no check 'import'" in told
    assert "imports" in told


def test_no_engine_is_no_failed_check(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    told = yard.refused(EngineError.status, "test", "trial", DOCKER_HOST="unix:///nowhere")
    assert "no Docker engine answers" in told


@pytest.mark.engine
def test_faults_of_what_a_recipe_asks(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    file = yard.root / "images/inference/test.toml"
    text = file.read_text().replace("samples/train_sklearn.py", "samples/nowhere.py")
    file.write_text(text)
    told = yard.refused(SpecError.status, "test", "trial", **ENGINE)
    assert "images/inference/test.toml: samples.sklearn.train: samples/nowhere.py: No such" in told
    file.write_text(text + "\n[skp]\n")
    told = yard.refused(SpecError.status, "test", "trial", **ENGINE)
    assert "images/inference/test.toml: skp: there is no such key" in told


@pytest.mark.engine
def test_what_is_cancelled_leaves_nothing(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    before = tags()
    process = subprocess.Popen(
        yard.command("test", "trial"),
        cwd=yard.root,
        env=yard.environment(**ENGINE),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr
    try:
        line = next(line for line in process.stderr if line.endswith(": config\n"))
        process.terminate()
        process.communicate(timeout=300)  # a busy engine removes images at its leisure
    finally:
        process.kill()
    assert line
    assert process.returncode == 130
    assert not [each for each in tags() - before if each.startswith("lockyard.invalid/test:")]

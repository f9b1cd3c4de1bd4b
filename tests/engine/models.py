"""A model of each framework: trained by an image, and served by the same image."""

from __future__ import annotations

import contextlib

import docker
import pytest
from docker.errors import APIError

from tests.engine.containers import SAMPLES, ask, running

MODELS = "/var/azureml-app/azureml-models"
ROWS = {"data": [[1, 2], [3, 4]]}
ANSWER = [9, 19]  # each of the models is y = 2 a + 3 b + 1


def framework_of(env: str) -> str:
    """Return what stands before the version in an env's name."""
    return env.split("-", maxsplit=1)[0]


def scored(engine: docker.DockerClient, image: str, framework: str) -> list[float]:
    """Have an image train a model and serve it; return what it answers to two rows."""
    volume = engine.volumes.create()
    place = {volume.name: {"bind": MODELS, "mode": "rw"}}
    train = ["python3", "-c", (SAMPLES / f"train_{framework}.py").read_text()]
    score = {"/var/azureml-app/score.py": (SAMPLES / f"score_{framework}.py").read_text()}
    script = {"AZUREML_ENTRY_SCRIPT": "score.py"}
    try:
        with running(engine, image, train, volumes=place) as container:
            assert container.wait()["StatusCode"] == 0, container.logs().decode()
        with running(engine, image, files=score, environment=script, volumes=place) as container:
            assert ask(container, "GET", "/", seconds=120) == (200, "Healthy")
            status, answer = ask(container, "POST", "/score", ROWS)
            assert (status, answer) == (200, pytest.approx(ANSWER, abs=1e-3))
            return [float(each) for each in answer]
    finally:
        with contextlib.suppress(APIError):
            volume.remove(force=True)

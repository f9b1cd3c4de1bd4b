"""Each current env's image in a real engine: it loads, imports, trains, serves and stops.

But for those with CUDA, which have gigabytes.
"""

from __future__ import annotations

import json
import signal
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from lockyard.events import Silent
from lockyard.trial.image import CHECKS, Trial
from tests.trial.subjects import subject_here

pytestmark = pytest.mark.engine

ENVS = Path(__file__).parents[2] / "envs"


def _is_small(env: Mapping[str, Any]) -> bool:
    """Tell whether an env is a current one, without CUDA's gigabytes."""
    return env.get("base") == "debian12" and not any("cuda" in each for each in env["variants"])


CURRENT = [
    env.stem
    for env in sorted(ENVS.glob("*.toml"))
    if _is_small({"variants": (), **tomllib.loads(env.read_text())})
]
ROWS = {"data": [[1, 2], [3, 4]]}

Run = Callable[..., AbstractContextManager[Container]]
Ask = Callable[..., tuple[int, Any]]


# One worker for all tests of an env: its image is made and loaded once.
@pytest.fixture(
    scope="module", params=[pytest.param(e, marks=pytest.mark.xdist_group(e)) for e in CURRENT]
)
def env(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def image(env: str, image_archive: Callable[[str], Path], load: Callable[[Path], str]) -> str:
    return load(image_archive(env))


def output_of(container: Container, command: list[str]) -> tuple[int, str]:
    """Run a command in a container as its user; return its status and what it printed."""
    status, output = container.exec_run(command)
    assert isinstance(status, int)
    assert isinstance(output, bytes)
    return status, output.decode()


def handles(container: Container, number: signal.Signals) -> bool:
    """Say whether a container's first process has a handler for a signal (see proc(5))."""
    _, status = output_of(container, ["cat", "/proc/1/status"])
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], base=16) >> (number - 1) & 1)


def stop(container: Container) -> tuple[int, float]:
    """Stop a container as ``docker stop`` does; return its exit status and the seconds it took."""
    began = time.monotonic()
    container.stop(timeout=10)
    seconds = time.monotonic() - began
    return container.wait()["StatusCode"], seconds


def test_it_passes_its_trial(env: str, image: str, engine: docker.DockerClient) -> None:
    # As `lockyard test` does, which every image has to pass before it ships.
    trial = Trial(client=engine, name=image, subject=subject_here(env), reporter=Silent())
    tested = trial.run()
    assert tested.failed == ()
    assert {each.check.split()[0] for each in tested.outcomes} == {*CHECKS}
    assert {each.state for each in tested.outcomes} == {"passed"}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="as-it-is"),
        pytest.param({"user": "12345:0"}, id="arbitrary-uid"),
        pytest.param({"read_only": True, "tmpfs": {"/tmp": ""}}, id="read-only-with-tmp"),
        pytest.param({"read_only": True, "user": "12345:0"}, id="read-only-arbitrary-uid"),
        pytest.param({"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}, id="no-caps"),
    ],
)
def test_it_is_healthy_as_it_comes(image: str, run: Run, ask: Ask, options: dict[str, Any]) -> None:
    with run(image, **options) as container:
        assert ask(container, "GET", "/") == (200, "Healthy")
        status, answer = ask(container, "POST", "/score", ROWS)
        assert (status, "No model is deployed" in json.dumps(answer)) == (200, True)
        status, seconds = stop(container)
        assert (status in (0, 143), seconds < 8) == (True, True), (status, seconds)
        # All of it on standard output, and written when it happened.
        assert b"POST /score 200" in container.logs(stderr=False)
        assert container.logs(stdout=False) == b""


def test_it_stops_while_it_starts(image: str, run: Run) -> None:
    with run(image) as container:
        # Process 1 can be stopped once it handles the signal; the server's imports come after.
        while not handles(container, signal.SIGTERM):
            pass
        status, seconds = stop(container)
        assert (status in (0, 143), seconds < 8) == (True, True), (status, seconds)

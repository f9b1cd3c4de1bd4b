"""The runtime contract, row by row, in running containers of an image that is derived from ours.

As the image comes, and with a read-only root and an arbitrary uid, as clusters give.
``docs/runtime.md`` is the contract, and ``tests/docs`` looks that each row is tried out here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from tests.engine.runtime import ROOT, derived, derived_files, named

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("minimal-py311")]

DOCKERFILE = """\
FROM {image}
COPY --chown=dockeruser:dockeruser . /var/azureml-app
ENV AZUREML_ENTRY_SCRIPT=code/score.py
ENV AZUREML_MODEL_DIR=/var/azureml-app/models
"""
SLOW = """\
from urllib.request import Request, urlopen
address, headers = "http://127.0.0.1:5001/score", {"Content-Type": "application/json"}
urlopen(Request(address, b'{"sleep": 60}', headers))
"""
LIB_PATH = {"AZUREML_EXTRA_PYTHON_LIB_PATH": "lib"}
CONDA_YAML = {"AZUREML_EXTRA_CONDA_YAML": "env.yml", "CONDA_EXE": f"{ROOT}/conda"}
REQUIREMENTS_TXT = {"AZUREML_EXTRA_REQUIREMENTS_TXT": "more.txt"}

Run = Callable[..., AbstractContextManager[Container]]
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def image(
    engine: docker.DockerClient,
    image_archive: Callable[[str], Path],
    load: Callable[[Path], str],
) -> Iterator[str]:
    with (
        named(engine, load(image_archive("minimal-py311"))) as below,
        derived(engine, DOCKERFILE.format(image=below), derived_files()) as tag,
    ):
        yield tag


@pytest.fixture(
    params=[
        pytest.param({}, id="as-it-is"),
        pytest.param({"read_only": True, "user": "12345:0"}, id="read-only-arbitrary-uid"),
    ]
)
def mode(request: pytest.FixtureRequest) -> dict[str, Any]:
    options: dict[str, Any] = request.param
    return options


@pytest.fixture
def start(image: str, mode: dict[str, Any], run: Run) -> Run:
    """Give a function that starts a container with variables, in the mode."""

    def start(*variables: dict[str, str], **options: Any) -> AbstractContextManager[Container]:
        environment = {name: value for each in variables for name, value in each.items()}
        return run(image, environment=environment, **{**mode, **options})

    return start


def log(container: Container) -> str:
    """Return what a container wrote, all of which goes to standard output."""
    assert container.logs(stdout=False) == b""
    text: bytes = container.logs(stderr=False)  # it isn't followed, so it comes whole
    return text.decode()


def ended(container: Container) -> tuple[int, str]:
    """Wait until a container has ended; return its status, and its last line."""
    status: int = container.wait(timeout=30)["StatusCode"]
    text = log(container)
    assert "Traceback" not in text
    return status, text.splitlines()[-1]


def wait_for(text: str, container: Container) -> None:
    """Wait until a container has logged a text."""
    deadline = time.monotonic() + 30
    while text not in log(container):
        assert time.monotonic() < deadline, log(container)
        time.sleep(0.1)


def stopped(container: Container) -> bool:
    """Stop a container; tell whether it ended by itself, and soon."""
    began = time.monotonic()
    container.stop(timeout=10)
    soon = time.monotonic() - began < 8
    return soon and container.wait()["StatusCode"] in {0, 143}


def asked(container: Container, ask: Ask) -> dict[str, Any]:
    status, answer = ask(container, "POST", "/score", {})
    assert status == 200, answer
    given: dict[str, Any] = answer
    return given


def test_what_a_server_sees(start: Run, mode: dict[str, Any], ask: Ask) -> None:
    libraries = {"SERVER_LIBRARY_PATH": "/absent/*:/opt/venv/li?"}
    workers = {"WORKER_COUNT": "2", "WORKER_TIMEOUT": "77", "AZUREML_LOG_LEVEL": "WARNING"}
    with start(LIB_PATH, CONDA_YAML, REQUIREMENTS_TXT, libraries, workers) as container:
        assert ask(container, "GET", "/") == (200, "Healthy")
        assert ask(container, "GET", "/swagger.json")[0] == 200
        answer = asked(container, ask)
        assert answer["model"] == "a model"
        assert answer["root"] == ROOT
        # The user's home is that of uid 1000, which has the app root as well.
        assert answer["ids"] == ([12345, 0] if mode else [1000, 1000])
        assert answer["written"] == ("/dev/shm" if mode else "/tmp")
        assert log(container).count("Booting worker with pid") == 2
        assert "Worker Timeout (seconds): 77\n" in log(container)
        assert answer["level"] == "WARNING"
        # For the server alone: what else runs in the container has none.
        assert answer["libraries"] == "/opt/venv/lib"
        assert container.exec_run(["sh", "-c", "echo $LD_LIBRARY_PATH"]).output == b"\n"
        # One of the three applies; the log says so of the others.
        assert (answer["extra"], answer["pythonpath"]) == ("lib", f"{ROOT}/code/lib")
        for name in (*CONDA_YAML, *REQUIREMENTS_TXT):
            ignored = name != "CONDA_EXE"
            assert (f"{name} is ignored" in log(container)) == ignored
        assert stopped(container)
        assert "POST /score 200" in log(container)


def test_the_user(image: str, run: Run) -> None:
    with run(image, ["sleep", "infinity"]) as container:
        script = f"id -un; echo ~; stat -c '%u:%g %a' ~ {ROOT} /tmp; touch ~/a {ROOT}/b /tmp/c"
        status, output = container.exec_run(["sh", "-euc", script])
        assert isinstance(output, bytes)
        assert (status, output.split(b"\n")[:-1]) == (
            0,
            [b"dockeruser", b"/home/dockeruser", b"1000:1000 755", b"1000:1000 755", b"0:0 1777"],
        )
        assert container.exec_run(["touch", "/etc/a"])[0] != 0


def test_another_app_root(start: Run, ask: Ask) -> None:
    root = {"AML_APP_ROOT": f"{ROOT}/code", "AZUREML_ENTRY_SCRIPT": "score.py"}
    model = {"AZUREML_MODEL_DIR": f"{ROOT}/code/other"}
    with start(root, model, REQUIREMENTS_TXT) as container:
        answer = asked(container, ask)
        assert answer["model"] == "another model"
        assert (answer["root"], answer["extra"]) == (f"{ROOT}/code", "pip")
        made = answer["python"].removesuffix("/azureml-extra-packages/bin/python3")
        assert made == answer["written"]
        # What the image has is enough for what else is required.
        assert "Requirement already satisfied: flask in /opt/venv/" in log(container)
        assert ("is mounted noexec" in log(container)) == (made == "/dev/shm")


def test_a_conda_environment(start: Run, ask: Ask) -> None:
    with start(CONDA_YAML, REQUIREMENTS_TXT) as container:
        answer = asked(container, ask)
        assert (answer["extra"], answer["pythonpath"]) == ("conda", None)
        (prefix,) = re.findall(r"^conda env create .* --prefix (.*)$", log(container), re.M)
        assert answer["python"] == f"{prefix}/bin/python3"
        assert "AZUREML_EXTRA_REQUIREMENTS_TXT is ignored" in log(container)


@pytest.mark.parametrize(
    ("variables", "status", "named"),
    [
        ({"WORKER_COUNT": "none"}, 2, "WORKER_COUNT is 'none'"),
        ({"WORKER_TIMEOUT": "0"}, 2, "WORKER_TIMEOUT is '0'"),
        ({"AZUREML_ENTRY_SCRIPT": "absent.py"}, 66, f"{ROOT}/absent.py"),
        ({"AML_APP_ROOT": "/absent"}, 66, "/absent"),
        ({"AZUREML_EXTRA_CONDA_YAML": "env.yml"}, 95, "this image has no conda program"),
        ({**CONDA_YAML, "AZUREML_EXTRA_CONDA_YAML": "alone.yml"}, 96, "inference-server-http"),
        ({"AZUREML_EXTRA_PYTHON_LIB_PATH": "absent"}, 97, f"{ROOT}/code/absent"),
        ({"AZUREML_EXTRA_CONDA_YAML": "absent.yml"}, 98, f"{ROOT}/code/absent.yml"),
        ({"AZUREML_EXTRA_REQUIREMENTS_TXT": "absent.txt"}, 99, f"{ROOT}/code/absent.txt"),
    ],
)
def test_a_start_that_fails(start: Run, variables: dict[str, str], status: int, named: str) -> None:
    with start(variables) as container:
        found, line = ended(container)
    assert (found, line.startswith("start-inference: "), named in line) == (status, True, True)


def test_nowhere_to_write(image: str, run: Run) -> None:
    with run(image, read_only=True, ipc_mode="none") as container:
        status, line = ended(container)
        assert (status, "--tmpfs /tmp" in line) == (73, True)


def test_a_worker_that_takes_too_long(image: str, run: Run, ask: Ask) -> None:
    with run(image, environment={"WORKER_TIMEOUT": "3"}) as container:
        assert ask(container, "POST", "/score", {"sleep": 0.1})[0] == 200
        container.exec_run(["python3", "-c", SLOW], detach=True)
        wait_for("WORKER TIMEOUT", container)
        # Another one takes its place.
        assert asked(container, ask)["model"] == "a model"


def test_an_entry_script_that_fails(image: str, run: Run) -> None:
    options: dict[str, Any] = {"read_only": True, "user": "12345:0"}
    with run(image, environment={"FAIL": "1"}, **options) as container:
        assert container.wait(timeout=30)["StatusCode"] == 3
        assert "RuntimeError: as told" in log(container)


def test_requirements_that_nobody_has(image: str, run: Run) -> None:
    # With something at /tmp, as is usual.
    options: dict[str, Any] = {"read_only": True, "user": "12345:0", "tmpfs": {"/tmp": "exec"}}
    variables = {"AZUREML_EXTRA_REQUIREMENTS_TXT": "broken.txt"}
    with run(image, environment=variables, **options) as container:
        status, line = ended(container)
        assert (status, f"{ROOT}/code/broken.txt" in line) == (95, True)
        assert "/tmp/azureml-extra-packages/bin/python3 -m pip install" in log(container)
        assert "noexec" not in log(container)


def test_it_stops_while_it_installs(image: str, run: Run) -> None:
    variables = {"AZUREML_EXTRA_REQUIREMENTS_TXT": "slow.txt"}
    with run(image, environment=variables) as container:
        wait_for("Retrying", container)
        began = time.monotonic()
        container.stop(timeout=10)
        assert (container.wait()["StatusCode"], time.monotonic() - began < 5) == (143, True)

"""The start script in a process of its own, with a server that tells how it was called."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "images/inference/files/start_inference.py"

RECORDING_SERVER = """\
import json, os, sys

def run():
    print(json.dumps({"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd()}))
"""

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app root with the default entry script."""
    root = tmp_path / "app"
    root.mkdir()
    (root / "main.py").write_text("")
    return root


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """The module of the server that ``run`` is called of, to be written anew by a test."""
    package = tmp_path / "packages" / "azureml_inference_server_http"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    module = package / "amlserver.py"
    module.write_text(RECORDING_SERVER)
    return module


def command() -> list[str]:
    # -S: nothing that happens to be installed for the tests is seen by the script.
    return [sys.executable, "-S", str(SCRIPT)]


@pytest.fixture
def environment(app: Path, tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tmp_path / "packages"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AML_APP_ROOT": str(app),
        "HOME": str(home),
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Start:
    def start(**variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(),
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    return start


def record(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    recorded: dict[str, Any] = json.loads(done.stdout)
    return recorded


@pytest.mark.usefixtures("server")
def test_serves_main_by_default(start: Start, app: Path) -> None:
    recorded = record(start())
    assert recorded["argv"] == [
        "azmlinfsrv",
        "--entry_script",
        str(app / "main.py"),
        "--port",
        "5001",
    ]
    assert recorded["cwd"] == str(app)
    assert recorded["env"]["WORKER_TIMEOUT"] == "300"


@pytest.mark.usefixtures("server")
def test_passes_its_variables_on(start: Start, app: Path) -> None:
    (app / "code").mkdir()
    (app / "code" / "score.py").write_text("")
    recorded = record(
        start(
            AZUREML_ENTRY_SCRIPT="code/score.py",
            AZUREML_MODEL_DIR="/models/my model",
            WORKER_COUNT="4",
            WORKER_TIMEOUT="7",
            AZUREML_LOG_LEVEL="DEBUG",
        )
    )
    assert recorded["argv"][1:] == [
        "--entry_script",
        str(app / "code/score.py"),
        "--port",
        "5001",
        "--model_dir",
        "/models/my model",
        "--worker_count",
        "4",
    ]
    assert recorded["env"]["WORKER_TIMEOUT"] == "7"
    assert recorded["env"]["AZUREML_LOG_LEVEL"] == "DEBUG"


@pytest.mark.usefixtures("server")
def test_takes_an_empty_variable_for_an_absent_one(start: Start) -> None:
    empty = dict.fromkeys(
        ("AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR", "WORKER_COUNT", "WORKER_TIMEOUT"), ""
    )
    recorded = record(start(**empty))
    assert recorded["argv"] == record(start())["argv"]
    assert recorded["env"]["WORKER_TIMEOUT"] == "300"
    assert "WORKER_COUNT" not in recorded["env"]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("entry", ["absent.py", "azureml-models"])
def test_names_a_missing_entry_script(start: Start, app: Path, entry: str) -> None:
    (app / "azureml-models").mkdir()
    done = start(AZUREML_ENTRY_SCRIPT=entry)
    assert done.returncode == 66
    assert str(app / entry) in done.stderr
    assert "AZUREML_ENTRY_SCRIPT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("server")
def test_names_a_missing_app_root(start: Start) -> None:
    done = start(AML_APP_ROOT="/absent")
    assert done.returncode == 66
    assert "AML_APP_ROOT is /absent" in done.stderr


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("variable", ["WORKER_COUNT", "WORKER_TIMEOUT"])
@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_names_a_wrong_number(start: Start, variable: str, value: str) -> None:
    done = start(**{variable: value})
    assert done.returncode == 2
    assert f"{variable} is '{value}'" in done.stderr


def test_exits_with_96_without_the_server(start: Start) -> None:
    done = start()
    assert done.returncode == 96
    assert "azureml-inference-server-http" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("server")
def test_finds_a_home_that_can_be_written(start: Start, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    moved = record(start(HOME="/absent", TMPDIR=str(scratch)))["env"]
    assert (moved["HOME"], moved["TMPDIR"]) == (str(scratch), str(scratch))
    kept = record(start())["env"]
    assert kept["HOME"] == str(tmp_path / "home")
    assert "TMPDIR" not in kept


@pytest.mark.usefixtures("server")
def test_falls_back_on_shared_memory(start: Start) -> None:
    moved = record(start(HOME="/absent", TMPDIR="/absent"))["env"]
    assert (moved["HOME"], moved["TMPDIR"]) == ("/dev/shm", "/dev/shm")


@pytest.mark.usefixtures("server")
def test_gives_the_server_alone_its_libraries(start: Start, tmp_path: Path) -> None:
    conda, wheels = tmp_path / "conda", tmp_path / "nvidia"
    cublas, cudnn = wheels / "cublas" / "lib", wheels / "cudnn" / "lib"
    for folder in (conda, cudnn, cublas):
        folder.mkdir(parents=True)
    paths = f"{conda}:/absent/*/lib:{wheels}/*/lib"
    environment = record(start(SERVER_LIBRARY_PATH=paths))["env"]
    assert environment["LD_LIBRARY_PATH"] == f"{conda}:{cublas}:{cudnn}"
    assert "SERVER_LIBRARY_PATH" not in environment
    given = record(start(SERVER_LIBRARY_PATH=str(conda), LD_LIBRARY_PATH="/given"))["env"]
    assert given["LD_LIBRARY_PATH"] == f"{conda}:/given"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("paths", ["", ":", "/absent/*/lib"])
def test_leaves_the_library_path_where_there_are_no_libraries(start: Start, paths: str) -> None:
    assert "LD_LIBRARY_PATH" not in record(start(SERVER_LIBRARY_PATH=paths))["env"]


def test_the_loader_finds_the_libraries(start: Start, server: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nvidia" / "cudart" / "lib"
    folder.mkdir(parents=True)
    # Any library that is there, by a name that only this folder has; opened by that name, as
    # frameworks open theirs.
    found = ctypes.util.find_library("c")
    assert found is not None
    (folder / "libcudart.so.11.0").symlink_to(loaded(found))
    server.write_text(
        'import ctypes\ndef run():\n    ctypes.CDLL("libcudart.so.11.0")\n    print("opened")\n'
    )
    assert start().returncode != 0
    done = start(SERVER_LIBRARY_PATH=f"{tmp_path}/nvidia/*/lib")
    assert (done.stdout, done.stderr) == ("opened\n", "")


def loaded(name: str) -> Path:
    """Return where this process has a library from."""
    ctypes.CDLL(name)
    lines = Path("/proc/self/maps").read_text().splitlines()
    return next(Path(line.split()[-1]) for line in lines if line.endswith(f"/{name}"))


def test_sends_all_logs_to_standard_output(start: Start, server: Path) -> None:
    server.write_text('import sys\ndef run():\n    print("a log line", file=sys.stderr)\n')
    done = start()
    assert (done.stdout, done.stderr) == ("a log line\n", "")


def test_ends_with_the_servers_status(start: Start, server: Path) -> None:
    server.write_text("import sys\ndef run():\n    sys.exit(3)\n")
    assert start().returncode == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_while_the_server_is_being_imported(
    environment: dict[str, str], server: Path, number: signal.Signals
) -> None:
    server.write_text('import signal\nprint("importing", flush=True)\nsignal.pause()\n')
    with subprocess.Popen(command(), env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"importing\n"
        process.send_signal(number)
        # A status of its own, and not the signal's: process 1 can't die of a signal.
        assert process.wait(timeout=10) == 128 + number

"""The start script in a process of its own, with a server that tells how it was called.

The interpreter is this one or Python 3.7, in a virtual environment that stands for an image.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import runpy
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.pythons import find_python

SCRIPT = Path(__file__).parents[2] / "images/inference/files/start_inference.py"

RECORDING_SERVER = """\
import json, os, sys

def run():
    told = {"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd(), "path": sys.path}
    print(json.dumps({"prefix": sys.prefix, "python": sys.executable, **told}))
"""
# In the place of pip: tells how it was called, and installs the one package that is asked for.
INSTALLER = """\
import os, pathlib, sys, sysconfig
print("pip:", *sys.argv[1:], "in", os.getcwd(), flush=True)
(name,) = pathlib.Path(sys.argv[-1]).read_text().split()
pathlib.Path(sysconfig.get_path("purelib"), name + ".py").touch()
sys.exit(name == "broken")
"""
CONDA = """\
#!/bin/sh
echo "conda: $*"
[ ! -e "$7" ] && {python} -m venv --without-pip "$7" &&
  cp -R {packages}/. "$7"/lib/python*/site-packages
"""
EXTRA = {
    name: f"AZUREML_EXTRA_{name}" for name in ("PYTHON_LIB_PATH", "CONDA_YAML", "REQUIREMENTS_TXT")
}

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app root with the default entry script."""
    root = tmp_path / "app"
    root.mkdir()
    (root / "main.py").write_text("")
    return root


@pytest.fixture(scope="module", params=["3.11", "3.7"])
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = sys.executable if request.param == "3.11" else find_python("3.7")
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", folder], check=True, timeout=30)
    return folder


@pytest.fixture
def image(empty: Path) -> Iterator[Path]:
    """An environment with nothing in it, in the place of an image's."""
    yield empty
    packages = site_packages(empty)
    shutil.rmtree(packages)
    packages.mkdir()


def site_packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


@pytest.fixture
def server(image: Path) -> Path:
    """The module of the server that ``run`` is called of, to be written anew by a test."""
    return write_server(site_packages(image))


def write_server(packages: Path) -> Path:
    package = packages / "azureml_inference_server_http"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    module = package / "amlserver.py"
    module.write_text(RECORDING_SERVER)
    return module


@pytest.fixture
def pip(image: Path) -> Path:
    """The program that stands in for pip, to be written anew by a test."""
    package = site_packages(image) / "pip"
    package.mkdir()
    (package / "__main__.py").write_text(INSTALLER)
    return package / "__main__.py"


@pytest.fixture
def command(image: Path) -> list[str]:
    return [str(image / "bin/python3"), str(SCRIPT)]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(app: Path, scratch: Path, tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AML_APP_ROOT": str(app),
        "HOME": str(home),
        "TMPDIR": str(scratch),
    }


@pytest.fixture
def start(command: list[str], environment: dict[str, str]) -> Start:
    def start(**variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    return start


def record(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    recorded: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return recorded


def refused(done: subprocess.CompletedProcess[str], status: int) -> str:
    """Return what a start that failed said last: one line, and no traceback."""
    assert (done.returncode, done.stderr) == (status, ""), done.stdout
    assert "Traceback" not in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("start-inference: ")
    return last


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
        (
            *("AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR", "AZUREML_LOG_LEVEL"),
            *("WORKER_COUNT", "WORKER_TIMEOUT", *EXTRA.values()),
        ),
        "",
    )
    recorded = record(start(**empty))
    assert recorded["argv"] == record(start())["argv"]
    assert recorded["env"]["WORKER_TIMEOUT"] == "300"
    assert recorded["env"].keys().isdisjoint({*empty} - {"WORKER_TIMEOUT"})


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("entry", ["absent.py", "azureml-models"])
def test_names_a_missing_entry_script(start: Start, app: Path, entry: str) -> None:
    (app / "azureml-models").mkdir()
    said = refused(start(AZUREML_ENTRY_SCRIPT=entry), 66)
    assert str(app / entry) in said
    assert "AZUREML_ENTRY_SCRIPT" in said


@pytest.mark.usefixtures("server")
def test_names_a_missing_app_root(start: Start) -> None:
    said = refused(start(AML_APP_ROOT="/absent"), 66)
    assert "no directory at /absent " in said
    assert "AML_APP_ROOT" in said


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("variable", ["WORKER_COUNT", "WORKER_TIMEOUT"])
@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_names_a_wrong_number(start: Start, variable: str, value: str) -> None:
    assert f"{variable} is '{value}'" in refused(start(**{variable: value}), 2)


def test_exits_with_96_without_the_server(start: Start) -> None:
    said = refused(start(), 96)
    assert "azureml-inference-server-http" in said
    assert "No module named 'azureml_inference_server_http'" in said


def test_says_what_the_server_lacks(start: Start, server: Path) -> None:
    server.write_text("import absent_dependency\n")
    assert "No module named 'absent_dependency'" in refused(start(), 96)


def test_exits_with_96_where_the_server_breaks(start: Start, server: Path) -> None:
    server.write_text("def run(:\n")
    assert "can't import" in refused(start(), 96)


def test_a_folder_that_nobody_may_enter_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = runpy.run_path(str(SCRIPT))
    # Root may enter any.
    monkeypatch.setattr(os, "access", lambda _, rights: not rights & os.X_OK)
    monkeypatch.setenv("AML_APP_ROOT", "app")
    (tmp_path / "app").mkdir()
    with pytest.raises(script["StartError"], match="no directory"):
        script["found"]("AML_APP_ROOT", tmp_path, 66, "directory")


@pytest.mark.usefixtures("server")
def test_finds_a_home_that_can_be_written(start: Start, scratch: Path, tmp_path: Path) -> None:
    moved = record(start(HOME="/absent"))["env"]
    assert (moved["HOME"], moved["TMPDIR"]) == (str(scratch), str(scratch))
    assert record(start())["env"]["HOME"] == str(tmp_path / "home")


@pytest.mark.usefixtures("server")
def test_falls_back_on_shared_memory(start: Start) -> None:
    moved = record(start(HOME="/absent", TMPDIR="/absent"))["env"]
    assert (moved["HOME"], moved["TMPDIR"]) == ("/dev/shm", "/dev/shm")


@pytest.fixture
def code(app: Path) -> Path:
    """The folder of an entry script that isn't the app root."""
    folder = app / "code"
    folder.mkdir()
    (folder / "score.py").write_text("")
    return folder


@pytest.fixture
def started(start: Start, code: Path) -> Start:
    def started(**variables: str) -> subprocess.CompletedProcess[str]:
        named = {EXTRA.get(name, name): value for name, value in variables.items()}
        return start(AZUREML_ENTRY_SCRIPT=str(code / "score.py"), **named)

    return started


@pytest.mark.usefixtures("server")
def test_puts_a_library_path_first(started: Start, code: Path) -> None:
    (code / "lib").mkdir()
    recorded = record(started(PYTHON_LIB_PATH="lib", PYTHONPATH="/given"))
    assert recorded["env"]["PYTHONPATH"] == f"{code}/lib:/given"
    assert recorded["path"][1:3] == [f"{code}/lib", "/given"]
    absolute = record(started(PYTHON_LIB_PATH=f"{code}/lib"))
    assert absolute["env"]["PYTHONPATH"] == f"{code}/lib"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("name", "status"), [("PYTHON_LIB_PATH", 97), ("CONDA_YAML", 98), ("REQUIREMENTS_TXT", 99)]
)
def test_names_missing_packages(started: Start, code: Path, name: str, status: int) -> None:
    # Neither is what lies at the app root, where paths don't begin, nor what is of another kind.
    for path in (code.parent / "extra", code / "other"):
        path.mkdir() if name == "PYTHON_LIB_PATH" and path.name == "extra" else path.touch()
    for value in ("extra", "/absent/extra"):
        said = refused(started(**{name: value}), status)
        assert str(code / value) in said
        assert EXTRA[name] in said
    kind = code / "kind"
    kind.touch() if name == "PYTHON_LIB_PATH" else kind.mkdir()
    assert str(kind) in refused(started(**{name: "kind"}), status)


@pytest.mark.usefixtures("server")
def test_installs_requirements_over_the_image(
    started: Start, image: Path, pip: Path, code: Path, scratch: Path
) -> None:
    (code / "more.txt").write_text("thing\n")
    for _ in range(2):  # as a container that is started again
        done = started(REQUIREMENTS_TXT="more.txt")
        recorded, made = record(done), scratch / "azureml-extra-packages"
        assert (recorded["prefix"], recorded["python"]) == (str(made), f"{made}/bin/python3")
        assert recorded["env"]["VIRTUAL_ENV"] == str(made)
        assert recorded["env"]["PATH"] == f"{made}/bin:/usr/bin:/bin"
        assert recorded["cwd"] == str(code.parent)
        own, below = (recorded["path"].index(str(site_packages(each))) for each in (made, image))
        assert own < below
        assert f"--requirement {code}/more.txt in {code}\n" in done.stdout
        assert (site_packages(made) / "thing.py").exists()
        assert not (site_packages(image) / "thing.py").exists()
        (site_packages(made) / "thing.py").unlink()
    assert [each.name for each in scratch.iterdir()] == ["azureml-extra-packages"]


@pytest.mark.usefixtures("server", "pip")
def test_exits_with_95_where_pip_fails(started: Start, code: Path, scratch: Path) -> None:
    (code / "more.txt").write_text("broken\n")
    said = refused(started(REQUIREMENTS_TXT="more.txt"), 95)
    assert f"{code}/more.txt" in said
    assert "PIP_INDEX_URL" in said
    # What can't be written is told as well: a file where the packages should go.
    (place := scratch / "azureml-extra-packages").rename(scratch / "old")
    place.touch()
    assert str(place) in refused(started(REQUIREMENTS_TXT="more.txt"), 95)


def test_exits_with_95_without_a_conda_program(started: Start, code: Path) -> None:
    (code / "env.yml").touch()
    said = refused(started(CONDA_YAML="env.yml"), 95)
    assert "this image has no conda program" in said
    assert EXTRA["REQUIREMENTS_TXT"] in said


@pytest.fixture
def conda(image: Path, tmp_path: Path) -> Path:
    """A program that stands in for conda: its environments have the packages of a folder."""
    program, packages = tmp_path / "conda/bin/conda", tmp_path / "conda/packages"
    packages.mkdir(parents=True)
    program.parent.mkdir()
    program.write_text(CONDA.format(python=image / "bin/python3", packages=packages))
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("how", ["PATH", "CONDA_EXE"])
def test_makes_a_conda_environment(
    started: Start, conda: Path, code: Path, scratch: Path, tmp_path: Path, how: str
) -> None:
    (code / "env.yml").touch()
    found = str(conda) if how == "CONDA_EXE" else f"{conda.parent}:/usr/bin:/bin"
    variables = {how: found, "CONDA_YAML": "env.yml", "SERVER_LIBRARY_PATH": str(code)}
    assert "azureml-inference-server-http" in refused(started(**variables), 96)
    write_server(tmp_path / "conda/packages")
    done = started(**variables)
    recorded, made = record(done), scratch / "azureml-extra-packages"
    assert f"conda: env create --quiet --file {code}/env.yml --prefix {made}\n" in done.stdout
    assert (recorded["prefix"], recorded["env"]["CONDA_PREFIX"]) == (str(made), str(made))
    assert recorded["env"]["PATH"].split(":")[0] == f"{made}/bin"
    assert "LD_LIBRARY_PATH" not in recorded["env"], "the image's libraries aren't its own"


def test_exits_with_95_where_conda_fails(started: Start, conda: Path, code: Path) -> None:
    (code / "env.yml").touch()
    conda.write_text("#!/bin/sh\nexit 7\n")
    said = refused(started(CONDA_YAML="env.yml", CONDA_EXE=str(conda)), 95)
    assert f"{code}/env.yml" in said
    assert "ended with 7" in said
    said = refused(started(CONDA_YAML="env.yml", CONDA_EXE="/absent/conda"), 95)
    assert "/absent/conda" in said
    conda.write_text("#!/bin/sh\n")
    assert "no python3" in refused(started(CONDA_YAML="env.yml", CONDA_EXE=str(conda)), 96)


@pytest.mark.usefixtures("server", "pip")
def test_one_way_alone_brings_packages(started: Start, code: Path) -> None:
    (code / "lib").mkdir()
    (code / "more.txt").write_text("thing\n")
    (code / "env.yml").touch()
    paths = {"PYTHON_LIB_PATH": "lib", "CONDA_YAML": "env.yml", "REQUIREMENTS_TXT": "more.txt"}
    done = started(**paths)
    assert record(done)["env"]["PYTHONPATH"] == f"{code}/lib"
    assert "pip:" not in done.stdout
    for name in ("CONDA_YAML", "REQUIREMENTS_TXT"):
        assert f"{EXTRA[name]} is ignored: {EXTRA['PYTHON_LIB_PATH']} " in done.stdout
    # What is ignored may be missing.
    record(started(**paths | {"CONDA_YAML": "absent.yml"}))
    del paths["PYTHON_LIB_PATH"]
    done = started(**paths)
    assert "no conda program" in refused(done, 95)
    assert f"{EXTRA['REQUIREMENTS_TXT']} is ignored: {EXTRA['CONDA_YAML']} " in done.stdout


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_while_packages_are_installed(
    command: list[str],
    environment: dict[str, str],
    pip: Path,
    app: Path,
    number: signal.Signals,
) -> None:
    (app / "more.txt").touch()
    # As pip does while it builds a wheel: it waits for a process of its own, which won't stop.
    pip.write_text(
        "import os, signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork():\n    os.wait()\n"
        "print(os.getpid(), flush=True)\n"
        "signal.pause()\n"
    )
    variables = {**environment, EXTRA["REQUIREMENTS_TXT"]: "more.txt"}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert " -m pip install " in process.stdout.readline()
        child = int(process.stdout.readline())
        process.send_signal(number)
        try:
            assert process.wait(timeout=10) == 128 + number
            # The pipe ends when nobody has its other end any more.
            assert select.select([process.stdout], [], [], 10)[0]
            assert process.stdout.read() == ""
        finally:
            process.kill()
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


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
    command: list[str], environment: dict[str, str], server: Path, number: signal.Signals
) -> None:
    server.write_text('import signal\nprint("importing", flush=True)\nsignal.pause()\n')
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"importing\n"
        process.send_signal(number)
        # A status of its own, and not the signal's: process 1 can't die of a signal.
        assert process.wait(timeout=10) == 128 + number


@pytest.mark.usefixtures("server")
def test_stops_between_its_stages(
    command: list[str], environment: dict[str, str], image: Path, app: Path
) -> None:
    # The interpreter's own start, as process 1 has no handler: a signal that comes then waits.
    (site_packages(image) / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "if 'serve' in open('/proc/self/cmdline').read().split('\\0'):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print(signal.sigpending() == {signal.SIGTERM}, flush=True)\n"
    )
    variables = {**environment, "SERVER_LIBRARY_PATH": str(app)}
    done = subprocess.run(command, env=variables, capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (143, b"True\n")

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import ResolveError
from lockyard.resolve import children
from lockyard.resolve.pypi import process, protocol
from lockyard.resolve.pypi.protocol import Answer, Failure, Request
from lockyard.resolve.pypi.target import PythonTarget

REQUEST = Request(
    requirements=("app",),
    constraints=(),
    pins={},
    target=PythonTarget("3.11.2", "2.36", "x86_64"),
    index="http://localhost:1/simple/",
    cert=None,
    cache="cache",
    cutoff=None,
)


def test_environment_holds_nothing_of_the_user(tmp_path: Path) -> None:
    environ = {
        "HOME": "home",
        "PATH": "path",
        "PIP_INDEX_URL": "https://host.invalid/simple",
        "PYTHONSTARTUP": "x",
        "LANG": "tr_TR.UTF-8",
        "HTTPS_PROXY": "http://proxy.invalid",
    }
    child = process.child_environment(environ, tmp_path)
    assert child.pop("PYTHONPATH", "").endswith("src")
    assert child == {
        "HOME": str(tmp_path),
        "HTTPS_PROXY": "http://proxy.invalid",
        "LC_ALL": "C.UTF-8",
        "PATH": str(tmp_path),
        "PIP_CONFIG_FILE": os.devnull,
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TMPDIR": str(tmp_path),
        "TZ": "UTC",
    }


def test_machines_configuration_changes_nothing(
    index: Any, resolve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("app", "1.0")
    before = resolve("app")
    monkeypatch.setenv("PIP_INDEX_URL", "https://host.invalid/simple")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    monkeypatch.setenv("PIP_PRE", "1")
    index.wheel("app", "2.0rc1")
    assert resolve("app") == before


def run_with(monkeypatch: pytest.MonkeyPatch, effect: Any) -> list[Path]:
    folders: list[Path] = []

    def run(*_: Any, cwd: str, **__: Any) -> Any:
        folders.append(Path(cwd))
        (Path(cwd) / "left").touch()
        return effect()

    monkeypatch.setattr(children, "run", run)
    return folders


def interrupt() -> None:
    raise KeyboardInterrupt


def test_leaves_nothing_behind_when_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = run_with(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        process.ask(REQUEST)
    assert len(folders) == 1
    assert not folders[0].exists()


def expire() -> None:
    raise subprocess.TimeoutExpired("child", 1)


def test_gives_up_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    run_with(monkeypatch, expire)
    with pytest.raises(ResolveError, match="no solution found in 30 minutes"):
        process.ask(REQUEST)


@pytest.mark.parametrize(
    "done",
    [
        subprocess.CompletedProcess(
            [], 1, b"", b"Trace\nboom at https://user:secret@host.invalid\n"
        ),
        subprocess.CompletedProcess([], 0, b"", b"boom"),
        subprocess.CompletedProcess([], 0, b"{}x", b"boom"),
        subprocess.CompletedProcess([], 0, b'{"wheels": [3]}', b"boom"),
    ],
)
def test_breakdown_is_no_traceback(
    done: subprocess.CompletedProcess[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_with(monkeypatch, lambda: done)
    with pytest.raises(ResolveError, match="the resolver broke down: boom") as error:
        process.ask(REQUEST)
    assert "secret" not in str(error.value)


def test_messages_survive_the_way() -> None:
    assert protocol.decode(protocol.encode(REQUEST), Request) == REQUEST
    answer = Answer(failure=Failure(kind="conflict", text="é", pages={"app": None, "lib": ()}))
    assert protocol.decode(protocol.encode(answer), Answer) == answer


def test_resolving_imports_into_this_process_no_more_than_it_needs() -> None:
    code = (
        "import sys, lockyard.resolve.pypi.resolver\n"
        "print([each for each in ('pip', 'pypi_simple', 'requests') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

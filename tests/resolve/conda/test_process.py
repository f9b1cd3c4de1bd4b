from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.errors import ResolveError
from lockyard.resolve.conda import process, protocol
from lockyard.resolve.conda.protocol import Answer, Failure, Request

REQUEST = Request(
    requirements=("app",),
    subdir="linux-64",
    virtual={"__glibc": "2.27"},
    channel="https://conda.example.invalid/x",
    cache="cache",
)


class Child:
    """A child that does what a test says, in place of the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
        self.environ: dict[str, str] = {}
        self.folder = Path()
        self.inherited: tuple[int, ...] = ()
        real = subprocess.Popen

        def start(_: list[str], *, cwd: Path, env: dict[str, str], **more: Any) -> Any:
            self.environ, self.folder = dict(env), cwd
            command = [sys.executable, "-c", code]
            return real(command, cwd=cwd, env=env, pass_fds=self.inherited, **more)

        monkeypatch.setattr(subprocess, "Popen", start)


def test_the_child_sees_proxies_and_certificates_only(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(monkeypatch, """print('{"failure": {"kind": "conflict"}}')""")
    kept = {"HTTPS_PROXY": "http://proxy.invalid", "SSL_CERT_FILE": "/ca.pem"}
    process.ask(REQUEST, {"HOME": "h", "CONDA_FLAGS": "x", "RATTLER_AUTH_FILE": "x", **kept})
    assert kept.items() <= child.environ.items()
    assert child.environ["HOME"] == str(child.folder)
    assert not {"CONDA_FLAGS", "RATTLER_AUTH_FILE"} & child.environ.keys()
    assert not child.folder.exists()


def test_no_file_has_the_mirror_s_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import json, pathlib\n"
        "text = ' '.join(each.read_text() for each in pathlib.Path('.').iterdir())\n"
        "print(json.dumps({'failure': {'kind': 'conflict', 'text': text}}))"
    )
    child = Child(monkeypatch, code)
    mirror = "https://user:secret@mirror.invalid/x"
    answer = process.ask(evolve(REQUEST, mirror=mirror), {})
    assert answer.failure is not None
    assert "conda.example.invalid" in answer.failure.text
    assert "secret" not in answer.failure.text
    assert mirror in child.environ.values()


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit('trace\\nboom at https://user:secret@host.invalid')",
        "import sys; print('[]'); print('boom', file=sys.stderr)",
        "import sys; print('{'); print('boom', file=sys.stderr)",
    ],
)
def test_a_breakdown_is_no_traceback(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Child(monkeypatch, code)
    with pytest.raises(ResolveError, match="the resolver broke down: boom") as error:
        process.ask(REQUEST)
    assert "secret" not in str(error.value)


def test_what_takes_too_long_is_ended_with_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'], close_fds=False)"
    )
    child = Child(monkeypatch, code)
    read, write = os.pipe()
    child.inherited = (write,)
    monkeypatch.setattr(process, "TIME_LIMIT", 0.3)
    with pytest.raises(ResolveError, match="no solution found"):
        process.ask(REQUEST)
    assert not child.folder.exists()
    os.close(write)
    assert os.read(read, 1) == b""  # the end of file: nobody is left who could write
    os.close(read)


def test_messages_survive_the_way() -> None:
    assert protocol.decode(protocol.encode(REQUEST), Request) == REQUEST
    answer = Answer(failure=Failure(kind="unknown", text="é", known=("a", "b")))
    assert protocol.decode(protocol.encode(answer), Answer) == answer


def run_solver(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(process.__file__).parents[3]
    return subprocess.run(
        [sys.executable, "-m", "lockyard.resolve.conda.solver", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def test_the_solver_answers_as_conda_does(tmp_path: Path) -> None:
    record: dict[str, Any] = {
        "name": "app",
        "version": "1",
        "build": "0",
        "build_number": 0,
        "depends": [],
    }
    record |= {"subdir": "noarch", "md5": "0" * 32, "sha256": "0" * 64, "size": 1}
    data = {"info": {"subdir": "noarch"}, "packages": {"app-1-0.tar.bz2": record}}
    virtual = {"packages": {"g": {"name": "__glibc", "version": "2.27", "build": "0"}}}
    for path, content in (("noarch", data), ("virtual/linux-64", virtual)):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "repodata.json").write_text(json.dumps(content))
    channel = tmp_path.as_uri()
    request = Request(
        requirements=(), subdir="linux-64", virtual={}, channel=channel, cache=str(tmp_path)
    )
    (tmp_path / "request.json").write_bytes(protocol.encode(request))
    common = ["create", "--prefix", "p", "--dry-run", "--json", "--override-channels"]
    common += ["--channel", channel, "--channel", f"{channel}/virtual"]

    done = run_solver(tmp_path, *common, "app 1")
    printed = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [each["url"] for each in printed["actions"]["FETCH"]] == [
        f"{channel}/noarch/app-1-0.tar.bz2"
    ]
    assert [each["dist_name"] for each in printed["actions"]["LINK"]] == ["app-1-0"]

    done = run_solver(tmp_path, *common, "other")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"success": False, "message": "other"}

    done = run_solver(tmp_path, "remove", "app")
    assert done.returncode == 1
    assert "remove" in json.loads(done.stdout)["message"]


def test_temporary_folders_may_have_spaces(
    resolve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a 'b\" $c").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a 'b\" $c"))
    assert "xz" in {each.name for each in resolve("xz")}

"""Keyrings are asked by their own program, which may be missing, old, broken or slow."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.sources import keyring
from lockyard.sources.keyring import keyring_login

Program = Callable[[str], Path]
KNOWS = """\
#!/bin/sh
echo "$@" >> "$0.log"
[ "$4" = known ] && echo '{"username": "me", "password": "secret"}' && exit
exit 1
"""
OLD = """\
#!/bin/sh
[ "$1" = get ] || exit 2
[ "$2 $3" = "known me" ] && echo "secret "
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Return a function that puts a program `keyring` on the path."""

    def write(text: str) -> Path:
        path = tmp_path / "bin" / "keyring"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
        return path

    return write


def test_services_are_asked_in_turn(program: Program) -> None:
    log = program(KNOWS).with_name("keyring.log")
    assert keyring_login(["a", "known", "b"], None, "subprocess") == ("me", "secret")
    asked = ["--mode=creds --output=json get a", "--mode=creds --output=json get known"]
    assert log.read_text().splitlines() == asked


def test_a_user_may_be_named(program: Program) -> None:
    log = program(KNOWS).with_name("keyring.log")
    assert keyring_login(["a"], "you", "subprocess") is None
    assert log.read_text().splitlines() == ["--mode=creds --output=json get a you"]


def test_an_old_one_knows_users_that_are_named(program: Program) -> None:
    program(OLD)
    assert keyring_login(["a", "known"], "me", "subprocess") == ("me", "secret ")
    assert keyring_login(["known"], None, "subprocess") is None
    assert keyring_login(["known"], "you", "subprocess") is None


def test_the_one_beside_lockyard_comes_first(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(KNOWS)
    assert keyring_login(["known"], None, "import") is None
    # A backend is named in keyring's own configuration, as its documentation has it.
    (tmp_path / "backend.py").write_text(
        "from keyring.backend import KeyringBackend\n"
        "class Keyring(KeyringBackend):\n"
        "    priority = 1\n"
        "    set_password = None\n"
        "    def get_password(self, service, username):\n"
        "        return 'imported' if (service, username) == ('own', 'me') else None\n"
    )
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "backend.Keyring")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert keyring_login(["own"], "me", "import") == ("me", "imported")
    assert keyring_login(["own"], "me", "subprocess") is None
    assert keyring_login(["own"], "me", "auto") == ("me", "imported")
    assert keyring_login(["known"], None, "auto") == ("me", "secret")


def test_disabled_asks_nobody(program: Program) -> None:
    log = program(KNOWS).with_name("keyring.log")
    assert keyring_login(["known"], None, "disabled") is None
    assert not log.exists()


@pytest.mark.parametrize(
    "output", ["", "[]", "5", "{", '{"username": "me"}', '{"username": "me", "password": 5}']
)
def test_one_that_says_nothing(program: Program, output: str) -> None:
    program(f"#!/bin/sh\necho '{output}'\n")
    assert keyring_login(["known"], None, "subprocess") is None


def test_one_that_isn_t_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert keyring_login(["known"], None, "subprocess") is None


def test_one_that_can_t_be_run(program: Program) -> None:
    program("#!/nowhere/at/all\n")
    assert keyring_login(["known"], None, "subprocess") is None


def test_nobody_is_prompted(program: Program) -> None:
    # No input, and no terminal to open by its name.
    program(
        "#!/bin/sh\nread line && exit 1\n(: < /dev/tty) 2>/dev/null && exit 1\n"
        """echo '{"username": "me", "password": "secret"}'\n"""
    )
    assert keyring_login(["known"], None, "subprocess") == ("me", "secret")


def test_one_that_waits_is_ended_with_its_children(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = program("#!/bin/sh\nsleep 30 & echo $! > $0.child\nwait\n").with_name("keyring.child")
    monkeypatch.setattr(keyring, "TIME_LIMIT", 0.5)
    started = time.monotonic()
    # Whoever waits once waits for every service.
    assert keyring_login(["a", "b", "c"], None, "subprocess") is None
    assert time.monotonic() - started < 5
    command = Path(f"/proc/{left.read_text().strip()}/cmdline")
    while command.exists() and command.read_bytes():
        assert time.monotonic() - started < 5

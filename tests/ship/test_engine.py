from __future__ import annotations

import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lockyard.errors import EngineError
from lockyard.ship.engine import load_image


@pytest.mark.parametrize("host", ["unix:///nonexistent/socket", "nonsense://", ""])
def test_no_engine(host: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        # A port that is taken, and on which nobody listens.
        closed.bind(("127.0.0.1", 0))
        host = host or f"tcp://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv("DOCKER_HOST", host)
        with pytest.raises(EngineError, match="no Docker engine answers") as caught:
            load_image(folder)
    assert caught.value.where == host
    assert "DOCKER_HOST" in caught.value.solution


class Refusing(BaseHTTPRequestHandler):
    """Answer as an engine does, until an image comes."""

    def do_GET(self) -> None:
        body = b'{"ApiVersion": "1.44"}' if self.path.endswith("/version") else b"OK"
        self.answer(200, body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(500, b'{"message": "no space left on device"}')

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_an_engine_that_refuses_the_image(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
        try:
            with pytest.raises(EngineError, match="no space left") as caught:
                load_image(folder)
        finally:
            server.shutdown()
            thread.join()
    assert "demo" in caught.value.reason


def test_who_does_not_load_does_not_import_the_client() -> None:
    program = "import sys, lockyard.ship.engine; sys.exit('docker' in sys.modules)"
    paths = f"import sys; sys.path[:0] = {sys.path!r}; {program}"
    assert subprocess.run([sys.executable, "-c", paths], check=False, timeout=60).returncode == 0


@pytest.mark.engine
def test_an_image_goes_by_its_tag(folder: Path) -> None:
    import docker

    assert load_image(folder) == ["lockyard.invalid/tests/ship:latest"]
    client = docker.from_env()
    try:
        client.images.remove("lockyard.invalid/tests/ship:latest")
    finally:
        client.close()

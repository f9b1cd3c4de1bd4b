"""Each check fails on an image that was made wrong on purpose, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import docker
import pytest
from attrs import evolve

from lockyard.errors import EngineError
from lockyard.events import Silent
from lockyard.spec.trial import TrialSpec
from lockyard.trial.image import Trial
from lockyard.trial.outcome import Tested
from lockyard.trial.subject import Subject
from tests.engine.runtime import derived, named
from tests.trial.subjects import subject_here

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("minimal-py311")]

SITE = "/opt/venv/lib/python3.11/site-packages"
# Each line of RUN breaks one thing. What a module imports isn't what a server of ours does.
CONTENTS = f"""\
USER 0:0
RUN cp /bin/true /usr/local/bin/privileged && chmod 4755 /usr/local/bin/privileged
RUN chmod 0777 /etc/apt
RUN chmod 0600 /var/azureml-app/main.py
RUN rm -r {SITE}/zipp-*.dist-info
RUN sed -i "s/^Version: .*/Version: 0.1/" {SITE}/idna-*.dist-info/METADATA
RUN rm {SITE}/certifi/core.py
USER 1000:1000
LABEL added=by-hand
EXPOSE 80
"""
# Healthy, but nothing else; it doesn't hear the signal.
SERVER = b"""\
import signal
from http.server import BaseHTTPRequestHandler, HTTPServer

signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 404)
        self.end_headers()
        self.wfile.write(b"Healthy")

    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"\\x1b[31m nonsense")


HTTPServer(("127.0.0.1", 5001), Handler).serve_forever()
"""
OTHER_PORT = 'CMD ["python3", "-m", "http.server", "5002"]\n'

Wrong = Callable[..., AbstractContextManager[Callable[..., Tested]]]


@pytest.fixture(scope="module")
def below(
    engine: docker.DockerClient,
    image_archive: Callable[[str], Path],
    load: Callable[[Path], str],
) -> Iterator[str]:
    with named(engine, load(image_archive("minimal-py311"))) as name:
        yield name


@pytest.fixture(scope="module")
def right() -> Subject:
    """What the image has to be, with a server that has less time."""
    made = subject_here("minimal-py311")
    assert made.spec.server
    server = evolve(made.spec.server, starts_within=60, stops_within=1)
    return evolve(made, spec=evolve(made.spec, server=server))


@pytest.fixture(scope="module")
def wrong(engine: docker.DockerClient, below: str, right: Subject) -> Wrong:
    """Give a function that makes an image by a Dockerfile, and gives what tests it."""

    @contextmanager
    def wrong(dockerfile: str, **files: bytes) -> Iterator[Callable[..., Tested]]:
        with derived(engine, f"FROM {below}\n{dockerfile}", files) as name:
            yield lambda *checks, subject=right: Trial(
                client=engine, name=name, subject=subject, reporter=Silent(), checks=checks
            ).run()

    return wrong


def found(tested: Tested) -> dict[str, str]:
    """Return what was found by each check that failed."""
    return {each.check: each.found for each in tested.failed}


def containers(engine: docker.DockerClient) -> set[str]:
    return {str(each.id) for each in engine.containers.list(all=True)}


def test_contents(wrong: Wrong) -> None:
    checks = ("privileges", "writable", "files", "packages", "consistency", "imports")
    with wrong(CONTENTS) as test:
        tested = test("config", *checks)
    failed = found(tested)
    assert failed["config"].splitlines() == [
        "ExposedPorts: {'80/tcp': {}}",
        "Labels: {'added': 'by-hand'}",
    ]
    assert failed["privileges"] == "4755 /usr/local/bin/privileged"
    assert failed["writable"] == "/etc/apt"
    assert failed["files"].startswith("/var/azureml-app/main.py: file 0600 1000:1000 ")
    assert failed["packages"].splitlines() == ["wheel idna: 0.1", "wheel zipp: none"]
    assert "zipp is missing" in failed["consistency"]
    assert "requests 2" in failed["consistency"]
    assert "idna 0.1" in failed["consistency"]
    assert "certifi: ModuleNotFoundError: No module named 'certifi.core'" in failed["imports"]
    assert len(failed) == 7


def test_a_server_as_root(wrong: Wrong) -> None:
    with wrong("USER 0:0\n") as test:
        failed = found(test("config", "user"))
    assert failed["config"] == "User: '0:0'"
    assert "user 0, group 0" in failed["user"]
    assert len(failed) == 2


def test_a_server_that_isnt_there(wrong: Wrong) -> None:
    with wrong("USER 0:0\nRUN rm /usr/local/bin/start-inference\nUSER 1000:1000\n") as test:
        tested = test("files", "health", "stop", "score")
    failed = found(tested)
    assert failed["files"] == "/usr/local/bin/start-inference: nothing"
    for check in ("health", "stop", "score minimal"):
        assert "it can't be started" in failed[check]
    assert tested.cold_start is None


def test_a_server_that_ends(wrong: Wrong) -> None:
    with wrong('CMD ["python3", "-c", "print(1 / 0)"]\n') as test:
        tested = test("health", "swagger")
    assert "ZeroDivisionError" in found(tested)["health"]
    assert [each.state for each in tested.outcomes] == ["failed", "skipped"]


def test_a_server_at_another_port(wrong: Wrong, right: Subject) -> None:
    assert right.spec.server
    server = evolve(right.spec.server, starts_within=5)
    short = evolve(right, spec=evolve(right.spec, server=server))
    with wrong(OTHER_PORT) as test:
        failed = found(test("health", subject=short))
    assert failed["health"].startswith("no answer; somebody listens at: 5002")


def test_a_server_that_does_nothing_else(wrong: Wrong) -> None:
    with wrong('COPY server /server\nCMD ["python3", "/server"]\n', server=SERVER) as test:
        tested = test("health", "user", "swagger", "stop", "score")
    failed = found(tested)
    assert failed["swagger"] == "status 404: Healthy"
    assert failed["stop"].startswith("status 137 after")
    assert failed["score minimal"].startswith("status 200: \x1b[31m nonsense")
    assert failed.keys() == {"swagger", "stop", "score minimal"}
    assert tested.cold_start
    assert tested.memory


def test_an_image_without_python(engine: docker.DockerClient, wrong: Wrong) -> None:
    before = containers(engine)
    with wrong("USER 0:0\nRUN rm /opt/venv/bin/python3 /opt/venv/bin/python\n") as test:
        failed = found(test("imports", "packages"))
    assert "it can't be started" in failed["imports"]
    assert failed.keys() == {"imports", "packages"}
    assert containers(engine) <= before


def test_a_recipe_that_asks_nothing(wrong: Wrong, right: Subject) -> None:
    with wrong("LABEL a=b\n") as test:
        tested = test("health", "stop", "score", subject=evolve(right, spec=TrialSpec()))
    assert [(each.check, each.state) for each in tested.outcomes] == [
        ("health", "skipped"),
        ("stop", "skipped"),
    ]


def test_nothing_stays_of_what_is_interrupted(
    engine: docker.DockerClient, below: str, right: Subject
) -> None:
    class Interrupting(Silent):
        def begin(self, task: str, text: str, total: int | None = None) -> None:
            if text.endswith("health"):
                raise KeyboardInterrupt

    before = containers(engine)
    trial = Trial(
        client=engine, name=below, subject=right, reporter=Interrupting(), checks=("health",)
    )
    with pytest.raises(KeyboardInterrupt):
        trial.run()
    assert containers(engine) <= before


def test_what_the_engine_refuses(engine: docker.DockerClient, right: Subject) -> None:
    absent = "lockyard.invalid/absent:absent"
    for check in ("config", "imports", "health"):
        trial = Trial(client=engine, name=absent, subject=right, reporter=Silent(), checks=(check,))
        with pytest.raises(EngineError, match="the engine refuses"):
            trial.run()

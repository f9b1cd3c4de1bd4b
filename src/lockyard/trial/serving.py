"""The checks of what an image's server does."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from math import isclose
from typing import Any

from attrs import define, field, frozen

from lockyard.spec.trial import Server
from lockyard.trial.container import Box, ProgramError
from lockyard.trial.outcome import SkippedError, WrongError
from lockyard.trial.subject import Subject

# Ended by itself after the signal, or by the signal, as a shell would tell it.
_ENDED = (0, 143)
_ABSOLUTE = 1e-3


@frozen
class Answer:
    """What a server answered."""

    status: int
    text: str

    def __str__(self) -> str:
        return f"status {self.status}: {self.text[:2000]}"


@define
class Serving:
    """A container that runs an image's own command, and what was measured of it."""

    box: Box
    subject: Subject
    server: Server
    up: bool = field(default=False, init=False)
    cold_start: float | None = field(default=None, init=False)
    memory: int | None = field(default=None, init=False)

    def check_health(self) -> str:
        """Check that the server is healthy, at the port that the image declares."""
        expected = f"GET {self.server.health} at port {self.port}: {self.server.healthy!r}"
        (answer,), at = self.ask(("GET", self.server.health, ""), expected=expected)
        if (answer.status, answer.text) != (200, self.server.healthy):
            raise WrongError(expected, str(answer))
        self.up = True
        self.cold_start = round(at - self._started(), 2)
        self.memory = self._memory()
        return f"after {self.cold_start:.2f} s, {self.memory / 1e6:.0f} MB"

    def check_user(self) -> str:
        """Check that every process of the server runs as the image's user."""
        self.require()
        user = self.subject.user
        try:
            found = self.box.inside(self.subject.python, "processes")
        except ProgramError as error:
            raise WrongError(f"{self.subject.python} runs", str(error)) from None
        others = [
            f"{name}: user {ids[0]}, group {groups[0]}"
            for name, ids, groups in found
            if {*ids, *groups} - {user.uid, user.gid} or set(ids) != {user.uid}
        ]
        if others or not found:
            expected = f"processes of user {user.uid}, group {user.gid}"
            raise WrongError(expected, "\n".join(others) or "no process")
        return f"{len(found)} processes as {user.uid}:{user.gid}"

    def check_swagger(self) -> str:
        """Check that the server describes itself and its scoring (OpenAPI)."""
        self.require()
        if not self.server.swagger:
            raise SkippedError("the recipe's test.toml names no swagger")
        (answer,), _ = self.ask(("GET", self.server.swagger, ""))
        try:
            told = json.loads(answer.text)
            version, paths = told.get("swagger") or told.get("openapi"), told.get("paths", {})
        except (ValueError, AttributeError, RecursionError):
            version, paths = None, {}
        if answer.status != 200 or not version or self.server.score not in paths:
            raise WrongError(f"a description of {self.server.score}", str(answer))
        return f"version {version}"

    def check_stop(self) -> str:
        """Check that the server ends by itself, and in time, when it is told to."""
        self.require()
        limit = self.server.stops_within
        began = time.monotonic()
        self.box.container.stop(timeout=limit + 2)
        seconds = time.monotonic() - began
        status = self.box.container.wait()["StatusCode"]
        if status not in _ENDED or seconds > limit:
            raise WrongError(
                f"status 0 or 143 within {limit} s",
                f"status {status} after {seconds:.1f} s\n{self.box.log()}",
            )
        return f"status {status} after {seconds:.1f} s"

    @property
    def port(self) -> int:
        """Return where the server has to answer."""
        return self.subject.ports[0]

    def require(self) -> None:
        """Raise SkippedError unless the server has been healthy."""
        if not self.up:
            raise SkippedError("the server isn't healthy")

    def ask(
        self, *requests: tuple[str, str, str], expected: str = "an answer"
    ) -> tuple[list[Answer], float]:
        """Return the answers to requests, and when the first came. Raise WrongError without."""
        asked = json.dumps(requests)
        arguments = (str(self.port), str(self.server.starts_within), asked)
        try:
            told = self.box.inside(self.subject.python, "client", *arguments)
        except ProgramError as error:
            raise WrongError(expected, f"{error}\n{self.box.log()}") from None
        if told["why"]:
            ports = ", ".join(map(str, told["listening"])) or "none"
            found = f"{told['why']}; somebody listens at: {ports}\n{self.box.log()}"
            raise WrongError(expected, found)
        return [Answer(*each) for each in told["answers"]], float(told["at"])

    def _started(self) -> float:
        """Return when the engine started the container, in seconds of the epoch."""
        self.box.container.reload()
        text: str = self.box.container.attrs["State"]["StartedAt"]
        return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()

    def _memory(self) -> int:
        """Return the bytes that the container holds, as ``docker stats`` counts them."""
        api = self.box.client.api
        told: Mapping[str, Any] = api.stats(str(self.box.container.id), stream=False, one_shot=True)
        about = told["memory_stats"]
        cached = about["stats"].get("inactive_file", about["stats"].get("total_inactive_file", 0))
        return int(about["usage"]) - int(cached)


def check_answer(answer: Answer, wanted: str) -> str:
    """Compare a model's answer with a sample's, both JSON."""
    try:
        right = answer.status == 200 and alike(json.loads(answer.text), json.loads(wanted))
    except (ValueError, RecursionError):
        right = False
    if not right:
        raise WrongError(wanted, str(answer))
    return answer.text[:200]


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values of JSON are the same, numbers to a thousandth."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other)
    )
    if numbers:
        return isclose(one, other, rel_tol=0, abs_tol=_ABSOLUTE)
    return type(one) is type(other) and bool(one == other)

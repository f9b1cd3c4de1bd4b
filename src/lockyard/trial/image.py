"""An image of an engine, put through its checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from attrs import field, frozen

from lockyard.events import Reporter
from lockyard.spec.trial import Sample
from lockyard.trial.container import IDLE, ProgramError, engine_faults, running, tail
from lockyard.trial.contents import Contents
from lockyard.trial.outcome import Outcome, SkippedError, Tested, WrongError, outcome
from lockyard.trial.packages import has_package
from lockyard.trial.serving import Serving, check_answer
from lockyard.trial.structure import check_config
from lockyard.trial.subject import Subject

if TYPE_CHECKING:
    from docker import DockerClient

_CONTENTS: Mapping[str, Callable[[Contents], str]] = {
    "privileges": Contents.check_privileges,
    "writable": Contents.check_writable,
    "files": Contents.check_files,
    "packages": Contents.check_packages,
    "consistency": Contents.check_consistency,
    "imports": Contents.check_imports,
}
_SERVING: Mapping[str, Callable[[Serving], str]] = {
    "health": Serving.check_health,
    "user": Serving.check_user,
    "swagger": Serving.check_swagger,
    "stop": Serving.check_stop,
}
CHECKS = ("config", *_CONTENTS, *_SERVING, "score")


@frozen(kw_only=True)
class Trial:
    """An image that an engine has by a name, and what it has to be.

    Of the ``checks``, those alone are made that are named.
    """

    client: DockerClient
    name: str
    subject: Subject
    reporter: Reporter
    checks: Sequence[str] = CHECKS
    digest: str = ""
    _outcomes: list[Outcome] = field(factory=list, init=False)

    def run(self) -> Tested:
        """Make the checks; return what came of them.

        Raise EngineError where the engine refuses. No container is left.
        """
        began = time.monotonic()
        self._look()
        served = self._serve()
        for name, sample in self._samples():
            self._do("score", partial(self._score, name, sample), of=name)
        return Tested(
            env=self.subject.env,
            image=self.subject.image,
            platform=self.subject.platform,
            digest=self.digest,
            outcomes=tuple(self._outcomes),
            cold_start=served.cold_start if served else None,
            memory=served.memory if served else None,
            seconds=round(time.monotonic() - began, 2),
        )

    def _do(self, check: str, act: Callable[[], str], of: str = "") -> None:
        title = f"{check} {of}".strip()
        if check not in self.checks:
            return
        task = f"test {self.subject.image} {title}"
        self.reporter.begin(task, f"{self.subject.image}: {title}")
        try:
            self._outcomes.append(outcome(title, act))
        finally:
            self.reporter.end(task)

    def _look(self) -> None:
        """Check what is in the image."""
        self._do("config", self._config)
        if not set(self.checks) & _CONTENTS.keys():
            return
        try:
            with running(self.client, self.name, [self.subject.python, *IDLE]) as box:
                contents = Contents(box, self.subject)
                for check, act in _CONTENTS.items():
                    self._do(check, partial(act, contents))
        except ProgramError as error:
            self._break(_CONTENTS, f"{self.subject.python} runs", error)

    def _config(self) -> str:
        with engine_faults():
            found = self.client.images.get(self.name).attrs["Config"]
        return check_config(self.subject.config, found)

    def _serve(self) -> Serving | None:
        """Check what the server does as the image comes."""
        server = self.subject.spec.server
        if server is None or not self.subject.ports:
            for check in _SERVING:
                self._do(check, _no_server)
            return None
        if not set(self.checks) & _SERVING.keys():
            return None
        try:
            with running(self.client, self.name) as box:
                serving = Serving(box, self.subject, server)
                if "health" not in self.checks:
                    outcome("health", serving.check_health)  # the others need the server up
                for check, act in _SERVING.items():
                    self._do(check, partial(act, serving))
                return serving
        except ProgramError as error:
            self._break(_SERVING, "a container of it runs", error)
            return None

    def _break(self, checks: Iterable[str], expected: str, error: ProgramError) -> None:
        """Fail all checks of a container that can't run."""
        for check in checks:
            self._do(check, partial(_raise, WrongError(expected, str(error))))

    def _samples(self) -> Iterator[tuple[str, Sample]]:
        """Give the samples that the image has the packages for, or those for any."""
        subject = self.subject
        held = (subject.wheels, subject.conda)
        samples = subject.spec.samples if subject.spec.server else {}
        fit = {
            str(name): each
            for name, each in samples.items()
            if each.package and has_package(each.package, held)
        }
        yield from (
            fit or {str(name): each for name, each in samples.items() if not each.package}
        ).items()

    def _score(self, name: str, sample: Sample) -> str:
        """Have the image train a model, and serve it."""
        subject, server = self.subject, self.subject.spec.server
        assert server  # noqa: S101 - there are no samples without
        train = subject.spec.contents[sample.train].decode()
        script = {str(server.entry_script): subject.spec.contents[sample.script]}
        try:
            with running(self.client, self.name, [subject.python, *IDLE]) as box:
                status, output, errors = box.run([subject.python, "-c", train])
                if status != 0:
                    raise ProgramError(f"status {status}\n{tail(output + errors)}")
                models = box.taken(server.models)
        except ProgramError as error:
            raise WrongError(f"{name} trains a model", str(error)) from None
        folder = server.models.rpartition("/")[0] or "/"
        try:
            with running(
                self.client,
                self.name,
                files=script,
                archives=[(folder, models)],
                environment=dict(server.environment),
            ) as box:
                return _answered(Serving(box, subject, server), sample)
        except ProgramError as error:
            raise WrongError(f"{name} is served", str(error)) from None


def _answered(serving: Serving, sample: Sample) -> str:
    """Ask a server what its sample is about."""
    serving.check_health()
    (answer,), _ = serving.ask(("POST", serving.server.score, sample.request))
    try:
        return check_answer(answer, sample.answer)
    except WrongError as wrong:
        raise WrongError(wrong.expected, f"{wrong.found}\n{serving.box.log()}") from None


def _no_server() -> str:
    raise SkippedError("the recipe's test.toml has no server")


def _raise(error: WrongError) -> str:
    raise error

"""The task that tests images in an engine: test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from lockyard.cli.arguments import FleetTask
from lockyard.cli.build import method
from lockyard.cli.fleet import chosen, each, finish, fleet_here
from lockyard.cli.output import readable, told
from lockyard.cli.progress import progress
from lockyard.errors import TrialError, UsageError
from lockyard.spec.unfit import suggestion
from lockyard.store.faults import output_faults
from lockyard.store.store import Store
from lockyard.tasks.workspaces import remember
from lockyard.trial.outcome import Outcome, Tested

_MARKS = {"passed": "ok     ", "failed": "FAILED ", "skipped": "skipped"}


@task(
    klass=FleetTask,
    auto_shortflags=False,
    positional=["name"],
    iterable=["only"],
    help={
        "name": "an env: the name of a file in envs/ without its .toml",
        "all": "every env of the workspace; one that fails doesn't stop the others",
        "only": "make this check alone; can be given again for another",
        "junit": "also write the report as JUnit's XML to this file",
        "output": "the folder of image layouts, in the workspace unless absolute (dist)",
        "builder": "what builds the images that aren't there: embedded or docker",
        "json": "print JSON for machines instead of words",
    },
)
def test(
    _: Context,
    name: str = "",
    all: bool = False,
    only: list[str] | None = None,
    junit: str = "",
    output: str = "dist",
    builder: str = "embedded",
    json: bool = False,
) -> None:
    """Test an env's images in a Docker engine: what is in them, and what they do.

    Each is loaded under a name of its own, run without a network, and removed again: its config,
    users, files, packages and imports are looked at, its server is started, asked and stopped,
    and serves a model that it has trained. Where a check fails, the status is 13.

    Example: invoke test sklearn-1.9 --junit report.xml
    """
    from lockyard.ship.engine import connected  # noqa: PLC0415
    from lockyard.tasks.build import Builder  # noqa: PLC0415
    from lockyard.tasks.test import Tester  # noqa: PLC0415

    with told(as_json=json):
        checks = _checks(only or ())
        fleet, store = fleet_here(), Store.default(os.environ)
        names = chosen(fleet, name, all)
        remember(store, fleet.root)
        with connected() as client, progress(quiet=json) as reporter:
            tester = Tester(
                fleet=fleet,
                builder=Builder(
                    fleet=fleet,
                    store=store,
                    output=fleet.root / output,
                    environ=os.environ,
                    reporter=reporter,
                    jobs=os.cpu_count() or 1,
                    method=method(builder, fleet, cache=True),
                ),
                client=client,
                reporter=reporter,
                checks=checks,
            )
            done, errors = each(names, tester.test)
        rows = [image for images in done for image in images]
        if junit:
            _write(Path(junit), rows)
        failed = {row.image: _failure(row) for row in rows if row.failed}
        finish(rows, failed | errors, as_json=json, line=as_text, asked=len(names))


def _checks(only: Sequence[str]) -> tuple[str, ...]:
    """Return the checks to make. Raise UsageError for one that isn't there."""
    from lockyard.trial.image import CHECKS  # noqa: PLC0415

    for check in only:
        if check not in CHECKS:
            raise UsageError(
                f"there is no check {check!r}",
                where="--only",
                solution=suggestion(check, CHECKS) or f"known: {', '.join(CHECKS)}",
            )
    return tuple(only) or CHECKS


def _write(path: Path, rows: Sequence[Tested]) -> None:
    from lockyard.trial.junit import junit  # noqa: PLC0415

    with output_faults(path):
        path.write_bytes(junit(rows))


def _failure(tested: Tested) -> TrialError:
    names = ", ".join(each.check for each in tested.failed)
    return TrialError(
        f"{len(tested.failed)} of {len(tested.outcomes)} checks failed: {names}",
        where=tested.image,
        solution="see docs/howto/test.md for what each check asks",
    )


def as_text(tested: Tested) -> str:
    """Return what came of an image's checks, a line each, and more for those that failed."""
    passed = sum(each.state == "passed" for each in tested.outcomes)
    head = f"{tested.image}: {passed} of {len(tested.outcomes)} checks passed, {tested.seconds} s"
    measured = []
    if tested.cold_start is not None:
        measured.append(f"healthy after {tested.cold_start:.2f} s")
    if tested.memory is not None:
        measured.append(f"{readable(tested.memory)} of memory at rest")
    lines = [line for each in tested.outcomes for line in _lines(each)]
    return "\n".join([head, *lines, *([f"  {', '.join(measured)}"] if measured else [])])


def _lines(each: Outcome) -> list[str]:
    detail = f"  {each.detail}" if each.detail else ""
    line = f"  {_MARKS[each.state]} {each.check} ({each.seconds:.2f} s){detail}"
    if each.state != "failed":
        return [line]
    parts = [("expected", each.expected), ("found", each.found)]
    return [
        line,
        *(
            f"    {what if not number else '':<8}  {text}"
            for what, said in parts
            for number, text in enumerate(_readable(said).splitlines())
        ),
    ]


def _readable(text: str) -> str:
    """Return a text without what a terminal takes for commands: an image may say anything."""
    return "".join(
        each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text
    )

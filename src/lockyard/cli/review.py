"""The tasks that look at locks: check, diff, why and export.

None needs network, unless export must bring wheels.
"""

from __future__ import annotations

import os
from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from lockyard.cli.arguments import NamedTask
from lockyard.cli.difference import as_markdown, as_text
from lockyard.cli.output import show, told
from lockyard.cli.progress import progress
from lockyard.errors import LockError, UsageError
from lockyard.spec.reader import read_fleet
from lockyard.spec.unfit import suggestion
from lockyard.store.store import Store

_NAME = "an env: the name of a file in envs/ without its .toml"
_JSON = "print JSON for machines instead of words"
_FORMATS = ("requirements", "pylock", "conda-lock", "explicit")


@task(
    positional=[],
    auto_shortflags=False,
    help={
        "env": "only this env; without it every one, and that every lock has its env",
        "json": _JSON,
    },
)
def check(_: Context, env: str = "", json: bool = False) -> None:
    """Prove that every lock satisfies its spec and holds together.

    Reads the workspace only. Tells every fault of every lock, a line each, with what mends it;
    the status is 4 if there is any.

    Example: invoke check
    """
    from lockyard.tasks.check import check_fleet  # noqa: PLC0415

    with told(as_json=json):
        fleet = read_fleet(Path.cwd())
        done = check_fleet(fleet, env, jobs=os.cpu_count() or 1)
        show(done.findings, as_json=json, line=str)
        if not json:
            files = len({each.lock for each in done.findings})
            faults = f"{_count(len(done.findings), 'fault')} in {_count(files, 'file')}"
            summary = f"{_count(done.locks, 'lock')} checked, {faults if files else 'no fault'}"
            show([summary], as_json=False, line=str)
        if done.findings:
            raise Exit(code=LockError.status)


@task(
    klass=NamedTask,
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": _NAME,
        "against": "the commit, tag or branch to compare with (HEAD)",
        "format": "text, or markdown for a pull request",
        "json": _JSON,
    },
)
def diff(
    _: Context, name: str, against: str = "HEAD", format: str = "text", json: bool = False
) -> None:
    """Show what an env's lock changes against a commit, with sizes and who asks for it.

    Example: invoke diff sklearn-1.9 --against origin/main --format markdown
    """
    from lockyard.tasks.diff import diff_env  # noqa: PLC0415

    with told(as_json=json):
        _known(format, ("text", "markdown"))
        done = diff_env(read_fleet(Path.cwd()), name, against)
        show([done], as_json=json, line=as_markdown if format == "markdown" else as_text)


@task(
    klass=NamedTask,
    auto_shortflags=False,
    positional=["name", "package"],
    help={"name": _NAME, "package": "a package of its lock", "json": _JSON},
)
def why(_: Context, name: str, package: str, json: bool = False) -> None:
    """Show the shortest ways from the spec's own lines to a package of the lock.

    Example: invoke why sklearn-1.9 numpy
    """
    from lockyard.tasks.why import why_package  # noqa: PLC0415

    with told(as_json=json):
        show(why_package(read_fleet(Path.cwd()), name, package), as_json=json, line=str)


@task(
    klass=NamedTask,
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": _NAME,
        "format": "requirements (pip), pylock (PEP 751), conda-lock or explicit (conda)",
        "target": "the target, as cpu-linux-amd64, where the lock has several",
        "output": "the file to write (the standard output)",
        "wheels": "the folder to put wheels in: for pylock all of them, for requirements those "
        "that no index has",
        "json": "print JSON for machines: the files written",
    },
)
def export(
    _: Context,
    name: str,
    format: str = "requirements",
    target: str = "",
    output: str = "",
    wheels: str = "",
    json: bool = False,
) -> None:
    """Write an env's lock in the format of another tool, every artifact with its hash.

    A lock names no index, so neither do requirements: pip takes what it is configured to use.
    A pylock names its wheels below --wheels (the folder `wheels` beside it), which holds them
    once it is given here: fetched, and built from source where no index has them.

    Example: invoke export sklearn-1.9 --format pylock --output pylock.toml --wheels wheels
    """
    from lockyard.tasks.export import Export, export_env  # noqa: PLC0415
    from lockyard.tasks.supply import Supply  # noqa: PLC0415

    with told(as_json=json):
        _known(format, _FORMATS)
        wanted = Export(
            env=name,
            format=format,
            target=target,
            output=Path(output) if output else None,
            wheels=Path(wheels) if wheels else None,
        )
        fleet = read_fleet(Path.cwd())
        with progress(quiet=json) as reporter:

            def supply() -> Supply:
                return Supply(
                    workspace=fleet.workspace,
                    store=Store.default(os.environ),
                    environ=os.environ,
                    reporter=reporter,
                )

            done = export_env(fleet, wanted, supply)
        if json:
            show([done], as_json=True, line=str)
        elif not done.file:
            show([done.text], as_json=False, line=lambda text: text.rstrip("\n"))


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _known(format: str, formats: tuple[str, ...]) -> None:
    if format not in formats:
        raise UsageError(
            f"there is no format {format!r}",
            where="--format",
            solution=suggestion(format, formats),
        )

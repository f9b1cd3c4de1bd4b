"""The task that proves that images can be built again: verify."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import asdict
from invoke.context import Context
from invoke.tasks import task

from lockyard.cli.arguments import FleetTask
from lockyard.cli.fleet import chosen, each, finish, fleet_here
from lockyard.cli.output import show, told
from lockyard.cli.progress import progress
from lockyard.errors import LockyardError, UsageError
from lockyard.events import Reporter
from lockyard.store.store import Store
from lockyard.tasks.workspaces import remember

if TYPE_CHECKING:
    from lockyard.tasks.verify import Verified

    Verify = Callable[[str], list[Verified]]

_WORDS = {
    "epoch": "SOURCE_DATE_EPOCH",
    "clock": "clock",
    "zone": "time zone",
    "locale": "locale",
    "umask": "umask",
    "user": "user and group",
    "host": "host name",
    "folder": "folder",
    "memory": "file system",
    "hash_seed": "hash seed",
    "jobs": "jobs",
    "order": "order of listings and layers",
    "nice": "niceness",
    "processors": "processors",
    "optimize": "PYTHONOPTIMIZE",
    "python": "Python",
    "network": "network or none",
}
_HEAD = "| image | platform | digest | rebuilds | seconds |\n|---|---|---|---:|---:|"


@task(
    klass=FleetTask,
    auto_shortflags=False,
    positional=["name"],
    iterable=["python"],
    help={
        "name": "an env: the name of a file in envs/ without its .toml",
        "all": "every env of the workspace; one that fails doesn't stop the others",
        "times": "how often each env is built again",
        "against": "what the image has to be: sha256:..., REGISTRY/IMAGE:TAG, or the path of a "
        "layout or an archive (what the last build in --output says)",
        "jobs": "how many layers at once, at most",
        "python": "one more interpreter to build with, that has this Lockyard; can be given again",
        "output": "the folder of image layouts, in the workspace unless absolute (dist)",
        "report": "the folder for diffoscope's reports (OUTPUT/verify)",
        "markdown": "print a table in Markdown",
        "dry-run": "show the conditions of each rebuild, build nothing",
        "json": "print JSON for machines instead of words",
    },
)
def verify(
    _: Context,
    name: str = "",
    all: bool = False,
    times: int = 2,
    against: str = "",
    jobs: int = 8,
    python: list[str] | None = None,
    output: str = "dist",
    report: str = "",
    markdown: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Build an env's images again under other conditions, and see that they are the same.

    Each rebuild begins without layers, and has another clock, time zone, locale, umask, user,
    host, folder, order and number of jobs, as far as the machine allows. Where an image differs
    from another rebuild or from what it has to be, the first file that differs is named, its
    package and the likely cause, and the status is 12.

    Example: invoke verify sklearn-1.9 --times 3
    """
    from lockyard.tasks.verify import Verifier  # noqa: PLC0415
    from lockyard.verify.machine import look  # noqa: PLC0415

    with told(as_json=json):
        fleet, store = fleet_here(), Store.default(os.environ)
        names = chosen(fleet, name, all)
        if against and len(names) > 1:
            raise UsageError(
                "one image can't be all of them",
                where="--against",
                solution="name the env whose image it is",
            )
        if not dry_run:
            remember(store, fleet.root)
        with progress(quiet=json) as reporter:
            verifier = Verifier(
                fleet=fleet,
                store=store,
                output=fleet.root / output,
                report=Path.cwd() / (report or fleet.root / output / "verify"),
                environ=os.environ,
                reporter=reporter,
                machine=look(python or ()),
                times=times,
                jobs=jobs,
                against=against,
            )
            act: Verify = verifier.preview if dry_run else noted(verifier.verify, reporter)
            done, failed = each(names, act)
        rows = [image for images in done for image in images]
        line = as_plan if dry_run else as_rows if markdown else as_text
        if markdown and not (dry_run or json):
            show([_HEAD], as_json=False, line=str)
        summary = "" if dry_run or markdown else tried(rows)
        finish(rows, failed, as_json=json, line=line, summary=summary, asked=len(names))


def noted(verify: Verify, reporter: Reporter) -> Verify:
    """Return ``verify`` such that what comes of each env is told as soon as it is known.

    All envs take long; whoever waits, or ends it, has what was proved until then.
    """

    def act(name: str) -> list[Verified]:
        try:
            images = verify(name)
        except LockyardError as error:
            reporter.note(f"{name}: failed: {error.reason.splitlines()[0]}")
            raise
        for image in images:
            reporter.note(as_text(image))
        return images

    return act


def as_text(done: Verified) -> str:
    """Return what came of an image, in some lines."""
    against = f", as in {done.against}" if done.against else ""
    head = f"{done.image}: the same {done.times} times{against}, {done.seconds} s"
    digests = [f"  {digest}  {platform}" for platform, digest in done.digests.items()]
    return "\n".join([head, *digests])


def as_rows(done: Verified) -> str:
    """Return an image as rows of a table, one for each platform."""
    return "\n".join(
        f"| {done.image} | {platform} | `{digest}` | {done.times} | {done.seconds} |"
        for platform, digest in done.digests.items()
    )


def as_plan(done: Verified) -> str:
    """Return what would be done with an image."""
    against = done.against or "nothing but the other rebuilds"
    head = f"{done.image}: would be built {done.times} times, and compared with {against}"
    rounds = [f"  {each.conditions.number}: {each.conditions}" for each in done.rounds]
    return "\n".join([head, *rounds, *_left_out(done)])


def tried(images: Sequence[Verified]) -> str:
    """Say which conditions were tried, and which this machine doesn't allow."""
    if not images:
        return ""
    first = images[0]
    given = [asdict(each.conditions) for each in first.rounds]
    others = [name for name in given[0] if len({str(each[name]) for each in given}) > 1]
    known = [_WORDS[name] for name in others if name in _WORDS]
    return "\n".join([f"each time another: {', '.join(known)}", *_left_out(first)])


def _left_out(done: Verified) -> list[str]:
    if not done.left_out:
        return []
    return [f"  left out on this machine: {', '.join(done.left_out)}"]

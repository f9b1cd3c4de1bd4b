"""The task that hands images on to a registry: push."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from lockyard.cli.arguments import FleetTask
from lockyard.cli.fleet import chosen, each, finish, fleet_here
from lockyard.cli.output import readable, told
from lockyard.cli.progress import progress

if TYPE_CHECKING:
    from lockyard.tasks.push import PushedImage


@task(
    klass=FleetTask,
    auto_shortflags=False,
    positional=["name"],
    iterable=["tag"],
    help={
        "name": "an env: the name of a file in envs/ without its .toml",
        "all": "every env of the workspace; one that fails doesn't stop the others",
        "registry": "the registry, as HOST or HOST:PORT (the workspace's)",
        "tag": "one more tag to set; can be given again for another",
        "output": "the folder of image layouts, in the workspace unless absolute (dist)",
        "dry-run": "ask the registry what would be sent, write nothing there",
        "json": "print JSON for machines instead of words",
    },
)
def push(
    _: Context,
    name: str = "",
    all: bool = False,
    registry: str = "",
    tag: list[str] | None = None,
    output: str = "dist",
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Push an env's images from dist/IMAGE/ to a registry, sending only what it lacks.

    Blobs that another image of the fleet or the base has in the same registry are mounted.
    Each image is tagged `latest`, and `YYYYMMDD.vN` unless its newest such tag names it
    already; those never move. A push that was cut goes on where it was when it is repeated.

    Example: invoke push sklearn-1.9 --registry localhost:5000
    """
    from lockyard.tasks.push import Pusher, checked_host, checked_tags  # noqa: PLC0415

    def line(done: PushedImage) -> str:
        return as_text(done, dry_run=dry_run)

    with told(as_json=json):
        fleet = fleet_here()
        names = chosen(fleet, name, all)
        host, extra = checked_host(fleet, registry), checked_tags(tag or ())
        with progress(quiet=json) as reporter:
            pusher = Pusher(
                fleet=fleet,
                output=fleet.root / output,
                host=host,
                environ=os.environ,
                reporter=reporter,
                day=datetime.now(UTC).date(),
                extra=extra,
                dry_run=dry_run,
            )
            done, failed = each(names, pusher.push)
        finish(
            [image for made in done for image in made],
            failed,
            as_json=json,
            line=line,
            asked=len(names),
        )


def as_text(done: PushedImage, *, dry_run: bool) -> str:
    """Return what came of an image, in three lines."""
    verb = "would send" if dry_run else "sent"
    bytes_ = (
        f"  {verb} {readable(done.sent)} of {readable(done.size)} ({done.percent:.2f} %),"
        f" mounted {readable(done.mounted)}, there already {readable(done.present)}"
    )
    return "\n".join([done.repository, bytes_, f"  {done.digest}  {', '.join(done.tags)}"])

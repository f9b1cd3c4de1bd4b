"""The task that keeps the store small: gc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from lockyard.cli.output import readable, show, told
from lockyard.errors import UsageError
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store

if TYPE_CHECKING:
    from lockyard.tasks.gc import Collected, Tally

_DAYS = "30"
_PLURALS = {
    "artifact": "artifacts",
    "layer": "layers",
    "record": "records",
    "download": "partial downloads",
    "cache": "cached files",
}


@task(
    positional=[],
    auto_shortflags=False,
    help={
        "keep": f"also keep what was used in so many days ({_DAYS}); 0 keeps what is needed alone",
        "wait": "wait for builds that are running, instead of stopping with status 9",
        "dry-run": "show what would go, remove nothing",
        "json": "print JSON for machines instead of words",
    },
)
def gc(
    _: Context, keep: str = _DAYS, wait: bool = False, dry_run: bool = False, json: bool = False
) -> None:
    """Remove from the store what no lock needs and no build used lately.

    The locks of this workspace count, and those of every other that has used this store and
    is still there. If one of them can't be read, nothing is removed; nor while a build runs.

    Example: invoke gc --dry-run
    """
    from lockyard.tasks.gc import Collector  # noqa: PLC0415

    with told(as_json=json):
        days = _number(keep)
        root = read_fleet(Path.cwd()).root
        collector = Collector(store=Store.default(os.environ), root=root, days=days)
        done = collector.preview() if dry_run else collector.collect(wait=wait)
        show([done], as_json=json, line=lambda done: _text(done, days, dry_run))


def _number(keep: str) -> int:
    if not (keep.isascii() and keep.isdigit() and len(keep) < 6):
        raise UsageError(
            f"{keep!r} isn't a number of days", where="--keep", solution="write it as 30"
        )
    return int(keep)


def _text(done: Collected, days: int, dry_run: bool) -> str:
    verb = "would remove" if dry_run else "removed"
    lines = [_line(tally, verb) for tally in done.tallies if tally.kept or tally.removed]
    going = readable(sum(tally.removed_size for tally in done.tallies))
    staying = readable(sum(tally.kept_size for tally in done.tallies))
    needing = f"{_count(len(done.locks), 'lock')} in {_count(len(done.workspaces), 'workspace')}"
    lines.append(f"{done.store}: {verb} {going}")
    recent = f", or used within {_count(days, 'day')}" if days else ""
    lines.append(f"kept {staying}: needed by {needing}{recent}")
    if done.unplanned:
        locks = _count(len(done.unplanned), "lock")
        lines.append(f"{locks} can't be built now: of those the artifacts count, and no layers")
    return "\n".join(lines)


def _line(tally: Tally, verb: str) -> str:
    kept = f"kept {tally.kept} ({readable(tally.kept_size)})"
    removed = f"{verb} {tally.removed} ({readable(tally.removed_size)})"
    return f"  {_PLURALS[tally.kind]}: {kept}, {removed}"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"

"""The tasks that ``invoke`` and ``lockyard`` offer. Each is thin: arguments in, results out."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from lockyard.cli.arguments import FleetTask
from lockyard.cli.build import build
from lockyard.cli.catalog import catalog
from lockyard.cli.dockerfile import dockerfile
from lockyard.cli.environment import environment
from lockyard.cli.fleet import chosen, each, finish, fleet_here
from lockyard.cli.output import readable, told
from lockyard.cli.progress import progress
from lockyard.cli.review import check, diff, export, why
from lockyard.cli.ship import push
from lockyard.cli.test import test
from lockyard.cli.upkeep import gc
from lockyard.cli.verify import verify
from lockyard.errors import UsageError
from lockyard.resolve.moves import Moves
from lockyard.store.store import Store
from lockyard.tasks.parents import parents_first
from lockyard.tasks.workspaces import remember

_NAME = "an env: the name of a file in envs/ without its .toml"
_JSON = "print JSON for machines instead of words"


@task(help={"json": _JSON}, name="list", auto_shortflags=False)
def list_(_: Context, json: bool = False) -> None:
    """Show every env: its images, whether its lock fits, what is built.

    Reads only the workspace; needs no network. States of a lock are `fresh`, `stale` (the
    spec has changed since: lock it) and `missing`.

    Example: invoke list --json
    """
    from lockyard.tasks.list import Listed, list_env  # noqa: PLC0415
    from lockyard.tasks.origin import Origins  # noqa: PLC0415

    with told(as_json=json):
        fleet = fleet_here()
        known, origins = fleet.env_names(), Origins(fleet)
        width = max((len(name) for name in known), default=0)

        def line(row: Listed) -> str:
            name = f"{row.repository}@{row.digest}" if row.digest else row.repository
            return f"{row.env:<{width}}  {row.lock:<7}  {name}"

        done, failed = each(known, lambda name: list_env(fleet, name, Path("dist"), origins))
        finish(
            [row for rows in done for row in rows],
            failed,
            as_json=json,
            line=line,
            asked=len(known),
        )


@task(
    klass=FleetTask,
    auto_shortflags=False,
    positional=["name"],
    iterable=["upgrade_package"],
    help={
        "name": _NAME,
        "all": "every env of the workspace, each on its own",
        "upgrade": "forget all pins: take the newest that fits of everything",
        "upgrade-package": "move this package (NAME or NAME==VERSION) and what it forces, "
        "nothing else; can be given again for another",
        "as-of": "leave out what was published from this day on (2026-11-22)",
        "refresh": "ask the sources even if the lock fits its spec; pins stay",
        "dry-run": "show what would change, write nothing",
        "jobs": "how many targets at once (the number of processors)",
        "json": _JSON,
    },
)
def lock(
    _: Context,
    name: str = "",
    all: bool = False,
    upgrade: bool = False,
    upgrade_package: list[str] | None = None,
    as_of: str = "",
    refresh: bool = False,
    dry_run: bool = False,
    jobs: int = 0,
    json: bool = False,
) -> None:
    """Resolve an env into locks/NAME.lock.toml, every artifact pinned by its sha256.

    What the old lock pins stays wherever it still fits, and a lock that fits its spec is left
    alone. An error leaves the old lock as it was. With --all, one that fails doesn't stop the
    others, and --upgrade-package passes over the locks that don't have the package. An env
    that extends another keeps all that the other's lock has, and comes after it with --all.
    Targets are resolved side by side; the locks are the same however many at once.

    Example: invoke lock sklearn-1.9 --upgrade-package numpy
    """
    from lockyard.tasks.lock import Locked, Locker, check_moves  # noqa: PLC0415

    def line(done: Locked) -> str:
        state = "new" if done.new else "changed" if done.changed else "no change"
        verb = "would be " if dry_run and done.changed else ""
        head = f"{done.env}: {verb}{state}, {done.packages} packages, {readable(done.size)}"
        shown = done.changes if not done.new else ()
        return "\n".join([head, *(f"  {change}" for change in shown)])

    with told(as_json=json):
        fleet, store = fleet_here(), Store.default(os.environ)
        if not dry_run:
            remember(store, fleet.root)
        names = parents_first(fleet, chosen(fleet, name, all))
        moves = _moves(upgrade, upgrade_package or (), as_of)
        check_moves(fleet, names, moves)
        with progress(quiet=json) as reporter:
            locker = Locker(
                fleet=fleet,
                store=store,
                environ=os.environ,
                now=datetime.now(UTC),
                reporter=reporter,
                moves=moves,
                refresh=refresh,
                dry_run=dry_run,
                jobs=jobs if jobs > 0 else os.cpu_count() or 1,
            )
            done, failed = locker.lock_all(names)
        finish(done, failed, as_json=json, line=line, asked=len(names))


def _moves(upgrade: bool, packages: Sequence[str], as_of: str) -> Moves:
    """Return what a call allows to move. Raise UsageError for what can't be read."""
    for package in packages:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._+/-]*(==[^=\s]+)?", package):
            raise UsageError(
                f"{package!r} isn't a package to move",
                where="--upgrade-package",
                solution="write NAME or NAME==VERSION",
            )
    try:
        day = datetime.fromisoformat(as_of) if as_of else None
    except ValueError:
        raise UsageError(
            f"{as_of!r} isn't a day", where="--as-of", solution="write it as 2026-11-22"
        ) from None
    return Moves(
        packages=frozenset(packages),
        everything=upgrade,
        as_of=day if day is None or day.tzinfo else day.replace(tzinfo=UTC),
    )


namespace = Collection(
    list_,
    lock,
    check,
    diff,
    why,
    export,
    build,
    dockerfile,
    verify,
    test,
    push,
    environment,
    catalog,
    gc,
)

"""The tasks that ``invoke`` and ``lockyard`` offer. Each is thin: arguments in, results out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from lockyard.cli.arguments import FleetTask
from lockyard.cli.output import readable, show, tell, told
from lockyard.cli.progress import progress
from lockyard.cli.review import check, diff, export, why
from lockyard.cli.ship import push
from lockyard.cli.upkeep import gc
from lockyard.errors import LockyardError, UnsupportedError, UsageError
from lockyard.resolve.moves import Moves
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.workspaces import remember

if TYPE_CHECKING:
    from lockyard.tasks.build import Built

T = TypeVar("T")
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

    with told(as_json=json):
        fleet = _fleet()
        known = fleet.env_names()
        width = max((len(name) for name in known), default=0)

        def line(row: Listed) -> str:
            name = f"{row.repository}@{row.digest}" if row.digest else row.repository
            return f"{row.env:<{width}}  {row.lock:<7}  {name}"

        done, failed = _each(known, lambda name: list_env(fleet, name, Path("dist")))
        _finish([row for rows in done for row in rows], failed, as_json=json, line=line)


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
    json: bool = False,
) -> None:
    """Resolve an env into locks/NAME.lock.toml, every artifact pinned by its sha256.

    What the old lock pins stays wherever it still fits, and a lock that fits its spec is left
    alone. An error leaves the old lock as it was. With --all, one that fails doesn't stop the
    others, and --upgrade-package passes over the locks that don't have the package.

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
        fleet, store = _fleet(), Store.default(os.environ)
        if not dry_run:
            remember(store, fleet.root)
        names = _chosen(fleet, name, all)
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
            )
            done, failed = _each(names, locker.lock)
        _finish(done, failed, as_json=json, line=line)


@task(
    klass=FleetTask,
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": _NAME,
        "all": "every env of the workspace; one that fails doesn't stop the others",
        "output": "the folder for image layouts, in the workspace unless absolute (dist)",
        "jobs": "how many layers at once (the number of processors)",
        "archive": "also write each image as DIST/IMAGE.tar, for docker load or skopeo",
        "load": "also load each image into the Docker engine",
        "dry-run": "show what would be built, build nothing",
        "json": _JSON,
    },
)
def build(
    _: Context,
    name: str = "",
    all: bool = False,
    output: str = "dist",
    jobs: int = 0,
    archive: bool = False,
    load: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Build an env's images from its lock into dist/IMAGE/, an OCI image layout.

    Fetches what the store doesn't have, verified; executes nothing; the same lock gives the
    same digest anywhere. What hasn't changed isn't built again, and an interrupted build
    goes on where it was.

    Example: invoke build sklearn-1.9 --load
    """
    from lockyard.tasks.build import Builder  # noqa: PLC0415

    def line(done: Built) -> str:
        if done.state == "would build":
            return f"{done.image}: would build {done.new_layers} of {done.layers} layers"
        what = "nothing to do" if done.state == "unchanged" else f"built in {done.seconds} s"
        head = f"{done.image}: {what}, {readable(done.size)}, {done.layers} layers"
        digests = [f"  {digest}  {p}" for p, digest in done.digests.items()]
        return "\n".join([head, *digests, *(f"  loaded as {tag}" for tag in done.tags)])

    def one(builder: Builder, env: str) -> list[Built]:
        made = builder.build(env, dry_run=dry_run)
        return made if dry_run else [_ship(image, archive=archive, load=load) for image in made]

    with told(as_json=json):
        fleet, store = _fleet(), Store.default(os.environ)
        if not dry_run:
            remember(store, fleet.root)
        with progress(quiet=json) as reporter:
            builder = Builder(
                fleet=fleet,
                store=store,
                output=fleet.root / output,
                environ=os.environ,
                reporter=reporter,
                jobs=jobs if jobs > 0 else os.cpu_count() or 1,
            )
            done, failed = _each(_chosen(fleet, name, all), lambda env: one(builder, env))
        _finish([image for made in done for image in made], failed, as_json=json, line=line)


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


def _ship(built: Built, *, archive: bool, load: bool) -> Built:
    """Write an image's archive or load it, where that is asked for."""
    folder = Path(built.folder)
    if archive:
        from lockyard.ship.archive import write_archive  # noqa: PLC0415

        write_archive(folder, folder.with_name(f"{folder.name}.tar"))
    if load:
        from lockyard.ship.engine import load_image  # noqa: PLC0415

        return evolve(built, tags=tuple(load_image(folder)))
    return built


def _fleet() -> Fleet:
    return read_fleet(Path.cwd())


def _chosen(fleet: Fleet, name: str, everything: bool) -> tuple[str, ...]:
    """Return the envs that a call names. Raise UsageError unless it is one, or all."""
    if name.startswith("-"):
        raise UsageError(
            f"there is no option {name}", where="arguments", solution="see --help and the task"
        )
    if bool(name) == everything:
        raise UsageError(
            "name one env, or give --all",
            where="arguments",
            solution=f"envs here: {', '.join(fleet.env_names())}",
        )
    return fleet.env_names() if everything else (name,)


def _each(
    names: tuple[str, ...], act: Callable[[str], T]
) -> tuple[list[T], dict[str, LockyardError]]:
    """Act on each env; one that fails doesn't stop the others."""
    done, failed = [], {}
    for name in names:
        try:
            done.append(act(name))
        except LockyardError as error:
            failed[name] = error
    return done, failed


def _finish(
    done: list[Any],
    failed: dict[str, LockyardError],
    *,
    as_json: bool,
    line: Callable[[Any], str],
) -> None:
    """Show what was done, what was passed over, what failed.

    The status is that of the first failure.
    """
    show(done, as_json=as_json, line=line)
    # What can't be built at all isn't what failed in building everything else.
    passed = {
        name: error
        for name, error in failed.items()
        if done and isinstance(error, UnsupportedError)
    }
    if passed and not as_json:
        print(f"passed over: {', '.join(passed)}: {next(iter(passed.values())).reason}")
    counted = [error for name, error in failed.items() if name not in passed]
    for error in counted:
        tell(error, as_json=as_json)
    if counted:
        raise Exit(code=counted[0].status)


namespace = Collection(list_, lock, check, diff, why, export, build, push, gc)

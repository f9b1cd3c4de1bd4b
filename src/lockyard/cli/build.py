"""The task that makes images of locks: build."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve
from invoke.context import Context
from invoke.tasks import task

from lockyard.cli.arguments import FleetTask
from lockyard.cli.fleet import chosen, finish, fleet_here
from lockyard.cli.output import readable, told
from lockyard.cli.progress import progress
from lockyard.errors import LockyardError, UsageError
from lockyard.spec.reader import Fleet
from lockyard.spec.unfit import suggestion
from lockyard.store.store import Store
from lockyard.tasks.method import ByEngine, Embedded, Method
from lockyard.tasks.workspaces import remember

if TYPE_CHECKING:
    from lockyard.tasks.build import Built

_AGAIN = "what was fetched and built is kept: mend it, and the same command goes on from there"


@task(
    klass=FleetTask,
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": "an env: the name of a file in envs/ without its .toml",
        "all": "every env of the workspace, each layer once",
        "keep-going": "go on with the other images after one fails; --no-keep-going stops there",
        "output": "the folder for image layouts, in the workspace unless absolute (dist)",
        "builder": "embedded, which executes nothing, or docker: an engine runs the recipe's "
        "Dockerfile",
        "no-cache": "docker: use no result of an earlier build's steps",
        "jobs": "how many layers at once (the number of processors)",
        "archive": "also write each image as DIST/IMAGE.tar, for docker load or skopeo",
        "load": "also load each image into the Docker engine",
        "dry-run": "show what would be built and why, build nothing",
        "json": "print JSON for machines instead of words",
    },
)
def build(
    _: Context,
    name: str = "",
    all: bool = False,
    keep_going: bool = True,
    output: str = "dist",
    builder: str = "embedded",
    no_cache: bool = False,
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

    with told(as_json=json):
        fleet, store = fleet_here(), Store.default(os.environ)
        names = chosen(fleet, name, all)
        if not dry_run:
            remember(store, fleet.root)
        with progress(quiet=json) as reporter:
            made = Builder(
                fleet=fleet,
                store=store,
                output=fleet.root / output,
                environ=os.environ,
                reporter=reporter,
                jobs=jobs if jobs > 0 else os.cpu_count() or 1,
                method=method(builder, fleet, cache=not no_cache),
            )
            done, failed = made.build_all(names, dry_run=dry_run, keep_going=keep_going)
            if not dry_run:
                done, unshipped = _ship_all(done, archive=archive, load=load)
                failed |= unshipped
        summary = totals(done) if len(done) > 1 and not dry_run else ""
        finish(
            done,
            failed,
            as_json=json,
            line=as_text,
            summary=summary,
            again=_AGAIN,
            asked=len(names),
        )


def method(name: str, fleet: Fleet, *, cache: bool) -> Method:
    """Return a builder by its name. Raise UsageError for another, EngineError without engine."""
    if name == "embedded":
        return Embedded()
    if name != "docker":
        raise UsageError(
            f"there is no builder {name!r}",
            where="--builder",
            solution=suggestion(name, ("embedded", "docker")),
        )
    from lockyard.docker.engine import checked_engine  # noqa: PLC0415

    return ByEngine(fleet=fleet, engine=checked_engine(), cache=cache)


def as_text(done: Built) -> str:
    """Return what came of an image, in some lines."""
    if done.state == "would build":
        head = f"{done.image}: would build {done.new_layers} of {done.layers} layers"
        return "\n".join([head, *(f"  {reason}" for reason in done.why)])
    what = "nothing to do" if done.state == "unchanged" else f"built in {done.seconds} s"
    head = f"{done.image}: {what}, {readable(done.size)}, {done.layers} layers"
    digests = [f"  {digest}  {platform}" for platform, digest in done.digests.items()]
    return "\n".join([head, *digests, *(f"  loaded as {tag}" for tag in done.tags)])


def totals(images: Sequence[Built]) -> str:
    """Say how many bytes images have together, and how many of those are no others' too."""
    unique = {sha256: size for image in images for sha256, size in image.blobs.items()}
    size, kept = sum(image.size for image in images), sum(unique.values())
    share = 100 * kept / size if size else 100.0
    return f"{len(images)} images: {readable(size)} in all, {readable(kept)} unique ({share:.0f} %)"


def _ship_all(
    images: Sequence[Built], *, archive: bool, load: bool
) -> tuple[list[Built], dict[str, LockyardError]]:
    """Write the archives of images or load them, where that is asked for."""
    done, failed = [], {}
    for image in images:
        try:
            done.append(_ship(image, archive=archive, load=load))
        except LockyardError as error:
            failed[image.image] = error
    return done, failed


def _ship(built: Built, *, archive: bool, load: bool) -> Built:
    folder = Path(built.folder)
    if archive:
        from lockyard.ship.archive import write_archive  # noqa: PLC0415

        write_archive(folder, folder.with_name(f"{folder.name}.tar"))
    if load:
        from lockyard.ship.engine import load_image  # noqa: PLC0415

        return evolve(built, tags=tuple(load_image(folder)))
    return built

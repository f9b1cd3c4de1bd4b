"""The task that writes images for other builders: dockerfile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from lockyard.cli.arguments import FleetTask
from lockyard.cli.fleet import chosen, finish, fleet_here
from lockyard.cli.output import readable, told
from lockyard.cli.progress import progress
from lockyard.store.store import Store
from lockyard.tasks.workspaces import remember

if TYPE_CHECKING:
    from lockyard.tasks.dockerfile import WrittenContext


@task(
    klass=FleetTask,
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": "an env: the name of a file in envs/ without its .toml",
        "all": "every env of the workspace, and one bake file for them",
        "output": "the folder to write to, in the workspace unless absolute (dist/docker)",
        "jobs": "how many layers at once (the number of processors)",
        "json": "print JSON for machines instead of words",
    },
)
def dockerfile(
    _: Context,
    name: str = "",
    all: bool = False,
    output: str = "dist/docker",
    jobs: int = 0,
    json: bool = False,
) -> None:
    """Write an env's images as Dockerfiles, each in a folder with all that it is built from.

    Such a folder is built by `docker buildx build` anywhere, without network and without
    Lockyard; its Dockerfile says how. OUTPUT/docker-bake.json builds all of them by `docker
    buildx bake`.

    Example: invoke dockerfile sklearn-1.9 --output /tmp/sklearn
    """
    from lockyard.tasks.dockerfile import DockerfileWriter  # noqa: PLC0415

    with told(as_json=json):
        fleet, store = fleet_here(), Store.default(os.environ)
        names = chosen(fleet, name, all)
        remember(store, fleet.root)
        with progress(quiet=json) as reporter:
            writer = DockerfileWriter(
                fleet=fleet,
                store=store,
                output=fleet.root / output,
                environ=os.environ,
                reporter=reporter,
                jobs=jobs if jobs > 0 else os.cpu_count() or 1,
            )
            done, failed = writer.write_all(names)
        finish(done, failed, as_json=json, line=_line)


def _line(done: WrittenContext) -> str:
    return f"{done.folder}: {done.files} files, {readable(done.size)}, for {done.platform}"

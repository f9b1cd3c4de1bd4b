"""The task that writes curated environments for Azure ML: environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from lockyard.azureml.form import FORMS
from lockyard.cli.arguments import FleetTask
from lockyard.cli.fleet import chosen, each, finish, fleet_here
from lockyard.cli.output import told
from lockyard.errors import UsageError
from lockyard.ship.tags import check_dated
from lockyard.spec.reader import Fleet
from lockyard.spec.unfit import suggestion

if TYPE_CHECKING:
    from lockyard.tasks.environment import WrittenEnvironment


@task(
    klass=FleetTask,
    auto_shortflags=False,
    positional=["name"],
    help={
        "name": "an env: the name of a file in envs/ without its .toml",
        "all": "every env of the workspace; one that fails doesn't stop the others",
        "format": "v1 (azureml-core), v2 or v2-json (azure-ai-ml), rest, or assets",
        "output": "the folder to write to, a folder an environment (the standard output)",
        "variant": "this variant alone",
        "tag": "the tag that the images were pushed under, as 20261122.v1",
        "conda": "v2, rest and assets: name the packages too, and Azure ML installs them anew",
        "new-version": "give a new number to the same lock, for an image that changed without it",
        "built": "the folder of image layouts, in the workspace unless absolute (dist)",
        "dry-run": "show what would be written and the version it would have, write nothing",
        "json": "print JSON for machines instead of words",
    },
)
def environment(
    _: Context,
    name: str = "",
    all: bool = False,
    format: str = "v1",
    output: str = "",
    variant: str = "",
    tag: str = "",
    conda: bool = False,
    new_version: bool = False,
    built: str = "dist",
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Write an env's curated environments for Azure ML, one for each variant.

    An environment names its image by the digest that is built in dist/, or was when its
    version was last written; else by its tag. Versions are small integers in
    locks/NAME.versions.toml, which belongs into version control: another lock has the next
    one, the same lock has the same.

    Example: invoke environment sklearn-1.9 --format v2
    """
    from lockyard.tasks.environment import EnvironmentWriter  # noqa: PLC0415

    with told(as_json=json):
        form = next((known for known in FORMS if known == format), None)
        if form is None:
            raise UsageError(
                f"there is no format {format!r}",
                where="--format",
                solution=suggestion(format, FORMS),
            )
        if tag:
            check_dated(tag)
        fleet = fleet_here()
        writer = EnvironmentWriter(
            fleet=fleet,
            built=fleet.root / built,
            form=form,
            output=fleet.root / output if output else None,
            variant=variant,
            tag=tag,
            conda=conda,
            new_version=new_version,
            dry_run=dry_run,
        )
        asked = chosen(fleet, name, all)
        if not (output or json or dry_run):
            _check_single(fleet, asked, variant)
        done, failed = each(asked, writer.write)
        finish(
            [made for several in done for made in several],
            failed,
            as_json=json,
            line=lambda made: as_text(made, dry_run=dry_run),
            asked=len(asked),
        )


def _check_single(fleet: Fleet, names: Sequence[str], variant: str) -> None:
    """Raise UsageError where several environments would run into one text."""
    several = len(names) > 1
    if not several and not variant:
        several = len(fleet.env(names[0]).variants) > 1
    if several:
        raise UsageError(
            "these are several environments",
            where="arguments",
            solution="give --output FOLDER for all of them, or one env and a --variant for one",
        )


def as_text(done: WrittenEnvironment, *, dry_run: bool) -> str:
    """Return what was written in some lines, or the files' text where no folder was given."""
    if not done.folder and not dry_run:
        several = len(done.files) > 1
        texts = [
            (f"# {file}\n" if several else "") + text.rstrip("\n")
            for file, text in done.files.items()
        ]
        return "\n".join(texts)
    verb = "would be " if dry_run else ""
    head = f"{done.environment}: {verb}version {done.version}{' (new)' if done.new else ''}"
    place = f"{done.folder}/" if done.folder else ""
    lines = [f"  {done.image}", *(f"  {place}{file}" for file in done.files)]
    if not done.digest:
        lines.append("  not built: the image is named by a tag; build it to name its digest")
    return "\n".join([head, *lines])

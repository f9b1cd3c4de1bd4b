"""The task that writes the fleet's catalogue: catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from lockyard.cli.fleet import finish, fleet_here
from lockyard.cli.output import told

if TYPE_CHECKING:
    from lockyard.catalog.entry import Entry


@task(
    positional=[],
    auto_shortflags=False,
    help={
        "output": "the page, in the workspace unless absolute (docs/catalog.md)",
        "check": "write nothing; the status is 4 unless the pages are what they would be",
        "built": "the folder of image layouts, in the workspace unless absolute (dist)",
        "json": "print JSON for machines instead of words",
    },
)
def catalog(
    _: Context,
    output: str = "docs/catalog.md",
    check: bool = False,
    built: str = "dist",
    json: bool = False,
) -> None:
    """Write the page that shows every image of the fleet, with its curated environment.

    It is made from specs and locks. Digest, size and date are those of the images that are
    built in dist/, which are noted in locks/NAME.versions.toml, or were noted there before.
    The folder of the page's name has a page of each env's packages. With --check, only what is
    under version control counts, and not what is built.

    Example: invoke catalog --check
    """
    from lockyard.tasks.catalog import CatalogWriter, catalog_file  # noqa: PLC0415

    def line(entry: Entry) -> str:
        digest = entry.digest or "not built"
        return f"{entry.environment}: version {entry.version}, {digest}"

    with told(as_json=json):
        fleet = fleet_here()
        writer = CatalogWriter(
            fleet=fleet, built=fleet.root / built, output=catalog_file(fleet.root, output)
        )
        done, failed = writer.check() if check else writer.write()
        finish(done, failed, as_json=json, line=line, asked=len(fleet.env_names()))

"""The catalogue of this workspace, against the table of what the fleet must have."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import frozen
from packaging.requirements import Requirement

from lockyard.azureml.v1 import v1_document
from lockyard.azureml.v2 import v2_document
from lockyard.catalog.entry import Entry, entries
from lockyard.spec.reader import read_fleet
from lockyard.tasks.environment import curated_environment, number
from tests.conftest import ROOT

TABLE = Path(__file__).parent / "table.md"


@frozen
class Row:
    env: str
    framework: str
    variant: str
    packages: str
    image: str
    environment: str


def rows() -> list[Row]:
    """Read the table, whose image paths are the registry's and repository's and a tag short."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[2:]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def entry_of(row: Row) -> Entry:
    fleet = read_fleet(ROOT)
    numbered = number(fleet, row.env, None)
    recipe = fleet.recipe(numbered.env.recipe)
    found = entries(fleet.workspace, numbered.env, recipe, numbered.lock, numbered.version)
    (entry,) = (each for each in found if (each.variant == "cpu") == (row.variant == "CPU"))
    return entry


def test_the_table_has_all_rows() -> None:
    assert len(rows()) == len({row.image for row in rows()}) == 9


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.image)
def test_a_row(row: Row) -> None:
    entry = entry_of(row)
    assert entry.image == f"mcr.microsoft.com/azureml/{row.image}"
    assert entry.environment == row.environment
    assert (entry.framework or "none") == row.framework
    assert (entry.base, entry.python) == ("ubuntu18.04", "3.7")
    held = dict(package.split("==") for package in entry.packages)
    # The table writes ~=1.1.x, which is no requirement.
    for text in (
        row.packages.replace("1.1.x", "1.1.0").split(", ") if row.packages != "none" else ()
    ):
        asked = Requirement(text)
        assert asked.specifier.contains(held[asked.name]), text
    if row.packages == "none":
        assert not held


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.image)
def test_the_environment_of_a_row(row: Row) -> None:
    fleet = read_fleet(ROOT)
    numbered = number(fleet, row.env, None)
    made = curated_environment(fleet, numbered, entry_of(row).variant)
    v1, v2 = v1_document(made), v2_document(made)
    assert v1["name"] == v2["name"] == row.environment
    image = f"mcr.microsoft.com/azureml/{row.image}"
    assert v1["docker"]["baseImage"] == v2["image"]
    assert v2["image"].partition("@")[0].partition(":")[0] == image
    if row.framework != "none":
        framework, _, version = row.framework.rpartition(" ")
        assert v2["tags"][framework] == version
    assert v2["tags"].items() >= {"OS": "Ubuntu18.04", "Python": "3.7", "Inferencing": ""}.items()

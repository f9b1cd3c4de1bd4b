"""The catalogue's pages as Markdown."""

from __future__ import annotations

from attrs import evolve

from lockyard.catalog.entry import Entry, Package
from lockyard.catalog.markdown import NOTE, env_page, main_page

ENTRY = Entry(
    env="trial-1",
    base="debian12",
    python="3.11",
    framework="Trial | <b> 1",
    variant="cpu",
    packages=("trial==1.0", "numpy==2.0"),
    image="host/team/trial-1-cpu",
    environment="Team-trial-1-cpu",
    version=3,
    digest="",
    tag="",
    size=0,
    created="",
    contents={
        "linux/amd64": (Package(ecosystem="pypi", name="numpy", version="2.0"),),
        "linux/arm64": (Package(ecosystem="pypi", name="numpy", version="2.0"),),
    },
)
BUILT = evolve(
    ENTRY,
    variant="cuda12",
    digest="sha256:1",
    tag="20261122.v1",
    size=1_250_000,
    created="2026-10-01T12:00:00Z",
    packages=(),
    framework="",
)


def cells(text: str) -> list[list[str]]:
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [row.removeprefix("| ").removesuffix(" |").split(" | ") for row in rows]


def test_a_row_of_what_is_not_built() -> None:
    *_, row = cells(main_page([ENTRY], "../locks", "catalog").replace("\\|", "!"))
    assert row == [
        r"Trial ! \<b\> 1",
        "CPU",
        "trial==1.0, numpy==2.0",
        "`host/team/trial-1-cpu:latest`",
        "`Team-trial-1-cpu`",
        "3",
        "",
        "",
        "",
        "[trial-1](../locks/trial-1.lock.toml)",
        "[1](catalog/trial-1.md)",
    ]


def test_a_row_of_what_is_built() -> None:
    *_, row = cells(main_page([BUILT], "../locks", "catalog"))
    assert row[:4] == ["none", "GPU", "none", "`host/team/trial-1-cpu:20261122.v1`"]
    assert row[6:9] == ["`sha256:1`", "1.2 MB", "2026-10-01"]


def test_a_table_for_each_base() -> None:
    other = evolve(ENTRY, base="ubuntu18.04", python="3.7", env="a")
    text = main_page([other, BUILT, ENTRY], "../locks", "catalog")
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads == ["## debian12, Python 3.11", "## ubuntu18.04, Python 3.7"]
    assert text == main_page([ENTRY, BUILT, other], "../locks", "catalog")


def test_the_page_of_an_env() -> None:
    text = env_page([ENTRY], "../../locks/trial-1.lock.toml")
    assert text.startswith(NOTE)
    assert "## trial-1-cpu, linux/arm64\n" in text
    assert text.endswith("| pypi | numpy | 2.0 |\n")

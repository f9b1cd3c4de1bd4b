"""The catalogue as a task: what is written, and what is told of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lockyard.errors import LockError, StoreError
from lockyard.lock.file import write_lock
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.tasks.catalog import CatalogWriter, catalog_file
from lockyard.tasks.list import list_env
from tests.conftest import ROOT
from tests.tasks.conftest import lock_of, wheel
from tests.tasks.test_environment import lay_image, locked

__all__ = ["locked"]


def writer(fleet: Fleet, output: str = "docs/catalog.md") -> CatalogWriter:
    return CatalogWriter(fleet=fleet, built=fleet.root / "dist", output=fleet.root / output)


def test_the_committed_page_has_every_image(tmp_path: Path) -> None:
    """Its versions are those of the last release: a bump is a pull request of one lockfile."""
    fleet = read_fleet(ROOT)
    listed = [row for name in fleet.env_names() for row in list_env(fleet, name, tmp_path)]
    page = (ROOT / "docs/catalog.md").read_text(encoding="utf-8")
    assert len(listed) == 16
    for row in listed:
        assert f"`{row.environment}`" in page
        assert row.repository in page


def test_links_lead_somewhere() -> None:
    pages = [ROOT / "docs/catalog.md", *(ROOT / "docs/catalog").glob("*.md")]
    links = [
        (page.parent / link).resolve()
        for page in pages
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert len(links) == 2 * 16 + 14
    assert all(link.is_file() for link in links)


def test_what_is_built_shows(locked: Fleet) -> None:
    writer(locked).write()
    page = locked.root / "docs/catalog.md"
    assert "sha256:" not in page.read_text()
    writer(locked).check()
    digest = lay_image(locked)
    # It isn't under version control yet.
    writer(locked).check()
    writer(locked).write()
    assert digest in page.read_text()
    (locked.root / "dist").rename(locked.root / "away")
    writer(locked).check()
    before = page.read_bytes()
    writer(locked).write()
    assert page.read_bytes() == before


def test_every_page_that_is_old_is_named(locked: Fleet) -> None:
    with pytest.raises(LockError) as raised:
        writer(locked).check()
    assert raised.value.where == "docs/catalog.md, docs/catalog/trial.md"
    writer(locked).write()
    mine, old = (locked.root / "docs/catalog" / name for name in ("mine.md", "old.md"))
    mine.write_text("# Mine\n")
    old.write_bytes((locked.root / "docs/catalog/trial.md").read_bytes())
    write_lock(locked.root, lock_of(locked, wheel("numpy", "2.1")))
    with pytest.raises(LockError) as raised:
        writer(locked).check()
    named = "docs/catalog.md, docs/catalog/old.md, docs/catalog/trial.md"
    assert (raised.value.where, raised.value.solution) == (named, "run: invoke catalog")
    writer(locked).write()
    assert mine.exists()
    assert not old.exists()
    writer(locked).check()


def test_nothing_is_written_unless_all_is_sound(locked: Fleet) -> None:
    for name in ("bad", "worse"):
        (locked.root / f"envs/{name}.toml").write_text("title = 1\n")
    found, failed = writer(read_fleet(locked.root)).write()
    assert (found, sorted(failed)) == ([], ["bad", "worse"])
    assert not (locked.root / "docs").exists()
    assert sorted(path.name for path in (locked.root / "locks").iterdir()) == ["trial.lock.toml"]


def test_a_page_elsewhere(locked: Fleet, tmp_path: Path) -> None:
    writer(locked, "out/deep/fleet.md").write()
    text = (locked.root / "out/deep/fleet.md").read_text()
    assert "(../../locks/trial.lock.toml)" in text
    assert "(fleet/trial.md)" in text
    for wrong in ("docs", "catalog.txt"):
        with pytest.raises(StoreError):
            catalog_file(locked.root, wrong)

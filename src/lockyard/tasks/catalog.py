"""Write the catalogue of a fleet, or tell whether it is current."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from lockyard.azureml.record_file import write_record
from lockyard.catalog.entry import Entry, entries
from lockyard.catalog.markdown import NOTE, env_page, main_page
from lockyard.errors import LockError, LockyardError, StoreError
from lockyard.lock.file import FOLDER, lock_path
from lockyard.replace import replace_file
from lockyard.spec.reader import Fleet
from lockyard.store.faults import output_faults
from lockyard.tasks.environment import Numbered, number


@frozen(kw_only=True)
class CatalogWriter:
    """Write the page of a fleet to ``output``, and the envs' beside it in a folder of its name.

    ``built`` is the folder of image layouts.
    """

    fleet: Fleet
    built: Path
    output: Path

    def write(self) -> tuple[list[Entry], dict[str, LockyardError]]:
        """Write the pages that have changed; return what is on them, or why what fails does.

        Nothing is written unless every env is sound: a page that leaves one out lies. What is
        built is noted in the records of versions, so that the pages follow from what is under
        version control. Pages of envs that have gone are removed.
        """
        numbered, failed = self._numbered(self.built)
        if failed:
            return [], failed
        found = self._entries(numbered)
        pages = self._pages(found)
        for each in numbered.values():
            write_record(self.fleet.root, each.record)
        with output_faults(self.output):
            for path, text in pages.items():
                if _read(path) != text:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    replace_file(path, text.encode())
            for path in self._left(pages):
                path.unlink()
        return found, {}

    def check(self) -> tuple[list[Entry], dict[str, LockyardError]]:
        """Return what should be on the pages; raise LockError where something else is.

        What is built doesn't count: only what is under version control does.
        """
        numbered, failed = self._numbered(None)
        if failed:
            return [], failed
        found = self._entries(numbered)
        pages = self._pages(found)
        wrong = [path for path, text in pages.items() if _read(path) != text]
        if wrong := [*wrong, *self._left(pages)]:
            names = ", ".join(sorted(_link(path, self.fleet.root) for path in wrong))
            raise LockError(
                "this isn't what specs and locks say", where=names, solution="run: invoke catalog"
            )
        return found, {}

    def _numbered(self, built: Path | None) -> tuple[dict[str, Numbered], dict[str, LockyardError]]:
        numbered, failed = {}, {}
        for name in self.fleet.env_names():
            try:
                numbered[name] = number(self.fleet, name, built)
            except LockyardError as error:
                failed[name] = error
        return numbered, failed

    def _entries(self, numbered: Mapping[str, Numbered]) -> list[Entry]:
        fleet = self.fleet
        return [
            entry
            for each in numbered.values()
            for entry in entries(
                fleet.workspace, each.env, fleet.recipe(each.env.recipe), each.lock, each.version
            )
        ]

    @property
    def _lists(self) -> Path:
        """Return the folder of the envs' pages."""
        return self.output.with_suffix("")

    def _pages(self, found: Sequence[Entry]) -> dict[Path, str]:
        """Return the text of every page, by its path."""
        root, lists = self.fleet.root, self._lists
        by_env: dict[str, list[Entry]] = {}
        for entry in found:
            by_env.setdefault(entry.env, []).append(entry)
        return {
            self.output: main_page(found, _link(root / FOLDER, self.output.parent), lists.name),
            **{
                lists / f"{env}.md": env_page(own, _link(root / lock_path(env), lists))
                for env, own in by_env.items()
            },
        }

    def _left(self, pages: Mapping[Path, str]) -> Iterator[Path]:
        """Give the pages of envs that aren't there any more."""
        for path in sorted(self._lists.glob("*.md")):
            if path not in pages and (_read(path) or "").startswith(NOTE):
                yield path


def catalog_file(root: Path, given: str) -> Path:
    """Return the page's path. Raise StoreError where it can't be one."""
    path = root / given
    if path.suffix != ".md" or path.is_dir():
        raise StoreError(
            "this is no name of a Markdown file", where=given, solution="give --output FILE.md"
        )
    return path


def _link(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None

"""The rules that the code keeps, read from the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import lockyard
from lockyard.errors import LockyardError
from lockyard.sources.debian import APT

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "lockyard"
MODULES = sorted(PACKAGE.rglob("*.py"))
# In the order in which data flows; what stands above the folders may be imported by all.
ORDER = re.findall(r"^\d+\. ``(\w+)``", lockyard.__doc__ or "", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Give every module of lockyard that a module imports, anywhere in it."""
    package = ["lockyard", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=module, level=0, names=names) if module == "lockyard":
                yield from (f"lockyard.{each.name}" for each in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.ImportFrom(module=module, level=level, names=names) if level:
                start = package[: len(package) - level + 1]
                yield ".".join([*start, module or names[0].name])


def test_the_order_names_every_folder() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if any(path.glob("*.py"))}
    assert sorted(ORDER) == sorted(folders)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_backwards(path: Path) -> None:
    # `python -m lockyard` is the program under another name.
    folder = {"__main__.py": "cli"}.get(path.name, path.relative_to(PACKAGE).parts[0])
    allowed = ORDER[: ORDER.index(folder) + 1] if folder in ORDER else []
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "lockyard" and len(parts) > 1 and parts[1] in ORDER:
            assert parts[1] in allowed, f"{name(path)} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_are_described_and_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(text))
    assert doc
    assert len(text.splitlines()) <= 300
    if path.name == "__init__.py" and path.parent != PACKAGE:
        assert len(ast.parse(text).body) == 1, "a folder's __init__ is its docstring"


def test_folders_of_tests_mirror_folders_of_the_source() -> None:
    # What is tested as a whole, and what isn't part of the package.
    apart = {"determinism", "docs", "engine", "fleet", "recipes"}
    folders = {
        path.parent.relative_to(ROOT / "tests")
        for path in (ROOT / "tests").rglob("test_*.py")
        if path.parent != ROOT / "tests"
    }
    for folder in folders:
        if folder.parts[0] not in apart:
            assert (PACKAGE / folder).is_dir(), f"tests/{folder}"


def test_every_folder_of_the_source_has_tests() -> None:
    for folder in ORDER:
        assert list((ROOT / "tests" / folder).rglob("test_*.py")), folder


def test_every_family_of_errors_has_a_status_of_its_own() -> None:
    # Defined where users look for them; others refine these and keep their status.
    families = [
        each for each in LockyardError.__subclasses__() if each.__module__ == "lockyard.errors"
    ]
    statuses = [LockyardError.status, *(each.status for each in families)]
    assert len(set(statuses)) == len(statuses)
    assert all(0 < status < 64 for status in statuses)
    assert len({each.family for each in families}) == len(families)


def test_documented_statuses() -> None:
    rows = re.findall(
        r"^\| *`?(\d+)`? *\|(.*)$",
        (ROOT / "docs/reference/statuses.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    documented = {int(status): text for status, text in rows}
    for each in LockyardError.__subclasses__():
        if each.__module__ == "lockyard.errors":
            assert each.family in documented[each.status]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, timeout=30
    ).stdout
    return [ROOT / file for file in listed.decode().split("\0") if file]


def hosts() -> set[str]:
    """Return the hosts of registries, taken from the tools that know them."""
    from pip._internal.models.index import PyPI, TestPyPI

    found = {PyPI.netloc, PyPI.file_storage_domain, TestPyPI.netloc, TestPyPI.file_storage_domain}
    for path in [*APT.rglob("*.list"), *APT.rglob("*.sources")]:
        for word in path.read_text(errors="replace").split():
            found.add(urlsplit(word).hostname or "")
    configured = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        check=False,
        timeout=30,
        encoding="utf-8",
    ).stdout
    for address in re.findall(r"https?://[^\s'\"]+", configured):
        found.add(urlsplit(address).hostname or "")
    return {host for host in found if "." in host and host != "127.0.0.1"}


def test_no_file_names_a_registry_or_a_path_of_this_machine() -> None:
    known = hosts()
    assert len(known) >= 2
    # The home by what is in it: in images, too, root's own is called as it is everywhere.
    kept = {".bashrc", ".profile"}
    places = {str(path) for path in Path.home().iterdir() if path.name not in kept}
    # Where temporary files go is called so everywhere.
    places |= {str(ROOT.parent)} - {"/", str(Path.home()), tempfile.gettempdir()}
    # As a whole name: a host that ends in another isn't it, nor is a longer path.
    pattern = re.compile(
        rb"(?<![\w.-])(%s)(?![\w-])|(?<![\w./-])(%s)(?=/|\b)(?!\w)"
        % (
            b"|".join(re.escape(each.encode()) for each in sorted(known)),
            b"|".join(re.escape(each.encode()) for each in sorted(places)),
        )
    )
    named = [
        f"{name(path)}: {match[0].decode()}"
        for path in tracked()
        if path.is_file()
        for match in pattern.finditer(path.read_bytes())
    ]
    assert named == []

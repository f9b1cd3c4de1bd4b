"""What the README and the docs say is so: pages are fresh, links lead somewhere, commands parse."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from attrs import frozen
from invoke.exceptions import ParseError
from invoke.parser import Parser
from invoke.program import Program

from docs.generate import read_meanings
from lockyard.cli.namespace import namespace
from lockyard.spec.model import Env
from lockyard.spec.reader import read_fleet
from lockyard.tasks.build import Builder

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]

_FENCE = re.compile(r"^```(\w*)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`((?:lockyard|invoke) [a-z][^`]*)`")
_PROGRAMS = {"lockyard", "invoke", ".venv/bin/lockyard", ".venv/bin/invoke"}


@frozen
class Block:
    """A fenced block: its language, the path that its info string gives, its text."""

    language: str
    path: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in _FENCE.findall(page.read_text("utf-8"))]


def commands(page: Path) -> Iterator[list[str]]:
    """Give the arguments of every lockyard and invoke command that a page shows."""
    text = page.read_text("utf-8")
    lines = [
        line for block in blocks(page) if block.language == "sh" for line in command_lines(block)
    ]
    spans = [span for span in _SPAN.findall(_FENCE.sub("", text)) if not names_a_task(span)]
    for line in [*lines, *spans]:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set(";&|<>"):
                names = [at for at, each in enumerate(words) if each in _PROGRAMS]
                if names:
                    yield words[names[0] + 1 :]
                words = []
            else:
                words.append(word)


def names_a_task(span: str) -> bool:
    """Tell a mention of a task in running text from a command that is to be typed."""
    return span.partition(" ")[2] in namespace.tasks


def command_lines(block: Block) -> list[str]:
    return block.text.replace("\\\n", " ").splitlines()


def parse(words: list[str]) -> Any:
    initial = Program(namespace=namespace).initial_context
    return Parser(contexts=namespace.to_contexts(), initial=initial).parse_argv(words)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate the pages in a process of its own: invoke gives a task's help only once."""
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, ROOT / "docs/generate.py", folder], check=True, timeout=60)
    return folder


def test_generated_pages_are_fresh(generated: Path) -> None:
    fresh = {
        page.relative_to(generated): page.read_text("utf-8")
        for page in generated.rglob("*")
        if page.is_file()
    }
    written = {path: (ROOT / "docs" / path).read_text("utf-8") for path in fresh}
    assert len(fresh) == 7
    assert written == fresh, "run: python docs/generate.py"


def test_a_key_without_a_meaning_is_refused() -> None:
    with pytest.raises(KeyError, match="titel"):
        read_meanings().of(Env, ["titel"])


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Return the anchors that a forge gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_parse(page: Path) -> None:
    for words in commands(page):
        parse(words)


def test_a_wrong_command_does_not_parse() -> None:
    with pytest.raises(ParseError):
        parse(["build", "sklearn-1.9", "--push-it"])


def test_the_readme_shows_commands() -> None:
    assert ["build", "sklearn-1.9"] in list(commands(ROOT / "README.md"))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_specs_are_read_without_fault(page: Path, tmp_path: Path) -> None:
    """Lay a page's blocks over this workspace, by the paths that they are marked with."""
    shutil.copy(ROOT / "WORKSPACE.toml", tmp_path)
    shutil.copytree(ROOT / "images", tmp_path / "images")
    shown = [block for block in blocks(page) if block.path]
    for block in shown:
        lay(block, tmp_path)
    fleet = read_fleet(tmp_path)
    for name in fleet.env_names():
        fleet.recipe(fleet.env(name).recipe)
    for name in fleet.recipe_names():
        fleet.recipe(name)


def lay(block: Block, root: Path) -> None:
    target = root / block.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if block.path == "WORKSPACE.toml":
        whole = merged(tomllib.loads(target.read_text("utf-8")), tomllib.loads(block.text))
        target.write_text(tomli_w.dumps(whole), "utf-8")
    else:
        target.write_text(block.text, "utf-8")


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return tables with others laid over them, key by key."""
    both = {
        key: merged(old[key], value) if isinstance(value, dict) and key in old else value
        for key, value in new.items()
    }
    return old | both


@pytest.mark.network
def test_the_readme_shows_the_digest_that_is_built(builder: Builder) -> None:
    (built,) = builder.build("sklearn-1.9")
    readme = (ROOT / "README.md").read_text("utf-8")
    lines = [f"  {digest}  {platform}\n" for platform, digest in built.digests.items()]
    assert "".join(lines) in readme
    for platform, digest in built.digests.items():
        assert f"| {built.image} | {platform} | `{digest}` | 10 |" in readme


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_toml_blocks_say_what_they_are(page: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            assert re.fullmatch(r"WORKSPACE.toml|envs/.+|images/.+|locks/.+", block.path), (
                block.text
            )


def test_variables_of_the_code_are_described() -> None:
    found = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"LOCKYARD_[A-Z_]+", path.read_text("utf-8"))
    }
    described = (ROOT / "docs/reference/environment.md").read_text("utf-8")
    assert found
    assert {name for name in found if f"`{name}`" not in described} == set()

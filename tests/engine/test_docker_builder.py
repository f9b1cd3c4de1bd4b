"""Images that an engine's BuildKit makes: the same each time, and the same as our own builder's."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from attrs import evolve
from docker.models.containers import Container

from lockyard.docker.engine import checked_engine
from lockyard.events import Silent
from lockyard.ship.engine import load_image
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.build import Builder, Built
from lockyard.tasks.method import ByEngine, Embedded
from tests.docker.trees import config_of, first_difference, texts_of, tree_of

ROOT = Path(__file__).resolve().parents[2]
ENV = "minimal-py311"

pytestmark = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("docker-builder")]

# What two installers write of their own; docs/howto/docker-builder.md explains each.
_OWN = re.compile(r".+\.dist-info/(INSTALLER|RECORD|REQUESTED)")
_SCRIPTS = re.compile(r"opt/venv/bin/[^/]+")
_DECLARED = re.compile(r".+\.dist-info/entry_points\.txt")


@pytest.fixture(scope="module")
def by_engine(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """A builder that has the engine run every step."""
    fleet = read_fleet(ROOT)
    return Builder(
        fleet=fleet,
        store=Store.default(os.environ),
        output=tmp_path_factory.mktemp("by-engine"),
        environ=os.environ,
        reporter=Silent(),
        jobs=2,
        method=ByEngine(fleet=fleet, engine=checked_engine(), cache=False),
    )


@pytest.fixture(scope="module")
def built(by_engine: Builder) -> Built:
    (built,) = by_engine.build(ENV)
    return built


def test_built_once(by_engine: Builder, built: Built) -> None:
    assert built.state == "built"
    (again,) = by_engine.build(ENV)
    assert (again.state, again.digests) == ("unchanged", built.digests)


def test_the_other_builder_builds_it_anew(by_engine: Builder, built: Built) -> None:
    (would,) = evolve(by_engine, method=Embedded()).build(ENV, dry_run=True)
    assert would.state == "would build"
    assert would.why == ("it was built by another builder: docker",)


def test_built_twice_without_cache(by_engine: Builder, built: Built, tmp_path: Path) -> None:
    (again,) = evolve(by_engine, output=tmp_path).build(ENV)
    assert (again.state, again.digests) == ("built", built.digests)


def test_both_builders_agree(builder: Builder, built: Built) -> None:
    (own,) = builder.build(ENV)
    one, other = Path(own.folder), Path(built.folder)
    scripts = {f"opt/venv/bin/{name}" for name in declared(one)} | {"opt/venv/bin/pip3.11"}

    def excepted(path: str) -> bool:
        return path in scripts or _OWN.fullmatch(path) is not None

    assert first_difference(tree_of(one), tree_of(other), excepted) == ""
    # What starts a script differs in words alone.
    starts = [
        {path: started(text) for path, text in texts_of(layout, _SCRIPTS).items()}
        for layout in (one, other)
    ]
    starts[1].pop("opt/venv/bin/pip3.11")
    assert starts[0] == starts[1]
    assert len(starts[0]) > 5


def declared(layout: Path) -> set[str]:
    """Return the names of the scripts that packages declare."""
    names: set[str] = set()
    for text in texts_of(layout, _DECLARED).values():
        parser = configparser.ConfigParser(delimiters=("=",))
        parser.read_string(text)
        names |= {*parser["console_scripts"]} if "console_scripts" in parser else set()
    return names


def started(script: str) -> tuple[str, ...]:
    """Return a script's interpreter, what it imports of its package, and what it calls."""
    wanted = re.compile(r"#!.*|from .* import .*|\s*sys\.exit\(.*\)")
    return tuple(line.strip() for line in script.splitlines() if wanted.fullmatch(line))


def test_both_builders_say_the_same(builder: Builder, built: Built) -> None:
    (own,) = builder.build(ENV)
    one, other = (config_of(Path(each.folder)) for each in (own, built))
    assert one["created"] == other["created"]
    for config in (one["config"], other["config"]):
        config["Env"].sort()
        config.pop("ArgsEscaped", None)  # a mark of Windows images that BuildKit sets on all
    assert one["config"] == other["config"]


def test_it_runs(built: Built, run: Callable[..., AbstractContextManager[Container]]) -> None:
    (tag,) = load_image(Path(built.folder))
    command = ["python", "-c", "import os, ssl, flask, cryptography; print(os.getuid())"]
    with run(tag, command) as container:
        assert container.wait(timeout=60)["StatusCode"] == 0, container.logs()
        assert container.logs().strip() == b"1000"

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import define, evolve, field

from lockyard.assemble.layout import assemble, write_layout
from lockyard.build.built import BuiltLayer
from lockyard.docker.buildkit import follow, run_build, take_image
from lockyard.errors import EngineError, IntegrityError
from lockyard.events import Silent
from lockyard.plan.image import ImagePlan
from lockyard.store.store import Store

OUTPUT = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s

#4 [base 1/1] ADD layers/base.tar.gz /
#4 DONE 1.6s

#5 [packages 2/2] RUN pip
#5 4.651 Looking in links: wheels
#5 ...

#6 [stage-4 1/3] COPY a b
#6 CACHED

#5 [packages 2/2] RUN pip
#5 ERROR: process did not complete successfully: exit code: 1
ERROR: failed to solve
"""


@define
class Told(Silent):
    """Keep what is told of tasks."""

    lines: list[str] = field(factory=list)

    def begin(self, task: str, text: str, total: int | None = None) -> None:
        self.lines.append(f"+ {text}")

    def end(self, task: str) -> None:
        self.lines.append(f"- {task}")


def test_steps_are_told_once() -> None:
    told = Told()
    last = follow(OUTPUT.splitlines(keepends=True), "x", told)
    assert told.lines == [
        '+ x: building with "default" instance using docker driver',
        "+ x: [base 1/1] ADD layers/base.tar.gz /",
        "- x 4",
        "+ x: [packages 2/2] RUN pip",
        "+ x: [stage-4 1/3] COPY a b",
        "- x 6",
        "- x 5",
    ]
    assert last[-1] == "ERROR: failed to solve"


@pytest.fixture
def folder(plan: ImagePlan, built: Mapping[str, BuiltLayer], store: Store, tmp_path: Path) -> Path:
    """A layout as an engine might write it."""
    layers = list(built.values())
    image = assemble(evolve(plan, layers=(plan.layers[0], *plan.layers[2:])), layers)
    made = tmp_path / "made"
    write_layout([image], "x", b"{}", store, made)
    return made


def test_an_image_is_taken_as_it_is(folder: Path, plan: ImagePlan, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    image = take_image(plan, folder, other)
    index = json.loads((folder / "index.json").read_bytes())
    assert image.digest == index["manifests"][0]["digest"]
    assert image.layers[0].title == "lockyard: 1 Debian packages"
    assert all(other.blob(layer.digest, layer.size) for layer in image.layers)
    write_layout([image], "x", b"{}", other, tmp_path / "again")
    assert {path.name for path in (tmp_path / "again").rglob("blobs/*/*")} == {
        path.name for path in folder.rglob("blobs/*/*")
    }


def test_an_image_for_another_platform(folder: Path, plan: ImagePlan, store: Store) -> None:
    arm = evolve(plan, target=evolve(plan.target, platform="linux/arm64"))
    with pytest.raises(EngineError, match="an image for linux/amd64"):
        take_image(arm, folder, store)


def test_a_layer_that_is_not_what_its_digest_says(
    folder: Path, plan: ImagePlan, tmp_path: Path
) -> None:
    blob = max((folder / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    size = blob.stat().st_size
    blob.unlink()  # it may be the store's
    blob.write_bytes(bytes(size))
    with pytest.raises(IntegrityError):
        take_image(plan, folder, Store(tmp_path / "other"))


@pytest.mark.engine
def test_a_build_that_fails_says_what_the_engine_said(plan: ImagePlan, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY missing /\n")
    with pytest.raises(EngineError) as caught:
        run_build(plan, context, tmp_path / "made", Silent())
    assert '"/missing": not found' in caught.value.reason
    assert caught.value.where == "trial-cpu, linux/amd64"


@pytest.mark.engine
def test_a_build_is_of_its_own_time(
    plan: ImagePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "SOURCE_DATE_EPOCH", "1")
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    made = tmp_path / "made"
    run_build(plan, context, made, Silent(), cache=False)
    image = take_image(plan, made, Store(tmp_path / "other"))
    config = json.loads(image.config.data)
    assert config["created"] == "2026-01-02T03:04:05Z"

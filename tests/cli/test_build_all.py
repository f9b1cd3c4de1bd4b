"""The program, called to build a whole fleet: what is shared, what fails, what is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lockyard.errors import IntegrityError, StoreError
from tests.cli.conftest import Yard, wrong

SUFFIX = "debian12-py311-cpu-inference"


@pytest.fixture
def fleet(yard: Yard) -> Yard:
    """Three envs that share a base; the second can't be built, for one of its wheels."""
    base, alpha = yard.base(), yard.wheel("alpha")
    yard.lock("one", base, alpha)
    yard.lock("three", base, alpha, yard.wheel("gamma"))
    yard.lock("two", base, alpha, wrong(yard.wheel("beta")))
    return yard


def test_a_failure_is_its_image_s_alone(fleet: Yard) -> None:
    done = fleet.run("build", "--all")
    assert done.returncode == IntegrityError.status
    assert re.findall(r"^(\S+): built", done.stdout, re.MULTILINE) == [
        f"one-{SUFFIX}",
        f"three-{SUFFIX}",
    ]
    assert f"integrity error: two-{SUFFIX}: beta-1.0-py3-none-any.whl" in done.stderr
    summary, advice = done.stderr.splitlines()[-2:]
    assert summary == f"1 failed: two-{SUFFIX}"
    assert "the same command goes on from there" in advice
    assert sorted(path.name for path in (fleet.root / "dist").iterdir()) == [
        f"one-{SUFFIX}",
        f"three-{SUFFIX}",
    ]


def test_once_it_is_mended_the_same_command_goes_on(fleet: Yard) -> None:
    fleet.run("build", "--all")
    before = len(fleet.site.asked)
    fleet.lock("two", fleet.base(), fleet.wheel("alpha"), fleet.wheel("beta"))
    done = fleet.run("build", "--all")
    assert done.returncode == 0, done.stderr
    assert len(re.findall("nothing to do", done.stdout)) == 2
    asked = fleet.site.asked[before:]
    assert {path for path in asked if path.startswith("/files/")} == {
        "/files/beta-1.0-py3-none-any.whl"
    }


@pytest.mark.parametrize("broken", ["spec", "artifact"])
def test_told_to_stop_it_begins_nothing_more(fleet: Yard, broken: str) -> None:
    if broken == "spec":
        fleet.write_spec("a", "title = 1\n")
    else:
        fleet.lock("a", fleet.base(), wrong(fleet.wheel("alpha")))
    done = fleet.run("build", "--all", "--no-keep-going")
    assert done.returncode != 0
    assert done.stderr.splitlines()[-2].startswith("1 failed: a")
    assert not list(fleet.root.glob("dist/*/index.json"))
    assert not any("gamma" in path or "beta" in path for path in fleet.site.asked)


def test_machines_learn_whose_an_error_is(fleet: Yard) -> None:
    done = fleet.run("build", "--all", "--json")
    (error,) = [json.loads(line)["error"] for line in done.stderr.splitlines()]
    assert error["of"] == f"two-{SUFFIX}"


def test_a_folder_of_something_else_is_left_alone(fleet: Yard) -> None:
    notes = fleet.root / "dist" / f"one-{SUFFIX}" / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("kept")
    done = fleet.run("build", "one")
    assert done.returncode == StoreError.status
    assert "is no image layout" in done.stderr
    assert notes.read_text() == "kept"


def test_each_layer_is_built_once(fleet: Yard) -> None:
    done = fleet.run("build", "--all")
    told = [line.strip() for line in done.stderr.splitlines() if "Building" in line]
    # alpha and gamma share no layer, or they would be one that both images can't have.
    assert sorted(told) == sorted(set(told))
    assert sum("Debian" in line for line in told) == 1


def test_bytes_that_images_share_count_once(fleet: Yard) -> None:
    fleet.lock("two", fleet.base(), fleet.wheel("alpha"), fleet.wheel("beta"))
    done = fleet.run("build", "--all")
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"3 images: \S+ kB in all, \S+ kB unique \(\d+ %\)", last), last
    images = json.loads(fleet.run("build", "--all", "--json").stdout)
    blobs = {name: size for image in images for name, size in image["blobs"].items()}
    share = 100 * sum(blobs.values()) / sum(image["size"] for image in images)
    assert f"({share:.0f} %)" in last
    for name, size in blobs.items():
        (found, *_) = Path(fleet.root / "dist").glob(f"*/blobs/sha256/{name}")
        assert found.stat().st_size == size


def test_a_dry_run_says_what_changed(fleet: Yard) -> None:
    fleet.run("build", "--all")
    fleet.lock("one", fleet.base(), fleet.wheel("alpha"), fleet.wheel("delta"))
    spec = 'environment.A = "b"\n'
    fleet.lock("three", fleet.base(), fleet.wheel("alpha"), fleet.wheel("gamma"), text=spec)
    done = fleet.run("build", "--all", "--dry-run")
    blocks = re.split(r"\n(?=\S)", done.stdout.strip())
    assert [block.splitlines()[1:] for block in blocks] == [
        ["  + delta 1.0"],
        ["  config: Env"],
        ["  it isn't built here yet"],
    ]

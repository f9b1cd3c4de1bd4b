"""What comes out: for people, for machines, and into what breaks."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from lockyard.cli.output import readable
from lockyard.errors import StoreError
from tests.cli.conftest import SECONDS, Yard


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (55_700_000, "55.7 MB"), (10**16, "10000.0 TB")],
)
def test_readable(size: int, text: str) -> None:
    assert readable(size) == text


def test_json_of_every_task(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    (built,) = json.loads(yard.run("build", "trial", "--json").stdout)
    assert built["state"] == "built"
    assert built["digests"]["linux/amd64"].startswith("sha256:")
    (listed,) = json.loads(yard.run("list", "--json").stdout)
    assert (listed["env"], listed["lock"]) == ("trial", "fresh")
    assert listed["digest"] == built["digests"]["linux/amd64"]
    assert yard.run("build", "trial", "--json").stderr == ""


def test_json_of_errors(yard: Yard) -> None:
    yard.write_spec("trial", "title = 1\n")
    error = json.loads(yard.refused(3, "build", "trial", "--json").splitlines()[-1])["error"]
    assert (error["status"], error["where"]) == (3, "envs/trial.toml")
    assert [fault["key"] for fault in error["faults"]] == ["title", "base"]


def _into(yard: Yard, output: int, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        yard.command(*arguments),
        cwd=yard.root,
        env=yard.environment(),
        stdout=output,
        stderr=subprocess.PIPE,
        timeout=SECONDS,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["build", "trial"]])
def test_reader_that_has_gone(yard: Yard, arguments: list[str]) -> None:
    yard.lock("trial", yard.base())
    yard.run("build", "trial")
    read, write = os.pipe()
    os.close(read)
    try:
        done = _into(yard, write, *arguments)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", [["list"], ["build", "trial"]])
def test_output_that_is_full(yard: Yard, arguments: list[str]) -> None:
    yard.lock("trial", yard.base())
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = _into(yard, full.fileno(), *arguments)
    assert done.returncode == StoreError.status
    assert b"the results can't be written: No space left on device" in done.stderr


def test_folder_that_has_gone(yard: Yard) -> None:
    gone = yard.root / "gone"
    gone.mkdir()
    script = f'rmdir "{gone}"; exec "$0" list'
    done = subprocess.run(
        ["sh", "-c", script, *yard.command()],
        cwd=gone,
        env=yard.environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == StoreError.status
    assert done.stderr.startswith("store error: the system refuses: No such file or directory")

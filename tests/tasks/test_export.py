"""A lock in the forms of other tools, and its wheels beside it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli
from attrs import evolve

from lockyard.errors import FetchError, StoreError, UsageError
from lockyard.events import Silent
from lockyard.lock.file import read_lock
from lockyard.lock.finding import serving
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.export import Export, export_env
from lockyard.tasks.supply import Supply
from tests.conftest import ROOT
from tests.tasks.reviewed import BYTES, fleet, locked

__all__ = ["fleet"]


@pytest.fixture
def store(fleet: Fleet, tmp_path: Path) -> Store:
    """A store that has every wheel of the lock."""
    store = Store.open(tmp_path / "store")
    for wheel in locked(fleet).wheels:
        with store.writer("artifact") as writer:
            writer.write(BYTES[wheel.name] + wheel.file.encode())
            writer.commit()
    return store


def supply_of(fleet: Fleet, store: Store) -> Supply:
    """A supply whose index doesn't answer."""
    environ = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    return Supply(workspace=fleet.workspace, store=store, environ=environ, reporter=Silent())


class TestExport:
    def test_a_pylock_finds_its_wheels_from_where_it_stands(
        self, fleet: Fleet, store: Store, tmp_path: Path
    ) -> None:
        (tmp_path / "out").mkdir()
        wanted = Export(
            env="trial",
            format="pylock",
            target="cpu-linux-amd64",
            output=tmp_path / "out" / "pylock.toml",
            wheels=tmp_path / "wheels",
        )
        done = export_env(fleet, wanted, lambda: supply_of(fleet, store))
        text = (tmp_path / "out" / "pylock.toml").read_text(encoding="utf-8")
        assert text == done.text
        for package in tomli.loads(text)["packages"]:
            (wheel,) = package["wheels"]
            data = (tmp_path / "out" / wheel["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == wheel["hashes"]["sha256"]
        assert sorted(path.name for path in (tmp_path / "wheels").iterdir()) == sorted(
            Path(file).name for file in done.wheels
        )

    def test_what_can_not_be_brought_leaves_nothing_behind(
        self, fleet: Fleet, tmp_path: Path
    ) -> None:
        wanted = Export(
            env="trial",
            format="pylock",
            target="cpu-linux-amd64",
            output=tmp_path / "pylock.toml",
            wheels=tmp_path / "wheels",
        )
        with pytest.raises(FetchError, match="no answer"):
            export_env(fleet, wanted, lambda: supply_of(fleet, Store.open(tmp_path / "empty")))
        assert not (tmp_path / "wheels").exists()
        assert not (tmp_path / "pylock.toml").exists()

    def test_a_wheel_that_rotted_in_the_store_is_not_handed_out(
        self, fleet: Fleet, store: Store, tmp_path: Path
    ) -> None:
        wheel = locked(fleet).wheels[2]
        path = store.artifact(wheel.sha256)
        assert path is not None
        path.chmod(0o644)
        path.write_bytes(b"x" * wheel.size)
        wanted = Export(
            env="trial", format="pylock", target="cpu-linux-amd64", wheels=tmp_path / "wheels"
        )
        with pytest.raises(FetchError, match="no answer"):
            export_env(fleet, wanted, lambda: supply_of(fleet, store))
        assert not (tmp_path / "wheels" / wheel.file).exists()

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({}, "name one: cpu-linux-amd64, cpu-linux-arm64"),
            ({"target": "cpu-linux-arm"}, "did you mean 'cpu-linux-arm64'"),
            ({"format": "explicit", "target": "cpu-linux-arm64"}, "has no conda packages"),
            ({"wheels": Path("wheels"), "format": "conda-lock"}, "has no use for a folder"),
            ({"output": Path()}, r"\. is a folder"),
            ({"output": Path("/")}, "/ is a folder"),
        ],
    )
    def test_arguments_that_do_not_fit_are_said(
        self, fleet: Fleet, store: Store, changes: Mapping[str, Any], told: str
    ) -> None:
        wanted = evolve(Export(env="trial", format="requirements"), **changes)
        with pytest.raises(UsageError, match=told):
            export_env(fleet, wanted, lambda: supply_of(fleet, store))

    def test_a_place_that_can_not_be_written_is_said(
        self, fleet: Fleet, store: Store, tmp_path: Path
    ) -> None:
        wanted = Export(
            env="trial",
            format="requirements",
            target="cpu-linux-amd64",
            output=tmp_path / "gone" / "requirements.txt",
        )
        with pytest.raises(StoreError, match="it can't be written"):
            export_env(fleet, wanted, lambda: supply_of(fleet, store))


@pytest.mark.network
def test_pip_takes_the_requirements_of_a_real_lock(tmp_path: Path) -> None:
    fleet = read_fleet(ROOT)
    wanted = Export(
        env="sklearn-1.9",
        format="requirements",
        target="cpu-linux-amd64",
        output=tmp_path / "requirements.txt",
    )
    export_env(fleet, wanted, lambda: supply_of(fleet, Store.open(tmp_path / "store")))
    target = PythonTarget(python="3.11.2", glibc="2.36", machine="x86_64")
    report = tmp_path / "report.json"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps",
         "--require-hashes", "--only-binary", ":all:", "--python-version", "3.11",
         *(f"--platform={each}" for each in target.platforms), "--target", str(tmp_path / "none"),
         "--disable-pip-version-check", "--quiet",
         "--report", str(report), "--requirement", str(wanted.output)],
        check=True,
        timeout=300,
    )  # fmt: skip
    installed = {
        (each["metadata"]["name"].lower().replace("_", "-").replace(".", "-"),
         each["metadata"]["version"])
        for each in json.loads(report.read_bytes())["install"]
    }  # fmt: skip
    lock = read_lock(ROOT, "sklearn-1.9")
    assert lock is not None
    (amd64,) = (each for each in lock.targets if each.name == wanted.target)
    assert installed == {(each.name, each.version) for each in serving(lock.wheels, amd64)}

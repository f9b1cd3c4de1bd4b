"""`verify` as users call it: images that are the same, and images that were changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockyard.errors import BuildError, UsageError, VerifyError
from lockyard.ship.archive import write_archive
from tests.cli.conftest import SECONDS, Yard
from tests.registries import Fake, faking
from tests.resolve.image.conftest import running
from tests.verify.doctor import Doctor, at

IMAGE = "trial-debian12-py311-cpu-inference"
MODULE = "opt/venv/lib/python3.11/site-packages/alpha.py"


@pytest.fixture
def built(yard: Yard) -> Path:
    """The layout of a built image."""
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    assert yard.run("build", "trial").returncode == 0
    return yard.root / "dist" / IMAGE


@pytest.fixture
def doctored(built: Path, tmp_path: Path) -> Path:
    """The same with one byte of one file changed."""
    doctor = Doctor(built, tmp_path / "doctored")
    doctor.archive(2, at(MODULE, lambda _, data: b"x" + data[1:]))
    return doctor.folder


def test_an_image_is_the_same(yard: Yard, built: Path) -> None:
    before, owned = yard.state(), _owned(yard.store / "artifacts")
    (done,) = json.loads(yard.run("verify", "trial", "--json").stdout)
    ledger = json.loads((built / "lockyard.json").read_bytes())
    assert done["digests"] == ledger["images"]
    assert done["digest"] == ledger["image"]
    lock = (yard.root / "locks/trial.lock.toml").read_bytes()
    assert (ledger["format"], ledger["lock"]) == (2, hashlib.sha256(lock).hexdigest())
    assert (done["times"], done["against"]) == (2, str(built))
    one, other = done["rounds"]
    same = {
        key for key, value in one["conditions"].items() if other["conditions"][key] == value
    } - {"python", "locale"}
    if not done["left_out"]:
        assert same == set()
    for each in (one, other):
        given, seen = each["conditions"], each["seen"]
        assert seen["umask"] == f"{given['umask']:03o}"
        assert seen["optimize"] == given["optimize"]
        assert seen["cwd"].endswith(given["folder"]) or not given["folder"].isascii()
        assert given["user"] in (None, seen["user"])
        assert given["host"] in ("", seen["host"])
        assert not given["clock"] or seen["clock"][:4] in (given["clock"][:4], "2038")
    # Whoever the rebuilds were, they had the user's own artifacts under other names.
    assert _owned(yard.store / "artifacts") == owned
    # Nothing is built into the user's store, and nothing is left there.
    assert {path for path in yard.state() if path not in before} == set()
    assert list((yard.store / "tmp").iterdir()) == []


def _owned(folder: Path) -> set[tuple[str, int, int, int]]:
    """Return who owns each file and what the mode and the time of it are."""
    files = [(path, path.stat()) for path in folder.rglob("*") if path.is_file()]
    assert files
    return {(str(path), each.st_uid, each.st_mode, each.st_mtime_ns) for path, each in files}


def test_a_table_for_readers(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    table = yard.run("verify", "trial", "--times", "1", "--jobs", "1", "--markdown")
    head, _, row = table.stdout.splitlines()
    assert head.startswith("| image | platform |")
    assert row.startswith(f"| {IMAGE} | linux/amd64 | `sha256:")


def test_a_dry_run_builds_and_fetches_nothing(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    before = yard.state()
    done = yard.run("verify", "trial", "--times", "3", "--dry-run")
    assert done.stdout.count("umask") == 3
    assert yard.state() == before


def test_a_changed_layout_is_told_with_its_file(yard: Yard, built: Path, doctored: Path) -> None:
    done = yard.run("verify", "trial", "--times", "1", "--against", str(doctored), "--json")
    assert done.returncode == VerifyError.status
    error = json.loads(done.stderr)["error"]
    assert error["family"] == "verify"
    told = error["details"]["difference"]
    assert (told["layer"], told["path"], told["package"]) == (2, f"/{MODULE}", "alpha 1.0")
    assert told["kind"] == "content"
    assert [each["conditions"]["number"] for each in error["details"]["rounds"]] == [1]
    if shutil.which("diffoscope"):
        assert "A module" in Path(error["details"]["diffoscope"]).read_text()


def test_an_archive(yard: Yard, doctored: Path, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    write_archive(doctored, archive)
    done = yard.run("verify", "trial", "--times", "1", "--against", str(archive))
    assert done.returncode == VerifyError.status
    assert f"/{MODULE}\n" in done.stderr


def test_a_digest_that_nothing_is_known_of(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    done = yard.run("verify", "trial", "--times", "1", "--against", f"sha256:{'0' * 64}")
    assert done.returncode == VerifyError.status
    assert "to be told what differs" in done.stderr


@pytest.fixture
def fake() -> Iterator[Fake]:
    with faking() as made:
        yield made


def test_an_image_of_a_registry(yard: Yard, built: Path, tmp_path: Path, fake: Fake) -> None:
    assert yard.run("push", "trial", "--registry", fake.host).returncode == 0
    shutil.rmtree(built)
    call = ("verify", "trial", "--times", "1", "--against", f"{fake.host}/azureml/{IMAGE}")
    done = yard.run(*call)
    assert done.returncode == 0
    assert f"as in {fake.host}/azureml/{IMAGE}:latest" in done.stdout
    assert yard.run(*call[:-1], f"{call[-1]}:none").returncode == 6


def test_a_changed_image_of_a_registry(yard: Yard, built: Path, tmp_path: Path, fake: Fake) -> None:
    doctor = Doctor(built, tmp_path / "doctored")
    doctor.archive(3, at("home/dockeruser", lambda info, _: setattr(info, "mode", 0o700)))
    shutil.rmtree(built)
    shutil.copytree(doctor.folder, built)
    ledger = json.loads((built / "lockyard.json").read_bytes())
    (built / "lockyard.json").write_text(json.dumps(ledger))
    assert yard.run("push", "trial", "--registry", fake.host).returncode == 0
    shutil.rmtree(built)
    against = f"{fake.host}/azureml/{IMAGE}"
    done = yard.run("verify", "trial", "--times", "1", "--against", against)
    assert done.returncode == VerifyError.status
    assert "layer 3 (recipe inference): mode" in done.stderr
    assert "mode: 0700 -> 0755" in done.stderr


@pytest.mark.engine
def test_a_registry_that_others_wrote(yard: Yard, doctored: Path, tmp_path: Path) -> None:
    built = yard.root / "dist" / IMAGE
    with running(tmp_path) as host:
        assert yard.run("push", "trial", "--registry", host).returncode == 0
        shutil.rmtree(built / "blobs")
        shutil.copytree(doctored, built, dirs_exist_ok=True)
        assert yard.run("push", "trial", "--registry", host, "--tag", "bad").returncode == 0
        shutil.rmtree(built)
        call = ("verify", "trial", "--times", "1", "--against", f"{host}/azureml/{IMAGE}")
        done = yard.run(*call[:-1], f"{call[-1]}:bad")
        assert done.returncode == VerifyError.status
        assert f"/{MODULE}\n" in done.stderr
        dated = next(iter(_tags(host)))
        assert yard.run(*call[:-1], f"{call[-1]}:{dated}").returncode == 0


def _tags(host: str) -> list[str]:
    """Return the dated tags of the image, the oldest first."""
    with urllib.request.urlopen(f"http://{host}/v2/azureml/{IMAGE}/tags/list") as answer:
        return sorted(tag for tag in json.load(answer)["tags"] if tag[0].isdigit())


def test_what_names_nothing_is_refused(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    yard.refused(UsageError.status, "verify", "trial", "--against", "No image")
    yard.refused(UsageError.status, "verify", "trial", "--python", "/none")
    yard.refused(UsageError.status, "verify", "trial", "--times", "0")
    yard.refused(UsageError.status, "verify", "trial", "--against", str(yard.root))
    yard.lock("other", yard.base())
    yard.refused(UsageError.status, "verify", "--all", "--against", f"sha256:{'0' * 64}")


def test_what_the_builder_refuses_has_its_own_status(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha", "alpha/.wh.x"))
    done = yard.run("verify", "trial")
    assert done.returncode == BuildError.status
    assert "whiteouts" in done.stderr


def test_an_interrupt_leaves_nothing(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    running = subprocess.Popen(
        yard.command("verify", "trial", "--times", "99"),
        cwd=yard.root,
        env=yard.environment(),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert running.stderr is not None
    line = ""
    while "rebuild 1" not in line:
        line = running.stderr.readline()
        assert line
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    assert running.wait(SECONDS) == 130
    assert list((yard.store / "tmp").iterdir()) == []

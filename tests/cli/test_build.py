"""The build task, through the program and against sources that fail."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockyard.errors import BuildError, FetchError, IntegrityError, LockError, SpecError, StoreError
from tests.cli.conftest import CLOSED, SECONDS, Yard, wrong


def test_builds_once(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    first = yard.run("build", "trial")
    assert (first.returncode, ": built in " in first.stdout) == (0, True)
    before = yard.state()
    stamps = [path.stat().st_mtime_ns for path in sorted(yard.root.rglob("*"))]
    again = yard.run("build", "trial", PIP_INDEX_URL=CLOSED, LOCKYARD_DEBIAN_MIRROR=CLOSED)
    assert (again.returncode, again.stderr) == (0, "")
    assert ": nothing to do, " in again.stdout
    assert again.stdout.splitlines()[1] == first.stdout.splitlines()[1]
    assert yard.state() == before
    assert [path.stat().st_mtime_ns for path in sorted(yard.root.rglob("*"))] == stamps


def test_a_comment_is_looked_at_once(yard: Yard) -> None:
    """What was built from the very same files isn't planned again, nor is its lock parsed."""
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    first = yard.run("build", "trial")
    (ledger,) = yard.root.glob("dist/*/lockyard.json")
    spec, lock = yard.root / "envs/trial.toml", yard.root / "locks/trial.lock.toml"
    origin = json.loads(ledger.read_bytes())["origin"]
    spec.write_text(spec.read_text() + "# why it is here\n")
    again = yard.run("build", "trial")
    assert ": nothing to do, " in again.stdout
    assert again.stdout.splitlines()[1] == first.stdout.splitlines()[1]
    noted = json.loads(ledger.read_bytes())["origin"]
    assert noted != origin
    lock.write_text(lock.read_text() + "[")
    assert yard.refused(LockError.status, "build", "trial")
    # Only where the files are what the ledger says of them is it believed.
    ledger.write_text(ledger.read_text().replace(noted, origin))
    assert yard.refused(LockError.status, "build", "trial")


def test_invoke_builds_the_same(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    digests = []
    for program in ("lockyard", "invoke"):
        done = yard.run("build", "trial", "--json", program=program)
        digests.append(json.loads(done.stdout)[0]["digests"])
        shutil.rmtree(yard.root / "dist")
        shutil.rmtree(yard.store)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("folder", ["artifacts", "blobs"])
def test_what_went_bad_in_the_store_is_made_good(yard: Yard, folder: str) -> None:
    """A byte that turned, with the size as it was, reaches no image."""
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    first = json.loads(yard.run("build", "trial", "--json").stdout)[0]["digests"]
    shutil.rmtree(yard.root / "dist")
    if folder == "artifacts":
        shutil.rmtree(yard.store / "records")
    for path in (yard.store / folder).rglob("*"):
        if path.is_file():
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 0xFF
            path.chmod(0o644)
            path.write_bytes(data)
    again = yard.run("build", "trial", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)[0]["digests"] == first
    for path in (yard.root / "dist").rglob("blobs/sha256/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def test_dry_run_writes_nothing(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    before = yard.state()
    done = yard.run("build", "trial", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    image = "trial-debian12-py311-cpu-inference"
    assert done.stdout == f"{image}: would build 3 of 3 layers\n  it isn't built here yet\n"
    assert yard.state() == before


def test_all_faults_of_a_spec(yard: Yard) -> None:
    yard.write_spec(
        "trial",
        'titel = "Trial"\n'
        'base = "debian21"\n'
        'requirements.pypi = ["numpy=>1"]\n'
        'platforms = ["linux/amd46"]\n',
    )
    message = yard.refused(SpecError.status, "build", "trial")
    assert message.startswith("spec error: envs/trial.toml: 5 faults to mend\n")
    keys = re.findall(r"^  envs/trial\.toml: (\S+): ", message, re.MULTILINE)
    assert sorted(keys) == ["base", "platforms[0]", "requirements.pypi[0]", "titel", "title"]
    for right in ("'title'", "'debian12'", "'linux/amd64'", "name>=1.2,<2"):
        assert right in message


def test_no_lock(yard: Yard) -> None:
    yard.write_spec("trial", 'title = "Trial"\nbase = "debian12"\n')
    message = yard.refused(LockError.status, "build", "trial")
    assert message == (
        "lock error: locks/trial.lock.toml: there is no lock yet\nrun: invoke lock trial\n"
    )


def test_stale_lock(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    yard.write_spec("trial", 'title = "Trial"\nbase = "debian12"\nrequirements.pypi = ["numpy"]\n')
    message = yard.refused(LockError.status, "build", "trial")
    assert "the env changed since it was made\nrun: invoke lock trial\n" in message
    assert "trial  stale " in yard.run("list").stdout


def test_damaged_locks(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    path = yard.root / "locks/trial.lock.toml"
    sound = path.read_text()
    for text, reason in (
        (sound[:-40], "it can't be read: "),
        (sound.replace("[[target]]", "<<<<<<< HEAD\n[[target]]"), "conflict markers"),
        (sound.replace("pool/main", "../pool"), "path"),
        (sound.replace("cpu-linux-amd64", "cpu-linux-arm64"), "its targets aren't those"),
        (sound.replace('"trial"', '"other"'), "it is the lock of 'other'"),
    ):
        path.write_text(text)
        message = yard.refused(LockError.status, "build", "trial")
        assert message.startswith("lock error: locks/trial.lock.toml: ")
        assert reason in message


def test_one_that_fails_does_not_stop_the_others(yard: Yard) -> None:
    base = yard.base()
    yard.write_spec("a", "title = 1\n")
    yard.write_spec("b", 'title = "B"\nbase = "debian12"\n')
    yard.lock("c", base)
    done = yard.run("build", "--all")
    assert done.returncode == SpecError.status  # of the first that failed
    assert done.stdout.startswith("c-debian12-py311-cpu-inference: built in ")
    assert re.findall(r"^(\w+ error): (\S+):", done.stderr, re.MULTILINE) == [
        ("spec error", "envs/a.toml"),
        ("lock error", "locks/b.lock.toml"),
    ]
    as_json = yard.run("build", "--all", "--json")
    assert [each["env"] for each in json.loads(as_json.stdout)] == ["c"]
    errors = [json.loads(line)["error"]["status"] for line in as_json.stderr.splitlines()]
    assert errors == [SpecError.status, LockError.status]


def test_index_that_does_not_answer(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"), yard.wheel("beta"))
    done = yard.run("build", "trial", PIP_INDEX_URL=CLOSED)
    assert done.returncode == FetchError.status
    assert "(source pypi)" in done.stderr
    assert "Connection refused" in done.stderr
    assert not (yard.root / "dist").exists()
    assert yard.run("build", "trial").returncode == 0


def test_file_of_another_hash(yard: Yard) -> None:
    yard.lock("trial", yard.base(), wrong(yard.wheel("alpha")), yard.wheel("beta"))
    done = yard.run("build", "trial")
    assert done.returncode == IntegrityError.status
    assert "alpha-1.0-py3-none-any.whl" in done.stderr
    assert "beta" not in done.stderr
    assert not (yard.root / "dist").exists()
    kept = [path.name for path in (yard.store / "artifacts").rglob("*") if path.is_file()]
    assert len(kept) == 2
    assert list((yard.store / "tmp").rglob("*")) == []


def test_file_that_is_cut_short(yard: Yard) -> None:
    alpha = yard.wheel("alpha")
    yard.lock("trial", yard.base(), alpha)
    whole = yard.site.files[f"/files/{alpha.file}"]
    yard.site.files[f"/files/{alpha.file}"] = whole[:-1]
    done = yard.run("build", "trial")
    assert done.returncode == IntegrityError.status
    assert alpha.file in done.stderr
    assert f"{alpha.size - 1} bytes where {alpha.size} are due" in done.stderr
    yard.site.files[f"/files/{alpha.file}"] = whole
    assert yard.run("build", "trial").returncode == 0


def test_list_shows_what_can_be_read(yard: Yard) -> None:
    yard.lock("b", yard.base())
    yard.write_spec("a", "title = 1\n")
    done = yard.run("list")
    assert done.returncode == SpecError.status
    assert done.stdout.startswith("b  fresh ")
    assert done.stderr.startswith("spec error: envs/a.toml: 2 faults to mend\n")


@pytest.mark.parametrize("member", ["../outside.py", "/outside.py", "a/../../outside.py"])
def test_wheel_that_leaves_its_folder(yard: Yard, member: str) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha", extra=member))
    done = yard.run("build", "trial")
    assert done.returncode == IntegrityError.status
    assert "alpha-1.0-py3-none-any.whl" in done.stderr
    assert not (yard.root / "dist").exists()
    assert list(yard.root.parent.rglob("outside.py")) == []


def test_two_wheels_with_one_file(yard: Yard) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"), yard.wheel("beta", extra="alpha.py"))
    done = yard.run("build", "trial")
    assert done.returncode == BuildError.status
    assert "alpha.py" in done.stderr
    assert not (yard.root / "dist").exists()


@pytest.fixture
def small(yard: Yard) -> Iterator[list[str]]:
    """A store with room for half a wheel; gives what to put before a command for it."""
    yard.store.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(yard.store)],
            capture_output=True,
            timeout=10,
            check=False,
        ).returncode
    )
    yield [] if mounted else ["limited"]
    if mounted:
        subprocess.run(["umount", str(yard.store)], timeout=10, check=True)


def test_no_room_in_the_store(yard: Yard, small: list[str]) -> None:
    yard.lock("trial", yard.base(), yard.wheel("alpha"))

    def limit() -> None:
        if small:
            resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 10, 32 << 10))

    done = subprocess.run(
        yard.command("build", "trial"),
        cwd=yard.root,
        env=yard.environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == StoreError.status, done.stderr
    assert "Traceback" not in done.stderr
    assert "there is no room left in the store" in done.stderr
    assert not (yard.root / "dist").exists()
    assert yard.run("build", "trial", LOCKYARD_STORE=f"{yard.store}-2").returncode == 0


def test_output_that_cannot_be_made(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    (yard.root / "dist").touch()
    done = yard.run("build", "trial")
    assert done.returncode == StoreError.status
    assert "dist" in done.stderr
    assert (yard.root / "dist").is_file()


def _interrupted(
    yard: Yard, *arguments: str, sent: signal.Signals = signal.SIGINT
) -> tuple[int, str]:
    """Run a command, and interrupt it as a terminal does once the site has stalled."""
    with subprocess.Popen(
        yard.command(*arguments),
        cwd=yard.root,
        env=yard.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        assert yard.site.stalled.wait(SECONDS)
        os.killpg(process.pid, sent)
        stderr = process.communicate(timeout=SECONDS)[1]
    yard.site.released.set()
    yard.site.stalls.clear()
    return process.returncode, stderr


def test_interrupted_fetch(yard: Yard) -> None:
    alpha = yard.wheel("alpha")
    yard.lock("trial", yard.base(), alpha)
    yard.site.stalls.add(f"/files/{alpha.file}")
    status, stderr = _interrupted(yard, "build", "trial")
    assert status == 130
    assert stderr.splitlines()[-1].startswith("interrupted; what was finished is kept")
    assert "Traceback" not in stderr
    assert not (yard.root / "dist").exists()
    assert yard.run("build", "trial").returncode == 0


def test_a_lock_that_changes_while_its_image_is_built(yard: Yard) -> None:
    alpha = yard.wheel("alpha")
    yard.lock("trial", yard.base(), alpha)
    lock = yard.root / "locks/trial.lock.toml"
    before = lock.read_bytes()
    yard.site.stalls.add(f"/files/{alpha.file}")
    with subprocess.Popen(
        yard.command("build", "trial"), cwd=yard.root, env=yard.environment()
    ) as process:
        assert yard.site.stalled.wait(SECONDS)
        lock.write_bytes(before + b"# later\n")
        yard.site.stalls.clear()
        yard.site.released.set()
        assert process.wait(SECONDS) == 0
    (ledger,) = yard.root.glob("dist/*/lockyard.json")
    said = json.loads(ledger.read_bytes())
    assert said["lock"] == hashlib.sha256(before).hexdigest()
    # And the next build looks at it again.
    yard.run("build", "trial")
    assert json.loads(ledger.read_bytes())["origin"] != said["origin"]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("which", [("trial",), ("--all", "--jobs", "2")])
def test_interrupted_lock(yard: Yard, sent: signal.Signals, which: tuple[str, ...]) -> None:
    for name in ("trial", "other", "third"):
        yard.lock(name, yard.base())
    before = yard.state()
    release = "/debian/dists/bookworm/InRelease"
    yard.site.files[release] = b"-----BEGIN PGP SIGNED MESSAGE-----\n" * 100
    yard.site.stalls.add(release)
    status, stderr = _interrupted(yard, "lock", *which, "--refresh", sent=sent)
    assert status == 130
    assert "Traceback" not in stderr
    assert yard.state() == before


def test_workspace_anywhere(yard: Yard, tmp_path: Path) -> None:
    """The digest doesn't depend on where the workspace and the store are."""
    yard.lock("trial", yard.base(), yard.wheel("alpha"))
    first = json.loads(yard.run("build", "trial", "--json").stdout)[0]["digests"]
    moved = tmp_path / "else where"
    yard.root.rename(moved)
    shutil.rmtree(moved / "dist")
    done = yard.run(
        "build",
        "trial",
        "--json",
        folder=str(moved),
        LOCKYARD_STORE=str(tmp_path / "new"),
        TZ="Asia/Tokyo",
    )
    assert json.loads(done.stdout)[0]["digests"] == first


def test_two_envs_of_one_image_do_not_replace_each_other(yard: Yard) -> None:
    yard.lock("trial", yard.base())
    yard.run("build", "trial")
    yard.lock("again", yard.base(), text='stem = "trial"\n')
    for one, other in (("trial", "again"), ("again", "trial")):
        told = yard.refused(3, "build", one)
        assert f"envs/{one}.toml" in told
        assert f"is that of env {other} as well" in told

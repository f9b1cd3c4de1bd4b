from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from lockyard.errors import LockError
from lockyard.lock.merge import merge_targets
from lockyard.lock.model import Lock, Target, Wheel
from lockyard.lock.text import decode_lock, encode_lock

ROOT = Path(__file__).resolve().parents[2]
FILE = "locks/trial.lock.toml"


def refusal(text: str) -> LockError:
    with pytest.raises(LockError) as caught:
        decode_lock(text, FILE)
    assert caught.value.where == FILE
    assert caught.value.solution
    assert len(str(caught.value)) < 600
    return caught.value


@pytest.mark.parametrize("path", sorted((ROOT / "locks").glob("*.lock.toml")), ids=lambda p: p.stem)
def test_committed_locks_are_as_this_version_writes_them(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert encode_lock(decode_lock(text, path.name)) == text


def test_round_trip(make: Any) -> None:
    lock = make.lock()
    assert decode_lock(encode_lock(lock), FILE) == lock


_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True)
_WHEELS = st.builds(
    Wheel,
    name=_NAMES,
    version=st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}(rc1|\+local)?", fullmatch=True),
    file=st.from_regex(r"[A-Za-z0-9_.+!-]{1,8}\.whl", fullmatch=True).map(lambda name: f"f{name}"),
    sha256=st.from_regex("[0-9a-f]{64}", fullmatch=True),
    size=st.integers(1, 2**63 - 1),
    source=st.sampled_from(["pypi", "team-index"]),
    required_by=st.lists(st.text(st.characters(codec="utf-8"), max_size=6), max_size=3).map(tuple),
    uploaded=st.sampled_from(["", "2026-01-02T03:04:05Z"]),
)


@settings(deadline=None)
@given(
    wheels=st.lists(_WHEELS, max_size=5, unique_by=(lambda w: w.name, lambda w: w.file)),
    seed=st.integers(),
)
def test_any_lock_round_trips_to_the_same_bytes(wheels: list[Wheel], seed: int) -> None:
    target = Target(
        name="cpu-linux-amd64",
        variant="cpu",
        platform="linux/amd64",
        base="debian12",
        python="3.11.2",
        glibc="2.36",
    )
    lock = Lock(env="trial", inputs={"env": "0" * 64}, targets=(target,), wheels=tuple(wheels))
    text = encode_lock(lock)
    shuffled = list(wheels)
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    assert encode_lock(evolve(lock, wheels=tuple(shuffled))) == text
    assert encode_lock(decode_lock(text, FILE)) == text
    assert set(decode_lock(text, FILE).wheels) == set(wheels)


def test_order_is_by_name(make: Any) -> None:
    lock = make.lock()
    turned = evolve(
        lock,
        inputs=dict(reversed(lock.inputs.items())),
        debs=lock.debs[::-1],
        wheels=lock.wheels[::-1],
    )
    assert encode_lock(turned) == encode_lock(lock)
    names = re.findall(r'^name = "(.*)"$', encode_lock(lock), re.MULTILINE)
    assert names == ["cpu-linux-amd64", "bash", "libc6", "flask", "numpy", "pandas"]


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid"]
    settings = ["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", *identity]
    return subprocess.run(
        ["git", *settings, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), "LC_ALL": "C"},
    ).stdout


def _bumped(lock: Lock, make: Any, name: str, version: str) -> Lock:
    wheels = (make.wheel(name, version) if each.name == name else each for each in lock.wheels)
    return evolve(lock, wheels=tuple(wheels))


def test_two_bumps_merge(tmp_path: Path, make: Any) -> None:
    lock = make.lock()
    file = tmp_path / "trial.lock.toml"
    file.write_text(encode_lock(lock))
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "lock")
    for branch, name in (("a", "flask"), ("b", "numpy")):
        _git(tmp_path, "checkout", "-qb", branch, "main")
        file.write_text(encode_lock(_bumped(lock, make, name, "2.0")))
        _git(tmp_path, "commit", "-qam", f"bump {name}")
    _git(tmp_path, "merge", "-q", "--no-edit", "a")
    both = _bumped(_bumped(lock, make, "flask", "2.0"), make, "numpy", "2.0")
    assert file.read_text() == encode_lock(both)


def test_one_bump_changes_the_lines_of_one_package(make: Any) -> None:
    lock = make.lock()
    old = encode_lock(lock).splitlines()
    new = encode_lock(_bumped(lock, make, "numpy", "2.0")).splitlines()
    assert len(old) == len(new)
    changed = [line.split(" = ")[0] for line, now in zip(old, new, strict=True) if line != now]
    assert changed == ["version", "file", "sha256"]


def test_a_target_more_changes_no_line_of_what_both_share(make: Any) -> None:
    shared = [make.wheel("flask"), make.wheel("pandas")]
    amd = make.wheel("numpy", file="numpy-1.0-cp311-cp311-manylinux_2_17_x86_64.whl")
    arm = make.wheel("numpy", file="numpy-1.0-cp311-cp311-manylinux_2_17_aarch64.whl")
    one = make.lock(wheels=merge_targets({"cpu-linux-amd64": [*shared, amd]}))
    two = make.lock(
        targets=(make.target(), make.target(platform="linux/arm64")),
        wheels=merge_targets(
            {
                "cpu-linux-amd64": [*shared, amd],
                "cpu-linux-arm64": [*shared, evolve(arm, sha256="e" * 64)],
            }
        ),
    )
    before, after = encode_lock(one).split("\n\n"), encode_lock(two).split("\n\n")
    gone = [part for part in before if part not in after]
    assert [part.splitlines()[1] for part in gone] == ['name = "numpy"']
    assert decode_lock(encode_lock(two), FILE) == two


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('path = "pool/', 'path = "../pool/', "path"),
        ('path = "pool/', 'path = "pool/../../', "path"),
        ('path = "pool/', 'path = "/pool/', "path"),
        ('path = "pool/', 'path = "https://host/pool/', "path"),
        ('file = "flask', 'file = "/etc/flask', "file"),
        ('file = "flask', 'file = "../flask', "file"),
        ('file = "flask', 'file = ".flask', "file"),
        ('file = "flask', 'file = "fl\\u0000ask', "file"),
        ('name = "flask"', 'name = "../flask"', "name"),
        ('name = "flask"', 'name = "flask\\n"', "name"),
        ('version = "1.0"', 'version = "1.0/../.."', "version"),
        ('version = "1.0"', "version = 1.0", "isn't a text"),
        ("size = 1026", "size = -1", "size"),
        ("size = 1026", "size = 0", "size"),
        ("size = 1026", "size = true", "true isn't a whole number"),
        ("size = 1026", "size = 1e3", "isn't a whole number"),
        ("size = 1026", f"size = 1{'0' * 30}", "isn't a whole number"),
        ("size = 1026", f"size = 1{'0' * 5000}", "digits"),
        ('source = "pypi"', 'source = "https://host/simple"', "source"),
        ('source = "pypi"', 'sauce = "pypi"', "source: this key is missing"),
        ('uploaded = "2026-01-02T03:04:05Z"', 'uploaded = "yesterday"', "time"),
        ('uploaded = "2026-01-02T03:04:05Z"', 'uploaded = "2026-13-02T03:04:05Z"', "time"),
        ('uploaded = "2026-01-02T03:04:05Z"', 'uploaded = "2026-01-02T03:04:05+01:00"', "time"),
        ('architecture = "amd64"', 'architecture = "../amd64"', "architecture"),
        ('python = "3.11.2"', 'python = "3./../../../etc"', "python"),
        ('python = "3.11.2"', 'python = "3"', "python"),
        ('platform = "linux/amd64"', 'platform = "linux"', "platform"),
        ('name = "cpu-linux-amd64"', 'name = "../cpu"', "name"),
        ('base = "debian12"', 'base = "../x"', "base"),
        ('name = "numpy"', 'name = "flask"', "flask twice for cpu-linux-amd64"),
        ('name = "libc6"', 'name = "bash"', "bash twice for cpu-linux-amd64"),
        ('file = "numpy', 'file = "pandas', "twice for cpu-linux-amd64"),
        ("format = 1", "format = 2", "format 2"),
        ("format = 1", "format = true", "format true"),
        ("format = 1", "", "format None"),
        ("format = 1", "format = 1\nformat = 1", "overwrite"),
        ('env = "trial"', "", "env: this key is missing"),
        ("[inputs]", "[outputs]", "inputs: this key is missing"),
        ("[[target]]", "[target]", "isn't a list"),
        ("[[pypi]]", "[[npm]]", "npm"),
    ],
)
def test_hostile_lock(make: Any, old: str, new: str, reason: str) -> None:
    text = encode_lock(make.lock())
    assert old in text
    assert reason in refusal(text.replace(old, new)).reason


def test_bad_digests(make: Any) -> None:
    lock = make.lock()
    digest = lock.wheels[0].sha256
    for wrong in (digest[:-1], digest.upper(), f"sha256:{digest}", "../" + digest[3:], ""):
        assert "sha256" in refusal(encode_lock(lock).replace(digest, wrong)).reason


def test_an_artifact_of_a_target_that_is_not_there(make: Any) -> None:
    text = encode_lock(make.lock(wheels=(make.wheel("flask", targets=("cpu-linux-arm64",)),)))
    assert "'cpu-linux-arm64', which is no target" in refusal(text).reason


def test_no_target_and_the_same_twice(make: Any) -> None:
    assert refusal(encode_lock(make.lock(targets=()))).reason.startswith("it can't be read")
    twice = encode_lock(make.lock(targets=(make.target(), make.target())))
    assert "'cpu-linux-amd64' twice" in refusal(twice).reason


def test_a_merge_that_was_left_half_done(make: Any) -> None:
    text = encode_lock(make.lock())
    line = 'version = "1.0"\n'
    conflict = f'<<<<<<< HEAD\n{line}=======\nversion = "2.0"\n>>>>>>> theirs\n'
    error = refusal(text.replace(line, conflict, 1))
    assert "conflict markers" in error.reason
    assert "lock again" in error.solution
    assert "--ours" in error.solution


def test_truncated_anywhere(make: Any) -> None:
    text = encode_lock(make.lock())
    whole = decode_lock(text, FILE)
    for length in range(0, len(text) - 2, 7):
        # At the end of a table it reads as a sound lock of less.
        assert _decoded(text[:length]) != whole


def _decoded(text: str) -> Lock | None:
    try:
        return decode_lock(text, FILE)
    except LockError:
        return None


@given(data=st.binary(max_size=200))
def test_any_text(data: bytes) -> None:
    refusal(data.decode("latin-1"))


def test_nested_without_end() -> None:
    refusal("format = 1\nenv = " + "[" * 5000)

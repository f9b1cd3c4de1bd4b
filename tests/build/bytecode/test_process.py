from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from lockyard.build.bytecode import process as module
from lockyard.build.bytecode.process import CompilingProcess
from lockyard.errors import BuildError
from lockyard.fetch.pool import Cancel, CancelledError

HOME = Path(sys.base_prefix)
# The head of an ELF file for AArch64 (e_machine 183), and nothing of a program.
ARM64 = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, *[0] * 10)


def script(folder: Path, text: bytes) -> str:
    path = folder / "python"
    path.write_bytes(text)
    path.chmod(0o755)
    return str(path)


def gone(process: CompilingProcess) -> bool:
    return process._process.poll() is not None


def test_many_modules_one_process(tmp_path: Path) -> None:
    with CompilingProcess([sys.executable], HOME, tmp_path) as process:
        one = process.compile("/one.py", b"a = 1\n")
        assert (
            process.compile("/other.py", b"a = 1\n")
            != one
            == process.compile("/one.py", b"a = 1\n")
        )
        large = b"a = 1\n" * 200_000  # more than any pipe holds
        assert process.compile("/large.py", large)
        assert process.compile("/raw-\udcff.py", b"")
    assert gone(process)


def test_nothing_of_this_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    program = script(tmp_path, b"#!/bin/sh\n/usr/bin/env >environment\n")
    with CompilingProcess([program], HOME, tmp_path) as process:
        process._process.wait(10)
    lines = (tmp_path / "environment").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines)
    assert "SECRET" not in told
    assert told["PYTHONHASHSEED"] == "0"


def test_a_program_for_another_machine(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="doesn't run on this machine") as caught:
        CompilingProcess([script(tmp_path, ARM64)], HOME, tmp_path)
    assert "binfmt" in caught.value.solution
    assert "bytecode = false" in caught.value.solution


@pytest.mark.parametrize(
    "text",
    [
        b"#!/bin/sh\nexit 3\n",
        b"#!/bin/sh\nread line\necho no number\n",
        b"#!/bin/sh\nkill -SEGV $$",
    ],
    ids=["leaves", "nonsense", "crashes"],
)
def test_a_program_that_breaks_down(text: bytes, tmp_path: Path) -> None:
    with CompilingProcess([script(tmp_path, text)], HOME, tmp_path) as process:
        with pytest.raises(BuildError, match=r"broke down at /demo\.py \(status -?\d+\)"):
            process.compile("/demo.py", b"a = 1\n")
        assert gone(process)


@pytest.mark.parametrize("size", [1, 1 << 20], ids=["answers never", "reads never"])
def test_a_program_that_never_ends(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIME_LIMIT", 0)
    monkeypatch.setattr(module, "_LOOK", 0.001)
    command = script(tmp_path, b"#!/bin/sh\nexec sleep 60\n")
    with CompilingProcess([command], HOME, tmp_path) as process:
        with pytest.raises(BuildError, match="broke down"):
            process.compile("/demo.py", bytes(size))
        assert gone(process)


@pytest.mark.parametrize("size", [1, 1 << 20], ids=["answers never", "reads never"])
def test_a_program_that_nobody_wants_any_more(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK", 0.001)
    command = script(tmp_path, b"#!/bin/sh\nexec sleep 60\n")
    cancel = Cancel()
    cancel.set()
    with (
        pytest.raises(CancelledError),
        CompilingProcess([command], HOME, tmp_path, cancel) as process,
    ):
        process.compile("/demo.py", bytes(size))
    assert gone(process)


def test_it_is_gone_after_any_exception(tmp_path: Path) -> None:
    process = CompilingProcess([sys.executable], HOME, tmp_path)
    with pytest.raises(KeyboardInterrupt), process:
        raise KeyboardInterrupt
    assert gone(process)
    assert list(tmp_path.iterdir()) == []

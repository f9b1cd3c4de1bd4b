from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lockyard import ASSEMBLY_VERSION
from lockyard.errors import UsageError
from lockyard.verify.machine import look


def test_what_is_said_to_work_is_there() -> None:
    machine = look()
    assert machine.uid == os.getuid()
    assert machine.pythons == (sys.executable,)
    assert machine.processors == tuple(sorted(os.sched_getaffinity(0)))
    assert not machine.clock or Path(machine.clock).exists()


def test_another_interpreter_must_have_this_version(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho 0.0 {ASSEMBLY_VERSION}\n")
    python.chmod(0o755)
    with pytest.raises(UsageError, match="doesn't have Lockyard"):
        look([str(python)])
    link = tmp_path / "link"
    link.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    link.chmod(0o755)
    assert look([str(link)]).pythons == (sys.executable, str(link))


def test_memory_that_no_program_runs_from_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.statvfs("/dev/shm")
    values = {"f_flag": found.f_flag | os.ST_NOEXEC, "f_bavail": 1, "f_frsize": 1}
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**values))
    assert look().memory == ""
    values["f_flag"] &= ~os.ST_NOEXEC
    assert look().memory == "/dev/shm"

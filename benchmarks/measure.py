"""Time, processor time and peak memory of commands, and of a Docker engine that works for them."""

from __future__ import annotations

import os
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from attrs import define, field, frozen

_TICKS = os.sysconf("SC_CLK_TCK")


@frozen(kw_only=True)
class Sample:
    """One run: seconds by the clock, seconds of processors, bytes of memory at most."""

    seconds: float
    cpu: float
    memory: int


@define(kw_only=True)
class Series:
    """The runs of one tool at one subject. An ``aim`` is the ratio that ``tool`` must reach."""

    case: str
    subject: str
    tool: str
    aim: float = 0.0
    samples: list[Sample] = field(factory=list)

    def median(self, name: str = "seconds") -> float:
        """Return the middle of what the runs have by a name of Sample's."""
        return float(median(getattr(each, name) for each in self.samples))

    def spread(self) -> tuple[float, float]:
        """Return the shortest and the longest time, in seconds."""
        times = [each.seconds for each in self.samples]
        return min(times), max(times)


class CommandError(Exception):
    """A command that is measured doesn't do what it is run for; what it said last is told."""


def timed(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    engine: int = 0,
) -> Sample:
    """Run a command and measure it, with its children; ``engine`` is the process of an engine.

    What the engine's processes spend meanwhile is added. Raise CommandError where it fails.
    """
    before = _spent(engine)
    with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile() as told:
        line = " ".join(map(str, command))
        shell = f'exec "$@" 3>{shlex.quote(told.name)}'
        spawn = (sys.executable, "-I", "-S", str(Path(__file__).with_name("spawn.py")))
        subprocess.run(
            ["sh", "-c", shell, "sh", *spawn, *map(str, command)],
            cwd=cwd,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            check=True,
        )
        said.seek(0)
        status, seconds, cpu, memory = map(float, told.read().split())
        if status:
            last = said.read().decode(errors="replace")[-3000:]
            raise CommandError(f"{line}\nfailed ({status:g}), it said last:\n{last}")
    return Sample(seconds=seconds, cpu=cpu + _spent(engine) - before, memory=int(memory) * 1024)


def engine_process() -> int:
    """Return the id of the Docker engine's process, 0 where it isn't of this machine.

    It is the one that listens at the socket of DOCKER_HOST (unix(7), SO_PEERCRED).
    """
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(host.removeprefix("unix://"))
        except OSError:
            return 0
        format_ = "3i"
        found = connection.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(format_)
        )
    process: int = struct.unpack(format_, found)[0]
    return process


def _spent(root: int) -> float:
    """Return the processor seconds of a process, its living children and its dead ones."""
    if not root:
        return 0.0
    times, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # proc(5): after the name, which may have anything in it, the fields from the third on.
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid] = int(fields[1])
        times[pid] = sum(map(int, fields[11:15])) / _TICKS
    return sum(times[pid] for pid in times if root in _line(pid, parents))


def _line(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    """Give a process and those that it comes from."""
    while pid:
        yield pid
        pid = parents.get(pid, 0)


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port

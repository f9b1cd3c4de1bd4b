"""Locking against pip-compile and uv: ``python -m benchmarks.locking [--runs N] [--json FILE]``.

Each tool resolves the same sets from nothing, with hashes, from the same index, its caches warm,
for Linux on x86_64: Lockyard and uv for a Python that needn't be there, pip-compile for the one
that runs it. They take turns, so that what else the machine does meets all of them. Lockyard's
time has two Pythons' start in it: its own, and that of the process that resolves.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from types import MappingProxyType

from attrs import asdict, define, field, frozen

from lockyard.resolve.pypi.resolver import Requirement, resolve_pypi
from lockyard.resolve.pypi.target import PythonTarget
from lockyard.sources.pypi import certificate, index_access

LIMIT = 900  # seconds for one run
TOOLS = ("lockyard", "pip-compile", "uv")
BUILD_TOOLS = ("setuptools==68.0.0", "wheel==0.42.0")
NOTHING: Mapping[str, Mapping[str, str]] = MappingProxyType({})


@frozen(kw_only=True)
class Case:
    """A set of requirements for a Python; ``sdists`` are what has no wheel, see resolve_pypi."""

    name: str
    requirements: tuple[str, ...]
    python: str = "3.7.16"
    glibc: str = "2.27"
    sdists: Mapping[str, Mapping[str, str]] = NOTHING


PLAIN: Mapping[str, str] = MappingProxyType({})
WRAPT = {"WRAPT_INSTALL_EXTENSIONS": "false"}
CASES = (
    Case(name="torch 1.7", requirements=("torch==1.7.*", "pandas==1.1.*")),
    Case(name="scikit-learn 0.24.1", requirements=("scikit-learn==0.24.1", "pandas==1.1.*")),
    Case(name="xgboost 0.90", requirements=("xgboost==0.90", "scikit-learn==0.23.2")),
    Case(name="onnxruntime 1.6", requirements=("onnxruntime==1.6.*",)),
    Case(
        name="tensorflow 2.4",
        requirements=("tensorflow==2.4.*",),
        sdists={"termcolor": PLAIN, "wrapt": WRAPT},
    ),
    Case(
        name="tensorflow 1.15",
        requirements=("tensorflow==1.15.*", "numpy==1.20.1"),
        sdists={"gast": PLAIN, "termcolor": PLAIN, "wrapt": WRAPT},
    ),
    Case(
        name="tensorflow-cpu",
        requirements=("tensorflow-cpu",),
        python="3.11.2",
        glibc="2.36",
    ),
    Case(name="torch with CUDA", requirements=("torch",), python="3.11.2", glibc="2.36"),
)


@define(kw_only=True)
class Row:
    """One tool's runs on one set: seconds by the clock and of processors, and how many pins.

    ``fault`` says why there are none.
    """

    case: str
    tool: str
    seconds: list[float] = field(factory=list)
    cpu: list[float] = field(factory=list)
    pins: int = 0
    fault: str = ""


def run(runs: int, cases: Sequence[Case] = CASES, tools: Sequence[str] = TOOLS) -> list[Row]:
    """Measure each tool ``runs`` times on each set, after a run that warms its caches."""
    with tempfile.TemporaryDirectory(prefix="lockyard-benchmark-") as name:
        folder = Path(name)
        needed = "pip-compile" in tools and any(_is_old(case) for case in cases)
        old_compile = _pip_tools(folder) if needed else None
        rows: list[Row] = []
        for case in cases:
            known = _commands(case, folder, old_compile)
            commands = {tool: known[tool] for tool in tools if tool in known}
            series = {tool: Row(case=case.name, tool=tool) for tool in commands}
            for number in range(runs + 1):
                for tool, command in commands.items():
                    if not series[tool].fault:
                        _measure(series[tool], command, folder, counted=number > 0)
            rows += series.values()
        return rows


def _is_old(case: Case) -> bool:
    return case.python.startswith("3.7.")


def _pip_tools(folder: Path) -> Path | None:
    """Install pip-compile for a Python 3.7 of this machine, if there is one."""
    pythons = sorted(Path.home().glob(".pyenv/versions/3.7.*/bin/python"))
    if not pythons:
        return None
    own = folder / "old"
    subprocess.run([pythons[-1], "-m", "venv", own], check=True, timeout=LIMIT)
    install: list[str | Path] = [own / "bin/pip", "install", "-q", "pip-tools", "pip<24.1"]
    done = subprocess.run(install, check=False, timeout=LIMIT, capture_output=True)
    return own / "bin/pip-compile" if done.returncode == 0 else None


def _commands(case: Case, folder: Path, old_compile: Path | None) -> dict[str, list[str]]:
    given, made = folder / "requirements.in", folder / "requirements.txt"
    short = ".".join(case.python.split(".")[:2])
    own = Path(sys.executable).parent
    compiler = old_compile if _is_old(case) else own / "pip-compile"
    ours = [sys.executable, "-m", "benchmarks.locking", "--resolve", case.name]
    commands = {"lockyard": [*ours, "--cache", str(folder / "cache")]}
    if compiler is not None:
        commands["pip-compile"] = [
            *(str(compiler), "--generate-hashes", "--quiet", "--no-header", "--allow-unsafe"),
            *("--strip-extras", f"--cache-dir={folder / 'pip-tools'}"),
            *("--output-file", str(made), str(given)),
        ]
    glibc = {"2.27": "2_17", "2.36": "2_36"}[case.glibc]
    commands["uv"] = [
        *(str(own / "uv"), "pip", "compile", "--generate-hashes", "--quiet", "--no-header"),
        *("--python-version", short, "--python-platform", f"x86_64-manylinux_{glibc}"),
        *("--output-file", str(made), str(given)),
    ]
    given.write_text("".join(f"{each}\n" for each in case.requirements))
    return commands


def _measure(row: Row, command: Sequence[str], folder: Path, *, counted: bool) -> None:
    made = folder / "requirements.txt"
    made.unlink(missing_ok=True)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        cwd=Path(__file__).resolve().parents[1],
        env=_environment(folder),
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT,
        check=False,
    )
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        row.fault = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return
    text = made.read_text() if made.exists() else done.stdout
    row.pins = sum("==" in line and not line.startswith((" ", "#")) for line in text.splitlines())
    if counted:
        row.seconds.append(seconds)
        row.cpu.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which all tools ask the same index, and have caches of their own."""
    index, cert = index_access(None, os.environ), certificate(os.environ)
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PIP_", "UV_", "REQUESTS_CA", "CURL_CA"))
    }
    own = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index,
        "PIP_CACHE_DIR": str(folder / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_DEFAULT_INDEX": index,
        "UV_CACHE_DIR": str(folder / "uv"),
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return kept | own | ({"PIP_CERT": cert, "SSL_CERT_FILE": cert} if cert else {})


def resolve(case: Case, cache: Path) -> None:
    """Resolve a set as Lockyard does, and print what it chose."""
    wheels = resolve_pypi(
        requirements=[Requirement(each, "env") for each in case.requirements],
        target=PythonTarget(case.python, case.glibc, "x86_64"),
        pinned={},
        index=index_access(None, os.environ),
        source="pypi",
        cache=cache,
        cert=certificate(os.environ),
        sdists=case.sdists,
        build_tools=BUILD_TOOLS,
    )
    print("".join(f"{each.name}=={each.version} \\\n    {each.sha256}\n" for each in wheels))  # noqa: T201


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown: medians, spreads, ratios to Lockyard's time."""
    lines = [
        "| set | tool | pins | seconds | from, to | processor seconds | Lockyard takes |",
        "|---|---|---|---|---|---|---|",
    ]
    own = {row.case: row for row in rows if row.tool == "lockyard"}
    for row in rows:
        if not row.seconds:
            lines.append(f"| {row.case} | {row.tool} | | {row.fault} | | | |")
            continue
        ours, time_ = own[row.case].seconds, median(row.seconds)
        ratio = f"{median(ours) / time_:.2f} of it" if ours and row.tool != "lockyard" else ""
        lines.append(
            f"| {row.case} | {row.tool} | {row.pins} | {time_:.2f} "
            f"| {min(row.seconds):.2f}, {max(row.seconds):.2f} | {median(row.cpu):.2f} | {ratio} |"
        )
    return "\n".join(lines)


def about() -> dict[str, object]:
    """Return what a measurement depends on: versions, and the machine."""
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in ("lockyard", "pip", "pip-tools", "uv")},
    }


def main() -> None:
    """Measure, or resolve one set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="a file to write the runs to")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    parser.add_argument("--tool", action="append", choices=TOOLS)
    parser.add_argument("--resolve", help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.resolve:
        resolve(next(case for case in CASES if case.name == given.resolve), given.cache)
        return
    cases = [case for case in CASES if not given.case or case.name in given.case]
    rows, told = run(given.runs, cases, given.tool or TOOLS), about()
    if given.json:
        found = {"about": told, "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    told_text = ", ".join(f"{key} {value}" for key, value in told.items())
    print(f"{table(rows)}\n\n{told_text}")  # noqa: T201


if __name__ == "__main__":
    main()

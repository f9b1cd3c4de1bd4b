"""What tests need of the world, and the images that several of them look at."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lockyard.errors import LockyardError
from lockyard.events import Silent
from lockyard.ship.archive import write_archive
from lockyard.sources.debian import mirror_url
from lockyard.sources.pypi import index_url
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.build import Builder

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As where a shell runs the tests in the background; the programs that they begin, and
    # interrupt, would ignore it as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
_MISSING = "LOCKYARD_TESTS_MISSING"


def _no_network() -> str:
    try:
        for address in (index_url(None, os.environ), mirror_url(None, os.environ)):
            parts = urlsplit(address)
            port = parts.port or {"https": 443, "http": 80}[parts.scheme]
            socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except (OSError, LockyardError) as error:
        return f"a package source doesn't answer ({type(error).__name__})"
    return ""


def _no_engine() -> str:
    import docker

    try:
        docker.from_env(timeout=5).ping()
    except Exception as error:
        return f"no Docker engine answers ({type(error).__name__})"
    return ""


_NEEDS = {"network": _no_network, "engine": _no_engine}


def _required() -> set[str]:
    return set(os.environ.get("LOCKYARD_REQUIRE", "").split(",")) - {""}


def pytest_configure(config: pytest.Config) -> None:
    """Look once, before the workers start, for what tests need of the world."""
    if _MISSING in os.environ:
        return
    missing = {need: why for need, look in _NEEDS.items() if (why := look())}
    for need in sorted(_required() & missing.keys()):
        pytest.exit(f"LOCKYARD_REQUIRE names {need}, but {missing[need]}", returncode=1)
    os.environ[_MISSING] = "\n".join(f"{need}:{why}" for need, why in missing.items())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lines = os.environ[_MISSING].splitlines()
    missing = dict(line.split(":", 1) for line in lines)
    for item in items:
        for need, why in missing.items():
            if item.get_closest_marker(need):
                item.add_marker(pytest.mark.skip(reason=f"marked {need}: {why}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what leaves itself out where LOCKYARD_REQUIRE is set, whatever its reason.

    Only a test that is marked for a need that LOCKYARD_REQUIRE doesn't name may be left out.
    """
    report = yield
    required = _required()
    spared = any(item.get_closest_marker(need) for need in _NEEDS.keys() - required)
    if required and report.skipped and not spared and isinstance(report.longrepr, tuple):
        report.outcome = "failed"
        report.longrepr = f"LOCKYARD_REQUIRE is set, but: {report.longrepr[2]}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was left out, and why."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        told = "; ".join(f"{count} tests {reason}" for reason, count in sorted(reasons.items()))
        terminalreporter.write_line(f"left out: {told}")


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """A builder of this workspace's images, on the store that the user has."""
    return Builder(
        fleet=read_fleet(ROOT),
        store=Store.default(os.environ),
        output=tmp_path_factory.mktemp("dist"),
        environ=os.environ,
        reporter=Silent(),
        jobs=2,
    )


@pytest.fixture(scope="session")
def image_archive(builder: Builder) -> Callable[[str], Path]:
    """Build an env's image from its committed lock; return it as an archive."""

    def build(env: str) -> Path:
        (built,) = builder.build(env)
        target = builder.output / f"{built.image}.tar"
        if not target.exists():
            write_archive(Path(built.folder), target)
        return target

    return build

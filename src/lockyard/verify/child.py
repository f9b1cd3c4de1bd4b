"""The process that rebuilds: ``python -m lockyard.verify.child SETTINGS ARGUMENT...``.

It is the console program with these arguments, but for what only the process itself can set:
its niceness and processors, and that directories are listed and work is taken up in another
order. SETTINGS is a JSON object with ``nice``, ``processors``, ``order``, and the file ``told``
into which goes what the process sees of its conditions.
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import json
import locale
import os
import random
import runpy
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class _Listed:
    """The entries of a directory, as ``os.scandir`` gives them."""

    def __init__(self, entries: list[Any]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self._entries

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> _Listed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Have nothing more to give."""
        self._entries = iter(())


def shuffle_listings(chance: random.Random) -> None:
    """Let this process see the entries of directories in any order, each time another."""
    listdir, scandir = os.listdir, os.scandir

    def listed(*arguments: Any) -> list[Any]:
        names: list[Any] = sorted(listdir(*arguments))
        chance.shuffle(names)
        return names

    def scanned(*arguments: Any) -> _Listed:
        with scandir(*arguments) as found:
            entries: list[Any] = sorted(found, key=lambda entry: entry.name)
        chance.shuffle(entries)
        return _Listed(entries)

    os.listdir = listed  # type: ignore[assignment]
    os.scandir = scanned  # type: ignore[assignment]


class _Shuffled(ThreadPoolExecutor):
    """Threads that take up any of the work that waits."""

    chance = random.Random()  # noqa: S311 - the order is no secret

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._guard = threading.Lock()
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._guard:
            self._waiting.append((future, lambda: fn(*args, **kwargs)))
        super().submit(self._any)
        return future

    def _any(self) -> None:
        with self._guard:
            future, work = self._waiting.pop(self.chance.randrange(len(self._waiting)))
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)


def shuffle_work(chance: random.Random) -> None:
    """Let thread pools that are made from now on take up their work in any order."""
    _Shuffled.chance = chance
    concurrent.futures.ThreadPoolExecutor = _Shuffled  # type: ignore[misc]


def seen() -> dict[str, Any]:
    """Return what the process sees of its conditions."""
    mask = os.umask(0o022)
    os.umask(mask)
    return {
        "clock": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "zone": time.strftime("%z"),
        "locale": locale.setlocale(locale.LC_ALL),
        "encoding": sys.getfilesystemencoding(),
        "umask": f"{mask:03o}",
        "user": os.getuid(),
        "group": os.getgid(),
        "host": socket.gethostname(),
        "cwd": str(Path.cwd()),
        "home": str(Path.home()),
        "nice": os.nice(0),
        "processors": sorted(os.sched_getaffinity(0)),
        "python": ".".join(map(str, sys.version_info[:3])),
        "optimize": sys.flags.optimize,
        "network": len(socket.if_nameindex()) > 1,
    }


def main() -> None:
    """Take the conditions on, and be the console program."""
    # Nobody looks at the image once the parent has gone, however it went.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    settings = json.loads(sys.argv[1])
    with suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    os.nice(settings["nice"])
    with suppress(OSError):
        os.sched_setaffinity(0, settings["processors"])
    Path(settings["told"]).write_text(json.dumps(seen()), encoding="ascii")
    chance = random.Random(settings["order"])  # noqa: S311 - the order is no secret
    shuffle_listings(chance)
    shuffle_work(chance)
    sys.argv = ["lockyard", *sys.argv[2:]]
    runpy.run_module("lockyard", run_name="__main__", alter_sys=False)


if __name__ == "__main__":
    main()

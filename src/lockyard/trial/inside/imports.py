"""Import each of some modules in a process of its own: ``imports.py SECONDS JSON``.

Prints as JSON why those can't be imported that can't.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from contextlib import suppress

_LONGEST = 2000
# What many modules import, loaded once for all of them: most of the time goes there.
_COMMON = (
    "asyncio",
    "concurrent.futures.thread",
    "ctypes",
    "dataclasses",
    "decimal",
    "email.parser",
    "http.server",
    "importlib.metadata",
    "inspect",
    "logging.handlers",
    "multiprocessing.pool",
    "ssl",
    "tempfile",
    "typing",
    "unittest.mock",
    "urllib.request",
    "uuid",
    "xml.etree.ElementTree",
    "zipfile",
)


def attempt(module: str, seconds: int, to: int) -> None:
    """Import a module in this process, write why it can't be, and end."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    status = 0
    try:
        importlib.import_module(module)
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
        os.write(to, text.encode("utf-8", "replace")[:_LONGEST])
        status = 1
    os._exit(status)


def failure(module: str, seconds: int) -> str:
    """Return why a module can't be imported, "" where it can."""
    source, to = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        attempt(module, seconds, to)
    os.close(to)
    # What a module starts may hold the pipe: the child's end counts, and not the pipe's.
    _, status = os.waitpid(child, 0)
    os.set_blocking(source, False)
    try:
        said = os.read(source, _LONGEST).decode("utf-8", "replace")
    except BlockingIOError:
        said = ""
    os.close(source)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        late = number == signal.SIGALRM
        return f"not done in {seconds} s" if late else f"killed by signal {number}"
    return said or ("it ended the process" if status else "")


if __name__ == "__main__":
    for name in _COMMON:
        with suppress(ImportError):
            importlib.import_module(name)
    limit, asked = int(sys.argv[1]), json.loads(sys.argv[2])
    failures = {module: failure(module, limit) for module in asked}
    sys.stdout.write(json.dumps({module: why for module, why in failures.items() if why}))

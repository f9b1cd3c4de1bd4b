"""Ask the server of this container: ``client.py PORT SECONDS JSON``, a list of requests.

A request is a method, a path and a body. It tries until the server answers, ``SECONDS`` at most.
Prints as JSON when the first answer came, every answer as a status and a text, and, where there
is none, the ports at which somebody listens.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from typing import Any

_LARGEST = 10000000


def wait(port: int, deadline: float) -> bool:
    """Wait for somebody to listen, as cheaply as can be: the server needs the processor."""
    while time.time() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False


def ask(port: int, method: str, path: str, body: str, seconds: float) -> list[Any]:
    """Return status and text of an answer."""
    from http.client import HTTPConnection  # noqa: PLC0415 - once the server is there

    connection = HTTPConnection("127.0.0.1", port, timeout=seconds)
    headers = {"Content-Type": "application/json"}
    connection.request(method, path, body.encode() or None, headers)
    answer = connection.getresponse()
    return [answer.status, answer.read(_LARGEST).decode("utf-8", "replace")]


def listening() -> list[int]:
    """Return the ports at which somebody listens (proc_net_tcp(5))."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            with open("/proc/net/" + name, encoding="ascii") as lines:
                rows = [line.split() for line in lines][1:]
        except OSError:
            continue
        found |= {int(row[1].rsplit(":", 1)[1], 16) for row in rows if row[3] == "0A"}
    return sorted(found)


def main(port: int, seconds: float, requests: list[list[str]]) -> dict[str, Any]:
    """Ask, and return what there is to tell."""
    deadline = time.time() + seconds
    answers: list[list[Any]] = []
    first = 0.0
    if not wait(port, deadline):
        return {"at": first, "answers": answers, "listening": listening(), "why": "no answer"}
    try:
        for method, path, body in requests:
            answers.append(ask(port, method, path, body, max(1.0, deadline - time.time())))
            first = first or time.time()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        return {"at": first, "answers": answers, "listening": listening(), "why": why}
    return {"at": first, "answers": answers, "listening": [], "why": ""}


if __name__ == "__main__":
    told = main(int(sys.argv[1]), float(sys.argv[2]), json.loads(sys.argv[3]))
    sys.stdout.write(json.dumps(told))

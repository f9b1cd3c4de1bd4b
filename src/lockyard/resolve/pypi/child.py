"""The process that resolves: ``python -m lockyard.resolve.pypi.child``.

Reads a Request on standard input and writes an Answer to standard output, where nothing else
goes; pip's own words go to standard error. It patches pip for good, so it serves one request
and ends. Its parent cleans the environment that it runs in (see process).
"""

from __future__ import annotations

import gc
import os
import sys
from typing import BinaryIO

from . import protocol
from .protocol import Answer, Request
from .refusal import Refusal
from .versions import check_versions


def answer(data: bytes) -> Answer:
    """Answer a request as it was read."""
    try:
        check_versions()
        # Another pip may lack what this imports, and is to be refused by its version.
        from .solve import solve  # noqa: PLC0415

        return solve(protocol.decode(data, Request))
    except Refusal as error:
        return Answer(failure=error.failure)


def _claim_stdout() -> BinaryIO:
    """Take standard output for the answer alone; what else is written there goes to stderr."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def main() -> None:
    """Serve one request, and leave without waiting for anything."""
    # What is made here lives until the answer: there is nothing for the collector to find.
    gc.disable()
    with _claim_stdout() as out:
        out.write(protocol.encode(answer(sys.stdin.buffer.read())))
    sys.stderr.flush()
    # Pages that were expected for nothing may still be on their way.
    os._exit(0)


if __name__ == "__main__":
    main()

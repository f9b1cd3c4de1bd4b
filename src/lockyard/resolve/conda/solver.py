"""The program that conda-lock calls in place of conda.

``python -m lockyard.resolve.conda.solver FOLDER create --json --channel C… SPEC…`` solves the
specs, and the request in FOLDER, which says what a command line can't: the pins, the
requirements to the letter. The mirror's address is in a variable. The answer goes to FOLDER as
well, since conda-lock keeps only a part of it; conda-lock reads standard output, as conda would
write it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import url2pathname

from . import protocol
from .protocol import Answer, Failure, Refusal, Request

REQUEST = "request.json"
ANSWER = "answer.json"
MIRROR = "SOLVER_MIRROR"


def run(folder: Path, arguments: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Serve one call; return its exit status and what to print as JSON."""
    request = protocol.decode((folder / REQUEST).read_bytes(), Request)
    from .solve import to_actions  # noqa: PLC0415 - what breaks while it loads is answered too

    try:
        answer = Answer(records=_solve(request, _parse(arguments)))
    except Refusal as error:
        answer = Answer(failure=error.failure)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        answer = Answer(failure=Failure(kind="breakdown", text=text))
    (folder / ANSWER).write_bytes(protocol.encode(answer))
    if answer.failure is not None:
        return 1, {"success": False, "message": answer.failure.text}
    return 0, to_actions(answer.records, request.channel)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    parser.add_argument("command", choices=["create"])
    parser.add_argument("--prefix")
    for flag in ("--dry-run", "--json", "--override-channels"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--channel", action="append", default=[])
    parser.add_argument("specs", nargs="*")
    return parser.parse_intermixed_args(arguments)


def _solve(request: Request, asked: argparse.Namespace) -> tuple[protocol.Record, ...]:
    from .channel import open_channel  # noqa: PLC0415
    from .solve import Solver  # noqa: PLC0415

    *channels, virtual = asked.channel
    if channels != [request.channel]:
        raise Refusal(Failure(kind="breakdown", text="conda-lock names another channel"))
    mirror = os.environ.get(MIRROR)
    records = open_channel(request.channel, mirror, request.subdir, Path(request.cache))
    solver = Solver(request, records, _virtual(virtual, request.subdir))
    return asyncio.run(solver.solve(asked.specs))


def _virtual(channel: str, subdir: str) -> dict[str, str]:
    """Read the virtual packages from the channel that conda-lock makes up for them."""
    path = Path(url2pathname(urlsplit(channel).path)) / subdir / "repodata.json"
    packages = json.loads(path.read_bytes())["packages"].values()
    return {each["name"]: f"{each['version']} {each['build']}" for each in packages}


def main() -> NoReturn:
    """Run, and leave without the interpreter's end, in which py-rattler may crash."""
    status, printed = run(Path(sys.argv[1]), sys.argv[2:])
    sys.stdout.write(json.dumps(printed))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()

"""One package of an image moves: what is built anew, and what a push of it sends.

``python -m tests.fleet.bumps [ENV]`` moves numpy in an env of the stand-in, PyTorch 1.7 unless
another is named, and prints what came of it. It needs Debian's docker-registry, Python 3.7, and
some gigabytes in the store.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from lockyard.events import Silent
from lockyard.lock.file import read_lock
from lockyard.resolve.moves import Moves
from lockyard.tasks.build import Built
from lockyard.tasks.push import PushedImage, Pusher
from tests.fleet.standin.workspace import StandIn, standing_in
from tests.registries import counting
from tests.resolve.image.conftest import running

ENV, PACKAGE = "pytorch-1.7", "numpy==1.21.5"


@frozen(kw_only=True)
class Bump:
    """An image before and after; ``titles`` and ``gone`` are its layers by digest.

    ``received`` is what went to the registry with the second push, counted on the way there;
    ``asked`` are the requests of it: method, path and status.
    """

    built: Built
    first: PushedImage
    second: PushedImage
    received: int
    asked: Sequence[tuple[str, str, int]]
    gone: dict[str, str]
    come: dict[str, str]
    sizes: dict[str, int]


def bump(standin: StandIn, env: str, package: str, folder: Path) -> Bump:
    """Build and push an env's one image, move a package in its lock, and do so again.

    ``folder`` is where the registry has its files meanwhile.
    """
    folder.mkdir(exist_ok=True)
    standin.lock(env)
    with running(folder) as address, counting(address) as counter:
        (before,) = standin.builder().build(env)
        held = _layers(before)
        (first,) = _push(standin, env, counter.host)
        standin.lock(env, Moves(packages=frozenset({package})))
        (after,) = standin.builder().build(env)
        counter.received, counter.asked = 0, []
        (second,) = _push(standin, env, counter.host)
    shutil.rmtree(folder)
    now = _layers(after)
    return Bump(
        built=after,
        first=first,
        second=second,
        received=counter.received,
        asked=counter.asked,
        gone={digest: held[digest] for digest in held.keys() - now.keys()},
        come={digest: now[digest] for digest in now.keys() - held.keys()},
        sizes=dict(after.blobs),
    )


def _layers(built: Built) -> dict[str, str]:
    """Return the titles of an image's layers by their digests."""
    ledger = json.loads((Path(built.folder) / "lockyard.json").read_text())
    (layers,) = ledger["layers"].values()
    return {layer["digest"]: layer["title"] for layer in layers}


def _push(standin: StandIn, env: str, host: str) -> list[PushedImage]:
    return Pusher(
        fleet=standin.fleet,
        output=standin.root / "dist",
        host=host,
        environ=standin.environ,
        reporter=Silent(),
        day=datetime.now(UTC).date(),
    ).push(env)


def main(env: str = ENV) -> None:
    """Move numpy in an env, and print what that takes."""
    with tempfile.TemporaryDirectory() as folder, standing_in(Path(folder)) as standin:
        done = bump(standin, env, PACKAGE, Path(folder, "pushed"))
        lock = read_lock(standin.root, env)
        assert lock is not None
        (version,) = [wheel.version for wheel in lock.wheels if wheel.name == "numpy"]
    first, second = done.first, done.second
    _say(f"{second.image}, numpy {version}, {second.size} bytes in {done.built.layers} layers")
    _say(f"first push:  {first.sent} bytes, {first.percent:.2f} %")
    _say(f"second push: {second.sent} bytes, {second.percent:.2f} %, {done.received} counted")
    _say(f"built anew:  {', '.join(done.come.values())}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:2])

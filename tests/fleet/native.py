"""What Python 3.7's own pip-compile resolves for an env of the fleet.

``python -m tests.fleet.native [ENV...]``, in the root of the project, compares that with the
committed locks, of all envs for Python 3.7 unless some are named. pip downloads all that it
has resolved, three gigabytes in all.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lockyard.spec.reader import Fleet, read_fleet
from tests.fleet.locked import first_generation, locked_pins
from tests.fleet.proxy import View, serving
from tests.fleet.pythons import Native, find_python

# The whole of pip-tools' program also loads pip-sync, which doesn't fit the last pip.
_COMPILE = "from piptools.scripts.compile import cli; cli()"


def native_pins(fleet: Fleet, env_name: str, native: Native, folder: Path) -> dict[str, str]:
    """Resolve an env's requirements natively at its cut-off; return versions by name.

    That pip knows no cut-off and can't be told to build some packages alone from source, so
    the index that it sees is narrowed accordingly.
    """
    env = fleet.env(env_name)
    asked = [*env.requirements.pypi, *fleet.recipe(env.recipe).requirements.pypi]
    (folder / "requirements.in").write_text("".join(f"{line}\n" for line in asked))
    (day,) = env.as_of.values()
    view = View(
        cutoff=datetime.fromisoformat(day).replace(tzinfo=UTC),
        sdists=frozenset(env.sdists),
        metadata=True,
    )
    with serving(view) as proxy:
        native.run(
            "-c", _COMPILE, "--quiet", "--resolver=backtracking", "--allow-unsafe",
            "--no-header", "--no-annotate", "--strip-extras", "--pip-args=--prefer-binary",
            "--output-file=requirements.txt", "requirements.in",
            index=proxy.index_url, folder=folder,
        )  # fmt: skip
    text = (folder / "requirements.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def compare(names: Sequence[str]) -> int:
    """Say of each env whether its lock has the native pins; return how many haven't."""
    fleet, different = read_fleet(Path.cwd()), 0
    with tempfile.TemporaryDirectory() as folder:
        native = Native.make(Path(folder) / "python", find_python("3.7"))
        for name in names:
            (place := Path(folder) / name).mkdir()
            pins, locked = native_pins(fleet, name, native, place), locked_pins(name)
            wrong = sorted({each for each, _ in pins.items() ^ locked.items()})
            different += bool(wrong)
            told = f"differs in {', '.join(wrong)}" if wrong else f"{len(pins)} pins are the same"
            sys.stdout.write(f"{name}: {told}\n")
    return different


if __name__ == "__main__":
    sys.exit(min(1, compare(sys.argv[1:] or first_generation())))

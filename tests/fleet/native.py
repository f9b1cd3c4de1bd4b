"""What Python 3.7's own pip-compile resolves for an env of the fleet."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from lockyard.spec.reader import Fleet
from tests.fleet.proxy import View, serving
from tests.fleet.pythons import Native

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

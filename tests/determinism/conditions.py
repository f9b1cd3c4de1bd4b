"""What a child process has of its own that must show in no byte: user, settings, folders."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import field, frozen

_ANOTHER = "12345"  # nobody's number


@frozen(kw_only=True)
class Conditions:
    """What one child has of its own; ``python`` is the interpreter that it runs on."""

    umask: int = 0o022
    jobs: int = 2
    nice: int = 0
    variables: Mapping[str, str] = field(factory=dict)
    another_user: bool = False
    python: str = sys.executable

    def run(
        self, *arguments: str, home: Path, cwd: Path, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with arguments; all that it writes has its place in ``home``.

        ``environ`` is beside the conditions' own variables.
        """
        owner = _another_user(home) if self.another_user else []
        return subprocess.run(
            [*owner, "nice", "-n", str(self.nice), self.python, *arguments],
            cwd=cwd,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "TMPDIR": str(home),
                **environ,
                **self.variables,
            },
            umask=self.umask,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


def jitter(seed: int) -> Conditions:
    """Return conditions of which each is drawn by chance, the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    def one(*values: str) -> str:
        return chance.choice(values)

    return Conditions(
        umask=chance.choice([0, 0o002, 0o022, 0o027, 0o077]),
        jobs=chance.randint(1, 8),
        nice=chance.randint(0, 19),
        variables={
            "TZ": one("UTC", "Pacific/Kiritimati", "America/St_Johns", "Asia/Kathmandu"),
            "LC_ALL": one("C", "POSIX", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1"),
            "LANG": one("C", "en_US.UTF-8"),
            "PYTHONCOERCECLOCALE": one("0", "1"),
            "PYTHONHASHSEED": str(chance.randrange(1 << 32)),
            "PYTHONUTF8": one("0", "1"),
            "SHUFFLED": str(seed),
            "SOURCE_DATE_EPOCH": one("0", "1", "1700000000", "4000000000"),
            "USER": one("root", "nobody", "somebody else"),
        },
        another_user=chance.random() < 0.5,
    )


def _another_user(home: Path) -> Sequence[str]:
    """Return a command's beginning that runs it as another user, to whom all of home belongs.

    Root becomes an ordinary user, who may read what root may (the interpreter may be in
    root's home) but write only what is its own; an ordinary user becomes root in a name space
    of its own.
    """
    if os.geteuid() != 0:
        return ["unshare", "--user", "--map-root-user"]
    for path in (home, *home.rglob("*")):
        os.chown(path, int(_ANOTHER), int(_ANOTHER), follow_symlinks=False)
    user = ["--reuid", _ANOTHER, "--regid", _ANOTHER, "--clear-groups"]
    rights = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    return ["setpriv", *user, *rights]

"""Let a process be another user, on another host, without a network."""

from __future__ import annotations

import sys

# In a name space of its own a process may call its host what it likes.
_HOST = (
    "import os, socket, sys; socket.sethostname(sys.argv[1]); os.execvp(sys.argv[2], sys.argv[2:])"
)
# Another user than root may read what root may, as the interpreter in root's home, and write
# nothing but what is its own.
_RIGHTS = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")


def commands(uid: int, *, host: str, network: bool, user: int | None) -> list[str]:
    """Return what a command's line begins with, so that the process has these of its own.

    ``uid`` is who calls. Root becomes another ``user`` (and group), any other one is shown as
    one in a user name space, where the rights to files stay what they are. An empty ``host``
    is the machine's.
    """
    apart = [
        *(["--uts"] if host else []),
        *(["--net"] if not network else []),
    ]
    if uid != 0 and (apart or user is not None):
        apart = ["--user", "--map-root-user", *apart]
    command = ["unshare", *apart, "--"] if apart else []
    if host:
        command += [sys.executable, "-I", "-S", "-c", _HOST, host]
    if uid == 0:
        return [*command, *(_as_user(user) if user else [])]
    shown = uid if user is None else user
    return [*command, *(_shown_as(shown) if apart and shown else [])]


def _as_user(user: int) -> list[str]:
    number = str(user)
    return ["setpriv", "--reuid", number, "--regid", number, "--clear-groups", *_RIGHTS]


def _shown_as(user: int) -> list[str]:
    return ["unshare", "--user", f"--map-user={user}", f"--map-group={user}", "--"]

"""The console program ``lockyard``: the same tasks as ``invoke`` offers in a workspace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from lockyard import __version__
from lockyard.cli.namespace import namespace
from lockyard.cli.output import tell
from lockyard.errors import UsageError


class _Program(Program):
    """Invoke's program, with this one's status and words for arguments that don't fit."""

    def parse_core(self, argv: list[str] | None) -> None:
        with _usage():
            super().parse_core(argv)

    def parse_tasks(self) -> None:
        with _usage():
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        with _usage():
            super().parse_cleanup()


@contextmanager
def _usage() -> Iterator[None]:
    try:
        yield
    except ParseError as error:
        nameless = error.context is not None and error.context.missing_positional_args
        reason = "name one env, or give --all" if nameless else str(error)
        told = UsageError(
            reason, where="arguments", solution="see lockyard --help, or lockyard --help TASK"
        )
        tell(told, as_json="--json" in sys.argv)
        raise Exit(code=told.status) from None


def main() -> None:
    """Run the task that the command line names, and exit with its status."""
    _Program(namespace=namespace, name="lockyard", binary="lockyard", version=__version__).run()

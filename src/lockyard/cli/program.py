"""The console program ``lockyard``: the same tasks as ``invoke`` offers in a workspace."""

from __future__ import annotations

from invoke.program import Program

from lockyard import __version__
from lockyard.cli.namespace import namespace


def main() -> None:
    """Run the task that the command line names, and exit with its status."""
    Program(namespace=namespace, name="lockyard", binary="lockyard", version=__version__).run()

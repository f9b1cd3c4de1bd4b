"""The tasks of this workspace: `invoke --list` shows them, `invoke --help TASK` explains one."""

from lockyard.cli.namespace import namespace

__all__ = ["namespace"]

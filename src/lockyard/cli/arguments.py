"""A task's arguments where one takes the place of another."""

from __future__ import annotations

from typing import Any

from invoke.collection import Collection
from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.program import Program
from invoke.tasks import Task


class NameOrAll(Argument):
    """A positional name that isn't asked for where ``--all`` stands in its place.

    Invoke takes a positional argument without a value for one that is still to come, and one
    with a default for one that never does; so the default is there only beside ``--all``.
    """

    def __init__(self, everything: Argument, **options: Any) -> None:
        super().__init__(**options)
        self.everything = everything

    @property
    def value(self) -> Any:
        """Return the name, "" beside ``--all``, or None while neither has been seen."""
        if self._value is None and self.everything.value:
            return ""
        return self._value

    @value.setter
    def value(self, name: str) -> None:
        self.set_value(name)


class Count(Argument):
    """A whole number of at least one; anything else is told without a traceback."""

    def set_value(self, value: Any, cast: bool = True) -> None:
        """See Argument. Raise ParseError for what isn't such a number."""
        if cast and not (str(value).isascii() and str(value).isdigit() and int(value[:9]) > 0):
            raise ParseError(f"--{self.name} takes a number of at least 1, not {value!r}")
        super().set_value(value, cast=cast)


class NamedTask(Task[Any]):
    """A task with a positional name, that explains itself where ``--help`` stands in its place.

    Invoke takes whatever follows such a task for the name.
    """

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the arguments, and keep the help on them for the next time."""
        kept = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = kept

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task, or show its help."""
        if kwargs.get("name") in {"--help", "-h"}:
            explain(self)
            raise Exit(code=0)
        return super().__call__(*args, **kwargs)


def explain(task: Task[Any]) -> None:
    """Print a task's help, as ``--help TASK`` does."""
    program = Program(namespace=Collection(task), name="lockyard", binary="lockyard")
    program.run(["lockyard", "--help", task.name], exit=False)


class FleetTask(NamedTask):
    """A task on one env, by its ``name``, or on ``all``."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the arguments; see NameOrAll."""
        name, *others = super().get_arguments(ignore_unknown_help)
        everything = next(each for each in others if each.name == "all")
        return [
            NameOrAll(everything, names=name.names, help=name.help, positional=True),
            *(_count(each) if each.kind is int else each for each in others),
        ]


def _count(given: Argument) -> Count:
    return Count(names=given.names, kind=int, default=given.default, help=given.help)

"""A value of a spec that doesn't fit, and how that is told."""

from __future__ import annotations

from typing import Any

# The largest whole number that TOML promises to keep.
LARGEST = 2**63 - 1
_LONGEST_SHOWN = 80
_MOST_NAMED = 40


class Unfit(ValueError):  # noqa: N818 - a value that is unfit, not an error of the program
    """A value doesn't fit its key: why, and what would."""

    def __init__(self, reason: str, solution: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.solution = solution


def shown(value: Any) -> str:
    """Return a TOML value as a fault shows it: in TOML's words, and never at length."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "a table"
        case list():
            return "a list"
        case int() if abs(value) > LARGEST:
            return "a number this large"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def suggestion(text: str, known: tuple[str, ...]) -> str:
    """Return advice that names the nearest of the known names, or all of them."""
    import difflib  # noqa: PLC0415 - only for bad input

    near = difflib.get_close_matches(text, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    # A long list tells nobody anything.
    return f"known: {', '.join(sorted(known))}" if 0 < len(known) <= _MOST_NAMED else ""

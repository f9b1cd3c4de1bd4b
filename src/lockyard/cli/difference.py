"""What a lock changes, in words: as text and as Markdown."""

from __future__ import annotations

from lockyard.cli.output import readable
from lockyard.lock.diff import Change, Total
from lockyard.tasks.diff import Diffed


def as_text(done: Diffed) -> str:
    """Return a difference as lines: changes by kind, then each target's size."""
    lines = [_head(done)]
    kind = ""
    for change in done.changes:
        if change.kind != kind:
            kind = change.kind
            lines.append(f"  {kind}")
        lines.append(f"    {_mark(change)} {change.name} {_moved(change)}{_detail(change)}")
    return "\n".join([*lines, *(f"  {_total(total)}" for total in done.totals)])


def as_markdown(done: Diffed) -> str:
    """Return a difference as a table for a pull request."""
    lines = [f"### {_cell(_head(done))}", ""]
    if done.changes:
        lines += ["| | kind | package | version | size | required by | targets |"]
        lines += ["|---|---|---|---|---|---|---|"]
    for change in done.changes:
        cells = (
            _mark(change),
            change.kind,
            change.name,
            _moved(change),
            _size(change),
            ", ".join(change.required_by),
            ", ".join(change.targets) or "all",
        )
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join([*lines, *([""] if done.changes else []), *map(_bullet, done.totals)])


def _head(done: Diffed) -> str:
    if done.new:
        return f"{done.env}: {done.against} has no lock of it"
    changed = len(done.changes)
    what = {0: "no change", 1: "1 change"}.get(changed, f"{changed} changes")
    return f"{done.env}: {what} against {done.against}"


def _mark(change: Change) -> str:
    return "+" if not change.old else "-" if not change.new else "~"


def _moved(change: Change) -> str:
    if not change.old or not change.new:
        return change.new or change.old
    if change.old == change.new:
        return f"{change.new} (another file)"
    return f"{change.old} -> {change.new}"


def _detail(change: Change) -> str:
    parts = [_size(change)] if change.old_size or change.new_size else []
    if change.required_by:
        parts.append(f"required by {', '.join(change.required_by)}")
    if change.targets:
        parts.append(f"in {', '.join(change.targets)}")
    return f"  ({'; '.join(parts)})" if parts else ""


def _size(change: Change) -> str:
    if not change.old_size or not change.new_size:
        return readable(change.new_size or change.old_size) if _sized(change) else ""
    return f"{readable(change.new_size)}, {_signed(change.new_size - change.old_size)}"


def _sized(change: Change) -> bool:
    return bool(change.old_size or change.new_size)


def _total(total: Total) -> str:
    size = f"{readable(total.old)} -> {readable(total.new)}"
    return f"{total.target}: {size} ({_signed(total.new - total.old)})"


def _bullet(total: Total) -> str:
    return f"- {_total(total)}"


def _signed(size: int) -> str:
    return f"{'-' if size < 0 else '+'}{readable(abs(size))}"


def _cell(text: str) -> str:
    """Keep a text of a lock from being Markdown of its own."""
    return "".join(f"\\{each}" if each in "\\`*_[]<>|#" else each for each in text)

"""Trees of every kind of entry, drawn by hypothesis."""

from __future__ import annotations

import os

from hypothesis import strategies as st

from lockyard.build.entry import Entry, directory, symlink, text

LARGEST_ID = (1 << 32) - 2
# Of a file system's names: any bytes but these two; those that no layer may have are left out.
_RAW = st.binary(min_size=1, max_size=255).filter(lambda raw: not {0, 47} & set(raw))
_SHORT = st.text("ab-_.é", min_size=1, max_size=3)
# One letter as one character and as two, and names too long for the header's fields.
_TEXTS = ["\u00e9", "e\u0301", "Ab", "aB", " ", "-x", "*", "'\"", "~", "\u00e9" * 127]
_LENGTHS = ["n" * length for length in (99, 100, 101, 255)]
_OTHERS = map(os.fsdecode, (b"latin-\xe9", b"\xff\xfe"))
_CHOSEN = st.sampled_from([*_TEXTS, *_LENGTHS, *_OTHERS])
_NAMES = st.one_of(_SHORT, _CHOSEN, _RAW.map(os.fsdecode)).filter(
    lambda name: name not in {".", ".."} and not name.startswith(".wh.")
)
PATHS = st.lists(_NAMES, min_size=1, max_size=5).map("/".join)
_MODES = st.integers(0, 0o7777)
_IDS = st.one_of(st.integers(0, 5000), st.integers(0o7777777 - 1, LARGEST_ID))
_CONTENTS = st.one_of(st.just(b""), st.binary(max_size=1500))


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    """Draw entries of which none contradicts another, in an order of chance."""
    drawn = draw(st.lists(PATHS, unique=True, max_size=12))
    above = {path[:at] for path in drawn for at, each in enumerate(path) if each == "/"}
    leaves = [path for path in drawn if path not in above]
    made: list[Entry] = []
    for path in leaves:
        kind = draw(st.sampled_from(["file", "file", "directory", "symlink", "hardlink"]))
        files = [each.path for each in made if each.kind == "file"]
        if kind == "directory":
            made.append(
                directory(path, mode=draw(_MODES), uid=draw(_IDS), gid=draw(_IDS))
            )  # fmt: skip
        elif kind == "symlink":
            made.append(symlink(path, draw(PATHS)))
        elif kind == "hardlink" and files:
            target = draw(st.sampled_from(files))
            made.append(Entry(path=path, kind="hardlink", mode=draw(_MODES), link=target))
        else:
            made.append(text(path, draw(_CONTENTS), mode=draw(_MODES)))
    return list(draw(st.permutations(made)))

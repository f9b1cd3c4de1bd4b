"""What a layer's key says of its compression is what its bytes depend on."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from lockyard.plan import compression
from lockyard.plan.compression import COMPRESSION

# The library that each version of the binding brings (its src/libdeflate).
LIBRARY = {"0.9.0": "1.26"}


def test_the_key_names_the_library_that_compresses() -> None:
    assert f"/libdeflate-{LIBRARY[version('deflate')]}/" in COMPRESSION


@pytest.mark.parametrize(
    "change", [("LEVEL = 3", "LEVEL = 4"), ("PIECE = 8", "PIECE = 4"), ("TAKEN = 1", "TAKEN = 2")]
)
def test_another_level_or_size_is_another_key(change: tuple[str, str]) -> None:
    source = Path(compression.__file__).read_text("utf-8")
    assert source.count(change[0]) == 1
    values: dict[str, object] = {}
    exec(source.replace(*change), values)  # noqa: S102 - a module of constants
    assert values["COMPRESSION"] != COMPRESSION

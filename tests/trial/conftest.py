"""The engine's fixtures, as the tests of images have them."""

from __future__ import annotations

from tests.engine.conftest import engine, load

__all__ = ["engine", "load"]

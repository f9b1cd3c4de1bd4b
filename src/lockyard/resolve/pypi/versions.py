"""The versions of pip and pip-tools that resolving is made for."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from .refusal import refusal

PINNED = {"pip": "26.3", "pip-tools": "7.6.2"}


def check_versions() -> None:
    """Raise Refusal unless the pinned versions are installed."""
    for name, pinned in PINNED.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "none"
        if found != pinned:
            raise refusal("seams", f"{name} {pinned} is needed to resolve, found {found}")

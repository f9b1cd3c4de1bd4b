"""Platforms, and what each ecosystem calls them."""

from __future__ import annotations

from collections.abc import Mapping

PLATFORMS = ("linux/amd64", "linux/arm64")
# The processor in wheels' tags and in markers (PEP 508).
MACHINES: Mapping[str, str] = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
# The folder of a conda channel.
SUBDIRS: Mapping[str, str] = {"linux/amd64": "linux-64", "linux/arm64": "linux-aarch64"}

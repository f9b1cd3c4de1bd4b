"""Debian packages, unpacked and configured without running any of their scripts."""

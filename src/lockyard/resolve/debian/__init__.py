"""Debian packages: a suite's signed index, and the set of packages that satisfies a spec."""

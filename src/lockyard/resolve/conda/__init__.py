"""Conda requirements to packages: conda-lock locks, rattler's solver solves."""

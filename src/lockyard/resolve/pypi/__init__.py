"""PyPI requirements to wheels, for a Python, a glibc and a machine that need not be here."""

"""Locks in the formats of other tools, decided from the lock alone."""

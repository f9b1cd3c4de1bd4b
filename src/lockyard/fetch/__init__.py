"""Bring the artifacts of a lock into the store, verified."""

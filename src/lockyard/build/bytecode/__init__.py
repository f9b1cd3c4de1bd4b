"""Compile modules as they are built into layers, by the Python of their image."""

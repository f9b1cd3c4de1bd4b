"""Wheels, unpacked as the wheel standard says (PyPA binary distribution format)."""

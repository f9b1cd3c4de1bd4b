"""The lockfile: its model, its text, and whether it still satisfies its spec."""

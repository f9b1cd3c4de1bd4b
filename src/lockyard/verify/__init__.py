"""Build images again under other conditions, compare them, and find what differs."""

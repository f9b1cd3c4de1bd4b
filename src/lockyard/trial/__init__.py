"""What judges a built image in an engine: what is in it, and what it does."""

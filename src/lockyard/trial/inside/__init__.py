"""Programs that run in an image, by its own Python: 3.7 or newer, and nothing beside it."""

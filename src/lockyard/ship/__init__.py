"""Hand an image on: as an archive, or to a container engine."""

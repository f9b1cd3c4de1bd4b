"""Hand an image on: as an archive, to a container engine or to a registry."""

"""Images by a Docker engine: a closed context, a Dockerfile, and the engine's BuildKit."""

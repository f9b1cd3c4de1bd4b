"""Images of registries, resolved from tags to digests."""

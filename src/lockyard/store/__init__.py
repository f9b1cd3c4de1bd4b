"""Artifacts, blobs and small records, each found by its digest or key."""

"""Curated environments for Azure ML, in the four forms that its tools read."""

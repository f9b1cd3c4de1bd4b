"""A base that is a registry's image: its layers as they are, and what stands in them."""

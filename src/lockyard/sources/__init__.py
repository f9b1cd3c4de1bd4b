"""The name of a source becomes an address here, and nowhere else."""

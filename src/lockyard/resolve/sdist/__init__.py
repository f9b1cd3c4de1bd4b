"""Source distributions to wheels, as fixed-output builds: the same bytes anywhere."""

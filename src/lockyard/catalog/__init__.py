"""The page that shows a fleet's users what there is, and what is in it."""

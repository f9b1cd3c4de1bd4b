"""The edge where people and machines call: arguments, progress, output, exit statuses."""

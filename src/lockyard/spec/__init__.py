"""What people write: the workspace, the envs and the recipes, read into frozen models."""

"""From a spec to a lock; beside fetching, the only part that reaches the network."""

"""From a lock to ordered layer descriptions and an image config; nothing here touches a disk."""

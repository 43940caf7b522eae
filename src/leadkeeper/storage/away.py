"""What every storage raises when its database cannot be used just now."""

from __future__ import annotations


class StorageAway(Exception):
    """The database cannot be used just now; nothing of the act was acknowledged. Trying again later is safe."""

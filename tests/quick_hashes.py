"""Passwords of tests are hashed with little memory and in one pass: hundreds of tests have people who sign in.

Each hash takes the program a core for some hundredths of a second, as it must where guessing pays. The algorithm is the
same and so is its spelling; that the program's own is as dear as it should be is a test of its own, with ``OURS``.
"""

from __future__ import annotations

from typing import Final
from unittest import mock

from argon2 import PasswordHasher

from leadkeeper.access.people import passwords

OURS: Final = passwords._HASHER
"""What hashes where nobody tests."""


def hash_quickly() -> None:
    """From now on in this process."""
    mock.patch.object(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)).start()

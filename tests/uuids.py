"""Ids for tests that want to know their rows by name: as ids are written, in the order of their words."""

from __future__ import annotations

from uuid import UUID


def uuid_of(word: str) -> str:
    """The id that stands for ``word``, of at most 16 letters; the same at every call, and sorted as words are."""
    return str(UUID(bytes=word.encode().ljust(16, b"\0")))


def word_of(id_: str) -> str:
    """The word for which an id stands."""
    return UUID(id_).bytes.rstrip(b"\0").decode()

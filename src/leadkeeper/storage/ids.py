"""Ids of 16 bytes: UUIDs that Python sees as text, PostgreSQL keeps as ``uuid`` and SQLite as a blob.

A lead stands in ten indexes, each with its id: as text these take more than the lead itself.
See ``docs/decisions/0029-ids-of-16-bytes.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from uuid_utils import UUID

_LENGTH: Final = 36
_BEFORE_ALL: Final = bytes(16)
_BEFORE_ALL_TEXT: Final = "00000000-0000-0000-0000-000000000000"
PACKED: Final = "packed_id"
"""SQLite's name for :func:`packed_id`, once :func:`add_functions` was called."""
UNPACKED: Final = "unpacked_id"


def packed_id(text: object) -> bytes | None:
    """The 16 bytes of an id as new ids are written; of the empty text, which sorts before all ids, 16 zeros.

    ``None`` for anything else: as a condition it is nobody's id, and no row whose id is required takes it.
    """
    if text == "":
        return _BEFORE_ALL
    # UUIDs are read in braces and in capitals, too; ids are texts, and have one spelling.
    if not isinstance(text, str) or len(text) != _LENGTH or text != text.lower():
        return None
    try:
        return UUID(text).bytes
    except ValueError:
        return None


def unpacked_id(packed: object) -> str | None:
    """The text of what :func:`packed_id` made; the empty text of zeros, and of none none."""
    if packed == _BEFORE_ALL:
        return ""
    if isinstance(packed, bytes):
        return str(UUID(bytes=packed)) if len(packed) == len(_BEFORE_ALL) else packed.hex()
    return packed if isinstance(packed, str) else None  # what somebody else wrote, or none


def add_functions(driver: Any) -> None:
    """Let statements on this connection of SQLite's driver pack and unpack ids."""
    driver.create_function(PACKED, 1, packed_id, deterministic=True)
    driver.create_function(UNPACKED, 1, unpacked_id, deterministic=True)


class _Blob(sa.types.UserDefinedType[bytes]):
    """What SQLite's driver takes and gives as it is."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "BLOB"


class UuidText(sa.types.TypeDecorator[str]):
    """A column of such ids. See :func:`packed_id` for what is none."""

    impl = sa.UUID(as_uuid=False)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """On SQLite a blob."""
        return dialect.type_descriptor(_Blob() if dialect.name == "sqlite" else sa.UUID(as_uuid=False))

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any]:
        """As the database keeps it. Not by ``process_bind_param``, which costs as much again for each value."""
        return packed_id if dialect.name == "sqlite" else _for_postgresql

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any]:
        """As Python sees it."""
        return unpacked_id if dialect.name == "sqlite" else _from_postgresql


def _for_postgresql(text: object) -> object:
    if text == "":
        return _BEFORE_ALL_TEXT
    return None if packed_id(text) is None else text


def _from_postgresql(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    return "" if text == _BEFORE_ALL_TEXT else text


def is_packed(column: sa.ColumnElement[Any]) -> bool:
    """Whether a column holds such ids."""
    return isinstance(column.type, UuidText)


def are_packed(columns: Sequence[sa.ColumnElement[Any]]) -> tuple[int, ...]:
    """The places of those of ``columns`` that hold such ids."""
    return tuple(at for at, column in enumerate(columns) if is_packed(column))

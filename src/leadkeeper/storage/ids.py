"""Ids of 16 bytes: UUIDs that Python sees as text, PostgreSQL keeps as ``uuid`` and SQLite as a blob.

A lead stands in ten indexes, each with its id: as text these take more than the lead itself.
See ``docs/decisions/0028-ids-of-16-bytes.md``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

_IS_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
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
    if not isinstance(text, str) or _IS_UUID(text) is None:
        return None
    return bytes.fromhex(text.replace("-", ""))


def unpacked_id(packed: object) -> str | None:
    """The text of what :func:`packed_id` made; the empty text of zeros, and of none none."""
    if packed == _BEFORE_ALL:
        return ""
    if not isinstance(packed, bytes):  # none, or what somebody else wrote
        return packed if isinstance(packed, str) else None
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


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

    impl = postgresql.UUID(as_uuid=False)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """On SQLite a blob."""
        return dialect.type_descriptor(_Blob() if dialect.name == "sqlite" else postgresql.UUID(as_uuid=False))

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        """As the database keeps it."""
        if dialect.name == "sqlite":
            return packed_id(value)
        if value == "":
            return _BEFORE_ALL_TEXT
        return value if isinstance(value, str) and _IS_UUID(value) is not None else None

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        """As Python sees it."""
        if dialect.name == "sqlite":
            return unpacked_id(value)
        return "" if value == _BEFORE_ALL_TEXT else value


def is_packed(column: sa.ColumnElement[Any]) -> bool:
    """Whether a column holds such ids."""
    return isinstance(column.type, UuidText)


def are_packed(columns: Sequence[sa.ColumnElement[Any]]) -> tuple[int, ...]:
    """The places of those of ``columns`` that hold such ids."""
    return tuple(at for at, column in enumerate(columns) if is_packed(column))

"""Time and ids as the services use them. Rules take ``now`` as an argument; only doors and loops ask this clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils

Clock = Callable[[], int]
"""Whole milliseconds since 1970 UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_ms() -> int:
    """The time of day in whole milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def to_datetime(ms: int) -> datetime:
    """``ms`` since 1970 as an aware UTC datetime."""
    return _EPOCH + timedelta(milliseconds=ms)


def to_text(ms: int) -> str:
    """``ms`` since 1970 as ``2026-11-22T08:15:30.123Z``."""
    return to_datetime(ms).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def least_id(ms: int) -> str:
    """No id that is made at ``ms`` or later sorts before this text."""
    return str(UUID(int=min(max(ms, 0), 2**48 - 1) << 80))


def made_at(id_: str) -> int:
    """When a UUIDv7 was made, in milliseconds since 1970; 0 of what is none."""
    try:
        return UUID(id_).int >> 80
    except ValueError:
        return 0


def new_id() -> str:
    """A UUIDv7: ids made later sort later."""
    return str(uuid_utils.uuid7())

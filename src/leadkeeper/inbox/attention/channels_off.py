"""The channels that are switched off: what happens meanwhile is not told over them, and nobody else would say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.channels.why_off import off_remedy, off_summary, why_off_of
from leadkeeper.clock import to_text
from leadkeeper.diagnosis import Who
from leadkeeper.inbox.attention.causes import MOST, SUMMARIES, Cause
from leadkeeper.storage import tables as t
from leadkeeper.storage.hot import HotStatement
from leadkeeper.texts import Language
from leadkeeper.views import AttentionEntry


def channels_off(
    conn: sa.Connection, publisher_id: str | None, language: Language
) -> tuple[list[AttentionEntry], bool]:
    """Those of a publisher, or of all and the operator's own, the longest first; and whether these are all."""
    if publisher_id is None:
        rows = _OFF.rows(conn, {})
    else:
        rows = conn.execute(_off("", t.channel.c.publisher_id == publisher_id)).all()
    return [_entry(row, language) for row in rows[:MOST]], len(rows) <= MOST


def operators_channels_off(conn: sa.Connection, language: Language) -> list[AttentionEntry]:
    """The operator's own: no more than an operator may have."""
    rows = conn.execute(_off("", t.channel.c.publisher_id.is_(None))).all()
    return [_entry(row, language) for row in rows[:MOST]]


def _off(_: str, *own: sa.ColumnElement[bool]) -> sa.Select[Any]:
    c = t.channel.c
    columns = (c.id, c.publisher_id, c.name, c.trouble, c.failing_since, c.disabled_at, c.disabled_for)
    return sa.select(*columns).where(t.CHANNEL_OFF, *own).order_by(c.disabled_at, c.id).limit(MOST + 1)


_OFF: Final = HotStatement(_off)


def publishers_with_channels_off(conn: sa.Connection) -> Sequence[str]:
    """The publishers of which a channel is off."""
    c = t.channel.c
    return conn.scalars(sa.select(c.publisher_id).where(t.CHANNEL_OFF, c.publisher_id.is_not(None)).distinct()).all()


def _entry(row: sa.Row[Any], language: Language) -> AttentionEntry:
    why = why_off_of(row)
    assert why is not None
    texts = (language.gettext(SUMMARIES[Cause.CHANNEL_OFF]), off_summary(why, language), off_remedy(why, language))
    return AttentionEntry(
        cause=Cause.CHANNEL_OFF.value,
        summary=" ".join(texts),
        since=to_text(row.disabled_at),
        publisher_id=row.publisher_id,
        channel_id=row.id,
        channel_name=row.name,
        channel_off_for=why.value,
        leads=0,
        count=1,
        who=(Who.OPERATOR if row.publisher_id is None else Who.PUBLISHER).value,
    )

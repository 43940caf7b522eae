"""What became of the mails that were written to people, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.mail.fates import Fate
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage

SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail to one address. Times in ms; ``due_at`` is when it is tried next, ``None`` where it is not.

    ``code`` and ``words`` are the mail server's last reply where that took it not, masked.
    """

    id: str
    address: str
    publisher_id: str
    subject: str
    text: str
    created_at: int
    tried_at: int | None
    tries: int
    fate: Fate
    code: int | None
    words: str | None
    due_at: int | None


@dataclass(frozen=True, slots=True)
class MailPage:
    """Some mails; ``next_cursor`` leads to older ones, if there are any."""

    mails: Sequence[SentMail]
    next_cursor: str | None


class Mails:
    """The mails of an installation, as operators and owners read them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def list(self, publisher_id: str | None, fate: Fate | None = None, cursor: str | None = None) -> MailPage:
        """Those of one publisher, or all; of that fate; those behind ``cursor``."""
        m = t.mail.c
        query = sa.select(t.mail).order_by(m.id.desc()).limit(SHOWN + 1)
        if publisher_id is not None:
            query = query.where(m.publisher_id == publisher_id)
        if fate is not None:
            query = query.where(m.state == fate.value)
        if cursor is not None:
            query = query.where(m.id < cursor)
        rows = await self._storage.read(lambda conn: conn.execute(query).all())
        return MailPage([_mail(row) for row in rows[:SHOWN]], rows[SHOWN - 1].id if len(rows) > SHOWN else None)

    async def one(self, mail_id: str, publisher_id: str | None) -> SentMail | None:
        """One mail, one of that publisher where a publisher is named."""
        query = sa.select(t.mail).where(t.mail.c.id == mail_id)
        if publisher_id is not None:
            query = query.where(t.mail.c.publisher_id == publisher_id)
        row = await self._storage.read(lambda conn: conn.execute(query).first())
        return None if row is None else _mail(row)


def _mail(row: sa.Row[Any]) -> SentMail:
    return SentMail(
        row.id,
        row.address,
        row.publisher_id,
        row.subject,
        row.text,
        row.created_at,
        row.tried_at,
        row.tries,
        Fate(row.state),
        row.code,
        row.words,
        row.due_at if row.ended_at is None or row.state == Fate.PUT_OFF.value else None,
    )

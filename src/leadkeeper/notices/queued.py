"""Mails that wait, one for each recipient: written in the transaction that causes them, sent by whoever looks. All SQL.

Each keeps its fate: what the server said to it last, and when it is tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.access.mail_bound import free_at, spend
from leadkeeper.clock import Clock, least_id
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.mail.address import MailAddress, MailRules
from leadkeeper.mail.fates import fate_after
from leadkeeper.mail.mailer import SECONDS, Mailer
from leadkeeper.notices.due import HELD_MS
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, one_of

AT_ONCE: Final = 100

log: Final = structlog.get_logger(__name__)


async def send_queued(storage: Storage, mailer: Mailer, rules: MailRules, clock: Clock) -> int:
    """Send what is due, as long as it is ours; how many the server took."""
    sent, until = 0, clock() + HELD_MS - int(SECONDS * 1000)
    for together in _together(await storage.write(_take, clock())):
        if clock() >= until:
            break
        rows = [row for row in together if await storage.write(_granted, row, rules, clock())]
        if not rows:
            continue
        (result,) = (await mailer.send(_message(rows, mailer.sender), [rows[0].address])).values()
        await storage.write(_record, rows, result, clock())
        if result is not None:
            log.warning(
                "mail not sent", kind=result.kind.value, mail=rows[0].id, publisher=rows[0].publisher_id or None
            )
        sent += result is None
    return sent


def _together(rows: Sequence[sa.Row[Any]]) -> list[list[sa.Row[Any]]]:
    """What goes out as one mail: what an address gets as a digest; any other mail is one by itself."""
    found: dict[str, list[sa.Row[Any]]] = {}
    for row in rows:
        found.setdefault(f"to {row.address}" if row.digest else row.id, []).append(row)
    return list(found.values())


def remove_old(conn: sa.Connection, before: int) -> None:
    """Remove the mails that were written and ended before then (ms)."""
    m = t.mail.c
    old = sa.select(m.id).where(m.id < least_id(before), m.ended_at < before).order_by(m.id).limit(1_000)
    ids = list(conn.scalars(old))
    if ids:
        conn.execute(sa.delete(t.mail).where(one_of(conn, m.id, ids)))


def _take(conn: sa.Connection, now: int) -> Sequence[sa.Row[Any]]:
    m = t.mail.c
    due = sa.select(t.mail).where(t.WAITING_MAIL, m.due_at <= now).order_by(m.due_at, m.id).limit(AT_ONCE)
    rows = conn.execute(due.with_for_update(skip_locked=True)).all()
    if rows:
        ids = [row.id for row in rows]
        conn.execute(sa.update(t.mail).where(one_of(conn, m.id, ids)).values(due_at=now + HELD_MS))
    return rows


def _granted(conn: sa.Connection, row: sa.Row[Any], rules: MailRules, now: int) -> bool:
    """Whether it may go out now; a publisher whose hour is used up has all its mails wait for the next."""
    if not row.publisher_id or spend(conn, row.publisher_id, 1, rules, now):
        return True
    m, then = t.mail.c, free_at(conn, row.publisher_id, now)
    mine = (t.WAITING_MAIL, m.publisher_id == row.publisher_id, m.due_at < then)
    conn.execute(sa.update(t.mail).where(*mine).values(due_at=then))
    return False


def _message(rows: Sequence[sa.Row[Any]], sender: MailAddress) -> EmailMessage:
    row = rows[0]
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["Subject"] = row.subject if len(rows) == 1 else f"{len(rows)} notices"
    message["From"] = Address(display_name=sender.name or "Leadkeeper", addr_spec=sender.wire)
    message["To"] = row.address
    message["Message-ID"] = f"<{row.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    parts = [row.text] if len(rows) == 1 else [f"* {each.subject}\n\n{each.text}" for each in rows]
    message.set_content("\n\n".join(parts))
    message["Content-Language"] = row.languages
    return message


def _record(conn: sa.Connection, rows: Sequence[sa.Row[Any]], result: Diagnosis | None, now: int) -> None:
    for row in rows:
        this = sa.update(t.mail).where(t.mail.c.id == row.id, t.WAITING_MAIL)
        conn.execute(this.values(fate_after(row.tries, result, now)))

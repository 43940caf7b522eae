"""Reminds people of leads that nobody turned to: the lead's owner first, later the publisher's owners.

In turns of some hours, whatever number of leads and publishers: one mail to a person for each turn. A turn looks at the
leads that came to their time in it, by their ids, so that none is told of twice and old ones cost nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import Clock, least_id, now_ms
from leadkeeper.inbox.follow_up.state import DO_NOT_CONTACT
from leadkeeper.mail.address import MailAddress, parse_address
from leadkeeper.mail.fates import mail_row
from leadkeeper.notices.follow_up_mail import Untouched, reminder_mail
from leadkeeper.notices.quiet_hours import waits_for
from leadkeeper.notices.whom import wanted
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, announce
from leadkeeper.storage.known import publisher_name
from leadkeeper.texts import Languages

LOOK_SECONDS: Final = 60.0
HOUR_MS: Final = 3_600_000
TURN_MS: Final = 4 * HOUR_MS
LONGEST_MS: Final = 7 * 24 * HOUR_MS
"""What came to its time longer ago, while no process ran, is told by the pages alone."""
_NAME: Final = "remindedOfLeads"
_WORKERS: Final = ("owner", "contributor")


class Reminders:
    """Runs in every worker; each turn is one process's. ``hours``: after how many the owner hears, and how many later
    the publisher's owners."""

    def __init__(
        self,
        storage: Storage,
        sender: MailAddress | None,
        base_url: str,
        hours: tuple[int, int],
        clock: Clock = now_ms,
        languages: Languages | None = None,
    ) -> None:
        self._storage = storage
        self._sender = sender
        self._base_url = base_url
        self._hours = hours
        self._clock = clock
        self._languages = languages

    async def run(self) -> None:
        """Look again and again until cancelled; without a mail server, end at once."""
        if self._sender is not None:
            await run_periodically(Job("reminders", self.look, LOOK_SECONDS))

    async def look(self) -> int:
        """Write the mails of a turn, if one has begun; how many."""
        return 0 if self._sender is None else await self._storage.write(self._turn, self._sender, self._clock())

    def _turn(self, conn: sa.Connection, sender: MailAddress, now: int) -> int:
        before = _begin(conn, now)
        if before is None:
            return 0
        first, later = (hours * HOUR_MS for hours in self._hours)
        found = owners_notified(conn, before - first, now - first)
        for address, those in escalated(conn, before - first - later, now - first - later).items():
            found.setdefault(address, []).extend(those)
        rows = []
        for address in wanted(conn, found):
            those = [replace(each, publisher_name=publisher_name(conn, each.publisher_id)) for each in found[address]]
            message = reminder_mail(those, self._hours, self._base_url, [address], sender, self._languages)
            publishers = {each.publisher_id for each in those}
            row = mail_row(message, address, publishers.pop() if len(publishers) == 1 else "", now)
            rows.append(row | waits_for(conn, address, now, urgent=False))
        if rows:
            conn.execute(sa.insert(t.mail), rows)
            announce(conn)
        return len(rows)


def _begin(conn: sa.Connection, now: int) -> int | None:
    """When the turn before this began, if it is over; this one begins then, and is ours."""
    i = t.installation.c
    row = conn.execute(sa.select(i.changed_at).where(i.name == _NAME).with_for_update()).first()
    if row is None:
        conn.execute(sa.insert(t.installation).values(name=_NAME, value="", changed_at=now))
        return None  # what came before reminders were there is not told of
    if now - TURN_MS < row.changed_at <= now:
        return None
    conn.execute(sa.update(t.installation).where(i.name == _NAME).values(changed_at=now))
    return max(row.changed_at, now - LONGEST_MS) if row.changed_at <= now else None


def owners_notified(conn: sa.Connection, after: int, until: int) -> dict[str, list[Untouched]]:
    """By address the untouched leads that came from ``after`` to ``until`` (ms) and are somebody's."""
    f, p, m = t.follow_up.c, t.person.c, t.membership.c
    works = sa.exists().where(m.person_id == p.id, m.publisher_id == f.publisher_id, m.role.in_(_WORKERS))
    query = (
        sa.select(p.email, f.publisher_id, f.owner_id, sa.func.count().label("leads"))
        .select_from(t.lead)
        .join(t.follow_up, f.lead_id == t.lead.c.id)
        .join(t.person, p.id == f.owner_id)
        .where(*_followed(after, until), f.state == "new", f.touched_at.is_(None), p.disabled_at.is_(None), works)
        .group_by(p.email, f.publisher_id, f.owner_id)
        .order_by(f.publisher_id)
    )
    found: dict[str, list[Untouched]] = defaultdict(list)
    for row in conn.execute(query):
        found[parse_address(row.email).key].append(Untouched(row.publisher_id, row.leads, row.owner_id))
    return found


def escalated(conn: sa.Connection, after: int, until: int) -> Mapping[str, Sequence[Untouched]]:
    """By address of a publisher's owner its untouched leads that came from ``after`` to ``until`` (ms)."""
    f, p, m, lead = t.follow_up.c, t.person.c, t.membership.c, t.lead.c
    new = f.lead_id.is_(None) | ((f.state == "new") & f.touched_at.is_(None))
    counted = sa.select(lead.publisher_id, sa.func.count()).outerjoin(t.follow_up, f.lead_id == lead.id)
    counted = counted.where(*_followed(after, until), new).group_by(lead.publisher_id)
    leads: dict[str, int] = {row[0]: row[1] for row in conn.execute(counted)}
    found: dict[str, list[Untouched]] = defaultdict(list)
    owners = sa.select(p.email, m.publisher_id).join(t.membership, m.person_id == p.id)
    owners = owners.where(m.role == "owner", p.disabled_at.is_(None), m.publisher_id.in_(sorted(leads)))
    for row in conn.execute(owners.order_by(m.publisher_id)):
        found[parse_address(row.email).key].append(Untouched(row.publisher_id, leads[row.publisher_id]))
    return found


def _followed(after: int, until: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Leads that somebody is to turn to, and that came in that time."""
    c = t.lead.c
    nobody: tuple[Any, ...] = (sa.not_(c.test), sa.not_(c.withheld), sa.not_(c.preview), c.action != DO_NOT_CONTACT)
    return (c.id >= least_id(after), c.id < least_id(until), c.expired_at.is_(None), *nobody)

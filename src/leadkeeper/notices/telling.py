"""Tells people of what needs attention: each address once of each cause, every day while it lasts, and when it is over.

What needs attention, ``inbox.attention.attention`` knows; when an address hears of it, ``turns`` decides; ``queued``
sends. One process of an installation looks at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.operator_addresses import OperatorAddresses
from leadkeeper.channels.events import Event
from leadkeeper.channels.subscriptions import Occurrence, Subscriptions
from leadkeeper.clock import Clock, now_ms, to_text
from leadkeeper.delivery.schedule import Aside
from leadkeeper.inbox.attention.causes import MOST_COUNTED, Cause
from leadkeeper.mail.address import DEFAULT_RULES, MailAddress, MailRules
from leadkeeper.mail.fates import mail_row
from leadkeeper.mail.text import Envelope
from leadkeeper.notices.cause_mail import Kinds, cause_mail
from leadkeeper.notices.queued import remove_old
from leadkeeper.notices.quiet import URGENT
from leadkeeper.notices.quiet_hours import waits_for
from leadkeeper.notices.turns import (
    CHANNELS,
    ENDS_SILENTLY,
    QUIET_MS,
    About,
    CausePlace,
    NoticeMail,
    NotifiedTimes,
    Turn,
    news_of,
)
from leadkeeper.notices.whom import (
    notified_of_suspension,
    of_installation,
    operators,
    publisher_causes,
    publishers_with_causes,
    wanted,
)
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import Storage, announce, one_of
from leadkeeper.storage.known import publisher_name
from leadkeeper.texts import Languages

LOOK_SECONDS: Final = 15.0
EVERY_MS: Final = 60_000
"""How often the installation looks, however many processes it has."""
AT_ONCE: Final = 50
_NAME: Final = "toldOfCauses"
_ASIDE: Final[Mapping[Cause, Aside]] = {
    Cause.LEADS_REFUSED: Aside.REFUSED,
    Cause.LEADS_MAY_HAVE_ARRIVED: Aside.MAY_HAVE_ARRIVED,
    Cause.LEADS_GAVE_UP: Aside.GAVE_UP,
}


class Telling:
    """Runs in every worker. Without a ``sender`` there is no mail server: channels alone are told."""

    def __init__(
        self,
        storage: Storage,
        sender: MailAddress | None,
        base_url: str,
        addresses: OperatorAddresses,
        clock: Clock = now_ms,
        rules: MailRules = DEFAULT_RULES,
        languages: Languages | None = None,
        subscriptions: Subscriptions | None = None,
        keep_days: int = 30,
    ) -> None:
        self._storage = storage
        self._sender = sender
        self._base_url = base_url
        self._addresses = addresses
        self._clock = clock
        self._rules = rules
        self._languages = languages
        self._subscriptions = subscriptions or Subscriptions()
        self._keep_ms = keep_days * 86_400_000

    async def run(self) -> None:
        """Look again and again until cancelled."""
        await run_periodically(Job("telling", self.look, LOOK_SECONDS))

    async def look(self) -> int:
        """Write down what is to be told now, if it is this process's turn; how many mails and events that were."""
        if not await self._storage.write(_claim, self._clock()):
            return 0
        await self._storage.write(remove_old, self._clock() - self._keep_ms)
        standing, uncertain = await self._standing()
        known = await self._storage.read(_notified)
        news = news_of(standing, known, uncertain, self._clock())
        for at in range(0, len(news), AT_ONCE):
            await self._storage.write(self._write, news[at : at + AT_ONCE])
        return len(news)

    async def _standing(self) -> tuple[Mapping[About, Sequence[CausePlace]], frozenset[str]]:
        """Who is to know of what, and the publishers of which not all is known."""
        standing: dict[About, Sequence[CausePlace]] = {}
        of_operators: dict[Cause, list[CausePlace]] = defaultdict(list)
        uncertain = set()
        for publisher_id in await self._storage.read(publishers_with_causes, self._clock()):
            found = await self._storage.read(publisher_causes, publisher_id, self._rules, self._clock())
            standing |= found.standing
            for cause, parts in found.orphaned.items():
                of_operators[cause] += parts
            if not found.complete:
                uncertain |= {publisher_id, ""}
        of_members, suspended = await self._storage.read(notified_of_suspension)
        standing |= of_members
        uncertain |= suspended  # whoever is a member no more is not told that it was released
        for cause, parts in (await self._storage.read(of_installation, self._clock())).items():
            of_operators[cause] += parts
        for address in await self._storage.read(self._operators) if of_operators else ():
            standing |= {About(address, "", cause): parts for cause, parts in of_operators.items() if parts}
        if self._sender is None:
            standing = {about: parts for about, parts in standing.items() if about.address == CHANNELS}
        return standing, frozenset(uncertain)

    def _operators(self, conn: sa.Connection) -> list[str]:
        """Their own addresses; where none were given, those of the people who run the installation."""
        return wanted(conn, self._addresses.all(conn)) or operators(conn)

    def _write(self, conn: sa.Connection, some: Sequence[NoticeMail]) -> None:
        now = self._clock()
        for each in some:
            about = each.about
            news = replace(each, publisher_name=publisher_name(conn, about.publisher_id))
            if about.address == CHANNELS:
                self._subscriptions.write(conn, [_occurrence(news, now)], now)
            elif self._sender is not None and not (about.cause in ENDS_SILENTLY and news.turn is Turn.OVER):
                envelope = Envelope([about.address], self._sender, "cause", self._languages)
                message = cause_mail(news, _kinds(conn, news), self._base_url, envelope)
                row = mail_row(message, about.address, about.publisher_id, now)
                urgent = about.cause in URGENT and news.turn is not Turn.OVER
                conn.execute(sa.insert(t.mail).values(row | waits_for(conn, about.address, now, urgent=urgent)))
            _remember(conn, news, now)
        announce(conn)


def _claim(conn: sa.Connection, now: int) -> bool:
    """Whether it is this process's turn. What was written by a clock that was ahead keeps nobody waiting."""
    i = t.installation.c
    due = (i.name == _NAME) & ((i.changed_at <= now - EVERY_MS) | (i.changed_at > now))
    if conn.execute(sa.update(t.installation).where(due).values(changed_at=now)).rowcount:
        return True
    insert = insert_into(conn, t.installation)
    first = insert.values(name=_NAME, value="", changed_at=now).on_conflict_do_nothing()
    return bool(conn.execute(first).rowcount)


def _notified(conn: sa.Connection) -> dict[About, NotifiedTimes]:
    c = t.notified_cause.c
    known = {cause.value for cause in Cause}
    rows = conn.execute(sa.select(t.notified_cause).where(c.cause.in_(known)))
    return {
        About(row.address, row.publisher_id, Cause(row.cause)): NotifiedTimes(
            row.notified_at, row.since_at, row.over_at
        )
        for row in rows
    }


def _remember(conn: sa.Connection, news: NoticeMail, now: int) -> None:
    c, about = t.notified_cause.c, news.about
    conn.execute(sa.delete(t.notified_cause).where(c.over_at < now - QUIET_MS))
    key: dict[str, Any] = {"address": about.address, "publisher_id": about.publisher_id, "cause": about.cause.value}
    values: dict[str, Any] = {"notified_at": now, "since_at": news.since, "over_at": None}
    if news.turn is Turn.OVER:
        values["over_at"] = now
    this = sa.and_(*(c[name] == value for name, value in key.items()))
    if not conn.execute(sa.update(t.notified_cause).where(this).values(values)).rowcount:
        conn.execute(sa.insert(t.notified_cause).values(key | values))


def _kinds(conn: sa.Connection, news: NoticeMail) -> Kinds:
    """What the leads of these parts are; looks at no more than are counted."""
    counted = Kinds(sum(part.leads for part in news.parts))
    cause = news.about.cause
    if cause not in _ASIDE or not news.parts:
        return counted
    d, lead = t.delivery.c, t.lead.c
    ids = [part.connection_id for part in news.parts]
    why = d.set_aside_for == _ASIDE[cause].value
    if cause is Cause.LEADS_REFUSED:
        why |= d.set_aside_for.is_(None)
    some = sa.select(d.lead_id).where(one_of(conn, d.connection_id, ids), t.FOR_A_PERSON, why).limit(MOST_COUNTED + 1)
    those = some.subquery()
    query = sa.select(lead.test, lead.preview, sa.func.count()).join(those, those.c.lead_id == lead.id)
    tests = previews = 0
    for test, preview, count in conn.execute(query.group_by(lead.test, lead.preview)):
        tests += count if test else 0
        previews += count if preview and not test else 0
    return Kinds(max(0, counted.leads - tests - previews), tests, previews)


def _occurrence(news: NoticeMail, now: int) -> Occurrence:
    about = news.about
    data: dict[str, Any] = {"cause": about.cause.value, "at": to_text(now)}
    if news.publisher_name:
        data["publisherName"] = news.publisher_name
    if news.since is not None:
        data["since"] = to_text(news.since)
    if news.turn is Turn.OVER:
        return Occurrence(Event.ATTENTION_OVER, about.publisher_id, data)
    data |= {"waiting": sum(part.leads for part in news.parts), "reminder": news.turn is Turn.LASTS}
    return Occurrence(Event.ATTENTION_NEEDED, about.publisher_id, data)

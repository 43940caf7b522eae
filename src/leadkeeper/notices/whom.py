"""Whom a publisher's causes concern: contacts of its connections, its owners; operators, where nobody else is. SQL.

Which causes there are, ``inbox.attention.attention`` says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.contacts import contacts_of
from leadkeeper.connections.outage import TELL_AFTER
from leadkeeper.connections.resource import read_settings
from leadkeeper.destinations.interface import Standing
from leadkeeper.diagnosis import Who
from leadkeeper.inbox.attention.attention import attention
from leadkeeper.inbox.attention.causes import Cause
from leadkeeper.inbox.attention.channels_off import operators_channels_off, publishers_with_channels_off
from leadkeeper.inbox.attention.concerns import of_everybody
from leadkeeper.inbox.attention.missing_records import missing_chain
from leadkeeper.inbox.withheld import withheld_counts
from leadkeeper.mail.address import MailAddress, MailRules, parse_address
from leadkeeper.mail.text import quoted
from leadkeeper.notices.turns import CHANNELS, About, CausePlace
from leadkeeper.offer import OfferRef, own_title
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import least_of, one_of
from leadkeeper.texts import ENGLISH
from leadkeeper.views import AttentionEntry

OF_LEADS: Final = frozenset(
    {Cause.LEADS_REFUSED, Cause.LEADS_MAY_HAVE_ARRIVED, Cause.LEADS_GAVE_UP, Cause.LEADS_MISSING}
)
"""Notified to the contacts of the connections, and to the owners."""
_OF_CONNECTIONS: Final = frozenset({Cause.CONNECTION_BROKEN, Cause.CONNECTION_FAILING})
"""Notified to the owners; contacts hear of them with the notices of outages."""
_OF_OWNERS: Final = frozenset({Cause.LEADS_WITHHELD, Cause.CHANNEL_OFF})
"""Notified to the owners alone."""
_OF_OPERATORS: Final = frozenset(
    {
        *(Cause.LEADS_DAMAGED, Cause.RECORDS_DAMAGED, Cause.CERTIFICATION_WAITS),
        *(Cause.WORKERS_AWAY, Cause.DISK_NEARLY_FULL),
    }
)
"""Notified to operators: nobody else can settle them."""


@dataclass(frozen=True, slots=True)
class PublisherCauses:
    """A publisher's causes by who is told of them; ``orphaned``: by cause, what nobody of the publisher can be told.

    ``complete`` says whether that is all.
    """

    standing: Mapping[About, Sequence[CausePlace]]
    orphaned: Mapping[Cause, Sequence[CausePlace]]
    complete: bool


def publishers_with_causes(conn: sa.Connection, now: int) -> list[str]:
    """The publishers of which something may need attention: a step in an index for each connection, not each lead."""
    c, d = t.connection.c, t.delivery.c
    first = sa.select(least_of(d.connection_id, t.FOR_A_PERSON).label("id"))
    chain = first.cte("chain", recursive=True)
    following = least_of(d.connection_id, t.FOR_A_PERSON, d.connection_id > chain.c.id)
    chain = chain.union_all(sa.select(following).where(chain.c.id.is_not(None)))
    ill = t.PAUSED | (c.failures > 0) | (c.refusals > 0) | c.test_diagnosis.is_not(None) | c.notified_at.is_not(None)
    of = sa.select(t.offer.c.publisher_id).join(t.connection, c.offer_ref == t.offer.c.ref)
    aside = of.join(chain, chain.c.id == c.id)
    lost = missing_chain()
    missing = of.join(lost, lost.c.id == c.id).where(c.removed_at.is_(None))
    found = conn.scalars(aside.union(of.where(c.removed_at.is_(None), ill), missing)).all()
    return list(dict.fromkeys([*found, *withheld_counts(conn, None, now), *publishers_with_channels_off(conn)]))


def publisher_causes(conn: sa.Connection, publisher_id: str, rules: MailRules, now: int) -> PublisherCauses:
    """Who is told of what this publisher has that needs attention."""
    found = attention(conn, publisher_id, now, ENGLISH)
    by_cause: dict[Cause, list[CausePlace]] = defaultdict(list)
    orphaned: dict[Cause, list[CausePlace]] = defaultdict(list)
    connections = _connections(conn, publisher_id)
    for entry in found.entries:
        cause, part = Cause(entry.cause), _part(entry, connections)
        if cause in _OF_OPERATORS:
            orphaned[cause].append(part)
        elif cause in OF_LEADS or cause in _OF_OWNERS or (cause in _OF_CONNECTIONS and _has_lasted(cause, part, now)):
            by_cause[cause].append(part)
            if entry.who == Who.OPERATOR.value:
                orphaned[cause].append(part)
    standing = _notified(conn, publisher_id, by_cause, orphaned, connections, rules) if by_cause else {}
    return PublisherCauses(standing, orphaned, found.complete)


def _notified(
    conn: sa.Connection,
    publisher_id: str,
    by_cause: Mapping[Cause, Sequence[CausePlace]],
    orphaned: dict[Cause, list[CausePlace]],
    connections: Mapping[tuple[str, str], str],
    rules: MailRules,
) -> Mapping[About, Sequence[CausePlace]]:
    """Who of the publisher is told of what; what nobody there can be told comes to ``orphaned``."""
    standing: dict[About, list[CausePlace]] = defaultdict(list)
    owners = _owners(conn, publisher_id)
    contacts = _contacts(conn, publisher_id, by_cause.values(), connections, rules)
    for cause, parts in by_cause.items():
        for part in parts:
            theirs = contacts.get(part.connection_id, ())
            for address in {*theirs, *owners} if cause in OF_LEADS else owners - set(theirs):
                standing[About(address, publisher_id, cause)].append(part)
            if not owners and not theirs and part not in orphaned[cause]:
                orphaned[cause].append(part)
        if cause in OF_LEADS:
            standing[About(CHANNELS, publisher_id, cause)] = [*parts]
    return standing


def notified_of_suspension(conn: sa.Connection) -> tuple[Mapping[About, Sequence[CausePlace]], frozenset[str]]:
    """The members of the publishers that are suspended, and these publishers."""
    p, m, x = t.publisher.c, t.membership.c, t.person.c
    query = sa.select(p.id, p.suspended_at, x.email).join(t.membership, m.publisher_id == p.id)
    query = query.join(t.person, x.id == m.person_id).where(p.suspended_at.is_not(None), x.disabled_at.is_(None))
    rows = conn.execute(query.order_by(p.id, x.email)).all()
    want = set(wanted(conn, {row.email for row in rows}))
    standing = {}
    for row in rows:
        address = _address(row.email)
        if address is not None and address.key in want:
            part = CausePlace(row.id, since=row.suspended_at)
            standing[About(address.key, row.id, Cause.PUBLISHER_SUSPENDED)] = [part]
    return standing, frozenset(conn.scalars(sa.select(p.id).where(p.suspended_at.is_not(None))))


def of_installation(conn: sa.Connection, now: int) -> Mapping[Cause, Sequence[CausePlace]]:
    """What concerns the whole installation, and an operator is told of."""
    entries = [each for each in of_everybody(conn, now, ENGLISH) if Cause(each.cause) in _OF_OPERATORS]
    found: dict[Cause, list[CausePlace]] = defaultdict(list)
    for entry in (*entries, *operators_channels_off(conn, ENGLISH)):
        found[Cause(entry.cause)].append(_part(entry, {}))
    return found


def operators(conn: sa.Connection) -> list[str]:
    """The addresses of the people who run the installation."""
    p = t.person.c
    emails = conn.scalars(sa.select(p.email).where(p.is_operator, p.disabled_at.is_(None)).order_by(p.email)).all()
    return wanted(conn, emails)


def wanted(conn: sa.Connection, emails: Iterable[str]) -> list[str]:
    """Those of ``emails``, once each, whose reader has not said that they want no mail from here."""
    addresses = {address.key: address for text in emails if (address := _address(text)) is not None}
    d = t.declined_mailbox.c.mailbox
    declined = set(conn.scalars(sa.select(d).where(d.in_([each.mailbox for each in addresses.values()]))))
    return [key for key, address in addresses.items() if address.mailbox not in declined]


def _address(text: str) -> MailAddress | None:
    try:
        return parse_address(text)
    except ValueError:
        return None


def _owners(conn: sa.Connection, publisher_id: str) -> set[str]:
    m, p = t.membership.c, t.person.c
    query = sa.select(p.email).join(t.membership, m.person_id == p.id).where(p.disabled_at.is_(None))
    return set(wanted(conn, conn.scalars(query.where(m.publisher_id == publisher_id, m.role == "owner")).all()))


def _connections(conn: sa.Connection, publisher_id: str) -> dict[tuple[str, str], str]:
    """The ids of the connections by offer and name; of two of one name that which is not removed."""
    c, offer = t.connection.c, t.offer.c
    query = sa.select(c.id, offer.id.label("offer_id"), c.name).join(t.offer, offer.ref == c.offer_ref)
    rows = conn.execute(query.where(offer.publisher_id == publisher_id).order_by(c.removed_at.is_(None), c.id))
    return {(row.offer_id, row.name): row.id for row in rows}


def _contacts(
    conn: sa.Connection,
    publisher_id: str,
    causes: Iterable[Sequence[CausePlace]],
    connections: Mapping[tuple[str, str], str],
    rules: MailRules,
) -> dict[str, list[str]]:
    """By connection the contacts that want its notices."""
    c = t.connection.c
    ids = sorted({part.connection_id for parts in causes for part in parts})
    emails: dict[str, list[str]] = {}
    for row in conn.execute(sa.select(c.id, c.settings).where(one_of(conn, c.id, ids), c.removed_at.is_(None))):
        emails[row.id] = (read_settings(row.settings) or {}).get("contactEmail", [])
    every = list(dict.fromkeys(email for each in emails.values() for email in each))
    found = contacts_of(conn, publisher_id, every, rules)
    confirmed = {email for email, contact in found.items() if contact.standing is Standing.CONFIRMED}
    return {id_: [parse_address(email).key for email in each if email in confirmed] for id_, each in emails.items()}


def _has_lasted(cause: Cause, part: CausePlace, now: int) -> bool:
    """What fails for a moment is told to nobody."""
    return cause is Cause.CONNECTION_BROKEN or (part.since is not None and part.since <= now - TELL_AFTER)


def _part(entry: AttentionEntry, connections: Mapping[tuple[str, str], str]) -> CausePlace:
    offer, name = entry.offer_id or "", entry.connection or ""
    since = None if entry.since is None else round(datetime.fromisoformat(entry.since).timestamp() * 1_000)
    kind = entry.channel_off_for if entry.diagnosis is None else entry.diagnosis.kind
    connection_id = connections.get((offer, name), "")
    return CausePlace(
        entry.publisher_id or "",
        offer,
        name,
        connection_id,
        entry.leads,
        entry.count,
        since,
        kind,
        entry.channel_name or entry.connection_title or name,
        entry.channel_id or "",
        entry.offer_title or offer,
        entry.publisher_name or "",
    )


def place(part: CausePlace) -> str:
    """Where it is, as pages name it, and in brackets its code; empty for the installation."""
    if not part.offer_id:
        return publisher_called(part)
    code = f"{OfferRef(part.publisher_id, part.offer_id)}/{part.connection}".rstrip("/")
    titles = [part.offer_title, *([own] if (own := own_title(part.title)) else [])]
    return f"{' › '.join(map(quoted, titles))} ({code})"


def publisher_called(part: CausePlace) -> str:
    """What people call its publisher, with the id in brackets; the id alone where it has no other name."""
    known = part.publisher_name not in ("", part.publisher_id)
    return f"{quoted(part.publisher_name)} ({part.publisher_id})" if known else part.publisher_id

"""Whether an address wants a publisher's notices: entered, asked, confirmed, declined. SQL within others' transactions.

What an operator enters, and what the operator's rules vouch for, is not asked. Everybody else gets one question, whose
link is over after :data:`VALID_MS`. Nobody gets more than :data:`QUESTIONS` in that time, whoever asks, and a mailbox
that declines gets nothing from this installation again, from no publisher.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.keys import hashed, new_token
from leadkeeper.destinations.interface import Standing
from leadkeeper.mail.address import MailAddress, MailRules, distinct
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows, listed, one_of

VALID_MS: Final = 7 * 86_400_000
"""How long the link of a question can be used, and how long the publisher cannot have it asked again."""
QUESTIONS: Final = 3
"""How many questions a mailbox gets in :data:`VALID_MS` from all publishers, and at all from one of them."""
PUT_OFF_MS: Final = 3_600_000
MOST_WAITING: Final = 1_000
"""How many addresses of a publisher wait to be asked; of more the oldest are forgotten until entered again."""
LEASE_MS: Final = 120_000
MOST: Final = 20
"""How many questions are asked at a time."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact e-mail as it was entered, how it stands, and why its last mail was refused, as diagnoses are stored."""

    email: str
    standing: Standing
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class ContactQuestion:
    """A question that is to be asked now; ``token`` is the end of its link, known at this moment only."""

    publisher_id: str
    address: str
    token: str


@dataclass(frozen=True, slots=True)
class AskedContact:
    """What the link of a question leads to."""

    publisher_id: str
    address: str
    standing: Standing


def enter(conn: sa.Connection, publisher_id: str, emails: Sequence[str], now: int, *, trusted: bool) -> None:
    """The publisher (or, ``trusted``, an operator for it) wants these to be told: whoever must be asked, will be."""
    addresses = distinct(emails).values()
    rows = _rows(conn, publisher_id, addresses)
    known = [(address.key, rows[address.key]) for address in addresses if address.key in rows]
    state = Standing.CONFIRMED if trusted else Standing.WAITING
    stands = {"publisher_id": publisher_id, "state": state.value, "created_at": now, "ask_at": None if trusted else now}
    new = [stands | {"address": a.key, "mailbox": a.mailbox} for a in addresses if a.key not in rows]
    insert_rows(conn, t.contact, new)
    if trusted:
        others = [key for key, row in known if row.state != Standing.CONFIRMED]
        _change(conn, publisher_id, others, _answered(Standing.CONFIRMED, now))
        return
    again = [key for key, row in known if _may_be_asked_again(row, now)]
    _change(conn, publisher_id, again, {"state": Standing.WAITING.value, "ask_at": now})
    if new:
        _forget_oldest(conn, publisher_id)


def entered(conn: sa.Connection, publisher_id: str) -> int:
    """How many addresses the publisher entered: all that its settings name while it is under :data:`MOST_WAITING`."""
    return conn.scalar(_ENTERED, {"publisher": publisher_id}) or 0


def _may_be_asked_again(row: sa.Row[Any], now: int) -> bool:
    return bool(row.state == Standing.ASKED and row.asked_at <= now - VALID_MS and row.asks < QUESTIONS)


def _change(conn: sa.Connection, publisher_id: str, addresses: Sequence[str], values: Mapping[str, Any]) -> None:
    if addresses:
        c = t.contact.c
        those = (c.publisher_id == publisher_id, one_of(conn, c.address, addresses))
        conn.execute(sa.update(t.contact).where(*those).values(values))


def contacts_of(
    conn: sa.Connection, publisher_id: str, emails: Sequence[str], rules: MailRules
) -> Mapping[str, Contact]:
    """How each of ``emails`` stands with the publisher, in their order; what is no address is left out."""
    addresses = distinct(emails)
    rows, declined = _rows(conn, publisher_id, addresses.values()), _declined(conn, addresses.values())
    found = {}
    for email, address in addresses.items():
        row = rows.get(address.key)
        standing = Standing.WAITING if row is None else Standing(row.state)
        if address.mailbox in declined:
            standing = Standing.DECLINED
        elif standing is not Standing.DECLINED and rules.vouches(address):
            standing = Standing.CONFIRMED
        found[email] = Contact(email, standing, None if row is None else row.trouble)
    return found


@dataclass(frozen=True, slots=True)
class OwnedContact:
    """A contact and whose it is."""

    publisher_id: str
    contact: Contact


def all_contacts(conn: sa.Connection, publisher_id: str | None, rules: MailRules) -> list[OwnedContact]:
    """Every address that was ever entered, of one publisher or of all, by publisher and address."""
    c = t.contact.c
    query = sa.select(c.publisher_id, c.address).order_by(c.publisher_id, c.address)
    owned: dict[str, list[str]] = {}
    for row in conn.execute(query if publisher_id is None else query.where(c.publisher_id == publisher_id)):
        owned.setdefault(row.publisher_id, []).append(row.address)
    return [
        OwnedContact(owner, contact)
        for owner, addresses in owned.items()
        for contact in contacts_of(conn, owner, addresses, rules).values()
    ]


def report(conn: sa.Connection, publisher_id: str, troubles: Mapping[str, str | None]) -> None:
    """What the mail server said last of each address: a diagnosis as it is stored, or nothing wrong."""
    c = t.contact.c
    for email, address in distinct(troubles).items():
        trouble = troubles[email]
        other = c.trouble.is_not(None) if trouble is None else c.trouble.is_(None) | (c.trouble != trouble)
        conn.execute(sa.update(t.contact).where(*_this(publisher_id, address.key), other).values(trouble=trouble))


def due_questions(conn: sa.Connection, rules: MailRules, now: int) -> list[ContactQuestion]:
    """The questions to ask now, kept from others meanwhile; those over a bound are put off."""
    c = t.contact.c
    waiting = (c.state == Standing.WAITING.value, c.ask_at <= now)
    query = sa.select(t.contact).where(*waiting).order_by(c.ask_at, c.address).limit(MOST)
    found = []
    for row in conn.execute(query.with_for_update(skip_locked=True)).all():
        those = _this(row.publisher_id, row.address)
        (contact,) = contacts_of(conn, row.publisher_id, [row.address], rules).values()
        if contact.standing is not Standing.WAITING:
            conn.execute(sa.update(t.contact).where(*those).values(ask_at=None))
        elif _count(conn, now - 86_400_000, c.publisher_id == row.publisher_id) >= rules.questions:
            # All of this publisher's at once, so that a crowd of them keeps nobody else's from being looked at.
            put_off = {"ask_at": now + PUT_OFF_MS}
            conn.execute(sa.update(t.contact).where(*waiting, c.publisher_id == row.publisher_id).values(put_off))
        elif _count(conn, now - VALID_MS, c.mailbox == row.mailbox) >= QUESTIONS:
            conn.execute(sa.update(t.contact).where(*those).values(ask_at=now + 24 * PUT_OFF_MS))
        else:
            token = new_token("lkc")
            values = {"token_hash": hashed(token), "asked_at": now, "asks": row.asks + 1, "ask_at": now + LEASE_MS}
            conn.execute(sa.update(t.contact).where(*those).values(values))
            found.append(ContactQuestion(row.publisher_id, row.address, token))
    return found


def question_ended(
    conn: sa.Connection, question: ContactQuestion, now: int, *, again: bool, trouble: str | None
) -> None:
    """The question was handed in (or refused for good); ``again`` says that it was not and is to be asked later."""
    state = Standing.WAITING if again else Standing.ASKED
    values: dict[str, Any] = {"state": state.value, "ask_at": now + PUT_OFF_MS if again else None, "trouble": trouble}
    if again:
        values["asks"] = t.contact.c.asks - 1
    still = (t.contact.c.token_hash == hashed(question.token), t.contact.c.state == Standing.WAITING.value)
    conn.execute(sa.update(t.contact).where(*still).values(values))


def find_asked(conn: sa.Connection, token: str, now: int) -> AskedContact | None:
    """What a link asks; ``None`` for one that nobody made, or that is over."""
    c = t.contact.c
    row = conn.execute(sa.select(t.contact).where(c.token_hash == hashed(token), c.asked_at > now - VALID_MS)).first()
    if row is None:
        return None
    declined = conn.scalar(sa.select(sa.literal(1)).where(t.declined_mailbox.c.mailbox == row.mailbox))
    return AskedContact(row.publisher_id, row.address, Standing.DECLINED if declined else Standing(row.state))


def confirm(conn: sa.Connection, token: str, now: int) -> AskedContact | None:
    """Whoever reads the address wants the publisher's notices; ``None`` as :func:`find_asked`."""
    asked = _held(conn, token, now)
    if asked is not None:
        (address,) = distinct([asked.address]).values()
        mailbox = t.declined_mailbox.c.mailbox == address.mailbox
        conn.execute(sa.delete(t.declined_mailbox).where(mailbox))
        those = _this(asked.publisher_id, asked.address)
        conn.execute(sa.update(t.contact).where(*those).values(_answered(Standing.CONFIRMED, now)))
    return asked


def decline(conn: sa.Connection, token: str, now: int) -> AskedContact | None:
    """Whoever reads the mailbox wants no mail from here, of no publisher; ``None`` as :func:`find_asked`."""
    asked = _held(conn, token, now)
    if asked is not None:
        (address,) = distinct([asked.address]).values()
        if asked.standing is not Standing.DECLINED:
            conn.execute(sa.insert(t.declined_mailbox).values(mailbox=address.mailbox, at=now))
        those = t.contact.c.mailbox == address.mailbox
        conn.execute(sa.update(t.contact).where(those).values(_answered(Standing.DECLINED, now)))
    return asked


def _held(conn: sa.Connection, token: str, now: int) -> AskedContact | None:
    """As :func:`find_asked`; a second press of the button waits until the first is done."""
    conn.execute(sa.select(t.contact.c.state).where(t.contact.c.token_hash == hashed(token)).with_for_update())
    return find_asked(conn, token, now)


def allow(conn: sa.Connection, publisher_id: str, address: MailAddress, now: int) -> None:
    """An operator's word, who has asked in person: the address gets the publisher's notices, whatever it said."""
    conn.execute(sa.delete(t.declined_mailbox).where(t.declined_mailbox.c.mailbox == address.mailbox))
    enter(conn, publisher_id, [address.wire], now, trusted=True)


def _forget_oldest(conn: sa.Connection, publisher_id: str) -> None:
    """Addresses come and go in settings; those that were never asked are not kept for ever."""
    conn.execute(_OLDEST, {"publisher": publisher_id, "most": MOST_WAITING})


def _oldest() -> sa.Delete:
    c = t.contact.c
    unasked = (c.publisher_id == sa.bindparam("publisher"), c.state == Standing.WAITING.value, c.asks == 0)
    newest = (
        sa.select(c.address)
        .where(*unasked)
        .order_by(c.created_at.desc(), c.address)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )
    return sa.delete(t.contact).where(*unasked, c.address.not_in(newest))


_OLDEST: Final = _oldest()
_ENTERED: Final = (
    sa.select(sa.func.count()).select_from(t.contact).where(t.contact.c.publisher_id == sa.bindparam("publisher"))
)


def _answered(standing: Standing, now: int) -> dict[str, Any]:
    return {"state": standing.value, "answered_at": now, "ask_at": None}


def _count(conn: sa.Connection, since: int, whose: sa.ColumnElement[bool]) -> int:
    """How many questions were asked since then."""
    query = sa.select(sa.func.count()).select_from(t.contact).where(whose, t.contact.c.asked_at > since)
    return conn.scalar(query) or 0


def _this(publisher_id: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (t.contact.c.publisher_id == publisher_id, t.contact.c.address == key)


def _rows(conn: sa.Connection, publisher_id: str, addresses: Any) -> dict[str, sa.Row[Any]]:
    given = {"publisher": publisher_id, "addresses": [address.key for address in addresses]}
    return {row.address: row for row in conn.execute(_rows_of(conn.dialect.name), given)}


@functools.cache
def _rows_of(dialect: str) -> sa.Select[Any]:
    c = t.contact.c
    those = (c.publisher_id == sa.bindparam("publisher"), listed(dialect, c.address, "addresses"))
    return sa.select(t.contact).where(*those)


def _declined(conn: sa.Connection, addresses: Any) -> set[str]:
    return set(conn.scalars(_declined_of(conn.dialect.name), {"mailboxes": [each.mailbox for each in addresses]}))


@functools.cache
def _declined_of(dialect: str) -> sa.Select[Any]:
    mailbox = t.declined_mailbox.c.mailbox
    return sa.select(mailbox).where(listed(dialect, mailbox, "mailboxes"))

"""Every kind of moment that is stored, when the time jumps, and when an old database is brought up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.access import contacts
from leadkeeper.access.mail_bound import SLOT_MS, SLOTS, free_at, spend
from leadkeeper.channels import rules
from leadkeeper.channels.carrier import HELD_MS
from leadkeeper.clock import new_id
from leadkeeper.connections import changes, outbox
from leadkeeper.connections.connections import CHECK_EVERY
from leadkeeper.connections.deliveries import try_anew
from leadkeeper.connections.outage import AGAIN_AFTER, SETTLED, TELL_AFTER
from leadkeeper.delivery import breaker, schedule
from leadkeeper.delivery.recall import TRY_EVERY
from leadkeeper.inbox.lists.acting import HOLD_MS
from leadkeeper.mail.address import MailRules
from leadkeeper.mail.fates import RETRY_MS
from leadkeeper.notices import due
from leadkeeper.privacy import expiry
from leadkeeper.reconciliation import runs
from leadkeeper.settings import Settings
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import LONGEST_DELAYS, agree
from leadkeeper.storage.engine import Storage, open_storage
from leadkeeper.storage.migrate import upgrade
from tests.uuids import uuid_of

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
NOON: Final = 1_800_000_000_000
NEVER: Final = 2**62

TO_COME: Final = (
    t.delivery.c.due_at,
    t.lease.c.until,
    t.connection.c.closed_until,
    t.connection.c.probe_at,
    t.connection.c.check_at,
    t.connection.c.tell_at,
    t.connection.c.recall_at,
    t.connection_change.c.due_at,
    t.notice.c.due_at,
    t.operation.c.due_at,
    t.contact.c.ask_at,
    t.channel.c.due_at,
    t.channel_event.c.due_at,
    t.retention_walk.c.due_at,
    t.retention_left.c.look_at,
    t.reconciliation.c.due_at,
    t.bulk_run.c.due_at,
    t.mail.c.due_at,
)
"""Something happens then, and would wait for the size of a jump."""
OUTAGE: Final = (t.connection.c.failing_since, t.connection.c.works_since, t.connection.c.notified_at)
"""Past, but people are told by how long ago it was."""
PAST: Final = {
    "settings_since": "what was delivered before is not read back: less, until the time has passed it",
    "at": "when it was",
    "day_used": "a count",
    "minute": "counts begin anew whenever the minute is another",
    "minute_used": "a count",
    "number": "a place in a chain",
    "first_number": "a place in a chain",
    "ahead_ms": "a difference",
    "place": "how far an index has come",
    "may_wait": "a count",
    "removed": "a count",
    "old_until": "of the address that a hook had before: it takes leads for that much longer or shorter",
    "until": "of a session or a link: a person may be signed in for longer, or signs in or asks again",
    "failing_since": "of a channel: it is switched off that much sooner or later",
    "holds_until": "of figures: those that were counted by a clock that was ahead are counted again",
    "factor_step": "a count of half minutes, by which a second factor's code is good once",
}
"""As all other columns that end with ``_at``, these stay as they were written down: nothing waits for them."""


def test_no_kind_of_moment_is_forgotten() -> None:
    """Whoever adds a column for a moment says here what a jump of the time means for it."""
    known = {*TO_COME, *OUTAGE, t.connection.c.refused_since}
    columns = [column for table in t.metadata.tables.values() for column in table.c]
    moments = {column for column in columns if isinstance(column.type, sa.BigInteger)}
    assert known <= moments
    others = {column.name for column in moments - known}
    assert {name for name in others if not name.endswith("_at")} == set(PAST)
    to_come = {column for column in moments if column.name in ("due_at", "until", "check_at", "ask_at", "probe_at")}
    # A count of wrong guesses ends sooner or later than it would; by when a lead is to be followed up, people read.
    people = {t.session.c.until, t.one_time_link.c.until, t.guess.c.until, t.follow_up.c.due_at}
    # Of these what lies minutes ahead counts for nothing: it was written by a clock that was ahead.
    assert to_come - known == people | {t.validation.c.until, t.publishing_pace.c.due_at}


CONNECTION: Final = uuid_of("c")


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    """A new database, as an upgrade leaves it: no process has looked at the clock yet."""
    opened = open_storage(database_url)
    await opened.write(upgrade)
    yield opened
    await opened.close()


async def furnish(storage: Storage, at: int, *, delivered_from: int = NOON, failing_since: int | None = None) -> None:
    """One row of everything, due at ``at``; the connection has been failing since then, if at all."""

    def transaction(conn: sa.Connection) -> None:
        made = {"created_at": NOON, "changed_at": NOON}
        conn.execute(sa.insert(t.publisher).values(id="p", display_name="", **made))
        offer = {"ref": "p.o", "publisher_id": "p", "id": "o", "title": "", "offer_type": "saas", "live": True}
        conn.execute(sa.insert(t.offer).values(**offer, **made))
        settings = {"destination": "email", "settings": "{}", "secrets": ""}
        moments = dict.fromkeys(("closed_until", "probe_at", "check_at", "tell_at", "recall_at"), at)
        connection = {
            "id": CONNECTION,
            "offer_ref": "p.o",
            "name": "n",
            "generation": 0,
            **settings,
            **moments,
            **made,
        }
        conn.execute(sa.insert(t.connection).values(**connection, failing_since=failing_since))
        change = {
            "connection_id": CONNECTION,
            **settings,
            "repeatable": True,
            "announces": "none",
            "changed_at": NOON,
        }
        conn.execute(sa.insert(t.connection_change).values(**change, due_at=at))
        operation = {"id": "x", "offer_ref": "p.o", "kind": "publish", "version": 1, "state": "running", **made}
        conn.execute(sa.insert(t.operation).values(**operation, steps="[]", emails="[]", started_by="", due_at=at))
        notice = {"id": new_id(), "connection_id": CONNECTION, "kind": "leadArrived", "created_at": NOON, "body": ""}
        conn.execute(sa.insert(t.notice).values(**notice, due_at=at, tries=0))
        contact = {"publisher_id": "p", "address": "a@b.example", "mailbox": "a@b.example", "state": "waiting"}
        conn.execute(sa.insert(t.contact).values(**contact, ask_at=at, created_at=NOON))
        kept = {"publisher_id": "p", "kind": "personal"}
        conn.execute(sa.delete(t.retention_walk))  # those of an upgrade, where evidence goes by the month
        conn.execute(sa.insert(t.retention_walk).values(**kept, place="", removed=0, due_at=at))
        conn.execute(sa.insert(t.retention_left).values(**kept, id=new_id(), look_at=at))
        conn.execute(sa.insert(t.reconciliation).values(runs.new_row(CONNECTION, at)))
        acting = {"by": "", "filters": "{}", "act": "{}", "about": False, "after": "", "left_over": "{}"}
        acting |= {"looked": 0, "changed": 0, "deliveries": 0, "started_at": NOON, "due_at": at}
        conn.execute(sa.insert(t.bulk_run).values(id=new_id(), **acting))
        mail = {"address": "a@b.example", "subject": "", "text": "", "languages": "en", "state": "queued"}
        conn.execute(sa.insert(t.mail).values(id=new_id(), **mail, created_at=NOON, due_at=at))
        conn.execute(sa.insert(t.lease).values(id="l", until=at))
        told = {"kind": "webhook", "created_at": NOON, "due_at": at}
        named = {"name": "n", "events": "[]", "language": "en", "host": "", "sealed": ""}
        conn.execute(sa.insert(t.channel).values(id="h", **named, **told))
        conn.execute(sa.insert(t.channel_event).values(id="e", channel_id="h", body="{}", **told))
        conn.execute(sa.insert(t.delivery).values(**delivery("d", at, "waiting", delivered_from)))

    await storage.write(transaction)


def delivery(id: str, due_at: int, state: str, created_at: int) -> dict[str, Any]:
    """A delivery's row."""
    row = {
        "id": uuid_of(id),
        "lead_id": uuid_of("l"),
        "connection_id": CONNECTION,
        "state": state,
        "due_at": due_at,
        "attempts": 1,
        "crash_count": 0,
    }
    return row | {"created_at": created_at, "changed_at": created_at}


async def moments(storage: Storage) -> dict[str, int]:
    """What stands in each one's row, after noon (ms)."""

    def look(conn: sa.Connection) -> dict[str, int]:
        return {str(column): (conn.scalar(sa.select(column)) or 0) - NOON for column in TO_COME}

    return await storage.read(look)


def each(at: int) -> dict[str, int]:
    """All of them then, after noon (ms)."""
    return dict.fromkeys(map(str, TO_COME), at)


@pytest.mark.parametrize("back", [HOUR, DAY], ids=["an hour", "a day"])
async def test_set_back_everything_comes_when_it_would_have_come(storage: Storage, back: int) -> None:
    await storage.write(agree, NOON, NOON)
    await furnish(storage, NOON + 5 * MINUTE)
    await storage.write(agree, NOON, NOON - back)
    assert await moments(storage) == each(5 * MINUTE - back)


async def test_ahead_and_corrected_while_nobody_ran_everything_is_due(storage: Storage) -> None:
    """What was written by a clock that was a day ahead, and had come due meanwhile."""
    await storage.write(agree, NOON + DAY, NOON + DAY)
    await furnish(storage, NOON + DAY)
    await storage.write(agree, NOON, NOON, first=True)
    assert await moments(storage) == each(0)


async def test_brought_up_to_date_nothing_waits_longer_than_any_delay(storage: Storage) -> None:
    """The version before knew no clock of the database: nobody has written down what time it was."""
    await furnish(storage, NOON + 3 * DAY)
    await storage.write(agree, NOON, NOON, first=True)
    assert await moments(storage) == each(0)


@pytest.mark.parametrize("at", [NOON + MINUTE, NEVER], ids=["what may be meant", "never"])
async def test_brought_up_to_date_the_rest_stays(storage: Storage, at: int) -> None:
    await furnish(storage, at)
    await storage.write(agree, NOON, NOON, first=True)
    assert await moments(storage) == each(at - NOON)


async def test_brought_up_to_date_a_lead_that_nobody_tried_goes_out_at_once(storage: Storage) -> None:
    """An API whose clock was ten minutes ahead took it in; no delay puts a first try off."""
    ahead = NOON + 10 * MINUTE
    untried = delivery("d", ahead, "pending", ahead)
    await storage.write(lambda conn: conn.execute(sa.insert(t.delivery), [untried]) and None)
    await storage.write(agree, NOON, NOON, first=True)
    assert (await moments(storage))["delivery.due_at"] == 0


async def test_tried_anew_what_came_in_the_future_goes_out_now(storage: Storage) -> None:
    """A clock that was ahead wrote down when the lead came: `resume` waits for that as little as for the retry."""
    await furnish(storage, NOON + 3 * HOUR, delivered_from=NOON + 2 * HOUR)
    await storage.write(try_anew, CONNECTION, NOON)
    assert (await moments(storage))["delivery.due_at"] == 0


async def outage(storage: Storage) -> dict[str, int | None]:
    """The moments of the connection's outage, after noon (ms)."""

    def look(conn: sa.Connection) -> dict[str, int | None]:
        found = {column.name: conn.scalar(sa.select(column)) for column in (*OUTAGE, t.connection.c.tell_at)}
        return {name: None if at is None else at - NOON for name, at in found.items()}

    return await storage.read(look)


@pytest.mark.parametrize("jump", [HOUR, DAY, -HOUR, -DAY], ids=str)
async def test_when_the_time_jumps_an_outage_has_lasted_as_long_as_it_has(storage: Storage, jump: int) -> None:
    """Whose leads fail for two seconds while the clock is put right is not told of an hour of it."""
    await storage.write(agree, NOON, NOON)
    await furnish(storage, NOON + 15 * MINUTE, failing_since=NOON - 2_000)
    for _ in range(3):  # three processes find out one after another
        await storage.write(agree, NOON, NOON + jump)
    moved = {"failing_since": jump - 2_000, "tell_at": 15 * MINUTE + jump}
    assert await outage(storage) == {"works_since": None, "notified_at": None, **moved}


async def test_set_forward_an_outage_that_is_not_there_stays_so(storage: Storage) -> None:
    await storage.write(agree, NOON, NOON)
    await furnish(storage, NOON + MINUTE)
    await storage.write(agree, NOON, NOON + HOUR)
    assert (await outage(storage))["failing_since"] is None


async def test_hours_in_which_nobody_ran_are_no_jump_for_an_outage(storage: Storage) -> None:
    """It went on meanwhile."""
    await storage.write(agree, NOON, NOON)
    await furnish(storage, NOON + 15 * MINUTE, failing_since=NOON - 2_000)
    await storage.write(agree, NOON + DAY, NOON + DAY, first=True)
    assert await outage(storage) == {
        "failing_since": -2_000,
        "works_since": None,
        "notified_at": None,
        "tell_at": 15 * MINUTE,
    }


async def test_set_back_what_was_refused_since_stays_together(storage: Storage) -> None:
    """Should the connection turn out to be broken, the leads that it refused since are taken back by that moment."""
    await storage.write(agree, NOON, NOON)
    await furnish(storage, NOON)
    await storage.write(lambda conn: conn.execute(sa.update(t.connection).values(refused_since=NOON - 2_000)) and None)
    await storage.write(agree, NOON, NOON - HOUR)
    await storage.write(agree, NOON - HOUR, NOON)  # forward again: those of the hour between belong to it, too
    since = await storage.read(lambda conn: conn.scalar(sa.select(t.connection.c.refused_since)))
    assert since == NOON - 2_000 - HOUR


@pytest.mark.parametrize("back", [HOUR, DAY], ids=["an hour", "a day"])
async def test_mails_counted_by_a_clock_that_was_ahead_hold_none_back(storage: Storage, back: int) -> None:
    """The bound is one of an hour: what was sent in hours that have not come uses none of it up."""
    await furnish(storage, NOON)
    bound = MailRules(mails=5)
    assert await storage.write(spend, "p", 5, bound, NOON + 10 * MINUTE) == 5
    assert await storage.write(spend, "p", 1, bound, NOON + 15 * MINUTE) == 0
    now = NOON + 10 * MINUTE - back
    assert await storage.write(spend, "p", 5, bound, now) == 5
    assert await storage.write(spend, "p", 1, bound, now + 15 * MINUTE) == 0
    assert await storage.read(free_at, "p", now + 15 * MINUTE) <= now + 70 * MINUTE


def test_no_delay_is_longer_than_the_longest() -> None:
    """What the services put off, and for how long at most, against what the clock takes for meant."""
    longest = {str(column): ms for column, ms in LONGEST_DELAYS.items()}
    jittered = 1 + schedule.JITTER
    lease = max(each.le for each in Settings.model_fields["lease_seconds"].metadata if hasattr(each, "le")) * 1_000
    retried = max(schedule.LONGEST_THROTTLE, schedule.LAST_DELAY * jittered, *schedule.CRASH_DELAYS)
    allowed = {
        "delivery.due_at": retried,
        "lease.until": lease,
        "connection.closed_until": max(schedule.LONGEST_THROTTLE, breaker.LONGEST_HANG_REST * jittered),
        "connection.probe_at": max(breaker.LONGEST_PROBE * jittered, 2 * MINUTE),
        "connection.check_at": CHECK_EVERY,
        "connection.tell_at": max(AGAIN_AFTER, TELL_AFTER, SETTLED),
        "connection.recall_at": TRY_EVERY * jittered,
        "connection_change.due_at": max(changes.UNASKED, changes.TAKEN),
        "notice.due_at": max(outbox.DAY_MS, *RETRY_MS, due.UNCONFIRMED_MS, due.HELD_MS, (SLOTS + 1) * SLOT_MS),
        "mail.due_at": max(25 * HOUR, *RETRY_MS, due.HELD_MS, (SLOTS + 1) * SLOT_MS),
        "operation.due_at": lease,
        "retention_walk.due_at": expiry.EVERY_MS,
        "retention_left.look_at": expiry.AGAIN_MS,
        "reconciliation.due_at": runs.DAY_MS,
        "bulk_run.due_at": HOLD_MS,
        "contact.ask_at": max(24 * contacts.PUT_OFF_MS, contacts.LEASE_MS),
        "channel.due_at": max(HELD_MS, rules.DAY, rules.DELAYS[-1] * (1 + rules.JITTER)),
        "channel_event.due_at": max(rules.DAY, rules.DELAYS[-1] * (1 + rules.JITTER)),
    }
    assert set(longest) == set(allowed) == set(map(str, TO_COME))
    assert {name: ms for name, ms in allowed.items() if ms > longest[name]} == {}

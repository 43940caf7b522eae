"""What destinations said goes by the month on PostgreSQL and by the row on SQLite; what waits keeps it. A set clock."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.clock import least_id, new_id, now_ms, to_text
from leadkeeper.delivery.record import attempt_row
from leadkeeper.diagnosis import Evidence, Kind, Receipt
from leadkeeper.inbox.damaged import all_damaged
from leadkeeper.privacy import evidence_months
from leadkeeper.privacy.periods import DataKind, Own
from leadkeeper.privacy.retention import Retention, RetentionTask
from leadkeeper.storage import tables as t
from leadkeeper.storage.evidence import evidence_of, insert_attempts
from leadkeeper.storage.months import AHEAD, OTHER, Month, detach_month, drop_month, make_months, months, table_named
from tests.contracts.plans import statements
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, hand_in, installation

DATABASES = ("sqlite", "postgresql", "pgbouncer-transaction")
DAY: Final = 86_400_000
EVIDENCE: Final = Evidence(status=503, code="busy", request_id="r-1", text="try later")
SHOWN: Final = {"status": 503, "code": "busy", "requestId": "r-1", "text": "try later", "note": None}
NOTHING: Final = dict.fromkeys(SHOWN)


@dataclass
class Kept:
    """An installation with one offer, all of whose evidence goes by the month, where its database has months."""

    home: Installation
    operator: Visitor
    by_month: bool

    async def lead(self, state: str = "delivered", **more: Any) -> str:
        """A lead that came now, with its delivery in this state."""
        lead_id = await hand_in(self.operator, **more)
        await self.set(lead_id, state, now_ms())
        return lead_id

    async def set(self, lead_id: str, state: str, at: int) -> None:
        """The lead's delivery came to this state then."""
        ended = sa.update(t.delivery).where(t.delivery.c.lead_id == lead_id).values(state=state, changed_at=at)
        await self.home.services.storage.write(lambda conn: conn.execute(ended).close())

    async def failed(self, lead_id: str, at: int, id_: str | None = None) -> str:
        """An attempt that failed then; its id."""
        made = id_ or least_id(at)[:19] + new_id()[19:]

        def transaction(conn: sa.Connection) -> None:
            delivery = conn.scalar(sa.select(t.delivery.c.id).where(t.delivery.c.lead_id == lead_id)) or ""
            row = attempt_row(delivery, at, 7, diagnose(Kind.NO_ANSWER, EVIDENCE), late=False, attempt_id=made)
            insert_attempts(conn, [row])

        await self.home.services.storage.write(transaction)
        return made

    async def look(self, at: int) -> int:
        """The task of retention looks when it is so late; of how many rows it removed data."""
        retention = Retention(self.home.services.storage, clock=lambda: at)
        return await RetentionTask(retention, self.home.services.storage, lambda: at).look()

    async def evidence(self, lead_id: str) -> list[dict[str, Any]]:
        """The evidence of each attempt of a lead, over REST."""
        (delivery,) = (await self.operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"]
        return [each["diagnosis"]["evidence"] for each in delivery["attempts"]]

    async def count(self, table: str = "evidence") -> int:
        """How many rows of evidence there are."""
        query = sa.select(sa.func.count()).select_from(table_named(table))
        return await self.home.services.storage.read(lambda conn: conn.scalar(query) or 0)

    async def months(self, *, attached: bool = True) -> list[Month]:
        """The months that have a table."""
        return await self.home.services.storage.read(lambda conn: months(conn, attached=attached))


@pytest.fixture
async def kept(database_url: str) -> AsyncIterator[Kept]:
    """As one that was made long ago: no attempt holds its evidence itself."""
    async with installation(database_url) as home:
        operator = await home.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        w = t.retention_walk.c
        long_ago = sa.update(t.retention_walk).where(w.publisher_id == "", w.kind == "evidence").values(place="")
        await home.services.storage.write(lambda conn: conn.execute(long_ago).close())
        yield Kept(home, operator, not database_url.startswith("sqlite"))


def over(at: int) -> int:
    """When what was said at that moment is gone on either database."""
    return Month.at(at).after.begin_ms + 90 * DAY + 1


async def test_what_was_said_stands_apart_from_its_attempt(kept: Kept) -> None:
    lead_id = await kept.lead()
    await kept.failed(lead_id, now_ms())
    taken = attempt_row("", 1, 1, Receipt(remote_id="r"), late=False)
    assert taken["evidence"] is None, "a delivered lead writes no row more"
    assert await kept.evidence(lead_id) == [SHOWN]
    answers = await kept.home.services.storage.read(lambda conn: [*conn.scalars(sa.select(t.attempt.c.answer))])
    assert "try later" not in str(answers)
    assert await kept.count() == 1


async def test_what_an_older_version_wrote_reads_the_same(kept: Kept) -> None:
    lead_id = await kept.lead()
    await kept.failed(lead_id, now_ms())
    old = to_stored(diagnose(Kind.NO_ANSWER, EVIDENCE))

    def transaction(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.attempt).values(answer=old))
        conn.execute(sa.delete(t.evidence))

    await kept.home.services.storage.write(transaction)
    assert await kept.evidence(lead_id) == [SHOWN]


@pytest.mark.parametrize("damaged", ["{", "[]", '{"status": "x"}', '{"odd": 1}'])
async def test_damaged_evidence_is_shown_as_such_and_named(kept: Kept, damaged: str) -> None:
    lead_id, storage = await kept.lead(), kept.home.services.storage
    id_ = await kept.failed(lead_id, now_ms())
    await storage.write(lambda conn: conn.execute(sa.update(t.evidence).values(content=damaged)).close())
    assert await kept.evidence(lead_id) == [NOTHING | {"note": "The stored answer could not be read."}]
    found = [each.summary async for each in all_damaged(storage, now_ms(), lambda _: None)]
    assert [each for each in found if id_ in each] == found
    assert len(found) == 1


async def test_months_are_made_ahead_and_take_what_came_before_them(kept: Kept) -> None:
    lead_id, now = await kept.lead("setAside"), now_ms()
    await kept.failed(lead_id, now)
    await kept.look(now)
    if not kept.by_month:
        assert await kept.months() == []
        return
    this = Month.at(now)
    assert await kept.months() == [this, this.after, this.after.after]
    assert (await kept.count(this.table), await kept.count(OTHER)) == (1, 0)
    await kept.failed(lead_id, this.after.begin_ms)
    assert (await kept.count(this.after.table), await kept.count(OTHER)) == (1, 0)
    # Two months later two more are there, long before anything is written of them.
    await kept.look(this.after.after.begin_ms)
    assert len(await kept.months()) == 3 + AHEAD


def test_months_follow_one_another_over_the_turn_of_a_year() -> None:
    month = Month.at(1_798_761_599_999)
    assert (month, month.after, month.after.begin_ms) == (Month(2026, 12), Month(2027, 1), 1_798_761_600_000)
    assert month.bounds == (least_id(month.begin_ms), Month(2027, 1).bounds[0])
    assert Month.at(-1) == Month(1970, 1)
    assert Month.at(2**62).year < 10_000


async def test_a_month_is_dropped_whole_once_its_time_is_over(kept: Kept) -> None:
    now = now_ms()
    await kept.look(now)
    lead_id = await kept.lead()
    await kept.failed(lead_id, now)
    await kept.look(over(now) - 2)
    assert await kept.count() == (1 if kept.by_month else 0)
    await kept.look(over(now) + DAY // 4)
    assert await kept.evidence(lead_id) == [NOTHING]
    assert await kept.count() == 0
    assert Month.at(now) not in await kept.months()
    assert await kept.months(attached=False) == []
    found = (await kept.home.services.retention.figures()).kept[DataKind.EVIDENCE]
    assert (found.removed, found.left) == (1, 0)
    # The cause stays; and what is written of that month later finds its place all the same.
    await kept.failed(lead_id, now + 1)
    assert await kept.evidence(lead_id) == [NOTHING, SHOWN]


async def test_what_waits_keeps_what_was_said_when_its_month_goes(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_months, "BATCH", 3)
    now = now_ms()
    await kept.look(now)
    waits = [await kept.lead("setAside"), await kept.lead("waiting")]
    gone = [await kept.lead() for _ in range(4)]
    recent = await kept.lead()
    for lead_id in (*waits, *gone, recent):
        await kept.failed(lead_id, now)
        await kept.failed(lead_id, now)
    await kept.set(recent, "delivered", over(now) - 10 * DAY)
    await kept.look(over(now))
    assert [await kept.evidence(each) for each in (*waits, recent)] == [[SHOWN] * 2] * 3
    assert [await kept.evidence(each) for each in gone] == [[NOTHING] * 2] * 4
    assert Month.at(now) not in await kept.months()
    assert await kept.count() == 6

    # Once they have arrived, their time begins; it ends lead by lead.
    end = over(now) + 300 * DAY
    for lead_id in waits:
        await kept.set(lead_id, "delivered", end)
    await kept.look(end + 89 * DAY)
    assert [await kept.evidence(each) for each in (*waits, recent)] == [[SHOWN] * 2] * 2 + [[NOTHING] * 2]
    await kept.look(end + 91 * DAY)
    assert [await kept.evidence(each) for each in waits] == [[NOTHING] * 2] * 2
    assert await kept.count() == 0


async def test_a_month_is_looked_through_from_its_beginning(kept: Kept) -> None:
    """Also where it ends while what has no month was being gone through."""
    now = now_ms()
    await kept.look(now)
    waits = await kept.lead("setAside")
    await kept.failed(waits, now)
    w = t.retention_walk.c
    behind = sa.update(t.retention_walk).where(w.kind == "month").values(place=least_id(now + 1))
    await kept.home.services.storage.write(lambda conn: conn.execute(behind).close())
    await kept.look(over(now))
    assert await kept.evidence(waits) == [SHOWN]
    assert Month.at(now) not in await kept.months()


async def test_a_publisher_that_keeps_it_shorter_waits_for_no_month(kept: Kept) -> None:
    for at, body in (("", {"displayName": "Fabrikam"}), ("/offers/erp", {"title": "ERP", "offerType": "saas"})):
        assert (await kept.operator.put(f"/v1/publishers/fabrikam{at}", body)).status == 201
    assert (await kept.operator.put("/v1/publishers/fabrikam/offers/erp/customer-leads", DESTINATION)).status == 201
    now = now_ms()
    await kept.look(now)
    ours, theirs = await kept.lead(), await kept.lead(publisherId="fabrikam", offerId="erp")
    for lead_id in (ours, theirs):
        await kept.failed(lead_id, now)
    await kept.home.services.retention.change("fabrikam", Own(evidence_days=3), by="test")
    await kept.look(now + 2 * DAY)
    assert [await kept.evidence(each) for each in (ours, theirs)] == [[SHOWN], [SHOWN]]
    await kept.look(now + 4 * DAY)
    assert [await kept.evidence(each) for each in (ours, theirs)] == [[SHOWN], [NOTHING]]
    assert await kept.count() == 1


async def test_it_goes_with_the_personal_data_at_the_latest(kept: Kept) -> None:
    now = now_ms()
    await kept.look(now)
    lead_id = await kept.lead()
    await kept.failed(lead_id, now)
    await kept.failed(lead_id, now, least_id(2**48 - 1))
    await kept.look(now + 401 * DAY)
    assert (await kept.operator.get(f"/v1/leads/{lead_id}")).json()["customer"]["lastName"] == ""
    assert await kept.evidence(lead_id) == [NOTHING] * 2
    assert await kept.count() == 0


@pytest.mark.parametrize("at", [0, 1_000_000_000_000, 4_000_000_000_000, 2**48 - 1])
async def test_a_wrong_clock_loses_nothing_that_was_said(kept: Kept, at: int) -> None:
    """However far ahead or behind: it is written, shown, and goes when its lead's time is over."""
    now = now_ms()
    await kept.look(now)
    waits, done = await kept.lead("setAside"), await kept.lead()
    for lead_id in (waits, done):
        await kept.failed(lead_id, now, least_id(at)[:19] + new_id()[19:])
    assert [await kept.evidence(each) for each in (waits, done)] == [[SHOWN]] * 2
    if kept.by_month:
        assert await kept.count(OTHER) == 2
    await kept.look(now + DAY)
    assert [await kept.evidence(each) for each in (waits, done)] == [[SHOWN]] * 2
    await kept.look(over(now))
    gone = at < now or not kept.by_month
    assert [await kept.evidence(each) for each in (waits, done)] == [[SHOWN], [NOTHING if gone else SHOWN]]
    await kept.look(now + 401 * DAY)
    assert [await kept.evidence(each) for each in (waits, done)] == [[SHOWN], [NOTHING]]
    assert await kept.count() == 1


async def test_a_month_that_came_while_the_clock_was_ahead_takes_its_rows(kept: Kept) -> None:
    now = now_ms()
    await kept.look(now)
    ahead = Month.at(now).after.after.after
    lead_id = await kept.lead("setAside")
    await kept.failed(lead_id, ahead.begin_ms + DAY)
    assert await kept.look(ahead.begin_ms) == 0
    assert await kept.evidence(lead_id) == [SHOWN]
    if kept.by_month:
        assert (await kept.count(ahead.table), await kept.count(OTHER)) == (1, 0)


async def test_a_process_that_ends_between_two_steps_loses_nothing(kept: Kept) -> None:
    if not kept.by_month:
        return
    now = now_ms()
    await kept.look(now)
    waits, done = await kept.lead("setAside"), await kept.lead()
    for lead_id in (waits, done):
        await kept.failed(lead_id, now)
    assert await kept.home.services.storage.write(detach_month, Month.at(now))
    assert await kept.months(attached=False) == [Month.at(now)]
    await kept.failed(waits, now)  # by a clock that is behind
    await kept.look(over(now))
    assert (await kept.evidence(waits), await kept.evidence(done)) == ([SHOWN] * 2, [NOTHING])
    assert await kept.months(attached=False) == []


async def test_who_reads_for_long_keeps_nobody_from_writing(kept: Kept, database_url: str) -> None:
    if not kept.by_month:
        return
    now = now_ms()
    await kept.look(now)
    lead_id = await kept.lead()
    await kept.failed(lead_id, now)
    dsn = sa.make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    reader = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT count(*) FROM evidence")
            begun = now_ms()
            await kept.look(over(now))
            await kept.failed(lead_id, now)
            assert now_ms() - begun < 5_000
            assert Month.at(now) in await kept.months()
        await kept.look(over(now))
        assert Month.at(now) in await kept.months(), "it waits a minute before it tries again"
        await kept.look(over(now) + 60_000)
        assert Month.at(now) not in await kept.months()
    finally:
        await reader.close()


async def test_one_month_is_read_for_one_attempt(kept: Kept) -> None:
    if not kept.by_month:
        return
    now, storage = now_ms(), kept.home.services.storage
    for ahead in range(8):
        await storage.write(make_months, now + ahead * 31 * DAY)
    lead_id = await kept.lead("setAside")
    id_ = await kept.failed(lead_id, now)
    with statements() as seen:
        assert (await storage.read(evidence_of, [id_]))[id_] == EVIDENCE
    (query, parameters) = next(each for each in seen if "content" in each[0])

    def looked(conn: sa.Connection) -> set[str]:
        found = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", parameters).scalar()
        plan = json.loads(found) if isinstance(found, str) else found
        return _tables((plan or [])[0]["Plan"])

    assert len(await kept.months()) > 8
    assert await storage.read(looked) == {Month.at(now).table}


def _tables(plan: dict[str, Any]) -> set[str]:
    own = {plan["Relation Name"]} if "Relation Name" in plan and plan["Actual Loops"] else set()
    return own.union(*(_tables(below) for below in plan.get("Plans", ())))


async def test_sizes_and_the_oldest_row_count_months(kept: Kept) -> None:
    now = now_ms()
    await kept.look(now)
    lead_id = await kept.lead()
    await kept.failed(lead_id, now)
    await kept.look(now + 10)
    report = (await kept.operator.get("/v1/retention")).json()
    if kept.by_month:
        assert report["evidence"]["oldest"] == to_text(now)
        text = (await kept.operator.get("/metrics")).body.decode()
        oldest = 'leadkeeper_oldest_kept_timestamp_seconds{kind="evidence"}'
        (line,) = (each for each in text.splitlines() if each.startswith(oldest))
        assert float(line.rpartition(" ")[2]) == pytest.approx(now / 1000, abs=0.01)
        held = await kept.home.services.storage.write(_dropped, Month.at(now))
        assert held == 1
    assert report["databaseBytes"] > 100_000


def _dropped(conn: sa.Connection, month: Month) -> int | None:
    assert detach_month(conn, month)
    return drop_month(conn, month)

"""Data are kept for as long as wanted, and what waits is never dropped by age. Both databases, an injected clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections.outbox import connection_expires, connection_paused
from leadkeeper.diagnosis import Evidence, Kind, Receipt
from leadkeeper.inbox.follow_up.follow_ups import Change
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.trace import Trace
from leadkeeper.lead_body import from_body
from leadkeeper.privacy import expiry
from leadkeeper.privacy.periods import DataKind as Data
from leadkeeper.privacy.periods import Own
from leadkeeper.privacy.retention import KeptKind, Retention, RetentionTask
from leadkeeper.problem import Problem
from leadkeeper.storage import tables as t
from leadkeeper.storage.room import SPARE, give_back_pages, room_taken
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, hand_in, installation, lead
from tests.people import signed_in

DAY: Final = 86_400_000
EVIDENCE: Final = to_stored(diagnose(Kind.NO_ANSWER, Evidence(status=503, code="busy", text="try later")))
RECEIPT: Final = to_stored(Receipt(remote_id="00Q5e00000abcd", link="https://crm.example/00Q5e", note="Seen."))


@dataclass
class Years:
    """An installation, and a day that the tests choose: so many days from now."""

    home: Installation
    operator: Visitor
    days: float = 0

    def clock(self) -> int:
        """The time by which retention goes."""
        return now_ms() + int(self.days * DAY)

    @property
    def retention(self) -> Retention:
        """Retention by that clock."""
        return Retention(self.home.services.storage, clock=self.clock)

    async def pass_days(self, days: float) -> int:
        """It is so many days from now; of how many rows something is removed then."""
        self.days = days
        return await RetentionTask(self.retention, self.home.services.storage, self.clock).look()

    async def ended(self, state: str = "delivered", **more: Any) -> str:
        """A lead whose delivery came to this state now, after an attempt that failed and one that was answered."""
        lead_id = await hand_in(self.operator, **more)
        await self.set(lead_id, state)
        return lead_id

    async def set(self, lead_id: str, state: str, days: float = 0) -> None:
        """The lead's delivery comes to this state so many days from now."""
        at, d = now_ms() + int(days * DAY), t.delivery.c

        def transaction(conn: sa.Connection) -> None:
            conn.execute(sa.update(t.delivery).where(d.lead_id == lead_id).values(state=state, changed_at=at))
            delivery_id = conn.scalar(sa.select(d.id).where(d.lead_id == lead_id))
            same = {"delivery_id": delivery_id, "at": at, "took_ms": 1, "late": False}
            answers = (("failed", EVIDENCE), ("delivered", RECEIPT))
            rows = [same | {"id": new_id(), "outcome": outcome, "answer": answer} for outcome, answer in answers]
            conn.execute(sa.insert(t.attempt), rows)

        await self.home.services.storage.write(transaction)

    async def seen(self, lead_id: str) -> dict[str, Any]:
        """The lead over REST."""
        found: dict[str, Any] = (await self.operator.get(f"/v1/leads/{lead_id}")).json()
        return found

    async def stored(self, needle: str) -> list[str]:
        """The tables in which this text stands."""

        def transaction(conn: sa.Connection) -> list[str]:
            tables = (t.lead, t.delivery, t.attempt, t.lead_event, t.follow_up, t.notice, t.retention_left)
            return [each.name for each in tables if needle in str(conn.execute(sa.select(each)).all()).casefold()]

        return await self.home.services.storage.read(transaction)


@pytest.fixture
async def years(database_url: str) -> AsyncIterator[Years]:
    """An installation with a connected offer."""
    async with installation(database_url, public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        yield Years(home, operator)


async def test_a_delivered_lead_becomes_a_skeleton_after_its_time(years: Years) -> None:
    lead_id = await years.ended(description="Call Ada", campaign="Adas spring")
    before = await years.seen(lead_id)
    assert await years.pass_days(399.9) == 1  # its evidence
    assert (await years.seen(lead_id))["customer"]["email"] == "ada@contoso.example"

    assert await years.pass_days(400.3) == 1
    after = await years.seen(lead_id)
    assert set(after["customer"].values()) == {""}
    assert (after["description"], after["campaign"], after["extra"]) == ("", "", {})
    same = ("id", "createdTime", "offerId", "source", "action", "test")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    (delivery,) = after["deliveries"]
    assert (delivery["state"], delivery["receipt"]["result"]) == ("delivered", "created")
    assert (delivery["receipt"]["remoteId"], delivery["receipt"]["link"]) == (None, None)
    assert after["personalDataRemovedAt"][:4] in (after["notes"][0]["text"])
    assert [note["kind"] for note in after["notes"]] == ["personalDataRemoved"]
    for needle in ("lovelace", "ada@", "call ada", "spring", "00q5e", "try later"):
        assert await years.stored(needle) == []
    # It is still counted, and no search finds the person.
    assert (await years.home.services.leads.inbox.counts(LeadFilter("contoso")))[""] == 1
    trace = Trace(years.home.services.storage, "https://leads.example")
    assert (await trace.find("ada@contoso.example", None)).leads == ()
    for which in (LeadFilter(text="lovelace"), LeadFilter(email="ada@contoso.example")):
        assert (await years.home.services.leads.inbox.list(which)).leads == ()
    assert await years.pass_days(401) == 0


@pytest.mark.parametrize("state", ["pending", "waiting", "sending", "setAside"])
async def test_what_waits_stays_whatever_its_age(years: Years, state: str) -> None:
    lead_id = await years.ended(state)
    for days in (100, 401, 1000, 5000):
        assert await years.pass_days(days) == 0
    found = await years.seen(lead_id)
    assert found["customer"]["lastName"] == "Lovelace"
    assert found["deliveries"][0]["attempts"][0]["diagnosis"]["evidence"]["text"] == "try later"
    kept = (await years.retention.figures()).kept[Data.PERSONAL]
    assert (kept.removed, kept.left, kept.late) == (0, 1, False)

    # Once it has arrived, its time begins.
    await years.set(lead_id, "delivered", days=5000)
    assert await years.pass_days(5399) == 1  # its evidence
    assert (await years.seen(lead_id))["customer"]["lastName"] == "Lovelace"
    assert await years.pass_days(5402) == 1
    assert (await years.seen(lead_id))["customer"]["lastName"] == ""
    assert (await years.retention.figures()).kept[Data.PERSONAL] == KeptKind(1)


async def test_what_waits_for_a_connection_stays(years: Years) -> None:
    assert (await years.operator.delete(f"{OFFER}/customer-leads")).status == 204
    lead_id = await hand_in(years.operator)
    assert await years.pass_days(1000) == 0
    assert (await years.seen(lead_id))["customer"]["lastName"] == "Lovelace"


async def test_a_lead_with_one_delivery_that_waits_stays(years: Years) -> None:
    other = DESTINATION | {"httpsEndpointLeadConfiguration": {"httpsEndpointUrl": "https://other.example/h"}}
    assert (await years.operator.put(f"{OFFER}/connections/second", other)).status == 201
    lead_id = await hand_in(years.operator)
    (first, _) = (await years.seen(lead_id))["deliveries"]

    def transaction(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.delivery).where(t.delivery.c.id == first["id"]).values(state="delivered"))

    await years.home.services.storage.write(transaction)
    assert await years.pass_days(1000) == 0
    assert (await years.seen(lead_id))["customer"]["lastName"] == "Lovelace"


async def test_evidence_goes_first_and_the_receipt_stays(years: Years) -> None:
    lead_id = await years.ended()
    assert await years.pass_days(89.9) == 0
    assert await years.pass_days(90.3) == 1
    failed, taken = (await years.seen(lead_id))["deliveries"][0]["attempts"]
    assert failed["diagnosis"]["kind"] == "noAnswer"
    assert set(failed["diagnosis"]["evidence"].values()) == {None}
    assert taken["receipt"]["remoteId"] == "00Q5e00000abcd"
    assert (await years.seen(lead_id))["customer"]["lastName"] == "Lovelace"


async def test_an_expired_lead_is_not_sent_again(years: Years) -> None:
    lead_id = await years.ended()
    await years.pass_days(401)
    delivery = (await years.seen(lead_id))["deliveries"][0]["id"]
    problem = (await years.operator.post(f"/v1/deliveries/{delivery}/retry")).problem(409, "lead-expired")
    assert "removed" in problem["detail"]
    everything = {"states": ["delivered", "setAside"], "missing": True}
    replayed = await years.operator.post(f"{OFFER}/connections/primary/replay", everything)
    assert (replayed.status, replayed.json()["deliveries"]) == (200, 0)
    assert (await years.seen(lead_id))["deliveries"][0]["state"] == "delivered"


async def test_a_key_is_known_for_as_long_as_the_personal_data(years: Years) -> None:
    first = await years.operator.post("/v1/leads", lead(), Idempotency_Key="ada@contoso.example")
    await years.set(first.json()["id"], "delivered")
    await years.pass_days(399)
    again = await years.operator.post("/v1/leads", lead(), Idempotency_Key="ada@contoso.example")
    assert (again.status, again.json()["id"]) == (200, first.json()["id"])
    await years.pass_days(401)
    later = await years.operator.post("/v1/leads", lead(), Idempotency_Key="ada@contoso.example")
    assert later.status == 202
    assert later.json()["id"] != first.json()["id"]


async def test_notes_and_reasons_go_with_the_lead_and_its_follow_up_still_counts(years: Years) -> None:
    lead_id = await years.ended()
    change = Change(state="lost", reason="Ada moved", note="Call Ada in May")
    await years.home.services.leads.follow_ups.change(lead_id, change, by="test", publisher_id=None)
    await years.pass_days(401)
    for needle in ("ada moved", "call ada"):
        assert await years.stored(needle) == []
    found = await years.seen(lead_id)
    with pytest.raises(Problem):
        await years.home.services.leads.follow_ups.change(lead_id, Change(state="new"), by="test", publisher_id=None)
    assert (found["followUp"]["state"], found["followUp"]["reason"], found["events"]) == ("lost", "", [])
    lost = await years.home.services.leads.inbox.list(LeadFilter("contoso", follow_up="lost"))
    assert [each.id for each in lost.leads] == [lead_id]


async def test_a_publisher_keeps_its_leads_for_a_shorter_time(years: Years) -> None:
    operator = years.operator
    assert (await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})).status == 201
    assert (
        await operator.put("/v1/publishers/fabrikam/offers/erp", {"title": "ERP", "offerType": "saas"})
    ).status == 201
    assert (await operator.put("/v1/publishers/fabrikam/offers/erp/customer-leads", DESTINATION)).status == 201
    ours = await years.ended()
    theirs = await years.ended(publisherId="fabrikam", offerId="erp")
    assert await years.pass_days(20) == 0
    await years.retention.change("fabrikam", Own(personal_days=10), by="test")
    assert await years.pass_days(20) == 2  # evidence goes with the personal data at the latest
    assert (await years.seen(theirs))["customer"]["lastName"] == ""
    assert (await years.seen(ours))["customer"]["lastName"] == "Lovelace"


async def test_mails_lose_their_texts_and_what_reminds_stays(years: Years) -> None:
    def transaction(conn: sa.Connection) -> None:
        now, connection = now_ms(), conn.scalar(sa.select(t.connection.c.id)) or ""
        paused = connection_paused(connection, EVIDENCE, now)
        reminded = connection_expires(connection, "2031-01-01", now)
        for row in (
            paused | {"ended_at": now, "recipients": '["ops@contoso.example"]'},
            paused,
            reminded | {"ended_at": now},
        ):
            conn.execute(sa.insert(t.notice).values(row | {"id": new_id()}))

    await years.home.services.storage.write(transaction)
    assert await years.pass_days(29) == 0
    assert await years.pass_days(31) == 2
    bodies = await years.home.services.storage.read(
        lambda conn: conn.execute(sa.select(t.notice.c.body, t.notice.c.recipients).order_by(t.notice.c.id)).all()
    )
    assert [row.body for row in bodies] == ["{}", EVIDENCE, "2031-01-01"]
    assert [row.recipients for row in bodies] == [None, None, None]


async def test_many_leads_go_in_small_steps_and_several_workers_share_them(
    years: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "ROWS", 7)
    ids = [await years.ended() for _ in range(20)]
    years.days = 401
    storage = years.home.services.storage
    tasks = [RetentionTask(years.retention, storage, years.clock) for _ in range(3)]
    total = sum([await task.look() for task in tasks])
    assert total == 40  # of each its evidence and its personal data
    assert all([(await years.seen(each))["personalDataRemovedAt"] for each in ids])
    assert (await years.retention.figures()).kept[Data.PERSONAL].removed == 20


async def test_a_step_is_smaller_where_leads_that_come_in_wait_for_it(
    years: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "ROWS_IN_TURN", 3)
    for _ in range(5):
        await years.ended()
    years.days = 401
    storage = years.home.services.storage
    await storage.write(expiry.add_walks, years.clock())
    step = await years.retention.step()
    assert step.removed == (3 if storage.writers_take_turns else 10)  # of each its evidence and its personal data


async def test_an_expired_body_reads_as_one_that_says_nothing(years: Years) -> None:
    lead_id = await years.ended()
    await years.pass_days(401)
    body = await years.home.services.storage.read(
        lambda conn: conn.scalar(sa.select(t.lead.c.body).where(t.lead.c.id == lead_id))
    )
    assert set(from_body(body or "")["customer"].values()) == {""}


async def test_an_empty_page_goes_back_to_the_disk(years: Years, database_url: str) -> None:
    if not database_url.startswith("sqlite"):
        assert not await years.home.services.storage.write(give_back_pages)  # the server uses its pages again by itself
        return
    for _ in range(60):
        await years.ended(description="x" * 29_000)
    before = await years.home.services.storage.read(room_taken)
    await years.pass_days(401)
    after = await years.home.services.storage.read(room_taken)
    assert before.shrinks
    assert after.taken < before.taken - 1_000_000
    assert after.free <= 4096 * SPARE


async def test_rest_says_what_holds_and_takes_shorter_times_only(years: Years) -> None:
    at, publisher = "/v1/publishers/contoso/retention", await years.home.visitor("publisher:contoso")
    usual = {"personalDays": 400, "evidenceDays": 90, "mailDays": 30, "auditDays": 730}
    assert (await publisher.get(at)).json() == usual | {"ownPersonalDays": None, "ownEvidenceDays": None}
    changed = await publisher.put(at, {"personalDays": 60})
    own = {"ownPersonalDays": 60, "ownEvidenceDays": None}
    assert changed.json() == usual | own | {"personalDays": 60, "evidenceDays": 60}
    problem = (await publisher.put(at, {"personalDays": 401})).problem(422, "invalid-request")
    assert problem["errors"] == [{"field": "personalDays", "message": "Enter a number from 1 to 400."}]
    assert (await publisher.get(at)).json()["ownPersonalDays"] == 60
    assert (await years.operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})).status == 201
    other = await years.home.visitor("publisher:fabrikam")
    assert (await other.get(at)).status == (await other.put(at, {})).status == 403
    assert (await publisher.get("/v1/retention")).status == 403
    (await years.operator.get("/v1/publishers/nobody/retention")).problem(404, "unknown-publisher")


async def test_an_operator_sees_figures_by_rest_and_in_measurements(years: Years) -> None:
    await years.ended()
    await years.ended("waiting")
    await years.pass_days(401)
    report = (await years.operator.get("/v1/retention")).json()
    assert report["personal"]["removed"] == report["personal"]["left"] == report["evidence"]["removed"] == 1
    assert report["databaseBytes"] > 100_000
    text = (await years.operator.get("/metrics")).body.decode()
    assert 'leadkeeper_expired_rows{kind="personal"} 1.0' in text
    assert 'leadkeeper_database_bytes{part="all"}' in text


async def test_pages_show_what_holds_and_take_a_shorter_time(years: Years) -> None:
    lead_id = await years.ended()
    await years.pass_days(401)
    async with signed_in(years.home, Role.OPERATOR, None) as operator:
        assert "Personal data of leads" in (await operator.open("/portal/retention")).text
        page = await operator.open(f"/portal/leads/{lead_id}")
        assert "Personal data removed" in page.text
        assert "were removed on" in page.text
        assert "What is stored of the lead is damaged" not in page.text
    at = "/portal/publishers/contoso/retention"
    async with signed_in(years.home, Role.OWNER) as owner:
        page = await owner.open(at)
        (form,) = (each for each in page.forms if each.action.endswith("/retention"))
        refused = await owner.send(form, {"personalDays": "500", "evidenceDays": ""})
        assert (refused.status, "Enter a number from 1 to 400." in refused.text) == (422, True)
        saved = await owner.send(form, {"personalDays": "100", "evidenceDays": "20"})
        assert "100 days after the lead was delivered" in saved.text
        assert (await owner.open("/portal/retention")).status == 404
        assert (await owner.open("/portal/publishers/fabrikam/retention")).status == 404
    assert await years.home.services.retention.own("contoso") == Own(100, 20)

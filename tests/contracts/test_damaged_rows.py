"""One damaged row (bit rot, hand-written SQL, a partial restore) stops nothing but itself, and is named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections.outbox import GATHER_PAUSED_MS, connection_paused
from leadkeeper.inbox.lists import acting_task
from leadkeeper.inbox.lists.acting_task import BulkRunTask
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.selection import BulkAct, Order
from leadkeeper.inbox.lists.total import LeadTotal
from leadkeeper.mail.address import MailRules
from leadkeeper.mail.mailer import Mailer, parse_mail_server
from leadkeeper.notices.due import take
from leadkeeper.notices.sender import Sender
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.steps import OperationState
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from tests.contracts.installation import CRM, endpoint, furnished, lead
from tests.contracts.mailbox import mailbox
from tests.contracts.market import Market, market
from tests.contracts.test_portal import signed_in
from tests.contracts.test_worker import Scene, scene
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, hand_in
from tests.journeys.customer import Customer

ERP = OfferRef("contoso", "erp")
WHOLE = '{"kind": "noAnswer", "outcome": "failed", "evidence": {}}'
DAMAGES = {
    "cut": '{"customer": {"firstName": "A',
    "empty object": "{}",
    "not an object": "[1, 2]",
    "wrong types": json.dumps({"customer": {}, "description": 7, "campaign": None, "extra": {}}),
    "no text": "",
    "a number for a name": json.dumps(
        {
            "customer": dict.fromkeys(("firstName", "email", "phone", "country", "company", "title"), "x")
            | {"lastName": 7},
            "description": "",
            "campaign": "",
            "extra": {},
        }
    ),
}


async def damage(storage: Storage, table: sa.Table, which: sa.ColumnElement[bool], **values: object) -> None:
    """Write ``values`` into the rows, as nobody should."""
    query = sa.update(table).where(which).values(**values)
    assert await storage.write(lambda conn: conn.execute(query).rowcount) == 1


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 90) -> None:
    """Wait until ``holds()`` answers true."""
    for _ in range(int(seconds / 0.02)):
        if await holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"not reached in {seconds} s")


async def connect_both(s: Scene) -> None:
    """The offer's connection, and that of another offer."""
    await s.connect()
    await s.installation.catalogue.put_offer(ERP, title="Contoso ERP", offer_type="saas", live=True, by="test")
    await s.installation.connections.put(ERP, "primary", endpoint(s.url), by="test")


@pytest.mark.parametrize("how", [*DAMAGES, "row missing"])
async def test_a_damaged_lead_is_set_aside_and_all_others_arrive(
    database_url: str, authority: Authority, how: str
) -> None:
    async with scene(database_url, authority) as s:
        await connect_both(s)
        await s.installation.connections.pause(CRM, "primary", by="test")
        kept = [(await s.intake.keep(lead(number))).id for number in range(3)]
        storage, bad = s.installation.storage, t.lead.c.id == kept[1]
        if how == "row missing":
            await storage.write(lambda conn: conn.execute(sa.delete(t.lead).where(bad)))
        else:
            await damage(storage, t.lead, bad, body=DAMAGES[how])
        with capture_logs() as logs:
            await s.installation.connections.resume(CRM, "primary", by="test")
            await s.intake.keep(lead(7, offer=ERP))
            await s.until(lambda states: states == {"delivered": 3, "setAside": 1})
            await s.intake.keep(lead(8))
            await s.until(lambda states: states == {"delivered": 4, "setAside": 1})
        of_it = sa.select(t.delivery.c.id, t.delivery.c.state).where(t.delivery.c.lead_id == kept[1])
        row = await storage.read(lambda conn: conn.execute(of_it).one())
        assert row.state == "setAside"
        (summary,) = [line for line in logs if line.get("delivery") == row.id]
        assert (summary["lead"], summary["log_level"]) == (kept[1], "error")
        query = sa.select(t.attempt.c.answer).where(t.attempt.c.delivery_id == row.id)
        answers = await storage.read(lambda conn: list(conn.scalars(query)))
        assert [json.loads(answer)["kind"] for answer in answers] == ["recordDamaged"]
        assert not any(connection.health.paused for connection in await s.installation.connections.list())
        page = await s.inbox.list(LeadFilter())
        shown = {each.id for each in page.leads}
        assert shown >= {kept[0], kept[2]}
        found = await s.inbox.get(kept[1])
        assert (found is None) == (how == "row missing")
        if found is not None:
            (delivery,) = found.deliveries
            assert delivery.diagnosis is not None
            assert (delivery.diagnosis.kind, delivery.diagnosis.who) == ("recordDamaged", "operator")
        # Whoever restores the row lets it go out.
        if how == "cut":
            good = sa.select(t.lead.c.body).where(t.lead.c.id == kept[0]).scalar_subquery()
            await damage(storage, t.lead, bad, body=good)
            await s.again.retry(row.id, by="test")
            await s.until(lambda states: states == {"delivered": 5})


@pytest.mark.parametrize("settings", ['{"contactEmail": ["a', "[]", "", '{"contactEmail": 7}'])
async def test_a_connection_with_damaged_settings_is_broken_and_the_others_carry(
    database_url: str, authority: Authority, settings: str
) -> None:
    async with scene(database_url, authority) as s:
        await connect_both(s)
        await damage(s.installation.storage, t.connection, t.connection.c.offer_ref == str(CRM), settings=settings)
        await s.intake.keep(lead(1))
        await s.intake.keep(lead(2, offer=ERP))

        async def paused() -> bool:
            c = t.connection.c
            return await s.installation.count(t.connection, c.paused, c.diagnosis.contains("recordDamaged")) == 1

        await until(paused)
        await s.until(lambda states: states == {"delivered": 1, "waiting": 1})
        broken, whole = await s.installation.connections.list()
        assert "recordDamaged" in (broken.health.diagnosis or "")
        assert (broken.offer, whole.health.paused) == (CRM, False)
        # Entering the settings anew fixes it, and what was held goes out.
        await s.connect()
        await s.until(lambda states: states == {"delivered": 2})


async def test_a_stored_answer_that_is_damaged_is_shown_as_unreadable(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority) as s:
        await s.connect()
        for answer in ('{"kind": "thrott', "{}", "[]", '{"kind": "noSuchKind"}', '{"result": 5, "confirmed": true}'):
            kept = await s.intake.keep(lead())
            await s.until(lambda states: set(states) == {"delivered"})
            mine = sa.select(t.delivery.c.id).where(t.delivery.c.lead_id == kept.id).scalar_subquery()
            await damage(s.installation.storage, t.attempt, t.attempt.c.delivery_id == mine, answer=answer)
            found = await s.inbox.get(kept.id)
            assert found is not None
            (delivery,) = found.deliveries
            assert delivery.state == "delivered"
            (attempt,) = delivery.attempts
            assert attempt.diagnosis is not None, answer
            assert (attempt.outcome, attempt.diagnosis.kind) == ("delivered", "recordDamaged")


@pytest.fixture
async def opened(database_url: str, authority: Authority) -> AsyncIterator[Market]:
    async with market(database_url, authority) as made:
        yield made


@pytest.mark.parametrize("settings", ['{"httpsEnd', "[]"])
async def test_a_damaged_pending_change_counts_as_refused(opened: Market, settings: str) -> None:
    await opened.live()
    await opened.connect(opened.other.settings)
    await damage(opened.storage, t.connection_change, sa.true(), settings=settings)
    (listed,) = await opened.connections.list(CRM)
    assert listed.change is not None
    found = await opened.validator.validate(CRM, "primary", by="test")
    assert found.diagnosis is not None
    assert found.diagnosis.kind == "recordDamaged"
    (connection,) = await opened.connections.list(CRM)
    assert connection.change is not None
    assert "recordDamaged" in (connection.change.diagnosis or "")
    assert not connection.health.paused
    again = await opened.connect(opened.other.settings)
    assert again.change is not None
    assert (await opened.validator.validate(CRM, "primary", by="test")).ok


@pytest.mark.parametrize(
    "values", [{"steps": '[{"id": "pre'}, {"steps": "[]"}, {"steps": "{}"}, {"emails": "[1"}, {"emails": "{}"}]
)
async def test_a_damaged_operation_ends_as_failed_and_the_others_go_on(opened: Market, values: dict[str, Any]) -> None:
    await opened.define()
    await opened.define(ERP)
    await opened.connect()
    await opened.connections.put(ERP, "primary", opened.remote.settings, by="test")
    damaged = await opened.publication.publish(CRM, emails=["ops@contoso.example"], by="test")
    await damage(opened.storage, t.operation, t.operation.c.id == damaged.id, **values)
    await opened.publication.publish(ERP, emails=["ops@contoso.example"], by="test")
    with capture_logs() as logs:
        assert (await opened.worked(ERP)).state is OperationState.COMPLETED
    assert [line["operation"] for line in logs if line["log_level"] == "error"] == [damaged.id]
    found = (await opened.publication.status(CRM)).operation
    assert found is not None
    assert (found.id, found.state) == (damaged.id, OperationState.FAILED)
    assert "damaged" in "\n".join(message.text for step in found.steps for message in step.messages)
    assert (await opened.published()).state is OperationState.COMPLETED


async def test_a_damaged_notice_is_ended_and_the_others_go_out(database_url: str) -> None:
    async with furnished(database_url) as installation:
        with mailbox() as box:
            settings = endpoint()
            settings["httpsEndpointLeadConfiguration"]["contactEmail"] = ["ops@contoso.example"]  # type: ignore[index]
            rows = []
            for name in ("a", "b", "c", "d"):
                put, _, _ = await installation.connections.put(CRM, name, settings, by="test")
                assert put is not None
                rows.append(connection_paused(put.id, '{"kind": "thro', installation.now) | {"recipients": None})
            rows[0]["recipients"] = '["ops@con'
            rows[0]["body"] = rows[1]["body"] = rows[2]["body"] = WHOLE
            await installation.storage.write(lambda conn: conn.execute(sa.insert(t.notice), rows))
            broken = sa.update(t.connection).values(paused=True)
            await installation.storage.write(lambda conn: conn.execute(broken) and None)
            mailer = Mailer(parse_mail_server(f"smtp://127.0.0.1:{box.port}", "leads@marketplace.example"))
            sender = Sender(
                installation.storage, mailer, "https://leads.example", installation.clock, MailRules(("*",))
            )
            installation.now += GATHER_PAUSED_MS
            with capture_logs() as logs:
                assert await sender.look() == 1, "the two that are whole have one cause"
            assert [line["notice"] for line in logs if line["log_level"] == "error"] == [rows[0]["id"], rows[3]["id"]]
            assert await installation.count(t.notice, t.notice.c.ended_at.is_(None)) == 0
            # What nobody can be told now, since the connection's settings are damaged, waits for their repair.
            await damage(installation.storage, t.connection, t.connection.c.name == "a", settings='{"contactE')
            late = connection_paused(rows[0]["connection_id"], WHOLE, installation.now)
            await installation.storage.write(lambda conn: conn.execute(sa.insert(t.notice).values(late)))
            installation.now += GATHER_PAUSED_MS
            assert await sender.look() == 0
            assert await installation.count(t.notice, t.notice.c.ended_at.is_(None)) == 1


async def test_lists_and_pages_answer_with_what_is_damaged_among_the_others(
    home: Installation, operator: Visitor
) -> None:
    storage = home.services.storage
    for name in ("primary", "spare"):
        assert (await operator.put(f"{OFFER}/connections/{name}", DESTINATION)).status == 201
    bad, good = await hand_in(operator), await hand_in(operator)
    await damage(storage, t.lead, t.lead.c.id == bad, body='{"customer": {"last')
    await damage(storage, t.connection, t.connection.c.name == "spare", settings='{"contactEmai', diagnosis='{"ki')
    leads = await operator.get("/v1/leads")
    assert leads.status == 200, leads.body
    notes = {each["id"]: [note["kind"] for note in each["notes"]] for each in leads.json()["leads"]}
    assert notes == {bad: ["recordDamaged"], good: []}
    for path in (f"/v1/leads/{bad}", f"{OFFER}/connections", f"{OFFER}/connections/spare"):
        answer = await operator.get(path)
        assert answer.status == 200, (path, answer.body)
    shown = (await operator.get(f"{OFFER}/connections")).json()["connections"]
    summary = {each["name"]: (each["health"]["state"], each["health"]["diagnosis"]) for each in shown}
    assert summary["primary"] == ("notTried", None)
    assert (summary["spare"][0], summary["spare"][1]["kind"]) == ("broken", "recordDamaged")
    async with Customer(home.url) as visitor:
        await signed_in(home, visitor, "publisher:contoso")
        for path in ("", "/leads", f"/leads/{bad}", "/offers/contoso/crm-pro"):
            page = await visitor.open(f"/portal{path}")
            assert page.status == 200, (path, page.text)
    # The quota of contact e-mails looks at every connection of the publisher.
    assert (await operator.put(f"{OFFER}/connections/third", DESTINATION)).status == 201
    found = await operator.post("/v1/find", {"text": bad})
    assert found.status == 200, found.body


async def _all_pages(home: Installation, filters: LeadFilter) -> list[str]:
    """The ids of all pages of one lead each, as somebody finds them who follows the cursors."""
    found, cursor = list[str](), None
    for _ in range(10):
        page = await home.services.leads.inbox.list(filters, cursor, 1)
        found += [each.id for each in page.leads]
        if (cursor := page.next_cursor) is None:
            return found
    pytest.fail("the list has no end")


@pytest.mark.parametrize("bad", [0, 1, 2])
@pytest.mark.parametrize("country", ["US", " us "])
async def test_a_damaged_lead_ends_no_list_by_country(
    home: Installation, operator: Visitor, bad: int, country: str
) -> None:
    customer = {"email": "ada@contoso.example", "country": "US"}
    ids = [await hand_in(operator, customer=customer) for _ in range(3)][::-1]
    services, which = home.services, LeadFilter("contoso", country=country)
    await damage(services.storage, t.lead, t.lead.c.id == ids[bad], body='{"customer": {"last')
    assert await _all_pages(home, which) == ids
    assert await _all_pages(home, replace(which, oldest_first=True)) == ids[::-1]
    assert await _all_pages(home, replace(which, offer_id="crm-pro")) == ids, "beside other filters, too"
    assert await services.leads.inbox.total(which) == LeadTotal(3)
    assert [each.id async for each in services.leads.reading.export(which, by="test")] == ids


async def test_a_damaged_lead_ends_no_act_on_all_of_a_country(
    home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting_task, "MOST", 1)
    ids = [await hand_in(operator, customer={"email": "ada@contoso.example", "country": "US"}) for _ in range(3)]
    services, which = home.services, LeadFilter("contoso", country="US")
    await damage(services.storage, t.lead, t.lead.c.id == ids[-1], body='{"customer": {"last')
    order = Order(BulkAct.STATE, state="active")
    run_id = await services.leads.bulk_runs.begin(new_id(), which, order, by="somebody", publisher_id="contoso")
    await BulkRunTask(services.storage, services.leads.inbox, lambda _: None, services.clock).look()
    run = await services.leads.bulk_runs.find(run_id, "contoso")
    assert run is not None
    assert (run.state, run.total, run.looked) == ("completed", 3, 3)


async def test_a_lead_whose_row_is_lost_ends_no_list_of_an_owner(home: Installation, operator: Visitor) -> None:
    """An index names it still: what was read of that decides where the page ends, not what was found."""
    ids = [await hand_in(operator, customer={"email": "ada@contoso.example"}) for _ in range(3)][::-1]
    storage, owner = home.services.storage, new_id()
    order = Order(BulkAct.STATE, state="active")
    await home.services.leads.selection.carry_out(ids, order, by="test", publisher_id="contoso", dry_run=False)
    await storage.write(lambda conn: conn.execute(sa.update(t.follow_up).values(owner_id=owner)).rowcount)
    await storage.write(lambda conn: conn.execute(sa.delete(t.lead).where(t.lead.c.id == ids[0])).rowcount)
    assert await _all_pages(home, LeadFilter("contoso", owner_id=owner)) == ids[1:]


@pytest.mark.parametrize("table", ["lead", "connection", "notice"])
async def test_bytes_that_are_no_text_damage_their_row_alone(tmp_path: Path, authority: Authority, table: str) -> None:
    """A flipped bit in a SQLite file can leave what no text is, which the driver refuses to read. PostgreSQL cannot."""
    async with scene(f"sqlite+aiosqlite:///{tmp_path / 'leadkeeper.db'}", authority) as s:
        await connect_both(s)
        await s.installation.connections.pause(CRM, "primary", by="test")
        kept = await s.intake.keep(lead(1))
        await s.intake.keep(lead(2))
        summary = connection_paused((await s.installation.connections.list(CRM))[0].id, WHOLE, s.installation.now)
        await s.installation.storage.write(lambda conn: conn.execute(sa.insert(t.notice).values(summary)))
        no_text = sa.text("CAST(X'7B2261223A22FF227D' AS TEXT)")
        values, which = {
            "lead": ({"body": no_text}, t.lead.c.id == kept.id),
            "connection": ({"settings": no_text}, t.connection.c.offer_ref == str(ERP)),
            "notice": ({"body": no_text}, sa.true()),
        }[table]
        await damage(s.installation.storage, t.metadata.tables[table], which, **values)
        await s.installation.connections.resume(CRM, "primary", by="test")
        await s.until(
            lambda states: states == ({"delivered": 1, "setAside": 1} if table == "lead" else {"delivered": 2})
        )
        assert len((await s.inbox.list(LeadFilter())).leads) == 2
        assert len(await s.installation.connections.list()) == 2
        await damage(s.installation.storage, t.connection, t.connection.c.offer_ref == str(CRM), paused=True)
        assert len(await s.installation.storage.write(take, now_ms())) == (0 if table == "notice" else 1)


async def test_damaged_quotas_and_definitions_harm_nobody_else(home: Installation, operator: Visitor) -> None:
    body = {"title": "Planner", "offerType": "saas", "live": True, "summary": "Plans.", "description": "A planner."}
    for name in ("one", "two"):
        assert (await operator.put(f"/v1/publishers/contoso/offers/{name}", body)).status == 201
    storage = home.services.storage
    o, v = t.offer.c, t.offer_version.c
    shelf = sa.update(t.offer).values(production_version=o.draft_version)
    await storage.write(lambda conn: conn.execute(shelf.where(o.id.in_(["one", "two"]), o.draft_version > 0)).rowcount)
    await damage(storage, t.offer_version, v.offer_ref == "contoso.one", definition='{"cut": ')
    await damage(storage, t.publisher, t.publisher.c.id == "contoso", quotas='{"hooks": ')
    showcase = home.services.offers.showcase
    # The list reads no definitions; the page of the damaged one is not there, and the other one's is.
    assert [offer.ref.offer_id for offer in (await showcase.offers()).offers] == ["one", "two"]
    assert await showcase.offer(OfferRef("contoso", "one")) is None
    assert await showcase.offer(OfferRef("contoso", "two")) is not None
    assert (await operator.get("/v1/publishers/contoso")).json()["quotas"]["hooks"] == 500
    lead_id = await hand_in(operator)
    assert lead_id

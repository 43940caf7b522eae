"""Acting on all leads that fit: said first, carried on without the page, and never twice. On both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.clock import new_id
from leadkeeper.inbox.lists import acting, selection
from leadkeeper.inbox.lists.acting import BulkRunView, HeldRun, RunLost, act_on_some, take_run
from leadkeeper.inbox.lists.acting_task import BulkRunTask
from leadkeeper.inbox.lists.filter import MOST, LeadFilter
from leadkeeper.inbox.lists.selection import BulkAct, Order
from leadkeeper.storage import tables as t
from tests.contracts.test_lead_pages import ADA, BOB, LIST, _run
from tests.contracts.test_selection import stand, states
from tests.in_process import Installation, Visitor, connected, hand_in
from tests.people import signed_in

AGAIN = Order(BulkAct.AGAIN)
LEADS = MOST + 5
RUNS = "/v1/leads/bulk/runs"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


async def carry_on(home: Installation) -> None:
    """What a worker does until nothing is left to do."""
    services = home.services
    await BulkRunTask(services.storage, services.leads.inbox, lambda _: None, services.clock).look()


async def begun(home: Installation, order: Order = AGAIN, **chosen: Any) -> str:
    """A run of Contoso's."""
    filters = LeadFilter("contoso", **chosen)
    return await home.services.leads.bulk_runs.begin(new_id(), filters, order, by="somebody", publisher_id="contoso")


async def found(home: Installation, run_id: str) -> BulkRunView:
    """How far it is."""
    run = await home.services.leads.bulk_runs.find(run_id, "contoso")
    assert run is not None
    return run


async def taken(home: Installation, ahead: int = 0) -> HeldRun:
    """The run that is due, held by another process."""
    held = await home.services.storage.write(take_run, home.services.clock() + ahead)
    assert held is not None
    return held


async def test_more_than_a_page_holds_are_sent_again_without_the_page(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(LEADS)]
    await home.services.storage.write(
        _run, sa.update(t.delivery).values(state="setAside", set_aside_for="refused", due_at=2**60)
    )
    async with signed_in(home, Role.CONTRIBUTOR) as seller, signed_in(home, Role.READER) as reader:
        form = (await seller.open(f"{LIST}?state=setAside")).form(f"pick-{ids[-1]}")
        form.values["act"] = "again"
        page = await seller.send(form, {}, "every")
        assert f"It is done to all {LEADS} leads that fit the list now" in page.text
        agreed = page.form("sure")
        page = await seller.send(agreed, {})
        assert f"0 of {LEADS} leads are gone through." in page.text
        again = await seller.send(agreed, {})
        assert again.url == page.url, "the form sent twice begins one run"
        assert f"0 of {LEADS} leads are gone through." in (await seller.open(LIST)).text
        later = await hand_in(operator, customer=BOB)
        await stand(home, later, "setAside", "refused")
        await carry_on(home)
        page = await seller.open(page.url)
        assert f"It is done: {LEADS} leads were gone through." in page.text
        assert "Stop here" not in page.text
        assert "gone through" not in (await seller.open(LIST)).text
        assert "It is done" in (await reader.open(page.url)).text
    stand_so = await states(operator, [ids[0], ids[-1], later])
    assert stand_so == ["waiting", "waiting", "setAside"], "what came since is not meant"
    events = [len((await operator.get(f"/v1/leads/{each}")).json()["events"]) for each in (ids[0], ids[-1])]
    assert events == [1, 1]


async def test_it_goes_on_where_another_process_died(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(3)]
    for each in ids:
        await stand(home, each, "setAside", "refused")
    run_id, storage = await begun(home), home.services.storage
    held = await taken(home)
    until, _ = await storage.write(act_on_some, held, [ids[2]], home.services.clock())
    await carry_on(home)
    assert (await found(home, run_id)).looked == 1, "it is held, and not taken from who works on it"
    other = await taken(home, acting.HOLD_MS * 2)
    with pytest.raises(RunLost):
        await storage.write(act_on_some, replace(held, until=until), [ids[1]], home.services.clock())
    assert await states(operator, ids) == ["setAside", "setAside", "waiting"], "who lost it does nothing"
    assert other.after == ids[2]
    await storage.write(_run, sa.update(t.bulk_run).values(due_at=0))
    await carry_on(home)
    run = await found(home, run_id)
    assert (run.state, run.looked, run.changed, run.deliveries) == ("completed", 3, 3, 3)
    assert await states(operator, ids) == ["waiting"] * 3


async def test_two_at_once_do_each_lead_once(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(30)]
    order = Order(BulkAct.STATE, state="active")
    run_id = await begun(home, order)
    await asyncio.gather(*(carry_on(home) for _ in range(3)))
    run = await found(home, run_id)
    assert (run.state, run.looked, run.changed) == ("completed", 30, 30)
    found_events = [(await operator.get(f"/v1/leads/{each}")).json()["events"] for each in ids]
    assert [len(events) for events in found_events] == [1] * 30


async def test_stopped_it_does_nothing_more_and_forgets_whom_it_searched(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(2)]
    run_id = await begun(home, Order(BulkAct.STATE, state="active"), text="lovelace")
    held = await taken(home)
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        page = await seller.open(f"/portal/leads/runs/{run_id}")
        (stop,) = [form for form in page.forms if form.action.endswith("/stop")]
        page = await seller.send(stop, {})
        assert "It was stopped after 0 leads." in page.text
    with pytest.raises(RunLost):
        await home.services.storage.write(act_on_some, held, ids, home.services.clock())
    await carry_on(home)
    assert (await found(home, run_id)).state == "stopped"
    kept = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.bulk_run)).all())
    assert "lovelace" not in repr(kept)
    acts = [each["act"] for each in (await operator.get("/v1/audit?limit=50")).json()["entries"]]
    assert {"leads.actOnAll", "leads.stopActing"} <= set(acts)


async def test_the_same_asked_for_twice_is_one_run(home: Installation) -> None:
    first = await begun(home, state="setAside")
    assert await begun(home, state="setAside") == first
    assert await begun(home, state="waiting") != first


async def test_a_lead_that_cannot_be_acted_on_keeps_no_other(
    home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(3)]
    act = selection.act_on_lead

    def fails(conn: sa.Connection, lead_id: str, *rest: Any) -> Any:
        if lead_id == ids[1]:
            raise RuntimeError("its row is broken")
        return act(conn, lead_id, *rest)

    monkeypatch.setattr(acting, "act_on_lead", fails)
    run_id = await begun(home, Order(BulkAct.STATE, state="active"))
    await carry_on(home)
    run = await found(home, run_id)
    assert (run.state, run.looked, run.changed) == ("completed", 3, 2)
    assert [(each.reason, each.leads) for each in run.left] == [("damaged", 1)]


async def test_another_publishers_run_is_not_there(home: Installation, operator: Visitor) -> None:
    await hand_in(operator, customer=ADA)
    run_id = await begun(home)
    runs = home.services.leads.bulk_runs
    assert await runs.find(run_id, "fabrikam") is None
    await runs.stop(run_id, by="somebody", publisher_id="fabrikam")
    assert (await found(home, run_id)).state == "running"
    assert await runs.under_way("fabrikam") == []


async def test_over_rest_it_is_begun_looked_at_and_stopped(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=each) for each in (ADA, BOB)]
    for each in ids:
        await stand(home, each, "setAside", "refused")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    body = {"id": new_id(), "filters": {"state": "setAside", "text": "lovelace"}, "act": "again"}
    seller, reader, stranger = [
        await home.visitor(each) for each in ("publisher:contoso", "reader:contoso", "publisher:fabrikam")
    ]
    (await reader.post(RUNS, body)).problem(403, "forbidden")
    elsewhere = {"filters": {"publisherId": "contoso"}, "act": "again"}
    (await stranger.post(RUNS, elsewhere)).problem(403, "forbidden")
    lost = {"filters": {}, "act": "state", "state": "lost"}
    (await seller.post(RUNS, lost)).problem(422, "invalid-request")
    begun_run = await seller.post(RUNS, body)
    assert begun_run.status == 202, begun_run.body
    run = begun_run.json()
    assert (run["id"], run["state"], run["total"], run["looked"]) == (body["id"], "running", None, 0)
    assert (await seller.post(RUNS, body)).json()["id"] == run["id"]
    (await stranger.get(f"{RUNS}/{run['id']}")).problem(404, "not-found")
    (await stranger.delete(f"{RUNS}/{run['id']}")).problem(404, "not-found")
    await carry_on(home)
    run = (await reader.get(f"{RUNS}/{run['id']}")).json()
    assert (run["state"], run["looked"], run["deliveries"], run["left"]) == ("completed", 1, 1, [])
    assert await states(operator, ids) == ["waiting", "setAside"]
    other = (await operator.post(RUNS, {"filters": {}, "act": "state", "state": "active"})).json()
    assert (await operator.delete(f"{RUNS}/{other['id']}")).status == 204
    assert (await operator.get(f"{RUNS}/{other['id']}")).json()["state"] == "stopped"

"""An act on all leads that fit takes no turn from others and does not outlive its right. On both databases."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import sqlalchemy as sa

from leadkeeper.access.keys import Keys
from leadkeeper.access.permissions import Role
from leadkeeper.access.quotas import USUAL
from leadkeeper.clock import new_id
from leadkeeper.inbox.lists.acting import MOST_SHOWN, lay_down, take_run
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.selection import BulkAct, Order, act_on_lead
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from tests.contracts.test_acting_on_all import AGAIN, RUNS, begun, carry_on, found
from tests.contracts.test_lead_pages import ADA, LIST, _run
from tests.contracts.test_selection import stand, states
from tests.in_process import Installation, Visitor, connected, hand_in
from tests.people import signed_in

ACTIVE = Order(BulkAct.STATE, state="active")


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


async def test_asked_for_at_once_it_is_one_run(home: Installation) -> None:
    runs = home.services.leads.bulk_runs
    for at in range(8):
        same = new_id()
        for ids in ([same] * 6, [new_id() for _ in range(6)]):
            filters = LeadFilter("contoso", since_ms=at)
            begins = (runs.begin(each, filters, AGAIN, by="somebody", publisher_id="contoso") for each in ids)
            assert {*await asyncio.gather(*begins)} == {same}


async def test_the_same_in_another_role_is_another_run(home: Installation) -> None:
    filters, runs = LeadFilter("contoso"), home.services.leads.bulk_runs
    first = await runs.begin(new_id(), filters, AGAIN, by="person:x", publisher_id=None)
    second = await runs.begin(new_id(), filters, AGAIN, by="person:x", publisher_id="contoso")
    assert second != first, "a member of the publisher would not find an operator's"


async def test_a_publisher_has_so_many_at_once(home: Installation) -> None:
    most, runs = USUAL.bulk_runs, home.services.leads.bulk_runs
    first, *_ = [await begun(home, since_ms=at) for at in range(most)]
    with pytest.raises(Problem) as refused:
        await begun(home, since_ms=most)
    assert refused.value.type is ProblemType.QUOTA_EXCEEDED
    assert [each.field for each in refused.value.errors] == ["bulkRuns"]
    assert await begun(home, since_ms=0) == first, "the same is none more"
    await runs.stop(first, by="somebody", publisher_id="contoso")
    await begun(home, since_ms=most)
    for at in range(MOST_SHOWN):
        await runs.begin(new_id(), LeadFilter(since_ms=at), AGAIN, by="somebody", publisher_id=None)
    with pytest.raises(Problem):
        await runs.begin(new_id(), LeadFilter(since_ms=-1), AGAIN, by="somebody", publisher_id=None)


async def test_publishers_take_turns_however_many_runs_each_has(home: Installation, operator: Visitor) -> None:
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    for at in range(5):
        await begun(home, since_ms=at)
    storage, runs = home.services.storage, home.services.leads.bulk_runs
    await runs.begin(new_id(), LeadFilter("fabrikam"), AGAIN, by="somebody", publisher_id="fabrikam")
    now, turns = home.services.clock(), list[str | None]()
    for _ in range(12):
        now += 1_000
        held = await storage.write(take_run, now)
        assert held is not None
        turns.append(held.publisher_id)
        await storage.write(lay_down, held, new_id(), now)
    assert 5 <= turns.count("fabrikam") <= 7, turns


async def test_it_ends_with_the_right_of_who_began_it(home: Installation, operator: Visitor) -> None:
    await hand_in(operator, customer=ADA)
    body = {"filters": {"publisherId": "contoso"}, "act": "state", "state": "active"}
    for role in ("publisher:contoso", "operator"):
        made = await Keys(home.services.storage).create(role, by="test")
        begun_run = await Visitor(operator.session, operator.url, made.key).post(RUNS, body)
        assert begun_run.status == 202, begun_run.body
        assert await home.services.access.keys.revoke(made.id, by="test")
        await carry_on(home)
        run = (await operator.get(f"{RUNS}/{begun_run.json()['id']}")).json()
        assert (run["state"], run["looked"], run["changed"]) == ("stopped", 0, 0), role
    entries = (await operator.get("/v1/audit?act=leads.stopActing")).json()["entries"]
    assert [(each["who"], each["publisherId"]) for each in entries] == [("leadkeeper", "contoso")] * 2


async def test_it_ends_when_its_publisher_is_suspended_or_its_member_goes(
    home: Installation, operator: Visitor
) -> None:
    await hand_in(operator, customer=ADA)
    storage, runs = home.services.storage, home.services.leads.bulk_runs
    person = new_id()
    who = {"id": person, "email": "leaves@contoso.example", "name": "Who Leaves", "is_operator": True}
    who |= {"created_at": 0, "password_hash": "", "password_at": 0}
    member = {"person_id": person, "publisher_id": "contoso", "role": "contributor", "created_at": 0}
    await storage.write(_run, sa.insert(t.person).values(who))
    await storage.write(_run, sa.insert(t.membership).values(member))
    m, p = t.membership.c, t.person.c
    taken_away = (
        (sa.update(t.membership).where(m.person_id == person).values(role="reader"), "contoso"),
        (sa.delete(t.membership).where(m.person_id == person), "contoso"),
        (sa.update(t.person).where(p.id == person).values(is_operator=False), None),
    )
    for statement, whose in taken_away:
        run_id = await runs.begin(new_id(), LeadFilter("contoso"), ACTIVE, by=f"person:{person}", publisher_id=whose)
        await storage.write(_run, statement)
        await carry_on(home)
        run = await runs.find(run_id, None)
        assert run is not None
        assert (run.state, run.looked) == ("stopped", 0)
    run_id = await begun(home, ACTIVE)
    suspended = await operator.post("/v1/publishers/contoso/suspend", {"reason": "It does harm."})
    assert suspended.status < 300, suspended.body
    await carry_on(home)
    assert (await found(home, run_id)).state == "stopped"


async def test_one_that_this_version_cannot_read_keeps_no_other(home: Installation, operator: Visitor) -> None:
    await hand_in(operator, customer=ADA)
    strange = await begun(home, ACTIVE, state="waiting")
    of_newer = sa.update(t.bulk_run).where(t.bulk_run.c.id == strange)
    await home.services.storage.write(_run, of_newer.values(filters=json.dumps({"of_a_newer_version": 1})))
    run_id = await begun(home, ACTIVE)
    await carry_on(home)
    await carry_on(home)
    assert (await found(home, run_id)).state == "completed"
    assert (await found(home, strange)).state == "running", "a process of the newer version goes on with it"


async def test_a_publisher_finds_in_its_audit_that_an_operator_stopped(home: Installation, operator: Visitor) -> None:
    body = {"filters": {"publisherId": "contoso"}, "act": "again"}
    run = (await operator.post(RUNS, body)).json()
    assert (await operator.delete(f"{RUNS}/{run['id']}")).status == 204
    seller = await home.visitor("publisher:contoso")
    acts = [each["act"] for each in (await seller.get("/v1/audit?limit=50")).json()["entries"]]
    assert {"leads.actOnAll", "leads.stopActing"} <= {*acts}


async def test_what_came_to_may_have_arrived_meanwhile_is_left(
    home: Installation, operator: Visitor, database_url: str
) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    await stand(home, lead_id, "setAside", "refused")
    storage, waits = home.services.storage, asyncio.Event()
    loop = asyncio.get_running_loop()

    def sent_meanwhile(conn: sa.Connection) -> None:
        which = sa.update(t.delivery).where(t.delivery.c.lead_id == lead_id)
        conn.execute(which.values(set_aside_for="mayHaveArrived"))
        loop.call_soon_threadsafe(waits.set)
        if database_url.startswith("postgresql"):
            conn.execute(sa.select(sa.func.pg_sleep(0.5)))
        else:
            time.sleep(0.5)  # in the thread of the one that writes

    ambiguous = asyncio.create_task(storage.write(sent_meanwhile))
    await waits.wait()
    acts = storage.write(act_on_lead, lead_id, AGAIN, home.services.clock(), "somebody", "contoso")
    await asyncio.gather(ambiguous, acts)
    assert await states(operator, [lead_id]) == ["setAside"]


async def test_a_form_with_a_strange_id_begins_nothing(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(2)]
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        form = (await seller.open(LIST)).form(f"pick-{ids[-1]}")
        form.values |= {"act": "again", "sure": "yes"}
        for strange in ("-" * 36, "0" * 36, "00000000-0000-0000-0000-000000000000"):
            form.values["run"] = strange
            page = await seller.send(form, {})
            assert (page.status, "Choose another id" in page.text) == (422, True), (strange, page.text)
    assert await home.services.leads.bulk_runs.under_way("contoso") == []
    seller_key = await home.visitor("publisher:contoso")
    nil = {"id": "00000000-0000-0000-0000-000000000000", "filters": {}, "act": "again"}
    refused = (await seller_key.post(RUNS, nil)).problem(422, "invalid-request")
    assert [each["field"] for each in refused["errors"]] == ["id"]


async def test_when_it_is_over_it_forgets_why_it_was_done(home: Installation, operator: Visitor) -> None:
    await hand_in(operator, customer=ADA)
    order = Order(BulkAct.STATE, state="lost", reason="Ada Lovelace bought elsewhere.")
    run_id = await begun(home, order)
    await carry_on(home)
    stopped = await begun(home, order)
    await home.services.leads.bulk_runs.stop(stopped, by="somebody", publisher_id="contoso")
    kept = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.bulk_run)).all())
    assert "elsewhere" not in repr(kept)
    assert [((await found(home, each)).state, (await found(home, each)).act) for each in (run_id, stopped)] == [
        ("completed", "state"),
        ("stopped", "state"),
    ]


@pytest.mark.parametrize("off_ms", [3_600_000, -3_600_000])
async def test_leads_of_a_machine_whose_clock_is_off_are_meant_as_all_others(
    home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch, off_ms: int
) -> None:
    def made_off() -> str:
        id_ = UUID(new_id())
        return str(UUID(int=id_.int + (off_ms << 80)))

    await hand_in(operator, customer=ADA)
    monkeypatch.setattr("leadkeeper.intake.keep.new_id", made_off)
    await hand_in(operator, customer=ADA)
    await asyncio.sleep(0.01)
    run_id = await begun(home, ACTIVE)
    await asyncio.sleep(0.01)
    later = await hand_in(operator, customer=ADA)
    await carry_on(home)
    run = await found(home, run_id)
    assert (run.state, run.total, run.looked, run.changed) == ("completed", 2, 2, 2)
    assert (await operator.get(f"/v1/leads/{later}")).json()["events"] == []

"""What was removed at a destination is found, sent again, and nothing else is. Both databases where SQL decides."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.clock import now_ms
from leadkeeper.destinations.interface import Context
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.reconciliation.runs import DAY_MS, SETTLED_MS
from leadkeeper.reconciliation.task import ReconciliationTask
from leadkeeper.storage import tables as t
from tests.contracts.cases.case import Line
from tests.contracts.reconciling import DELIVERED, ONE, Scene, opened, remove, with_gone
from tests.contracts.test_destinations import Meet, meet, nowhere
from tests.contracts.test_read_back import READABLE, People
from tests.in_process import DESTINATION, NOWHERE, Installation, installation
from tests.journeys.customer import Form, Page
from tests.people import signed_in

LEADS: Final = 150
GONE: Final = 100


__all__ = ["meet"]


@pytest.fixture
async def scene(meet: Meet, database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """The line that the test names, or Dynamics."""
    name = getattr(request, "param", "dynamics")
    line = next(each for each in READABLE if name in (each.name, each.destination.name))
    async with opened(meet, line, database_url) as found:
        yield found


def treat(scene: Scene, leads: Sequence[str], others: Sequence[str], dice: random.Random) -> None:
    """People change, merge and convert these; one of the others stays after a merge."""
    if scene.meeting.line.destination.name.startswith("azure"):
        return
    people = People(scene.meeting)
    for place, each in enumerate(leads):
        what = people.kinds[place % len(people.kinds)]
        people.do(what, scene.sent[each], scene.sent[dice.choice(others)] if what == "merge" else None)


@pytest.mark.parametrize("line", READABLE, ids=lambda line: line.name)
async def test_exactly_what_was_removed_is_found_and_repaired(meet: Meet, line: Line, tmp_path: Any) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/leads.db"
    async with opened(meet, line, url) as scene:
        dice = random.Random(line.name)
        await scene.hand_in(LEADS)
        assert len(await scene.carry()) == LEADS
        assert (await scene.reconcile())["looked"] == LEADS
        assert await scene.missing() == set()

        chosen = dice.sample(sorted(scene.sent), GONE + 30)
        gone, treated = set(chosen[:GONE]), chosen[GONE:]
        others = [each for each in scene.sent if each not in chosen]
        await remove(scene, gone)
        treat(scene, treated, others, dice)
        report = await scene.reconcile()
        assert (report["state"], report["looked"], report["missing"]) == ("completed", LEADS, GONE)
        assert report["unknown"] == 0
        assert await scene.missing() == gone

        again = await scene.operator.post(f"{ONE}/missing-leads/send-again", {})
        assert (again.status, again.json()) == (200, {"leads": GONE})
        assert await scene.missing() == set()
        assert await scene.carry() == gone
        report = await scene.reconcile()
        assert (report["looked"], report["missing"], report["open"]) == (LEADS, 0, 0)


async def test_a_lead_that_was_sent_again_from_its_page_is_missing_no_longer(scene: Scene) -> None:
    gone = await with_gone(scene)
    await scene.reconcile()
    first = min(gone)
    (delivery,) = (await scene.operator.get(f"/v1/leads/{first}")).json()["deliveries"]
    assert delivery["missingSince"] is not None
    assert (await scene.operator.post(f"/v1/deliveries/{delivery['id']}/retry")).status == 200
    assert await scene.missing() == gone - {first}
    await scene.carry()
    assert await scene.missing() == gone - {first}
    (delivery,) = (await scene.operator.get(f"/v1/leads/{first}")).json()["deliveries"]
    assert delivery["missingSince"] is None
    assert (await scene.reconcile())["missing"] == len(gone) - 1


async def test_what_came_back_there_is_missing_no_longer_however_old_it_is(scene: Scene) -> None:
    gone = await with_gone(scene)
    await scene.reconcile()
    scene.later += 10 * DAY_MS
    assert (await scene.reconcile())["looked"] == len(gone)
    assert await scene.missing() == gone
    back = min(gone)
    async with scene.adapter() as adapter:  # somebody makes the record anew
        await adapter.deliver([scene.sent[back].lead])
    await scene.reconcile()
    assert await scene.missing() == gone - {back}


async def test_those_named_are_sent_again_or_accepted_and_no_others(scene: Scene) -> None:
    gone = sorted(await with_gone(scene, 4))
    await scene.reconcile()
    there = max(scene.sent)
    named = {"leadIds": [gone[0], there]}
    assert (await scene.operator.post(f"{ONE}/missing-leads/send-again", named)).json() == {"leads": 1}
    named = {"leadIds": [gone[1], there]}
    assert (await scene.operator.post(f"{ONE}/missing-leads/accept", named)).json() == {"leads": 1}
    assert await scene.missing() == set(gone[2:])
    assert await scene.carry() == {gone[0]}
    report = await scene.reconcile()
    assert (report["missing"], report["open"]) == (2, 2)
    assert await scene.missing() == set(gone[2:])
    kinds = [(await scene.operator.get(f"/v1/leads/{each}")).json()["events"][0]["kind"] for each in gone[:2]]
    assert kinds == ["againMissing", "acceptMissing"]
    acts = [each["act"] for each in (await scene.operator.get("/v1/audit")).json()["entries"]]
    expected = ["connection.reconcile", "connection.acceptMissing", "connection.sendMissing", "connection.reconcile"]
    assert [each for each in acts if "issing" in each or "reconcile" in each] == expected
    body = {"leadIds": [NOWHERE] * 201}
    (await scene.operator.post(f"{ONE}/missing-leads/accept", body)).problem(422, "invalid-request")


async def test_what_is_missing_needs_attention_until_it_is_settled(scene: Scene) -> None:
    gone = await with_gone(scene)
    await scene.reconcile()
    publisher = await scene.home.visitor("publisher:contoso")
    for visitor in (scene.operator, publisher):
        (entry,) = (await visitor.get("/v1/attention")).json()["entries"]
        assert (entry["cause"], entry["leads"], entry["connection"]) == ("leadsMissing", len(gone), "primary")
        assert entry["since"] is not None
    await scene.operator.post(f"{ONE}/missing-leads/accept", {})
    assert (await scene.operator.get("/v1/attention")).json()["entries"] == []


async def test_only_what_went_with_these_settings_is_looked_for(scene: Scene) -> None:
    """Another account knows nothing of what the one before got; who is told of leads does not matter."""
    await with_gone(scene)
    resource = (await scene.operator.get(ONE)).json()
    settings = resource[scene.meeting.line.destination.config_key]
    key = scene.meeting.line.destination.config_key
    body = {"leadDestination": resource["leadDestination"], key: settings | {"contactEmail": ["a@contoso.example"]}}
    assert (await scene.operator.put(ONE, body)).status == 200
    assert (await scene.operator.post(f"{ONE}/pause")).status == 200
    assert (await scene.operator.post(f"{ONE}/resume")).status == 200
    assert (await scene.reconcile())["looked"] == DELIVERED
    body[key] = settings | {"secretExpires": "2099-01-01"}
    assert (await scene.operator.put(ONE, body)).status == 200
    assert (await scene.reconcile())["looked"] == DELIVERED
    body[key] = settings | {"applicationKey": "another, which may be another account's"}
    assert (await scene.operator.put(ONE, body)).status == 200
    scene.later += SETTLED_MS
    assert (await scene.reconcile())["looked"] == 0


async def test_test_leads_expired_and_old_ones_are_left_out(scene: Scene) -> None:
    await scene.hand_in(4)
    await scene.carry()
    ids = sorted(scene.sent)
    await scene.execute(sa.update(t.lead).where(t.lead.c.id == ids[0]).values(test=True))
    await scene.execute(sa.update(t.lead).where(t.lead.c.id == ids[1]).values(expired_at=now_ms()))
    await scene.execute(sa.update(t.delivery).where(t.delivery.c.lead_id == ids[2]).values(state="unconfirmed"))
    await remove(scene, ids)
    assert (await scene.reconcile())["looked"] == 1
    assert await scene.missing() == {ids[3]}
    scene.later += 8 * DAY_MS
    await scene.execute(sa.delete(t.missing_record))
    assert (await scene.reconcile())["looked"] == 0


async def test_the_page_of_a_connection_shows_what_is_missing_and_settles_it(meet: Meet, tmp_path: Any) -> None:
    line = next(each for each in READABLE if each.destination.name == "dynamics")
    url = f"sqlite+aiosqlite:///{tmp_path}/leads.db"
    async with opened(meet, line, url, public_url="http://leads.example") as scene:
        gone = sorted(await with_gone(scene, 4))
        at = f"{scene.home.url}/portal/offers/contoso/crm-pro/connections/primary"
        async with signed_in(scene.home, Role.CONTRIBUTOR) as member:
            page = await member.open(at)
            assert "Nobody has looked yet" in page.text
            await member.send(_form(page, "/reconcile"), {})
            await scene.task.look()
            page = await member.open(at)
            assert "4 leads are missing" in page.text
            assert "4 were not there" in page.text
            assert "It is not there any more." in (await member.open(f"{scene.home.url}/portal/leads/{gone[0]}")).text
            assert f"{at.removeprefix(scene.home.url)}#missing" in (await member.open(f"{scene.home.url}/portal")).html
            refused = await member.send(_form(page, "/missing", act="accept"), {})
            assert refused.status == 422
            assert "Tick at least one lead." in refused.text
            await member.send(_form(page, "/missing", act="accept"), {}, f"pick-{gone[0]}")
            await member.send(_form(page, "/missing", act="again"), {}, f"pick-{gone[1]}")
            assert await scene.missing() == set(gone[2:])
            await member.send(_form(page, "/missing", act="all"), {})
            assert await scene.missing() == set()
            assert await scene.carry() == set(gone[1:])
            words = (await member.open(f"{scene.home.url}/portal/leads/{gone[1]}")).text
            assert "sent it again, since it was not there any more" in words


def _form(page: Page, end: str, **pressed: str) -> Form:
    """The form that goes there, with the button that is pressed."""
    form = next(form for form in page.forms if form.action.endswith(end))
    return replace(form, values=form.values | pressed)


async def test_a_connection_that_cannot_be_read_back_says_so(home: Installation) -> None:
    operator = await home.visitor("operator")
    assert (await operator.put(ONE, DESTINATION)).status == 201
    report = (await operator.get(f"{ONE}/reconciliation")).json()
    assert report["possible"] is False
    assert "cannot be asked" in report["message"]
    (await operator.post(f"{ONE}/reconciliation")).problem(409, "not-possible-now")


async def test_an_installation_may_look_at_nothing(database_url: str) -> None:
    async with installation(database_url, reconciliation_days=0) as home:
        operator = await home.visitor("operator")
        settings = {"storageAccountConnectionString": f"AccountName=mine;AccountKey={'A' * 86}=="}
        body = {"leadDestination": "table", "tableLeadConfiguration": settings}
        assert (await operator.put(ONE, body)).status == 201
        report = (await operator.get(f"{ONE}/reconciliation")).json()
        assert (report["possible"], report["days"]) == (False, 0)
        (await operator.post(f"{ONE}/reconciliation")).problem(409, "not-possible-now")
        services = home.services
        nobody = Context(Network(NetworkPolicy(), resolve=nowhere))
        await ReconciliationTask(
            services.storage, services.connections, nobody, days=0, clock=now_ms, random_unit=lambda: 0.0
        ).run()  # ends at once
        await nobody.network.aclose()

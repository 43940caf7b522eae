"""What was removed at a destination is found, sent again, and nothing else is. Both databases where SQL decides."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import to_stored
from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections.adapters import open_adapter
from leadkeeper.delivery.claim import LEAD_COLUMNS, outgoing_lead
from leadkeeper.destinations.interface import Adapter, Context, LookedUp, Presence, SentRecord
from leadkeeper.diagnosis import Outcome, Receipt
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.offer import OfferRef
from leadkeeper.reconciliation.runs import (
    DAY_MS,
    HOLD_MS,
    SETTLED_MS,
    Delivered,
    Held,
    begin_run,
    next_part,
    record_part,
    take_due,
)
from leadkeeper.reconciliation.task import ReconciliationTask
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.stand_in import OK
from leadkeeper.shares import Shares
from leadkeeper.storage import tables as t
from tests.contracts.cases.case import Line, State
from tests.contracts.stages import SandboxStage
from tests.contracts.test_destinations import Meet, Meeting, meet, nowhere, settings_of
from tests.contracts.test_read_back import READABLE, People, _remover
from tests.in_process import DESTINATION, NOWHERE, OFFER, Installation, Visitor, batch, installation, lead
from tests.journeys.customer import Form, Page
from tests.people import signed_in

__all__ = ["meet"]

REF: Final = OfferRef("contoso", "crm-pro")
ONE: Final = f"{OFFER}/connections/primary"
LEADS: Final = 150
GONE: Final = 100
CALLS: Final = 40
"""So many leads are delivered with one pace: Marketo's lets no more go at once."""


@dataclass
class Scene:
    """An installation whose offer's leads go to a stand-in; the time goes on as the test says."""

    home: Installation
    operator: Visitor
    context: Context
    meeting: Meeting
    later: int = 0
    sent: dict[str, SentRecord] = field(default_factory=dict)

    def clock(self) -> int:
        """The time by which runs go."""
        return self.home.services.clock() + self.later

    @property
    def task(self) -> ReconciliationTask:
        """A process that reads back."""
        services = self.home.services
        return ReconciliationTask(
            services.storage, services.connections, self.context, days=7, clock=self.clock, random_unit=lambda: 0.5
        )

    @contextlib.asynccontextmanager
    async def adapter(self) -> AsyncIterator[Adapter]:
        """The line to the destination, as a worker opens it; with a network, and so with a pace, of its own."""
        connection = await self.home.services.connections.get(REF, "primary")
        assert connection is not None
        network = Network(self.context.network.policy, resolve=nowhere)
        opened = open_adapter(connection, replace(self.context, network=network), self.home.services.storage)
        try:
            yield opened
        finally:
            await opened.aclose()
            await network.aclose()

    async def hand_in(self, count: int, **more: Any) -> None:
        """So many customers act."""
        customers = [{"lastName": "Lovelace", "email": f"{new_id()}@northwind.example"} for _ in range(count)]
        lines = b"\n".join(_line(customer, more) for customer in customers)
        answer = await batch(self.operator, lines)
        assert answer.status == 200, answer.body
        assert len(answer.body.splitlines()) == count

    async def carry(self) -> set[str]:
        """Deliver what waits, as a worker does, and as many in a call as the adapter takes; which leads these were."""
        carried = set()
        while rows := (await self.home.services.storage.read(_waiting))[:CALLS]:
            carried |= {row.id for row in rows}
            await self._carry(rows)
        return carried

    async def _carry(self, rows: Sequence[sa.Row[Any]]) -> None:
        async with self.adapter() as adapter:
            for begin in range(0, len(rows), adapter.batch):
                some = rows[begin : begin + adapter.batch]
                leads = [outgoing_lead(row, row.title, row.display_name) for row in some]
                answers = await adapter.deliver(leads)
                receipts = [answer for answer in answers if isinstance(answer, Receipt)]
                assert len(receipts) == len(some), answers
                await self.home.services.storage.write(_delivered, some, receipts, self.clock())
                self.sent |= {each.id: SentRecord(each, got) for each, got in zip(leads, receipts, strict=True)}

    async def reconcile(self) -> dict[str, Any]:
        """Somebody asks for a run, and it is done."""
        asked = await self.operator.post(f"{ONE}/reconciliation")
        assert asked.status == 202, asked.body
        await self.task.look()
        return await self.report()

    async def report(self) -> dict[str, Any]:
        """What is known."""
        answer = await self.operator.get(f"{ONE}/reconciliation")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json()
        return found

    async def missing(self) -> set[str]:
        """The leads that are listed as missing."""
        found: set[str] = set()
        cursor = ""
        while True:
            page = (await self.operator.get(f"{ONE}/missing-leads?limit=60{cursor}")).json()
            found |= {each["leadId"] for each in page["leads"]}
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    async def execute(self, statement: Any) -> None:
        """Change the database."""
        await self.home.services.storage.write(lambda conn: conn.execute(statement) and None)


def _line(customer: Mapping[str, str], more: Mapping[str, Any]) -> bytes:
    return json.dumps(lead(customer=customer, **more)).encode()


def _waiting(conn: sa.Connection) -> Sequence[sa.Row[Any]]:
    d, c = t.delivery.c, t.lead.c
    query: sa.Select[Any] = sa.select(
        *LEAD_COLUMNS, d.id.label("delivery_id"), t.offer.c.title, t.publisher.c.display_name
    )
    query = query.join(t.delivery, d.lead_id == c.id).join(t.publisher, t.publisher.c.id == c.publisher_id)
    query = query.join(t.offer, (t.offer.c.publisher_id == c.publisher_id) & (t.offer.c.id == c.offer_id))
    return conn.execute(query.where(t.READY).order_by(c.id)).all()


def _delivered(conn: sa.Connection, rows: Sequence[sa.Row[Any]], receipts: Sequence[Receipt], now: int) -> None:
    for row, receipt in zip(rows, receipts, strict=True):
        values = {"state": receipt.outcome.value, "changed_at": now}
        conn.execute(sa.update(t.delivery).where(t.delivery.c.id == row.delivery_id).values(values))
        attempt = {"id": new_id(), "delivery_id": row.delivery_id, "at": now, "took_ms": 1, "late": False}
        conn.execute(sa.insert(t.attempt).values(**attempt, outcome=receipt.outcome.value, answer=to_stored(receipt)))


@pytest.fixture
async def scene(meet: Meet, database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """The line that the test names, or Dynamics."""
    name = getattr(request, "param", "dynamics")
    line = next(each for each in READABLE if name in (each.name, each.destination.name))
    async with opened(meet, line, database_url) as found:
        yield found


def opened(meet: Meet, line: Line, database_url: str, **more: Any) -> Any:
    """A scene before this line's stand-in."""

    @contextlib.asynccontextmanager
    async def opening() -> AsyncIterator[Scene]:
        meeting = await meet(line)
        account = getattr(getattr(meeting.adapter, "_account", None), "name", None)
        settings = settings_of(line, None, account or "")
        policy = NetworkPolicy(hosts=meeting.stage.hosts, ca_file=meeting.stage.ca_file)
        network = Network(policy, resolve=nowhere)
        if isinstance(meeting.stage, SandboxStage):  # so many leads come at once in tests alone
            meeting.stage.sandbox.stand_in(Marketo).subscription.rate_limit = 10_000
        try:
            async with installation(database_url, **more) as home:
                operator = await home.visitor("operator")
                provider = line.destination
                body = {"leadDestination": provider.lead_destination, provider.config_key: settings}
                answer = await operator.put(ONE, body)
                assert answer.status == 201, answer.body
                yield Scene(home, operator, Context(network), meeting)
        finally:
            await network.aclose()

    return opening()


async def remove(scene: Scene, leads: Collection[str]) -> None:
    """Somebody removes their records there."""
    sent = [scene.sent[each] for each in leads]
    if scene.meeting.line.destination.name.startswith("azure"):
        await _remover(scene.meeting)(sent)
    else:
        people = People(scene.meeting)
        for each in sent:
            people.do("delete", each)


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


DELIVERED: Final = 12


async def with_gone(scene: Scene, count: int = 3) -> set[str]:
    """Some leads are delivered, and these of them are removed there."""
    await scene.hand_in(DELIVERED)
    await scene.carry()
    gone = set(sorted(scene.sent)[:count])
    await remove(scene, gone)
    return gone


async def test_it_looks_every_day_although_nobody_asks(scene: Scene) -> None:
    gone = await with_gone(scene)
    await scene.task.look()
    report = await scene.report()
    assert (report["possible"], report["state"], report["startedAt"]) == (True, "waiting", None)
    scene.later += DAY_MS // 2  # the spread of the test's tasks
    await scene.task.look()
    assert await scene.missing() == gone
    begun = (await scene.report())["startedAt"]
    await scene.task.look()
    assert (await scene.report())["startedAt"] == begun
    scene.later += DAY_MS
    await scene.task.look()
    assert (await scene.report())["startedAt"] > begun


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


async def test_a_lead_whose_answer_cannot_be_read_is_not_called_missing(scene: Scene) -> None:
    gone = await with_gone(scene)
    of = sa.select(t.delivery.c.id).where(t.delivery.c.lead_id == min(gone))
    await scene.execute(sa.update(t.attempt).where(t.attempt.c.delivery_id.in_(of)).values(answer="?"))
    report = await scene.reconcile()
    assert (report["looked"], report["missing"], report["unknown"]) == (DELIVERED, len(gone) - 1, 1)


async def test_where_the_destination_cannot_be_asked_nothing_is_missing(scene: Scene) -> None:
    await with_gone(scene)
    line = scene.meeting.line
    state = next(each for each in line.states if each.check is True and not each.settings and each.kind is not None)
    scene.meeting.stage.choose(state)
    report = await scene.reconcile()
    assert (report["state"], report["missing"], report["open"]) == ("failed", 0, 0)
    assert report["diagnosis"]["summary"]
    scene.meeting.stage.choose(State(OK, "", Outcome.DELIVERED))
    scene.later += DAY_MS
    await scene.task.look()
    report = await scene.report()
    assert (report["state"], report["diagnosis"], report["missing"]) == ("completed", None, 3)


async def held_by_another(scene: Scene) -> tuple[Held, Sequence[Delivered]]:
    """Another process begins a run, writes down what became of the first five leads, and vanishes."""
    storage, now = scene.home.services.storage, scene.clock()
    assert (await scene.operator.post(f"{ONE}/reconciliation")).status == 202
    (row,) = await storage.write(take_due, Shares(6, 2), scene.clock() + 1)
    until = await storage.read(lambda conn: conn.scalar(sa.select(t.reconciliation.c.due_at)) or 0)
    held = Held(row.id, until, row.settings_since, is_first=True)
    await storage.write(begin_run, held, 7, now)
    part = await storage.read(next_part, held)
    assert part is not None
    five = part.delivered[:5]
    looked = [(each, LookedUp(Presence.MISSING)) for each in five[:1]]
    looked += [(each, LookedUp(Presence.THERE)) for each in five[1:]]
    still = await storage.write(record_part, held, looked, five[-1].lead_id, now)
    assert still is not None
    return still, part.delivered[5:]


async def test_a_run_whose_process_vanished_goes_on_where_it_was(scene: Scene) -> None:
    await with_gone(scene)
    held, left = await held_by_another(scene)
    await scene.task.look()
    assert (await scene.report())["state"] == "running"
    asked = await scene.operator.post(f"{ONE}/reconciliation")
    assert (asked.status, asked.json()["state"]) == (202, "running")
    await scene.task.look()
    assert (await scene.report())["looked"] == 5
    scene.later += HOLD_MS + 1
    await scene.task.look()
    report = await scene.report()
    assert (report["state"], report["looked"]) == ("completed", DELIVERED)
    late = [(each, LookedUp(Presence.MISSING)) for each in left]
    before = await scene.missing()
    assert await scene.home.services.storage.write(record_part, held, late, None, scene.clock()) is None
    assert await scene.missing() == before


async def test_new_settings_end_a_run_that_is_under_way(scene: Scene) -> None:
    await with_gone(scene)
    held, left = await held_by_another(scene)
    await scene.execute(sa.update(t.connection).values(settings_since=now_ms() + 1))
    late = [(each, LookedUp(Presence.MISSING)) for each in left]
    assert await scene.home.services.storage.write(record_part, held, late, None, scene.clock()) is None
    assert (await scene.report())["state"] == "waiting"
    assert len(await scene.missing()) == 1


async def test_what_was_sent_again_meanwhile_is_not_listed(scene: Scene) -> None:
    await with_gone(scene)
    held, left = await held_by_another(scene)
    (delivery,) = (await scene.operator.get(f"/v1/leads/{left[0].lead_id}")).json()["deliveries"]
    await scene.operator.post(f"/v1/deliveries/{delivery['id']}/retry")
    before = await scene.missing()
    looked = [(each, LookedUp(Presence.MISSING)) for each in left[:2]]
    assert await scene.home.services.storage.write(record_part, held, looked, None, scene.clock()) is not None
    assert await scene.missing() == before | {left[1].lead_id}


async def test_nothing_is_known_of_a_connection_that_was_removed(scene: Scene) -> None:
    await with_gone(scene)
    await scene.reconcile()
    assert (await scene.operator.delete(ONE)).status == 204
    assert (await scene.operator.get("/v1/attention")).json()["entries"] == []
    (await scene.operator.get(f"{ONE}/reconciliation")).problem(404, "unknown-connection")
    scene.later += DAY_MS
    await scene.task.look()
    rows = await scene.home.services.storage.read(
        lambda conn: [conn.execute(sa.select(each)).all() for each in (t.reconciliation, t.missing_record)]
    )
    assert rows == [[], []]


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

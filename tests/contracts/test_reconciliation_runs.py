"""A look for what was removed goes on, ends and is begun again; what cannot be known is not called missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa

from leadkeeper.clock import now_ms
from leadkeeper.destinations.interface import LookedUp, Presence
from leadkeeper.diagnosis import Outcome
from leadkeeper.reconciliation.runs import DAY_MS, HOLD_MS, Delivered, Held, begin_run, next_part, record_part, take_due
from leadkeeper.sandbox.stand_in import OK
from leadkeeper.shares import Shares
from leadkeeper.storage import tables as t
from tests.contracts.cases.case import State
from tests.contracts.reconciling import DELIVERED, ONE, Scene, opened, with_gone
from tests.contracts.test_destinations import Meet, meet
from tests.contracts.test_read_back import READABLE

__all__ = ["meet"]


@pytest.fixture
async def scene(meet: Meet, database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """The line that the test names, or Dynamics."""
    name = getattr(request, "param", "dynamics")
    line = next(each for each in READABLE if name in (each.name, each.destination.name))
    async with opened(meet, line, database_url) as found:
        yield found


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

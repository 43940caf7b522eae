"""The calls that a worker has running: a place goes on with the next call in one task, and yields between two."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from leadkeeper.delivery.call import Call
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.https_endpoint.adapter import HttpsEndpoint
from leadkeeper.diagnosis import Answer, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.sandbox.authority import Authority
from tests.contracts.installation import lead
from tests.contracts.test_worker import scene

LEADS = 120
FEW = 60
"""Far more than places that so many leads open, and far fewer than the leads."""


async def test_a_place_carries_many_leads_in_one_task(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[Call | None] = []
    go = Worker._go

    async def counted(worker: Worker, call: Call | None) -> None:
        tasks.append(call)
        await go(worker, call)

    monkeypatch.setattr(Worker, "_go", counted)
    async with scene(database_url, authority) as s:
        await s.connect()
        await s.intake.keep_many([lead(i) for i in range(LEADS)])
        await s.until(lambda states: states == {"delivered": LEADS})
        assert len(s.remote.received) == LEADS
    assert 1 <= len(tasks) < FEW


async def test_a_destination_that_never_waits_lets_others_have_the_loop_between_two_calls(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = [0]
    calls: Counter[tuple[object, int]] = Counter()

    def turn() -> None:
        turns[0] += 1
        asyncio.get_running_loop().call_soon(turn)

    async def at_once(_: HttpsEndpoint, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        calls[asyncio.current_task(), turns[0]] += 1
        return [Receipt() for _ in leads]

    monkeypatch.setattr(HttpsEndpoint, "deliver", at_once)
    async with scene(database_url, authority) as s:
        await s.connect()
        turn()
        await s.intake.keep_many([lead(i) for i in range(LEADS)])
        await s.until(lambda states: states == {"delivered": LEADS})
    assert sum(calls.values()) == LEADS
    assert max(calls.values()) == 1, "of one task in one turn of the loop"


async def test_what_goes_wrong_in_one_call_is_not_the_next_ones_that_its_place_carries(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 0
    deliver = HttpsEndpoint.deliver

    async def now_and_then(adapter: HttpsEndpoint, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        nonlocal number
        number += 1
        if number == 3:
            raise ValueError("a bug")
        if number == 5:
            raise asyncio.CancelledError  # somebody else's: of what several wait for together, say
        return await deliver(adapter, leads)

    monkeypatch.setattr(HttpsEndpoint, "deliver", now_and_then)
    async with scene(database_url, authority) as s:
        await s.connect()
        await s.intake.keep_many([lead(i) for i in range(LEADS)])
        states = await s.until(lambda states: states.get("delivered", 0) >= LEADS - 1)
        assert set(states) <= {"delivered", "waiting"}
        assert len(s.remote.received) >= LEADS - 1

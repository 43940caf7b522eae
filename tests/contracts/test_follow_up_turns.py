"""Follow-up of one lead that several change at one moment, and expiry meanwhile. On PostgreSQL, where nobody's turn is
the only one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.clock import now_ms
from leadkeeper.inbox.follow_up import follow_ups
from leadkeeper.inbox.follow_up.follow_ups import Change, change_follow_up
from leadkeeper.inbox.lists import acting
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.selection import BulkAct, Order
from leadkeeper.privacy import expiry
from leadkeeper.problem import Problem
from tests.contracts.stopped import SECONDS, Stopped
from tests.contracts.test_retention import Years
from tests.in_process import DESTINATION, OFFER, installation
from tests.people import signed_in

pytestmark = pytest.mark.databases("postgresql")
BY = "person:ada"
EXPIRED = 400.3
"""Days after which personal data of a lead are removed."""


@pytest.fixture
async def years(database_url: str) -> AsyncIterator[Years]:
    """An installation with a connected offer."""
    async with installation(database_url, public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        yield Years(home, operator)


def stop_in(monkeypatch: pytest.MonkeyPatch, stopped: Stopped, place: Any, name: str, *, after: bool) -> None:
    """Whoever first calls this function of ``place``, whose first argument is the connection, stops there."""
    function = getattr(place, name)

    def stop(conn: sa.Connection, *given: Any, **named: Any) -> Any:
        monkeypatch.setattr(place, name, function)
        found = function(conn, *given, **named) if after else None
        stopped.act(conn)
        return found if after else function(conn, *given, **named)

    monkeypatch.setattr(place, name, stop)


async def both(stopped: Stopped, first: Awaitable[Any], second: Awaitable[Any]) -> list[Any]:
    """What becomes of the first, which stops, and of the second, which begins meanwhile and ends or waits for it."""
    async with asyncio.timeout(SECONDS):
        one = asyncio.ensure_future(first)
        await stopped.until(1)
        other = asyncio.ensure_future(second)
        waiting = asyncio.create_task(stopped.until_a_row_is_awaited())
        await asyncio.wait({other, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await stopped.__aexit__()
        return [*await asyncio.gather(one, other, return_exceptions=True)]


async def test_two_first_changes_of_a_lead_keep_what_each_of_them_changed(years: Years, database_url: str) -> None:
    lead_id, storage = await years.ended(), years.home.services.storage
    async with signed_in(years.home, Role.CONTRIBUTOR), Stopped(database_url) as stopped:
        owner = (await years.home.services.accounts.people.members("contoso"))[0].id

        def take_on(conn: sa.Connection) -> bool:
            changed = change_follow_up(conn, lead_id, Change(owner_id=owner), now_ms(), BY, None)
            stopped.act(conn)
            return changed

        first = storage.write(take_on)
        second = storage.write(change_follow_up, lead_id, Change(state="active"), now_ms(), BY, None)
        assert await both(stopped, first, second) == [True, True]
        found = (await years.seen(lead_id))["followUp"]
        assert (found["ownerId"], found["state"]) == (owner, "active")


async def change(years: Years, lead_id: str) -> None:
    """Somebody writes a reason and a note."""
    written = Change(state="lost", reason="Lovelace is dear", note="Call Lovelace")
    await years.home.services.storage.write(change_follow_up, lead_id, written, now_ms(), BY, None)


async def test_a_note_that_is_being_written_does_not_outlive_the_lead(
    years: Years, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = await years.ended()
    async with Stopped(database_url) as stopped:
        stop_in(monkeypatch, stopped, follow_ups, "_after", after=False)
        assert await both(stopped, change(years, lead_id), years.pass_days(EXPIRED)) == [None, 2]
    assert await years.stored("lovelace") == []


async def test_nothing_is_written_on_a_lead_that_is_being_removed(
    years: Years, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = await years.ended()
    async with Stopped(database_url) as stopped:
        stop_in(monkeypatch, stopped, expiry, "_remove_personal", after=True)
        removed, refused = await both(stopped, years.pass_days(EXPIRED), change(years, lead_id))
    assert removed == 2
    assert isinstance(refused, Problem), refused
    assert "Nobody follows this lead up" in str(refused)
    assert await years.stored("lovelace") == []


async def test_a_run_over_many_leads_and_their_removal_do_not_wait_in_a_ring(
    years: Years, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await years.ended() for _ in range(2)]
    order = Order(BulkAct.STATE, state="lost", reason="Lovelace is dear")
    run = acting.HeldRun("run", 0, "", LeadFilter(), order, BY, None)
    monkeypatch.setattr(acting, "_go_on", lambda *_: 0)
    async with Stopped(database_url) as stopped:
        stop_in(monkeypatch, stopped, acting, "act_on_lead", after=True)
        acted = years.home.services.storage.write(acting.act_on_some, run, ids[::-1], now_ms())
        assert await both(stopped, acted, years.pass_days(EXPIRED)) == [(0, set()), 4]
    assert await years.stored("lovelace") == []

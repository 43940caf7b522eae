"""What is bounded holds over all processes of an installation; pages show what any of them does. On both databases."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, cast

import pytest
import sqlalchemy as sa
from starlette.requests import Request

from leadkeeper.access.quotas import Quotas
from leadkeeper.access.rates import Rates
from leadkeeper.access.tries import Tries
from leadkeeper.access.validations import LASTS_MS, Line, progress
from leadkeeper.clock import now_ms
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.origins import Origins
from leadkeeper.doors.portal.movements import STREAMS, Movements
from leadkeeper.doors.storefront.guard import FormGuard
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import DatabaseClock
from leadkeeper.storage.presence import Peers, ProcessPresence
from tests.contracts.installation import TestInstallation, furnished

REF = OfferRef("contoso", "crm-pro")
LINE: Line = (REF, "primary")
PATIENCE = 60


def two(installation: TestInstallation, at_once: int = 2) -> tuple[Rates, Rates]:
    """The counts of two processes."""
    quotas = Quotas(validations_at_once=at_once)
    return Rates(installation.storage, quotas), Rates(installation.storage, quotas)


async def test_validations_at_once_are_those_of_all_processes(database_url: str) -> None:
    async with furnished(database_url) as installation:
        one, other = two(installation)
        async with one.validating("contoso", LINE), other.validating("contoso"):
            for rates in (one, other):
                with pytest.raises(Problem, match="validationsAtOnce"):
                    async with rates.validating("contoso"):
                        pytest.fail("a third runs")
        async with one.validating("contoso"), one.validating("contoso"):
            pass
        await one.aclose()
        await other.aclose()


async def test_those_that_begin_at_one_moment_are_counted_too(database_url: str) -> None:
    async with furnished(database_url) as installation:
        one, other = two(installation)
        under, most = 0, 0

        async def validate(rates: Rates) -> bool:
            nonlocal under, most
            try:
                async with rates.validating("contoso"):
                    under += 1
                    most = max(most, under)
                    await installation.storage.read(lambda conn: conn.scalar(sa.select(1)))
                    under -= 1
            except Problem:
                return False
            return True

        ran = await asyncio.gather(*(validate(rates) for rates in (one, other) * 6))
        assert any(ran)
        assert most <= 2
        await one.aclose()
        await other.aclose()


async def test_one_whose_process_was_killed_counts_for_a_while(database_url: str) -> None:
    async with furnished(database_url) as installation:
        rates, _ = two(installation, at_once=1)
        killed = rates.validating("contoso")
        await killed.__aenter__()
        v = t.validation.c
        for until in (now_ms() - 1, now_ms() + 2 * LASTS_MS):  # its time is over; its clock was ahead
            move = sa.update(t.validation).values(until=until)
            await installation.storage.write(partial(_carry_out, move))
            async with rates.validating("contoso"):
                left = await installation.storage.read(lambda conn: conn.scalar(sa.select(sa.func.count(v.id))))
                assert left == 1, "what is over is removed"
            killed = rates.validating("contoso")
            await killed.__aenter__()
        await rates.aclose()


async def test_how_far_one_is_shows_in_every_process(database_url: str) -> None:
    async with furnished(database_url) as installation:
        here, _ = two(installation)
        elsewhere = Movements(installation.storage)
        ending, heard = asyncio.Event(), asyncio.Queue[str]()

        async def look() -> None:
            async for name, _ in elsewhere.events(REF, None, ending):
                if name:
                    await heard.put(name)

        looking = asyncio.create_task(look())
        try:
            async with asyncio.timeout(PATIENCE):
                async with here.validating("contoso", LINE) as run:
                    assert await heard.get() == "validating"
                    assert (found := await installation.storage.read(progress, LINE, now_ms())) is not None
                    assert (found.checks, found.marker) == ("[]", "")
                    await run.seen('[{"name":"dns"}]', "MSFT_TEST_1")
                    assert await heard.get() == "validating"
                    assert (found := await installation.storage.read(progress, LINE, now_ms())) is not None
                    assert (found.checks, found.marker) == ('[{"name":"dns"}]', "MSFT_TEST_1")
                    assert await installation.storage.read(progress, (REF, "other"), now_ms()) is None
                assert await heard.get() == "validating"
            assert await installation.storage.read(progress, LINE, now_ms()) is None
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await here.aclose()


async def test_forms_are_counted_over_all_processes(database_url: str) -> None:
    async with furnished(database_url) as installation:
        addresses = ClientAddresses([])
        origins = cast(Origins, type("Anywhere", (), {"also": ()})())
        guards = [
            FormGuard("4/minute", origins, addresses, installation.storage, peers=Peers(answering=2)) for _ in range(2)
        ]

        async def too_often(number: int, address: str) -> bool:
            return await guards[number].too_often(Request({"type": "http", "client": (address, 1), "headers": []}))

        assert [await too_often(number % 2, "203.0.113.5") for number in range(6)] == [False] * 4 + [True] * 2
        assert not await too_often(0, "203.0.113.6")


async def test_a_form_costs_no_more_where_many_addresses_sent_some(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looked at every address anew, in a thread each, let strangers keep the process busy."""
    asked: list[object] = []
    to_thread = asyncio.to_thread

    async def noted(*given: Any, **named: Any) -> Any:
        asked.append(given)
        return await to_thread(*given, **named)

    async with furnished(database_url) as installation:
        origins = cast(Origins, type("Anywhere", (), {"also": ()})())
        guard = FormGuard("4/minute", origins, ClientAddresses([]), installation.storage)
        monkeypatch.setattr(asyncio, "to_thread", noted)
        for number in range(52):
            scope = {"type": "http", "client": (f"203.0.113.{number}", 1), "headers": []}
            assert not await guard.too_often(Request(scope))
            await asyncio.sleep(0.05 if number >= 50 else 0)
        assert asked == []


async def test_each_process_hears_how_many_there_are(database_url: str) -> None:
    async with furnished(database_url) as installation:
        clock = DatabaseClock(installation.storage)
        await clock.look()
        peers = {role: Peers() for role in ("serve", "api", "worker")}
        presences = [ProcessPresence(installation.storage, clock, role, heard) for role, heard in peers.items()]
        for presence in (*presences, *presences):
            await presence.write_down()
        assert set(map(str, peers.values())) == {str(Peers(answering=2, carrying=2))}
        await presences[0].take_back()
        await presences[1].write_down()
        assert peers["api"] == Peers(answering=1, carrying=1)


@pytest.mark.parametrize(("parts", "passed"), [(1, 10), (2, 5), (3, 3), (100, 1)])
def test_wrong_keys_are_divided(parts: int, passed: int) -> None:
    wrong = Tries(10, 60_000)
    assert [wrong.count("203.0.113.5", 1_000, parts) == 0 for _ in range(12)].count(True) == passed


async def test_a_session_s_streams_are_divided(database_url: str) -> None:
    async with furnished(database_url) as installation:
        doors = 2
        movements = Movements(installation.storage, doors=lambda: doors)
        assert [movements.enter("contoso", "session") for _ in range(3)] == [True, True, False]
        doors = 100
        assert movements.enter("contoso", "another"), "a page has a stream however many processes there are"


async def test_streams_are_shared_among_publishers(database_url: str) -> None:
    """However many sessions one opens: they cost a sign-in each."""
    async with furnished(database_url) as installation:
        movements = Movements(installation.storage)
        taken = [
            f"session {number}" for number in range(2 * STREAMS) if movements.enter("contoso", f"session {number}")
        ]
        assert STREAMS // 3 < len(taken) < STREAMS // 2 + 1
        for number in range(10):
            assert movements.enter("fabrikam", f"another {number}")
        assert movements.enter("", "an operator's")
        for session in taken:
            movements.leave("contoso", session)
        assert movements.enter("contoso", "one more")


def _carry_out(statement: sa.Update, conn: sa.Connection) -> None:
    conn.execute(statement)

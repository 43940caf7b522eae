"""What publishers used of their quotas stays counted, however many of them there are. Both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.quotas import Rate
from leadkeeper.problem import Problem
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import StorageAway
from tests.contracts.test_quotas import PAYLOAD, bounded, hook, too_many
from tests.in_process import Installation, Visitor, batch, lead, lines


async def used(home: Installation) -> dict[tuple[str, str], int]:
    """What is written down of this day, by publisher and kind."""
    u = t.quota_use.c
    await home.services.access.rates.settled()
    rows = await home.services.storage.read(
        lambda conn: conn.execute(sa.select(u.publisher_id, u.rate, sa.func.sum(u.day_used)).group_by(*u[:2])).all()
    )
    return {(who, rate): int(day) for who, rate, day in rows}


async def neighbours(operator: Visitor, number: int = 4) -> list[str]:
    """More publishers; their ids."""
    ids = [f"neighbour{each}" for each in range(number)]
    for each in ids:
        assert (await operator.put(f"/v1/publishers/{each}", {"displayName": each})).status == 201
    return ids


async def test_a_day_s_quota_stays_used_up_however_many_publishers_follow(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadkeeper.access.rates._MOST", 3)
    async with bounded(database_url, hook_leads_a_day=3) as (home, operator, publisher):
        at, others = await hook(publisher), await neighbours(operator)
        rates = home.services.access.rates
        for _ in range(3):
            assert (await home.anyone.post(at, PAYLOAD)).status == 200
        for _ in range(2):
            assert (await used(home))["contoso", Rate.HOOK_LEADS] == 3
            for each in others:
                await rates.take(each, Rate.REQUESTS)
            too_many(await home.anyone.post(at, PAYLOAD), "hookLeadsADay")
        assert {each: (await used(home))[each, Rate.REQUESTS] for each in others} == dict.fromkeys(others, 2)


async def test_counts_hold_where_many_publishers_come_at_one_moment(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadkeeper.access.rates._MOST", 1)
    async with bounded(database_url, hook_leads_a_day=3, validations_a_minute=3) as (home, operator, _):
        others, rates = await neighbours(operator), home.services.access.rates

        async def validate(each: str) -> None:
            async with rates.validating(each):
                pass

        for act, rate in ((lambda each: rates.take(each, Rate.HOOK_LEADS), "hook_leads"), (validate, "validations")):
            tried = await asyncio.gather(*[act(each) for each in others * 5], return_exceptions=True)
            assert {type(each) for each in tried} == {type(None), Problem}, tried
            assert tried.count(None) == 3 * len(others)
            found = await used(home)
            assert [found[each, rate] for each in others] == [3] * len(others)


async def test_what_was_counted_while_the_database_was_away_is_added(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadkeeper.access.rates._MOST", 1)
    async with bounded(database_url, hook_leads_a_day=10) as (home, operator, _):
        (one, other), rates = await neighbours(operator, 2), home.services.access.rates
        for _ in range(4):
            await rates.take(one, Rate.HOOK_LEADS)
        assert (await used(home))[one, Rate.HOOK_LEADS] == 4
        await rates.take(other, Rate.HOOK_LEADS)

        async def away(*_: Any) -> Any:
            raise StorageAway

        with monkeypatch.context() as patch:
            patch.setattr(home.services.storage, "read", away)
            await rates.take(one, Rate.HOOK_LEADS)
            await rates.settled()
            await rates.take(one, Rate.HOOK_LEADS)
        assert await used(home) == {(one, "hook_leads"): 6, (other, "hook_leads"): 1}


async def test_leads_of_publishers_that_are_not_there_leave_no_count(database_url: str) -> None:
    async with bounded(database_url) as (home, operator, _):
        marketplace = await home.visitor("marketplace")
        line = b'{"publisherId":"nobody%d","offerId":"crm-pro","source":"SPZA","action":"PLT"}'
        answers = lines(await batch(marketplace, b"\n".join(line % number for number in range(4))))
        assert {answer["problem"]["type"] for answer in answers} == {"/docs/reference/problems.html#unknown-offer"}
        for number in range(4):
            assert (await operator.post("/v1/leads", lead(publisherId=f"nobody{number}"))).status == 404
        assert (await operator.post("/v1/leads", lead())).status == 202
        rates = home.services.access.rates
        assert {who for who, _ in rates._counts if who.startswith("nobody")} == set()
        assert {who for who, _ in await used(home)} == {"contoso"}
        # One that is made meanwhile is bounded like the others.
        assert (await operator.put("/v1/publishers/nobody1", {"displayName": "N"})).status == 201
        assert (await operator.post("/v1/leads", lead(publisherId="nobody1"))).status == 404
        assert (await used(home))["nobody1", Rate.KEY_LEADS] == 1

"""The steps of publishing take turns of their publisher, which a process that is late gives seldom to who used most."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from leadkeeper.offer import OfferRef
from leadkeeper.publisher_turns import PUBLISHING, PublisherTurns, Strain
from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.steps import OperationState, Step, StepStatus
from leadkeeper.sandbox.authority import Authority
from leadkeeper.shares import RecentUse
from tests.contracts.installation import CRM
from tests.contracts.market import Market, market

PLACES = 4
"""So many turns of one publisher at once."""
PATIENCE = 60


class HeldTurns(PublisherTurns):
    """Turns of which all places of contoso's steps are taken until they are given back."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def hold(self) -> None:
        """Take the places."""
        for _ in range(PLACES):
            await super().enter(CRM.publisher_id, PUBLISHING)

    async def enter(self, publisher_id: str, kind: str) -> None:
        """Wait for one."""
        self.asked.set()
        await super().enter(publisher_id, kind)

    def give_back(self) -> None:
        """Let the next one in."""
        self.leave(CRM.publisher_id + PUBLISHING, CRM.publisher_id, asyncio.get_running_loop().time())


def done_in(operation: Operation) -> list[Step]:
    """The steps that were carried out."""
    return [step for step in operation.steps if step.status is StepStatus.COMPLETE]


@asynccontextmanager
async def publishing(url: str, authority: Authority) -> AsyncIterator[tuple[Market, HeldTurns]]:
    turns = HeldTurns()
    async with market(url, authority, turns=turns) as opened:
        await opened.define()
        await opened.connect()
        yield opened, turns


async def test_a_step_waits_for_its_publishers_turn(database_url: str, authority: Authority) -> None:
    async with publishing(database_url, authority) as (opened, turns):
        await turns.hold()
        await opened.publication.publish(CRM, emails=["ops@contoso.example"], by="test")
        begun = await opened.runner.look()
        async with asyncio.timeout(PATIENCE):
            await turns.asked.wait()
        found = (await opened.publication.status(CRM)).operation
        assert found is not None
        assert found.steps[0].status is StepStatus.IN_PROGRESS, "the first step has not ended"
        turns.give_back()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*begun)
        assert (await opened.worked()).state is OperationState.COMPLETED


async def test_another_publishers_step_does_not_wait(database_url: str, authority: Authority) -> None:
    fabrikam = OfferRef("fabrikam", "crm")
    async with publishing(database_url, authority) as (opened, turns):
        await turns.hold()
        await opened.catalogue.put_publisher("fabrikam", "Fabrikam", by="test")
        await opened.define(fabrikam, offer_type="consultingService")
        for offer in (CRM, fabrikam):
            await opened.publication.publish(offer, emails=["ops@contoso.example"], by="test")
        begun = await opened.runner.look()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
        states = [(await opened.publication.status(offer)).operation for offer in (CRM, fabrikam)]
        assert [each.state for each in states if each is not None] == [OperationState.RUNNING, OperationState.COMPLETED]
        turns.give_back()
        await asyncio.gather(*begun)


async def test_the_place_of_who_used_most_stays_empty_after_a_step_while_the_process_is_late(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step counts as used, as requests do."""
    async with publishing(database_url, authority) as (opened, _):
        used: list[float] = []
        monkeypatch.setattr(Strain, "measure", lambda strain: setattr(strain, "late", 0.02))
        monkeypatch.setattr(RecentUse, "even_parts", lambda *_: 1.01)
        monkeypatch.setattr(RecentUse, "add", lambda _, who, amount, now: used.append(amount))
        await opened.published()
        rests = [amount for amount in used if amount > 0.2]
        assert len(rests) == len(done_in(await opened.worked())), "one after each step"

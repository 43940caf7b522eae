"""A preview that waits is that of the operation that made it, whatever is tried after it; on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from leadkeeper.problem import ProblemType
from leadkeeper.publishing.steps import OperationState, StepId, StepStatus
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import answer
from tests.contracts.installation import CRM
from tests.contracts.market import Market, market, statuses, summary
from tests.contracts.test_publishing import refused


@pytest.fixture
async def opened(database_url: str, authority: Authority) -> AsyncIterator[Market]:
    async with market(database_url, authority) as made:
        yield made


async def fails_again(opened: Market) -> None:
    """The next version is published for others, and fails at its test lead."""
    await opened.define(summary="Customers, kept better.")
    opened.remote.manner = answer(401)
    await opened.publication.publish(CRM, emails=["second@contoso.example"], by="test")
    assert (await opened.worked()).state is OperationState.FAILED
    opened.remote.manner = answer(200)


async def is_canceled(opened: Market) -> None:
    """The next version is published for others, and canceled under way."""
    await opened.define(summary="Customers, kept better.")
    await opened.publication.publish(CRM, emails=["second@contoso.example"], by="test")
    assert (await opened.publication.cancel(CRM, by="test")).state is OperationState.CANCELED


async def is_canceled_once_more(opened: Market) -> None:
    """The same version is published once more for others, and canceled under way."""
    await opened.publication.publish(CRM, emails=["second@contoso.example"], by="test")
    assert (await opened.publication.cancel(CRM, by="test")).state is OperationState.CANCELED


async def fails_to_go_live(opened: Market) -> None:
    """The preview does not get to customers: a connection is new and takes no test lead."""
    await opened.connect(opened.other.settings, "second")
    opened.other.manner = answer(403)
    await opened.publication.go_live(CRM, by="test")
    assert (await opened.worked()).state is OperationState.FAILED
    opened.other.manner = answer(200)


async def does_not_go_live(opened: Market) -> None:
    """Going live is canceled under way."""
    await opened.publication.go_live(CRM, by="test")
    assert (await opened.publication.cancel(CRM, by="test")).state is OperationState.CANCELED


AFTERWARDS = [fails_again, is_canceled, is_canceled_once_more, fails_to_go_live, does_not_go_live]


@pytest.mark.parametrize("then", AFTERWARDS)
async def test_a_preview_goes_live_for_those_who_heard_of_it(
    opened: Market, then: Callable[[Market], Awaitable[None]]
) -> None:
    await opened.define()
    await opened.connect()
    made = await opened.published()
    await then(opened)
    begun = await opened.publication.go_live(CRM, by="test", seen=made.id)
    assert (begun.version, begun.emails) == (1, ("ops@contoso.example",))
    assert summary(begun, StepId.PACKAGING) == summary(made, StepId.PACKAGING)
    assert (await opened.worked()).state is OperationState.COMPLETED
    assert (await opened.catalogue.offer(CRM)).production_version == 1


@pytest.mark.parametrize("then", AFTERWARDS)
async def test_a_preview_that_waits_can_be_withdrawn_whatever_came_after_it(
    opened: Market, then: Callable[[Market], Awaitable[None]]
) -> None:
    await opened.define()
    await opened.connect()
    made = await opened.published()
    await then(opened)
    found = await opened.publication.status(CRM)
    assert (found.offer.preview_version, found.can_cancel) == (1, True)
    canceled = await opened.publication.cancel(CRM, by="test")
    assert (canceled.id, canceled.state, statuses(canceled)[4]) == (
        made.id,
        OperationState.CANCELED,
        StepStatus.CANCELED,
    )
    found = await opened.publication.status(CRM)
    assert (found.offer.preview_version, found.can_cancel) == (None, False)
    await refused(opened.publication.cancel(CRM, by="test"), ProblemType.NOT_POSSIBLE_NOW)
    await refused(opened.publication.go_live(CRM, by="test"), ProblemType.NOT_POSSIBLE_NOW)


async def test_only_the_preview_that_was_seen_goes_live(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    made = await opened.published()
    await fails_again(opened)
    failed = (await opened.publication.operations(CRM))[0]
    await refused(opened.publication.go_live(CRM, by="test", seen=failed.id), ProblemType.NOT_POSSIBLE_NOW)
    await refused(opened.publication.go_live(CRM, by="test", seen="nothing"), ProblemType.NOT_POSSIBLE_NOW)
    # Going live that failed is taken up again by its own name: Microsoft's client names the newest.
    await fails_to_go_live(opened)
    again = (await opened.publication.operations(CRM))[0]
    await opened.publication.go_live(CRM, by="test", seen=again.id)
    assert (await opened.publication.cancel(CRM, by="test")).version == made.version
    await opened.published()
    for seen in (made.id, again.id):
        await refused(opened.publication.go_live(CRM, by="test", seen=seen), ProblemType.NOT_POSSIBLE_NOW)

"""Publishing that waits for a word on a Web-to-Lead test lead goes on when reconciliation finds that lead there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.runner import PublishingRunner
from leadkeeper.publishing.steps import OperationState, StepId, StepStatus, Unconfirmed
from leadkeeper.validation.validator import Validator
from tests.contracts.market import DEFINITION, statuses, summary
from tests.contracts.reconciling import ONE, REF, Scene, opened
from tests.contracts.test_destinations import Meet, meet
from tests.contracts.test_web_to_lead_confirmed import LOOKED_UP, arrivals, line, salesforce

__all__ = ["meet"]

C, R, N = StepStatus.COMPLETE, StepStatus.WAITING_FOR_REVIEW, StepStatus.NOT_STARTED


@pytest.fixture
async def scene(meet: Meet, database_url: str) -> AsyncIterator[Scene]:
    """A publisher's offer with a draft, connected by Web-to-Lead with REST credentials."""
    async with opened(meet, line(LOOKED_UP), database_url) as found:
        catalogue = found.home.services.offers.catalogue
        await catalogue.put_definition(REF, offer_type="saas", definition=DEFINITION, lead_settings=None, by="test")
        yield found


@pytest.fixture
def runner(scene: Scene) -> PublishingRunner:
    """Publishing that waits for a word."""
    services = scene.home.services
    at, clock = services.storage, services.clock  # one clock: what is due now by one must be by all
    validator = Validator(at, services.connections, scene.context, clock=clock, waits_for_word=True)
    return PublishingRunner(at, services.connections, validator, unconfirmed=Unconfirmed.WAIT, clock=clock)


async def worked(scene: Scene, runner: PublishingRunner) -> Operation:
    """The newest operation once nothing is due."""
    while begun := await runner.look():
        await asyncio.gather(*begun)
    found = (await scene.home.services.offers.publication.status(REF)).operation
    assert found is not None
    return found


async def test_it_goes_on_by_itself_once_the_test_lead_was_found(scene: Scene, runner: PublishingRunner) -> None:
    publication = scene.home.services.offers.publication
    await publication.publish(REF, emails=[], by="test")
    operation = await worked(scene, runner)
    assert (operation.state, statuses(operation)) == (OperationState.RUNNING, [C, C, C, R, N, N])
    assert "was sent, unconfirmed" in summary(operation, StepId.PACKAGING)
    assert len(arrivals(scene)) == 1

    report = await scene.reconcile()
    assert report["state"] == "completed", report
    operation = await worked(scene, runner)
    assert (operation.state, statuses(operation)) == (OperationState.COMPLETED, [C, C, C, C, R, N])
    assert (await scene.operator.get(ONE)).json()["health"]["state"] == "working"
    assert len(arrivals(scene)) == 1, "no second test lead"

    await publication.go_live(REF, by="test")
    operation = await worked(scene, runner)
    assert (operation.state, statuses(operation)) == (OperationState.COMPLETED, [C] * 6)


async def test_it_waits_on_while_the_test_lead_is_not_there(scene: Scene, runner: PublishingRunner) -> None:
    await scene.home.services.offers.publication.publish(REF, emails=[], by="test")
    before = await worked(scene, runner)
    (made,) = arrivals(scene)
    salesforce(scene).by_hand({"do": "delete", "id": made.id})
    await scene.reconcile()
    assert await runner.look() == []
    operation = await worked(scene, runner)
    assert (operation.state, statuses(operation)) == (OperationState.RUNNING, [C, C, C, R, N, N])
    assert operation.id == before.id

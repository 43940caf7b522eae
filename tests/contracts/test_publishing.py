"""Offers are published: from the draft over the preview to customers, on both databases."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.connections.outbox import OFFER_LIVE, OPERATION_FAILED, PREVIEW_READY
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.offer_types import OFFER_TYPES, Need
from leadkeeper.publishing.registration import BY
from leadkeeper.publishing.steps import OfferStatus, OperationState, StepId, StepStatus
from leadkeeper.publishing.versions import Slot
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import answer, commit_then_drop
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import ROUTES_LOCK, TURN_LOCK
from tests.contracts.installation import CRM, lead
from tests.contracts.market import Market, market, statuses, summary

C, R, N, B = StepStatus.COMPLETE, StepStatus.WAITING_FOR_REVIEW, StepStatus.NOT_STARTED, StepStatus.BLOCKED


@pytest.fixture
async def opened(database_url: str, authority: Authority) -> AsyncIterator[Market]:
    async with market(database_url, authority) as made:
        yield made


async def refused(act: object, type: ProblemType) -> Problem:
    with pytest.raises(Problem) as raised:
        await act  # type: ignore[misc]
    assert raised.value.type is type, raised.value
    return raised.value


async def test_an_offer_goes_from_draft_over_preview_to_customers(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    operation = await opened.published()
    assert (operation.state, statuses(operation)) == (OperationState.COMPLETED, [C, C, C, C, R, N])
    marker = f"MSFT_TEST_{summary(operation, StepId.PACKAGING).partition('MSFT_TEST_')[2].split()[0]}"
    assert marker.encode() in opened.remote.bodies[-1]
    assert "https://hub.example/portal/leads/" in summary(operation, StepId.PACKAGING)
    found = await opened.publication.status(CRM)
    assert found.status is OfferStatus.WAITING_FOR_REVIEW
    assert (found.offer.preview_version, found.offer.production_version, found.offer.live) == (1, None, False)
    with pytest.raises(Problem, match="not live"):
        await opened.intake.keep(lead())
    await opened.intake.keep(replace(lead(), preview=True))

    await opened.publication.go_live(CRM, by="test")
    operation = await opened.worked()
    assert (operation.state, statuses(operation)) == (OperationState.COMPLETED, [C] * 6)
    found = await opened.publication.status(CRM)
    assert found.status is OfferStatus.SUCCEEDED
    assert (found.offer.preview_version, found.offer.production_version, found.offer.live) == (None, 1, True)
    await opened.intake.keep(lead())
    kinds = [row.kind for row in await opened.rows(t.notice) if row.operation_id]
    assert kinds == [PREVIEW_READY, OFFER_LIVE]
    assert (await opened.publication.status(CRM)).operation.emails == ("ops@contoso.example",)  # type: ignore[union-attr]


async def test_a_failed_step_tells_the_diagnosis_and_a_repair_mends_it(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    opened.remote.manner = answer(401)
    operation = await opened.published()
    assert (operation.state, statuses(operation)) == (OperationState.FAILED, [C, C, C, B, N, N])
    message = summary(operation, StepId.PACKAGING)
    assert "Who acts: publisher." in message
    assert "\n1. " in message
    assert (await opened.publication.status(CRM)).status is OfferStatus.FAILED
    assert (await opened.catalogue.offer(CRM)).preview_version is None
    await refused(opened.publication.go_live(CRM, by="test"), ProblemType.NOT_POSSIBLE_NOW)
    opened.remote.manner = answer(200)
    assert (await opened.published()).state is OperationState.COMPLETED
    assert [row.kind for row in await opened.rows(t.notice) if row.operation_id] == [OPERATION_FAILED, PREVIEW_READY]


@pytest.mark.parametrize("offer_type", [each.id for each in OFFER_TYPES])
@pytest.mark.parametrize("call", ["contact-me", "free", "free-trial", "test-drive"])
async def test_who_needs_a_destination_is_refused_without(opened: Market, offer_type: str, call: str) -> None:
    await opened.define(offer_type=offer_type, callToAction=call)
    need = {each.id: each.need for each in OFFER_TYPES}[offer_type]
    needed = need is Need.ALWAYS or call == "test-drive" or (need is Need.CONTACT_ME and call == "contact-me")
    if needed:
        problem = await refused(opened.publication.publish(CRM, by="test"), ProblemType.NOT_PUBLISHABLE)
        assert [error.field for error in problem.errors] == ["leadDestination"]
        assert await opened.rows(t.operation) == []
    else:
        operation = await opened.published()
        assert operation.state is OperationState.COMPLETED
        assert "recommended" not in summary(operation, StepId.CERTIFICATION)
        assert "no lead destination" in summary(operation, StepId.PACKAGING)
        await opened.publication.go_live(CRM, by="test")
        assert (await opened.worked()).state is OperationState.COMPLETED
        assert (await opened.catalogue.offer(CRM)).live


async def test_everything_that_is_missing_is_named_at_once(opened: Market) -> None:
    await opened.define(summary=None, description=None, callToAction="dance")
    problem = await refused(opened.publication.publish(CRM, by="test"), ProblemType.NOT_PUBLISHABLE)
    assert [error.field for error in problem.errors] == ["summary", "description", "callToAction", "leadDestination"]


async def test_a_draft_that_changes_meanwhile_is_another_version(opened: Market) -> None:
    await opened.live()
    await opened.define(summary="Customers, kept better.")
    offer, production = await opened.catalogue.slot(CRM, Slot.PRODUCTION)
    assert (offer.draft_version, offer.production_version) == (2, 1)
    assert production is not None
    assert production.listing.summary == "Customers, well kept."
    await opened.define(summary="Customers, kept best.")
    assert (await opened.catalogue.offer(CRM)).draft_version == 2
    await opened.published()
    await opened.define(summary="Later.")
    await opened.publication.go_live(CRM, by="test")
    await opened.worked()
    offer, production = await opened.catalogue.slot(CRM, Slot.PRODUCTION)
    assert (offer.draft_version, offer.production_version) == (3, 2)
    assert production is not None
    assert production.listing.summary == "Customers, kept best."


async def test_an_offer_has_one_operation_at_a_time(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    answers = await asyncio.gather(
        *(opened.publication.publish(CRM, by=f"{number}") for number in range(6)), return_exceptions=True
    )
    problems = [each for each in answers if isinstance(each, Problem)]
    assert [problem.type for problem in problems] == [ProblemType.OPERATION_RUNNING] * 5
    assert len(await opened.publication.operations(CRM, running=True)) == 1


async def test_two_presses_work_on_an_operation_once(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    await opened.publication.publish(CRM, by="test")
    begun = await asyncio.gather(opened.runner.look(), opened.another_runner().look(), opened.another_runner().look())
    assert sum(len(each) for each in begun) == 1
    await asyncio.gather(*(task for each in begun for task in each))
    assert (await opened.worked()).state is OperationState.COMPLETED
    assert len(opened.remote.bodies) == 1


async def test_a_press_that_was_too_slow_moves_nothing(opened: Market) -> None:
    """Its step is begun anew by another, and what it says late is left aside."""
    await opened.define()
    await opened.connect()
    gate, asked = asyncio.Event(), asyncio.Event()

    async def slowly(exchange: object) -> None:
        asked.set()
        await gate.wait()
        await answer(401)(exchange)  # type: ignore[arg-type]

    opened.remote.manner = slowly
    await opened.publication.publish(CRM, by="test")
    begun = await opened.another_runner().look()
    await asyncio.wait_for(asked.wait(), 60)
    await opened.storage.write(lambda conn: conn.execute(t.operation.update().values(due_at=1)))  # its lease ran out
    opened.remote.manner = answer(200)
    operation = await opened.worked()
    assert operation.state is OperationState.COMPLETED
    gate.set()
    await asyncio.gather(*begun)
    assert (await opened.publication.status(CRM)).status is OfferStatus.WAITING_FOR_REVIEW


@pytest.mark.databases("postgresql")
async def test_leads_wait_only_for_the_steps_that_change_what_customers_see(
    opened: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beginning an operation, and each step of it, keep an offer's leads out where they change where leads go."""
    await opened.define()
    await opened.connect()
    kept_out: list[bool] = []
    write: Any = opened.storage.write

    def observed(conn: sa.Connection, transaction: Any, *args: Any, **kwargs: Any) -> Any:
        result = transaction(conn, *args, **kwargs)
        held = "SELECT classid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND pid = "
        kinds = conn.scalars(sa.text(f"{held} pg_backend_pid()")).all()
        if TURN_LOCK in kinds:
            kept_out.append(ROUTES_LOCK in kinds)
        return result

    monkeypatch.setattr(opened.storage, "write", functools.partial(write, observed))
    await opened.published()
    # It begins, is validated, is approved without anybody, is put into the preview, and waits there.
    assert (kept_out.count(True), kept_out.count(False)) == (1, len(kept_out) - 1)
    assert len(kept_out) >= 4
    await opened.publication.go_live(CRM, by="test")
    del kept_out[:]
    await opened.worked()
    assert kept_out == [True]


async def test_an_operation_can_be_canceled_and_a_preview_withdrawn(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    await refused(opened.publication.cancel(CRM, by="test"), ProblemType.NOT_POSSIBLE_NOW)
    await opened.publication.publish(CRM, by="test")
    operation = await opened.publication.cancel(CRM, by="test")
    assert operation.state is OperationState.CANCELED
    assert statuses(operation)[0] is StepStatus.CANCELED
    assert await opened.runner.look() == []
    await opened.published()
    operation = await opened.publication.cancel(CRM, by="test")
    assert statuses(operation)[4] is StepStatus.CANCELED
    assert (await opened.catalogue.offer(CRM)).preview_version is None
    await refused(opened.publication.go_live(CRM, by="test"), ProblemType.NOT_POSSIBLE_NOW)


async def test_an_operator_certifies(database_url: str, authority: Authority) -> None:
    async with market(database_url, authority, by_operator=True) as opened:
        await opened.define()
        await opened.connect()
        operation = await opened.published()
        assert statuses(operation)[1] is StepStatus.WAITING_FOR_APPROVAL
        problem = await refused(opened.publication.certify(CRM, approved=False, by="op"), ProblemType.INVALID_REQUEST)
        assert [error.field for error in problem.errors] == ["message"]
        await opened.publication.certify(CRM, approved=False, message="The name is another's.", by="op")
        operation = await opened.worked()
        assert (operation.state, statuses(operation)[1]) == (OperationState.FAILED, StepStatus.REJECTED)
        assert "The name is another's." in summary(operation, StepId.CERTIFICATION)
        await opened.published()
        await opened.publication.certify(CRM, approved=True, by="op")
        assert (await opened.worked()).state is OperationState.COMPLETED
        await refused(opened.publication.certify(CRM, approved=True, by="op"), ProblemType.NOT_POSSIBLE_NOW)


async def test_nothing_goes_live_on_a_connection_that_took_no_test_lead(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    await opened.published()
    await opened.connect(opened.other.settings)
    assert not (await opened.connections.list(CRM))[0].proven
    opened.other.manner = answer(403)
    await opened.publication.go_live(CRM, by="test")
    operation = await opened.worked()
    assert (operation.state, statuses(operation)) == (OperationState.FAILED, [C, C, C, C, C, B])
    assert not (await opened.catalogue.offer(CRM)).live
    opened.other.manner = answer(200)
    await opened.publication.go_live(CRM, by="test")
    assert (await opened.worked()).state is OperationState.COMPLETED
    assert (await opened.connections.list(CRM))[0].proven


async def test_a_new_connection_between_preview_and_live_is_proven_too(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    await opened.published()
    await opened.connect(opened.other.settings, "second")
    opened.other.manner = commit_then_drop
    await opened.publication.go_live(CRM, by="test")
    assert (await opened.worked()).state is OperationState.FAILED
    await opened.connections.remove(CRM, "second", by="test")
    await opened.publication.go_live(CRM, by="test")
    assert (await opened.worked()).state is OperationState.COMPLETED


async def test_the_last_destination_goes_only_between_preview_and_live(opened: Market) -> None:
    await opened.define()
    await opened.connect()
    await opened.published()
    await opened.connections.remove(CRM, "primary", by="test")
    await opened.publication.go_live(CRM, by="test")
    operation = await opened.worked()
    assert operation.state is OperationState.FAILED
    assert "leadDestination" in summary(operation, StepId.LIVE)
    assert not (await opened.catalogue.offer(CRM)).live


async def test_a_live_offer_keeps_the_destination_that_its_type_needs(opened: Market) -> None:
    await opened.live()
    await refused(opened.connections.remove(CRM, "primary", by="test"), ProblemType.DESTINATION_REQUIRED)
    none = {"leadDestination": "none"}
    await refused(opened.connections.put(CRM, "primary", none, by="test"), ProblemType.DESTINATION_REQUIRED)
    await opened.connect(opened.other.settings, "second")
    assert await opened.connections.remove(CRM, "primary", by="test")
    assert [each.name for each in await opened.connections.list(CRM)] == ["second"]


async def test_an_unknown_offer_is_said_to_be_so(opened: Market) -> None:
    nowhere = OfferRef("contoso", "nowhere")
    for act in (
        opened.publication.publish(nowhere, by="test"),
        opened.publication.go_live(nowhere, by="test"),
        opened.publication.cancel(nowhere, by="test"),
        opened.publication.status(nowhere),
        opened.publication.operations(nowhere),
    ):
        await refused(act, ProblemType.UNKNOWN_OFFER)


async def test_every_step_is_in_the_audit(opened: Market) -> None:
    await opened.live()
    acts = [row.act for row in await opened.rows(t.audit) if row.who == BY and row.act.startswith("offer.step.")]
    assert acts == [f"offer.step.{id.value}" for id in StepId if id is not StepId.SIGN_OFF]

"""Publishing over a destination that confirms nothing: as the operator's setting says, it waits for somebody's word,
passes with a warning, or passes; and never is a test lead called received. On both databases.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import ValidationError

from leadkeeper.clock import now_ms
from leadkeeper.connections.outbox import OFFER_LIVE, OPERATION_FAILED, PREVIEW_READY
from leadkeeper.mail.address import parse_address
from leadkeeper.notices.composing import compose
from leadkeeper.notices.due import take
from leadkeeper.problem import Problem
from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.steps import OfferStatus, OperationState, StepId, StepStatus
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import answer
from leadkeeper.settings import Settings
from leadkeeper.storage import tables as t
from tests.contracts.honest import claims
from tests.contracts.installation import CRM
from tests.contracts.market import Market, market, statuses, summary

C, R, N, B = StepStatus.COMPLETE, StepStatus.WAITING_FOR_REVIEW, StepStatus.NOT_STARTED, StepStatus.BLOCKED
OPERATION_WAITS = "operationWaits"
NOT_FOUND = "endpointLeadNotFound"


@asynccontextmanager
async def opened(url: str, authority: Authority, policy: str = "warn") -> AsyncIterator[Market]:
    """A marketplace whose remote system only queues, with a draft and a connection to it; to warn is the default."""
    async with market(url, authority, **({} if policy == "warn" else {"unconfirmed": policy})) as made:
        made.remote.manner = answer(202)
        await made.define()
        await made.connect()
        yield made


def findings(m: Market) -> Any:
    """Where somebody says what became of a test lead."""
    from leadkeeper.connections.findings import Findings
    from leadkeeper.publishing.operations import look_again

    return Findings(m.storage, m.connections, goes_on=look_again)


def levels(operation: Operation, step: StepId) -> list[str]:
    """The levels of what a step tells."""
    (found,) = [each for each in operation.steps if each.id is step]
    return [message.level for message in found.messages]


async def kinds(m: Market) -> list[str]:
    """The notices to those who hear of the operation."""
    return [row.kind for row in await m.rows(t.notice) if row.operation_id]


async def mails(m: Market) -> list[str]:
    """The mails to those who hear of the operation, as they are written now."""
    later = now_ms() + 60_000
    dues = [due for due in await m.storage.write(take, later) if due.notices[0].operation_id]
    written = [compose(due, due.left, "https://hub.example", parse_address("leads@hub.example")) for due in dues]
    return [f"{mail['Subject']}\n{mail.get_content()}" for mail in written]


@pytest.mark.parametrize("policy", ["warn", "pass"])
async def test_it_passes_and_says_that_nothing_is_known(database_url: str, authority: Authority, policy: str) -> None:
    async with opened(database_url, authority, policy) as m:
        operation = await m.published()
        assert (operation.state, statuses(operation)) == (OperationState.COMPLETED, [C, C, C, C, R, N])
        message = summary(operation, StepId.PACKAGING)
        assert "was sent, unconfirmed" in message
        assert "MSFT_TEST_" in message
        assert ("warning" in levels(operation, StepId.PACKAGING)) is (policy == "warn")
        await m.publication.go_live(CRM, by="test")
        operation = await m.worked()
        assert (operation.state, statuses(operation)) == (OperationState.COMPLETED, [C] * 6)
        assert len(m.remote.bodies) == 1, "going live asks for no second test lead"
        for step in operation.steps:
            assert claims(summary(operation, step.id)) == []
        (connection,) = await m.connections.list(CRM)
        assert not connection.proven
        assert await kinds(m) == [PREVIEW_READY, OFFER_LIVE]
        mailed = "".join(await mails(m))
        assert claims(mailed) == []
        assert ("sent, unconfirmed" in mailed) is (policy == "warn")


async def test_it_waits_and_goes_on_once_the_test_lead_was_found(database_url: str, authority: Authority) -> None:
    async with opened(database_url, authority, "wait") as m:
        operation = await m.published()
        assert (operation.state, statuses(operation)) == (OperationState.RUNNING, [C, C, C, R, N, N])
        message = summary(operation, StepId.PACKAGING)
        assert "was sent, unconfirmed" in message
        assert claims(message) == []
        assert (await m.publication.status(CRM)).status is OfferStatus.RUNNING
        assert await m.runner.look() == [], "nothing is done meanwhile"
        assert await kinds(m) == [OPERATION_WAITS]
        (mail,) = await mails(m)
        assert "waits for you" in mail
        assert "sent, unconfirmed" in mail
        assert claims(mail) == []
        await findings(m).say(CRM, "primary", found=True, by="key:somebody")
        operation = await m.worked()
        assert (operation.state, statuses(operation)) == (OperationState.COMPLETED, [C, C, C, C, R, N])
        message = summary(operation, StepId.PACKAGING)
        assert "found it" in message
        assert "key:somebody" in message
        assert message.count("was sent, unconfirmed") == 1, "nothing is told twice"
        assert len(m.remote.bodies) == 1
        await m.publication.go_live(CRM, by="test")
        operation = await m.worked()
        assert operation.state is OperationState.COMPLETED
        assert len(m.remote.bodies) == 1
        # Published once more with the same settings: somebody has found a test lead with them.
        await m.define(summary="Customers, kept better.")
        operation = await m.published()
        assert operation.state is OperationState.COMPLETED
        assert len(m.remote.bodies) == 2


async def test_it_fails_with_the_usual_causes_once_it_was_not_found(database_url: str, authority: Authority) -> None:
    async with opened(database_url, authority, "wait") as m:
        await m.published()
        await findings(m).say(CRM, "primary", found=False, by="key:somebody")
        operation = await m.worked()
        assert (operation.state, statuses(operation)) == (OperationState.FAILED, [C, C, C, B, N, N])
        message = summary(operation, StepId.PACKAGING)
        assert f"({NOT_FOUND})" in message
        assert "\n1. " in message
        assert await kinds(m) == [OPERATION_WAITS, OPERATION_FAILED]
        # Fixed, published and found.
        operation = await m.published()
        assert statuses(operation)[3] is R
        await findings(m).say(CRM, "primary", found=True, by="key:somebody")
        assert (await m.worked()).state is OperationState.COMPLETED


@pytest.mark.parametrize("policy", ["warn", "pass"])
async def test_what_was_not_found_does_not_go_live_by_publishing_again(
    database_url: str, authority: Authority, policy: str
) -> None:
    async with opened(database_url, authority, policy) as m:
        await m.published()
        await findings(m).say(CRM, "primary", found=False, by="key:somebody")
        for _ in range(2):
            await m.publication.cancel(CRM, by="test")
            operation = await m.published()
            assert (operation.state, statuses(operation)[3]) == (OperationState.RUNNING, R), "it waits for a word now"
        await findings(m).say(CRM, "primary", found=True, by="key:somebody")
        assert (await m.worked()).state is OperationState.COMPLETED


async def test_while_it_waits_settings_may_change_and_it_may_be_canceled(
    database_url: str, authority: Authority
) -> None:
    async with opened(database_url, authority, "wait") as m:
        await m.published()
        await m.connect(m.other.settings)
        with pytest.raises(Problem):
            await findings(m).say(CRM, "primary", found=True, by="key:somebody")
        await m.connect(m.remote.settings, "second")
        await m.validator.validate(CRM, "second", by="test")
        await findings(m).say(CRM, "second", found=True, by="key:somebody")
        operation = await m.worked()
        assert operation.state is OperationState.COMPLETED, "the other confirms by itself"
        assert len(m.other.bodies) == 1
        await m.publication.cancel(CRM, by="test")
        m.remote.bodies.clear()
        await m.connect(m.remote.settings)
        operation = await m.published()
        assert operation.state is OperationState.RUNNING
        assert (await m.publication.cancel(CRM, by="test")).state is OperationState.CANCELED
        await findings(m).say(CRM, "primary", found=True, by="key:somebody")
        assert await m.runner.look() == []


async def test_two_that_wait_each_need_a_word(database_url: str, authority: Authority) -> None:
    async with opened(database_url, authority, "wait") as m:
        m.other.manner = answer(202)
        await m.connect(m.other.settings, "second")
        await m.published()
        await findings(m).say(CRM, "primary", found=True, by="key:somebody")
        operation = await m.worked()
        assert (operation.state, statuses(operation)[3]) == (OperationState.RUNNING, R)
        await findings(m).say(CRM, "second", found=True, by="key:somebody")
        assert (await m.worked()).state is OperationState.COMPLETED
        assert [len(each.bodies) for each in (m.remote, m.other)] == [1, 1]


async def test_new_settings_of_a_live_offer_wait_for_the_word_too(database_url: str, authority: Authority) -> None:
    async with opened(database_url, authority, "wait") as m:
        m.remote.manner = answer(200)
        await m.published()
        await m.publication.go_live(CRM, by="test")
        await m.worked()
        m.other.manner = answer(202)
        changed = await m.connect(m.other.settings)
        assert changed.change is not None
        for found in (False, True):
            summary_of = await m.validator.validate(CRM, "primary", by="test")
            assert summary_of.ok is None
            (before,) = await m.connections.list(CRM)
            assert (before.change is not None, before.proven) == (True, True)
            after = await findings(m).say(CRM, "primary", found=found, by="key:somebody")
            if found:
                assert (after.change, after.proven) == (None, True)
                assert after.stored.secrets == changed.change.stored.secrets
            else:
                assert after.change is not None
                assert NOT_FOUND in (after.change.diagnosis or "")
                assert not after.health.paused, "the settings in effect go on"


async def test_a_worker_sends_one_test_lead_for_settings_that_wait_for_a_word(
    database_url: str, authority: Authority
) -> None:
    async with opened(database_url, authority, "wait") as m:
        m.remote.manner = answer(200)
        await m.published()
        await m.publication.go_live(CRM, by="test")
        await m.worked()
        m.other.manner = answer(202)
        await m.connect(m.other.settings)
        running = asyncio.create_task(m.worker.run())
        try:
            for _ in range(1_200):
                if m.other.bodies and (await m.connections.list(CRM))[0].test is not None:
                    break
                await asyncio.sleep(0.05)
            await m.storage.write(lambda conn: conn.execute(t.lead.update().values(test=t.lead.c.test)))
        finally:
            await m.worker.stop(5)
            await running
        for seconds in (1, 2, 3):
            await m.kept_house(seconds * 1000)
        assert len(m.other.bodies) == 1


async def test_the_setting_is_one_of_three() -> None:
    assert Settings(_env_file=None).unconfirmed_test_leads == "warn"
    with pytest.raises(ValidationError):
        Settings(unconfirmed_test_leads="perhaps")

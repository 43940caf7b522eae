"""Each event that there is reaches whoever wants it: as a signed webhook, in Teams, in Slack. On both databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.channels.channels import Wanted
from leadkeeper.channels.chat import TOGETHER
from leadkeeper.channels.events import FOR_PEOPLE, ChannelKind, Event
from leadkeeper.channels.subscriptions import Occurrence
from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections import outbox
from leadkeeper.connections.expiry import Ending
from leadkeeper.connections.outage import News
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.diagnosis import Kind, Receipt
from leadkeeper.publishing.operations import NEVER
from leadkeeper.publishing.steps import OperationKind, first_steps, steps_to_json
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, lead
from tests.contracts.receivers import receiving, slack, teams
from tests.contracts.telling_channels import Telling, telling
from tests.contracts.test_channels import PERSONAL, noticed, types


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Telling]:
    async with telling(database_url) as made:
        made.house.now = now_ms()  # the library that checks signatures takes no others
        yield made


async def notices(opened: Telling) -> None:
    """What people are told by mail of a connection and an offer, one notice for each event."""
    connection, now = await opened.house.connect(), opened.house.now
    over = OutageNews(News.OVER, Kind.SERVER_ERROR, "server", now - 60_000, now)
    operation = new_id()
    row: dict[str, Any] = {"id": operation, "offer_ref": str(CRM), "kind": "goLive", "version": 1, "state": "completed"}
    row |= {"steps": steps_to_json(first_steps(OperationKind.GO_LIVE, now)), "emails": "[]", "started_by": "test"}
    row |= {"created_at": now, "changed_at": now, "due_at": NEVER}
    await opened.house.storage.write(lambda conn: conn.execute(sa.insert(t.operation).values(row)).rowcount)
    for each in (
        outbox.connection_paused(connection.id, to_stored(diagnose(Kind.CREDENTIALS_REJECTED)), now),
        outbox.outage(connection.id, over, now),
        outbox.connection_expires(connection.id, Ending("2026-12-24", 7).to_text(), now),
        outbox.operation_notice(operation, outbox.OFFER_LIVE, now),
        outbox.operation_notice(operation, outbox.OPERATION_FAILED, now),
    ):
        await opened.house.storage.write(noticed, each)
    data = {"cause": "leadsRefused", "offerId": "crm-pro", "connection": "primary", "leads": 2}
    told = [Occurrence(event, "contoso", data) for event in (Event.ATTENTION_NEEDED, Event.ATTENTION_OVER)]
    await opened.house.storage.write(opened.channels.subscriptions.write, told, now)


async def test_a_webhook_is_told_every_event_there_is(opened: Telling) -> None:
    async with receiving() as receiver:
        await opened.webhook(receiver)
        await notices(opened)
        await opened.intake.keep(lead())
        await opened.answered(Receipt())
        await opened.intake.keep(lead())
        await opened.answered(diagnose(Kind.LEAD_REFUSED))
        student = lead(1)
        await opened.intake.keep(replace(student, customer=replace(student.customer, email="ada1@college.edu")))
        await opened.house.connections.pause(CRM, "primary", by="test")
        await opened.intake.keep(lead(2))
        await opened.carrier.look()
        assert receiver.refused == []
        assert set(types(receiver)) == {each.value for each in Event}
        assert [word for word in PERSONAL if word in json.dumps(receiver.taken)] == []


@pytest.mark.parametrize(("kind", "check"), [(ChannelKind.TEAMS, teams), (ChannelKind.SLACK, slack)])
async def test_a_chat_is_told_each_event_for_people(opened: Telling, kind: ChannelKind, check: Any) -> None:
    """One channel for each event, so that what each message says is its own."""
    assert TOGETHER > 1
    for event in FOR_PEOPLE:
        async with receiving(check) as receiver:
            made = await opened.channels.create("contoso", Wanted(kind, "Sales", receiver.url, (event.value,)), by="t")
            await notices(opened)
            await opened.intake.keep(lead())
            await opened.carrier.look()
            assert (event, receiver.refused, receiver.calls) == (event, [], 1)
            text = json.dumps(receiver.taken)
            assert "crm-pro" in text
            assert [word for word in PERSONAL if word in text] == []
            await opened.channels.remove("contoso", made.id, by="t")

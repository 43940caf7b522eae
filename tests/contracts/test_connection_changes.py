"""New settings of a published offer's connection take effect once they are proven; a repair at once. Both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from leadkeeper.connections.last_test import LastTest
from leadkeeper.connections.outbox import CHANGE_REFUSED
from leadkeeper.connections.validation_texts import change_text
from leadkeeper.connections.vault import Vault, new_secret_key
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import Kind
from leadkeeper.doors.portal.connections.lines import _line
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import answer
from leadkeeper.storage import tables as t
from leadkeeper.texts import ENGLISH
from tests.contracts.cases.salesforce import WEB_SETTINGS
from tests.contracts.installation import CRM, KEY, lead
from tests.contracts.market import Market, RemoteSide, market
from tests.languages import PORTUGUESE


@pytest.fixture
async def opened(database_url: str, authority: Authority) -> AsyncIterator[Market]:
    async with market(database_url, authority) as made:
        await made.live()
        made.remote.bodies.clear()
        yield made


@asynccontextmanager
async def carrying(opened: Market) -> AsyncIterator[None]:
    """A worker runs meanwhile."""
    running = asyncio.create_task(opened.worker.run())
    try:
        yield
    finally:
        await opened.worker.stop(5)
        await running


async def until(holds: object, seconds: float = 90) -> None:
    """Wait until ``holds()`` answers true."""
    for _ in range(int(seconds / 0.02)):
        if await holds():  # type: ignore[operator]
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"not reached in {seconds} s")


def leads_at(remote: RemoteSide) -> list[str]:
    """The customers that arrived, test leads aside."""
    bodies: list[Mapping] = [json.loads(body) for body in remote.bodies]
    return [body["UserDetails"]["Email"] for body in bodies if not body["IsTest"]]


async def test_new_settings_wait_until_a_test_lead_arrives_with_them(opened: Market) -> None:
    changed = await opened.connect(opened.other.settings)
    assert changed.change is not None
    assert changed.proven
    assert changed.stored.secrets["httpsEndpointUrl"] != changed.change.stored.secrets["httpsEndpointUrl"]
    async with carrying(opened):
        await opened.intake.keep(lead(1))
        opened.worker.wake()
        await until(lambda: _true(leads_at(opened.remote) == ["ada1@contoso.example"]))
        assert leads_at(opened.other) == []
        found = await opened.validator.validate(CRM, "primary", by="test")
        assert found.ok
        assert len(opened.other.bodies) == 1
        (now,) = await opened.connections.list(CRM)
        assert (now.change, now.proven) == (None, True)
        await opened.intake.keep(lead(2))
        opened.worker.wake()
        await until(lambda: _true(leads_at(opened.other) == ["ada2@contoso.example"]))
    assert leads_at(opened.remote) == ["ada1@contoso.example"]


async def _true(value: bool) -> bool:
    return value


async def test_settings_that_fail_leave_those_in_effect(opened: Market) -> None:
    opened.other.manner = answer(403)
    await opened.connect(opened.other.settings)
    found = await opened.validator.validate(CRM, "primary", by="test")
    assert not found.ok
    (connection,) = await opened.connections.list(CRM)
    assert connection.change is not None
    assert Kind.PERMISSION_MISSING.value in (connection.change.diagnosis or "")
    assert connection.proven
    assert not connection.health.paused
    assert [row.kind for row in await opened.rows(t.notice) if row.connection_id] == [CHANGE_REFUSED]
    async with carrying(opened):
        await opened.intake.keep(lead(1))
        opened.worker.wake()
        await until(lambda: _true(leads_at(opened.remote) == ["ada1@contoso.example"]))
    assert leads_at(opened.other) == []


async def test_settings_that_nobody_validates_are_validated_by_a_worker(opened: Market) -> None:
    await opened.connect(opened.other.settings)
    async with carrying(opened):

        async def promoted() -> bool:
            return (await opened.connections.list(CRM))[0].change is None

        await until(promoted)
    assert len(opened.other.bodies) == 1
    assert (await opened.connections.list(CRM))[0].proven


async def test_a_worker_tries_settings_that_fail_once(opened: Market) -> None:
    opened.other.manner = answer(403)
    await opened.connect(opened.other.settings)
    async with carrying(opened):

        async def refused() -> bool:
            change = (await opened.connections.list(CRM))[0].change
            return change is not None and change.diagnosis is not None

        await until(refused)
    for seconds in (1, 2, 3):
        await opened.kept_house(seconds * 1000)
    assert len(opened.other.bodies) == 1


async def test_an_older_test_does_not_promote_newer_settings(opened: Market) -> None:
    asked, gate = asyncio.Event(), asyncio.Event()

    async def slowly(exchange: object) -> None:
        asked.set()
        await gate.wait()
        await answer(200)(exchange)  # type: ignore[arg-type]

    opened.other.manner = slowly
    await opened.connect(opened.other.settings)
    validating = asyncio.create_task(opened.validator.validate(CRM, "primary", by="test"))
    await asyncio.wait_for(asked.wait(), 60)
    newer = {**opened.other.settings}
    newer["httpsEndpointLeadConfiguration"] = {
        **opened.other.settings["httpsEndpointLeadConfiguration"],  # type: ignore[dict-item]
        "keyCasing": "camel",
    }
    await opened.connect(newer)
    gate.set()
    found = await validating
    assert not found.ok
    assert found.checks[-1].name == "settings"
    (connection,) = await opened.connections.list(CRM)
    assert connection.change is not None
    assert connection.change.stored.settings["keyCasing"] == "camel"
    assert connection.stored.settings["keyCasing"] == "pascal"
    assert connection.proven


async def test_unasked_nothing_lifts_a_person_s_pause(opened: Market) -> None:
    await opened.connect(opened.other.settings)
    paused = await opened.connections.pause(CRM, "primary", by="test")
    assert paused.change is not None
    async with carrying(opened):

        async def promoted() -> bool:
            return (await opened.connections.list(CRM))[0].change is None

        await until(promoted)
    assert (await opened.connections.list(CRM))[0].health.paused_by_person


async def test_the_page_says_when_settings_take_effect_and_where_their_test_lead_went(opened: Market) -> None:
    changed = await opened.connect({"leadDestination": "salesforce", "salesforceLeadConfiguration": WEB_SETTINGS})
    assert changed.change is not None
    sent = replace(changed, test=LastTest("1", "MSFT_TEST_1", 0, False, changed.change.sealed))
    shown = _line(sent, 0, ENGLISH, 0, waits_for_word=True)
    assert "over Salesforce" in shown.word
    assert "or somebody says that it was found" in shown.waits
    assert "once a test lead is taken" in _line(sent, 0, ENGLISH, 0, waits_for_word=False).waits
    before = replace(changed, test=LastTest("1", "MSFT_TEST_1", 0, False))
    assert "over HTTPS endpoint" in _line(before, 0, ENGLISH, 0, waits_for_word=True).word
    assert "ou alguém disser" in change_text(OURS.named("salesforce"), PORTUGUESE, waits_for_word=True)
    assert "for aceito" in change_text(OURS.named("azure_table"), PORTUGUESE, waits_for_word=True), "it confirms"


async def test_a_repair_takes_effect_at_once(opened: Market) -> None:
    await opened.connect(opened.other.settings)
    await opened.storage.write(lambda conn: conn.execute(sa.update(t.connection).values(paused=True)))
    repaired = await opened.connect(opened.other.settings)
    assert (repaired.change, repaired.health.paused, repaired.proven) == (None, False, False)
    assert await opened.rows(t.connection_change) == []


async def test_who_is_told_changes_at_once(opened: Market) -> None:
    settings = {**opened.remote.settings}
    settings["httpsEndpointLeadConfiguration"] = {
        **settings["httpsEndpointLeadConfiguration"],  # type: ignore[dict-item]
        "signingSecret": "*********",
        "contactEmail": ["sales@contoso.example"],
    }
    await opened.connect(opened.other.settings)
    changed = await opened.connect(settings)
    assert (changed.change, changed.proven, changed.stored.announces) == (None, True, "each")
    assert changed.stored.settings["contactEmail"] == ["sales@contoso.example"]


async def test_a_mask_keeps_the_secret_that_waits(opened: Market) -> None:
    first = await opened.connect(opened.other.settings)
    assert first.change is not None
    masked = {
        "leadDestination": "httpsEndpoint",
        "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": "*********", "keyCasing": "camel"},
    }
    second = await opened.connect(masked)
    assert second.change is not None
    assert second.change.stored.secrets["httpsEndpointUrl"] == first.change.stored.secrets["httpsEndpointUrl"]


async def test_new_settings_can_be_forgotten(opened: Market) -> None:
    await opened.connect(opened.other.settings)
    assert await opened.connections.drop_change(CRM, "primary", by="test")
    assert not await opened.connections.drop_change(CRM, "primary", by="test")
    assert (await opened.connections.list(CRM))[0].change is None


async def test_an_offer_that_was_never_published_changes_at_once(opened: Market) -> None:
    await opened.storage.write(lambda conn: conn.execute(sa.update(t.offer).values(production_version=None)))
    changed = await opened.connect(opened.other.settings)
    assert (changed.change, changed.proven) == (None, False)


def with_keys(opened: Market, vault: Vault) -> None:
    """As if the program had been started anew with other keys."""
    opened.connections._vault = opened.connections._rows._vault = vault


async def test_a_new_key_covers_what_waits(opened: Market) -> None:
    before = await opened.connect(opened.other.settings)
    assert before.change is not None
    new = new_secret_key()
    with_keys(opened, Vault([new, KEY]))
    assert await opened.connections.rotate_secrets() == 1
    with_keys(opened, Vault([new]))
    assert await opened.connections.unreadable() == []
    (after,) = await opened.connections.list(CRM)
    assert after.change is not None
    assert after.change.stored == before.change.stored
    with_keys(opened, Vault([new_secret_key()]))
    assert await opened.connections.unreadable() == ["contoso.crm-pro/primary"]


async def test_no_lead_is_lost_or_doubled_while_lines_change(opened: Market) -> None:
    async with carrying(opened):
        for number in range(60):
            await opened.intake.keep(lead(number))
            if number % 15 == 0:
                remote = opened.other if number % 30 == 0 else opened.remote
                await opened.connect(remote.settings)
                await opened.validator.validate(CRM, "primary", by="test")

        async def all_there() -> bool:
            opened.worker.wake()
            return len(leads_at(opened.remote)) + len(leads_at(opened.other)) >= 60

        await until(all_there)
    arrived = [*leads_at(opened.remote), *leads_at(opened.other)]
    assert sorted(arrived) == sorted({f"ada{number}@contoso.example" for number in range(60)})

"""Channels: signed webhooks, Teams and Slack, over both databases and real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.channels import carrier
from leadkeeper.channels.carrier import HELD_MS
from leadkeeper.channels.channels import OVERLAP_MS, Wanted
from leadkeeper.channels.events import ChannelKind, Event
from leadkeeper.channels.rules import DAY
from leadkeeper.clock import now_ms
from leadkeeper.connections.outbox import connection_paused
from leadkeeper.connections.rotation import rotate
from leadkeeper.connections.vault import Vault, channel_row, new_secret_key
from leadkeeper.diagnosis import Kind, Receipt
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, KEY, lead
from tests.contracts.receivers import Receiver, receiving, signed_with, slack, teams
from tests.contracts.telling_channels import Telling, telling

PERSONAL = ("Ada ", "Lovelace", "ada0", "15550100", "contoso.example")


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Telling]:
    async with telling(database_url) as made:
        yield made


def noticed(conn: sa.Connection, row: dict[str, Any]) -> None:
    """Write a notice."""
    conn.execute(sa.insert(t.notice).values(row))


def types(receiver: Receiver) -> Sequence[str]:
    return [body["type"] for body in receiver.taken]


async def test_a_leads_way_is_told_signed_and_without_anything_personal(opened: Telling) -> None:
    async with receiving() as receiver:
        # The signature's time is the moment of the test, so that the library takes it.

        opened.house.now = now_ms()
        await opened.webhook(receiver)
        await opened.house.connect()
        await opened.house.connect("second")
        kept = await opened.intake.keep(lead())
        await opened.answered(Receipt(), diagnose(Kind.LEAD_REFUSED))
        await opened.carrier.look()
        assert receiver.refused == []
        assert sorted(types(receiver)) == ["lead.delivered", "lead.received", "lead.set_aside"]
        by_type = {body["type"]: body for body in receiver.taken}
        assert set(by_type["lead.received"]) == {"type", "timestamp", "data"}
        assert by_type["lead.received"]["data"] == {
            "publisherId": "contoso",
            "leadId": kept.id,
            "offerId": "crm-pro",
            "source": "AzureMarketplace",
            "action": "INS",
            "test": False,
        }
        assert by_type["lead.delivered"]["data"]["receipt"] == "confirmed"
        assert by_type["lead.set_aside"]["data"]["cause"] == "refused"
        assert {by_type[each]["data"]["leadId"] for each in ("lead.delivered", "lead.set_aside")} == {kept.id}
        assert len(set(receiver.ids)) == 3
        text = json.dumps(receiver.taken)
        assert [word for word in PERSONAL if word in text] == []
        await opened.carrier.look()
        assert receiver.calls == 3


async def test_withheld_and_held_leads_are_told(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.check = lambda _headers, _body: ""
        wanted = Wanted(ChannelKind.WEBHOOK, "Ours", receiver.url)
        await opened.channels.create("contoso", wanted, by="test")
        await opened.house.connect()
        await opened.house.connections.pause(CRM, "primary", by="test")
        await opened.intake.keep(lead())

        new = lead(1)
        await opened.intake.keep(replace(new, customer=replace(new.customer, email="ada@uni.edu")))
        await opened.carrier.look()
        assert sorted(types(receiver)) == ["lead.held", "lead.received", "lead.withheld"]
        (held,) = [body["data"] for body in receiver.taken if body["type"] == "lead.held"]
        assert (held["connection"], held["cause"]) == ("primary", "connectionAtRest")


async def test_a_repeated_lead_is_told_once_and_one_that_was_not_kept_never(opened: Telling) -> None:
    async with receiving() as receiver:
        wanted = Wanted(ChannelKind.WEBHOOK, "Ours", receiver.url, ("lead.received",))
        await opened.channels.create("contoso", wanted, by="test")
        for _ in range(3):
            await opened.intake.keep(lead(key="same"))
        with pytest.raises(Problem):
            await opened.intake.keep(lead(4, key="same"))
        await opened.carrier.look()
        assert types(receiver) == ["lead.received"]


async def test_only_who_wants_it_is_told_and_the_operator_of_all(opened: Telling) -> None:
    await opened.house.catalogue.put_publisher("fabrikam", "Fabrikam", by="test")
    async with receiving() as mine, receiving() as theirs, receiving() as operators:
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", mine.url, ("lead.held",)), by="t")
        await opened.channels.create("fabrikam", Wanted(ChannelKind.WEBHOOK, "b", theirs.url), by="t")
        await opened.channels.create(None, Wanted(ChannelKind.WEBHOOK, "c", operators.url), by="t")
        await opened.intake.keep(lead())
        await opened.carrier.look()
        assert (mine.calls, theirs.calls, types(operators)) == (0, 0, ["lead.received"])


async def test_without_a_channel_a_lead_writes_nothing_more(opened: Telling) -> None:
    await opened.house.catalogue.put_publisher("fabrikam", "Fabrikam", by="test")
    await opened.channels.create("fabrikam", Wanted(ChannelKind.WEBHOOK, "b", "https://x.example/"), by="t")
    await opened.house.connect()
    await opened.intake.keep(lead())
    await opened.answered(Receipt())
    assert await opened.house.count(t.channel_event) == 0


async def test_what_is_not_taken_is_sent_again_with_the_same_id_and_body(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.check = lambda _headers, _body: ""
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        receiver.status = 500
        await opened.intake.keep(lead())
        await opened.carrier.look()
        await opened.carrier.look()
        assert receiver.calls == 1, "it waits"
        (channel,) = await opened.channels.list("contoso")
        assert (channel.state, channel.waiting) == ("failing", 1)
        assert channel.trouble is not None
        assert channel.trouble.evidence.status == 500
        receiver.status = 200
        opened.house.now += 5_000
        await opened.carrier.look()
        assert types(receiver) == ["lead.received"]
        (channel,) = await opened.channels.list("contoso")
        assert (channel.state, channel.waiting, channel.trouble) == ("working", 0, None)
        (event,) = await opened.channels.events("contoso", channel.id)
        assert (event.state, event.tries, event.status, event.id) == ("taken", 2, 200, receiver.ids[0])


async def test_a_channel_that_fails_rests_and_is_tried_with_one_event(opened: Telling) -> None:
    async with receiving() as receiver:
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        receiver.status = 500
        for number in range(20):
            await opened.intake.keep(lead(number))
        await opened.carrier.look()
        assert receiver.calls == 4, "those that were under way together"
        for _ in range(3):
            await opened.carrier.look()
        assert receiver.calls == 4
        opened.house.now += 90_000
        await opened.carrier.look()
        assert receiver.calls == 5
        receiver.status = 200
        opened.house.now += DAY
        for _ in range(3):
            await opened.carrier.look()
        assert len(set(receiver.ids)) == 20


async def test_many_events_go_out_at_one_look(opened: Telling) -> None:
    async with receiving() as receiver:
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        await opened.intake.keep_many([lead(number) for number in range(350)])
        await opened.carrier.look()
        assert len(set(receiver.ids)) == 350


async def test_a_worker_that_vanished_leaves_its_channel_to_another(opened: Telling) -> None:
    async with receiving() as receiver:
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        await opened.intake.keep(lead())

        (row,) = await opened.house.storage.read(carrier._due, opened.house.now)
        assert await opened.house.storage.write(carrier._take, row.id, row.due_at, opened.house.now)
        assert not await opened.house.storage.write(carrier._take, row.id, row.due_at, opened.house.now)
        await opened.carrier.look()
        assert receiver.calls == 0
        opened.house.now += HELD_MS
        await opened.carrier.look()
        assert receiver.calls == 1


async def test_a_new_secret_signs_at_once_and_the_old_one_for_a_day(opened: Telling) -> None:

    opened.house.now = now_ms()
    async with receiving() as receiver:
        channel_id, old = await opened.webhook(receiver)
        new = await opened.channels.rotate("contoso", channel_id, by="t")
        assert new != old
        for secret in (old, new):
            receiver.check = signed_with(secret)
            await opened.channels.test("contoso", channel_id, by="t")
            await opened.carrier.look()
        assert (receiver.refused, types(receiver)) == ([], ["channel.test", "channel.test"])
        assert len(receiver.heads[0]["webhook-signature"].split()) == 2
        receiver.check = lambda _headers, _body: ""
        opened.house.now += OVERLAP_MS
        await opened.channels.test("contoso", channel_id, by="t")
        await opened.carrier.look()
        assert len(receiver.heads[-1]["webhook-signature"].split()) == 1


@pytest.mark.parametrize(("kind", "check"), [(ChannelKind.TEAMS, teams), (ChannelKind.SLACK, slack)])
async def test_chats_are_told_in_one_message_what_people_are_told(
    opened: Telling, kind: ChannelKind, check: Any
) -> None:
    async with receiving(check) as receiver:
        made = await opened.channels.create("contoso", Wanted(kind, "Sales", receiver.url, language="pt"), by="t")
        assert made.secret is None
        for name in ("primary", "second"):
            connection = await opened.house.connect(name)
            row = connection_paused(connection.id, to_stored(diagnose(Kind.CREDENTIALS_REJECTED)), opened.house.now)
            await opened.house.storage.write(noticed, row)
        await opened.intake.keep(lead())
        await opened.carrier.look()
        assert (receiver.refused, receiver.calls) == ([], 1)
        text = json.dumps(receiver.taken, ensure_ascii=False)
        assert "second" in text
        assert "portal/offers/contoso/crm-pro" in text
        assert "webhook-signature" not in {name.lower() for name in receiver.heads[0]}
        assert [word for word in PERSONAL if word in text] == []
        with pytest.raises(Problem):
            await opened.channels.rotate("contoso", made.id, by="t")


async def test_a_notice_is_relayed_once_whoever_gets_its_mail(opened: Telling) -> None:
    async with receiving() as receiver:
        wanted = Wanted(ChannelKind.WEBHOOK, "a", receiver.url, (Event.CONNECTION_BROKEN.value,))
        await opened.channels.create("contoso", wanted, by="t")
        connection = await opened.house.connect()
        row = connection_paused(connection.id, to_stored(diagnose(Kind.ENDPOINT_GONE)), opened.house.now)
        await opened.house.storage.write(noticed, row)
        await opened.carrier.look()
        await opened.carrier.look()
        assert types(receiver) == ["connection.broken"]
        data = receiver.taken[0]["data"]
        assert (data["publisherId"], data["offerId"], data["connection"]) == ("contoso", "crm-pro", "primary")
        assert data["cause"] == "endpointGone"


@pytest.mark.parametrize(
    "address",
    ["http://leads.example/x", "https://user@leads.example/x", "https://10.0.0.1/x", "https://169.254.169.254/x", "x"],
)
async def test_addresses_that_may_not_be_sent_to_are_refused(opened: Telling, address: str) -> None:
    with pytest.raises(Problem) as refused:
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", address), by="t")
    assert refused.value.type is ProblemType.INVALID_REQUEST
    assert await opened.house.count(t.channel) == 0


async def test_the_address_and_the_secret_are_sealed_and_renewed_with_the_key(opened: Telling) -> None:

    async with receiving() as receiver:
        channel_id, secret = await opened.webhook(receiver)
    rows = await opened.house.storage.read(lambda conn: conn.execute(sa.select(t.channel)).all())
    assert secret not in str(rows)
    assert "verysecret" not in str(rows)
    newer = new_secret_key()
    await opened.house.storage.write(rotate, Vault([newer, KEY]), now_ms())
    sealed = await opened.house.storage.read(lambda conn: conn.scalar(sa.select(t.channel.c.sealed)))
    assert Vault([newer]).open(sealed or "", channel_row(channel_id))["secret"] == secret

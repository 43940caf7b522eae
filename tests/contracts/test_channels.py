"""Channels: signed webhooks, Teams and Slack, over both databases and real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.channels import carrier, channels
from leadkeeper.channels.carrier import HELD_MS, ChannelCarrier
from leadkeeper.channels.channels import OVERLAP_MS, Channel, Channels, Wanted
from leadkeeper.channels.events import ChannelKind, Event
from leadkeeper.channels.rules import DAY, MOST_WAITING, OFF_AFTER, WhyOff
from leadkeeper.channels.subscriptions import Subscriptions
from leadkeeper.clock import now_ms
from leadkeeper.connections.outbox import connection_paused
from leadkeeper.connections.rotation import rotate
from leadkeeper.connections.vault import Vault, channel_row, new_secret_key
from leadkeeper.delivery.claim import claim
from leadkeeper.delivery.lease import open_lease
from leadkeeper.delivery.record import record_answers
from leadkeeper.diagnosis import Answer, Kind, Receipt
from leadkeeper.intake.keep import Intake
from leadkeeper.languages import installed
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.privacy.withholding import Withholding
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, KEY, TestInstallation, furnished, lead, sent
from tests.contracts.receivers import Receiver, receiving, signed_with, slack, teams

PERSONAL = ("Ada ", "Lovelace", "ada0", "15550100", "contoso.example")


@dataclass
class Telling:
    """Channels over an installation, with what carries their events."""

    house: TestInstallation
    channels: Channels
    carrier: ChannelCarrier
    intake: Intake
    network: Network

    async def webhook(self, receiver: Receiver, *events: str, publisher_id: str | None = "contoso") -> tuple[str, str]:
        """A webhook to ``receiver``, which checks its signatures: its id and secret."""
        wanted = Wanted(ChannelKind.WEBHOOK, "Ours", receiver.url, events)
        made = await self.channels.create(publisher_id, wanted, by="test")
        assert made.secret is not None
        receiver.check = signed_with(made.secret)
        return made.id, made.secret

    def bounded(self, most: int) -> Telling:
        """The same channels, of which each may let so few events wait."""
        made = channels_of(self.house, self.network, self.channels.subscriptions, most)
        return replace(self, channels=made, carrier=carrier_of(self.house, self.network, made))

    async def look(self) -> Channel:
        """Send what is due; how Contoso's only channel then stands."""
        await self.carrier.look()
        (channel,) = await self.channels.list("contoso")
        return channel

    async def answered(self, *answers: Answer) -> None:
        """Claim what is due and write down these answers, in the order of the claim."""
        now = self.house.now
        lease = await self.house.storage.write(open_lease, now + 60_000, now)
        works = await self.house.storage.write(claim, lease, {}, lambda _: 100, now, None)
        found = [(work, each) for work in works for each in work.claimed]
        sends = [sent(work, each, lease, answer, now) for (work, each), answer in zip(found, answers, strict=True)]
        sends = [replaced(one) for one in sends]
        await self.house.storage.write(record_answers, sends, now, 0.5, self.channels.subscriptions)


def replaced(one: Any) -> Any:
    """As the worker writes it: with its publisher."""

    return replace(one, publisher_id="contoso")


def channels_of(
    house: TestInstallation, network: Network, subscriptions: Subscriptions, most: int = MOST_WAITING
) -> Channels:
    return Channels(house.storage, Vault([KEY]), network.check_url, subscriptions, house.clock, most_waiting=most)


def carrier_of(house: TestInstallation, network: Network, made: Channels) -> ChannelCarrier:
    return ChannelCarrier(house.storage, made, network, "https://leads.example", installed(), house.clock, lambda: 0.5)


@asynccontextmanager
async def telling(url: str) -> AsyncIterator[Telling]:
    async with furnished(url) as house:
        network = Network(NetworkPolicy(allow_addresses=(ip_network("127.0.0.1/32"),)))
        made = channels_of(house, network, Subscriptions())
        carries = carrier_of(house, network, made)
        withholding = Withholding.parse(".edu")
        intake = Intake(house.storage, clock=house.clock, withholding=withholding, subscriptions=made.subscriptions)
        try:
            yield Telling(house, made, carries, intake, network)
        finally:
            await network.aclose()


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


async def test_a_channel_that_is_gone_is_switched_off_until_somebody_switches_it_on(opened: Telling) -> None:
    async with receiving() as receiver:
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        receiver.status = 410
        await opened.intake.keep(lead())
        await opened.carrier.look()
        (channel,) = await opened.channels.list("contoso")
        assert (channel.state, channel.off) == ("off", WhyOff.GONE)
        await opened.intake.keep(lead(1))
        assert (await opened.channels.list("contoso"))[0].waiting == 1, "nothing is written for one that is off"
        with pytest.raises(Problem):
            await opened.channels.test("contoso", made.id, by="t")
        receiver.status = 200
        await opened.channels.switch_on("contoso", made.id, by="t")
        await opened.carrier.look()
        assert types(receiver) == ["lead.received"]


async def test_a_channel_that_takes_less_than_comes_is_switched_off_before_it_fills_the_disk(
    opened: Telling,
) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(12):
            await opened.intake.keep(lead(number))
        channel = await opened.bounded(10).look()
        assert (channel.state, channel.off) == ("off", WhyOff.TOO_MANY_WAIT)
        await opened.intake.keep(lead(99))
        assert (await opened.channels.list("contoso"))[0].waiting == 12


async def test_a_channel_that_is_switched_on_again_is_let_catch_up(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        await opened.intake.keep_many([lead(number) for number in range(400)])
        bounded = opened.bounded(250)
        assert (await bounded.look()).state == "off"
        receiver.status = 200
        await bounded.channels.switch_on("contoso", made.id, by="t")
        channel = await bounded.look()
        assert (channel.state, channel.waiting, channel.off) == ("working", 0, None)
        assert len(set(receiver.ids)) == 400
        assert await may_wait(opened) is None, "as many as usual once it has caught up"


async def test_a_channel_that_is_switched_on_and_takes_less_than_comes_is_switched_off_again(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(15):
            await opened.intake.keep(lead(number))
        bounded = opened.bounded(10)
        await bounded.look()
        await bounded.channels.switch_on("contoso", made.id, by="t")
        assert await may_wait(opened) == 16
        assert (await bounded.look()).state == "failing", "no more wait than did when it was switched on"
        for number in range(2):
            await opened.intake.keep(lead(100 + number))
        opened.house.now += DAY
        channel = await bounded.look()
        assert (channel.state, channel.off, channel.waiting) == ("off", WhyOff.TOO_MANY_WAIT, 17)


async def test_what_a_channel_may_let_wait_becomes_less_with_what_waits(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(18):
            await opened.intake.keep(lead(number))
        bounded = opened.bounded(10)
        await bounded.look()
        await bounded.channels.switch_on("contoso", made.id, by="t")
        taken, receiver.status = receiver.calls + 4, 200
        receiver.check = lambda _headers, _body: "" if receiver.calls <= taken else "full"
        channel = await bounded.look()
        assert (channel.state, channel.waiting, await may_wait(opened)) == ("failing", 14, 15)


async def test_more_than_a_channel_could_catch_up_with_are_not_let_wait(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(12):
            await opened.intake.keep(lead(number))
        bounded = opened.bounded(5)
        await bounded.look()
        with pytest.raises(Problem, match="More than 10 events wait") as refused:
            await bounded.channels.switch_on("contoso", made.id, by="t")
        assert refused.value.type is ProblemType.NOT_POSSIBLE_NOW
        assert (await opened.channels.list("contoso"))[0].state == "off"


async def test_switching_a_channel_on_touches_what_was_put_off_alone(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(12):
            await opened.intake.keep(lead(number))
        came = opened.house.now
        await opened.bounded(10).look()
        opened.house.now += 1_000
        await opened.channels.switch_on("contoso", made.id, by="t")
        e = t.channel_event.c
        due = await opened.house.storage.read(lambda conn: conn.scalars(sa.select(e.due_at).order_by(e.due_at)).all())
        assert due == [came] * 8 + [came + 1_000] * 4, "four were tried and put off"


async def test_what_waits_for_a_channel_that_is_removed_is_forgotten_in_steps(
    opened: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "FORGOTTEN_AT_ONCE", 5)
    made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", "https://x.example/"), by="t")
    for number in range(12):
        await opened.intake.keep(lead(number))
    await opened.channels.remove("contoso", made.id, by="t")
    assert (await opened.house.count(t.channel_event), await opened.house.count(t.channel)) == (0, 0)
    with pytest.raises(Problem):
        await opened.channels.remove("contoso", made.id, by="t")


async def may_wait(opened: Telling) -> int | None:
    return await opened.house.storage.read(lambda conn: conn.scalar(sa.select(t.channel.c.may_wait)))


async def test_many_events_go_out_at_one_look(opened: Telling) -> None:
    async with receiving() as receiver:
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        await opened.intake.keep_many([lead(number) for number in range(350)])
        await opened.carrier.look()
        assert len(set(receiver.ids)) == 350


async def test_events_that_nobody_takes_are_given_up_and_the_channel_switched_off(opened: Telling) -> None:
    async with receiving() as receiver:
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        receiver.status = 500
        await opened.intake.keep(lead())
        while opened.house.now < 1_790_000_000_000 + 4 * DAY:
            await opened.carrier.look()
            opened.house.now += DAY // 4
        assert [each.state for each in await opened.channels.events("contoso", made.id)] == ["givenUp"]
        opened.house.now += OFF_AFTER
        await opened.channels.test("contoso", made.id, by="t")
        await opened.carrier.look()
        (channel,) = await opened.channels.list("contoso")
        assert (channel.state, channel.off) == ("off", WhyOff.FAILED)


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

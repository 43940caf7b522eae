"""Channels over an installation, with what carries their events, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

from leadkeeper.channels.carrier import ChannelCarrier
from leadkeeper.channels.channels import Channel, Channels, Wanted
from leadkeeper.channels.events import ChannelKind
from leadkeeper.channels.rules import MOST_WAITING
from leadkeeper.channels.subscriptions import Subscriptions
from leadkeeper.connections.vault import Vault
from leadkeeper.delivery.claim import claim
from leadkeeper.delivery.lease import open_lease
from leadkeeper.delivery.record import record_answers
from leadkeeper.diagnosis import Answer
from leadkeeper.intake.keep import Intake
from leadkeeper.languages import installed
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.privacy.withholding import Withholding
from tests.contracts.installation import KEY, TestInstallation, furnished, sent
from tests.contracts.receivers import Receiver, signed_with


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

"""New addresses of a mail connection take effect with the next lead, whoever holds its adapter. Both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

import sqlalchemy as sa

from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.mail.address import MailAddress
from leadkeeper.mail.service import MailService
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, furnished, lead


class Mailer:
    """Takes every mail, and notes to whom it goes."""

    sender = MailAddress("leads", "market.example")

    def __init__(self) -> None:
        self.sent: asyncio.Queue[list[MailAddress]] = asyncio.Queue()

    async def send(self, _message: EmailMessage, to: Sequence[MailAddress]) -> Mapping[MailAddress, None]:
        """Hand over one mail."""
        self.sent.put_nowait(list(to))
        return dict.fromkeys(to)

    async def probe(self) -> None:
        """It is there."""


def by_mail(*addresses: str) -> dict[str, Any]:
    return {"leadDestination": "email", "emailLeadConfiguration": {"contactEmail": list(addresses)}}


async def test_a_lead_goes_to_the_new_address_though_the_adapter_is_open(database_url: str) -> None:
    """It went on to whoever was replaced for as long as leads came."""
    async with furnished(database_url) as home:
        await home.connections.put(CRM, "primary", by_mail("former@contoso.example"), by="test", trusted=True)
        await home.storage.write(_published)
        mail, network = MailService(), Network(NetworkPolicy())
        mail.mailer = mailer = Mailer()  # type: ignore[assignment]
        worker = Worker(home.storage, home.connections, Context(network, mail), clock=home.clock)
        home.intake._woken = home.connections._woken = worker.wake
        running = asyncio.create_task(worker.run())
        try:
            for number, address in enumerate(["former@contoso.example", "new@contoso.example"]):
                await home.connections.put(CRM, "primary", by_mail(address), by="test", trusted=True)
                await home.intake.keep(lead(number))
                async with asyncio.timeout(60):
                    assert [str(each) for each in await mailer.sent.get()] == [address]
        finally:
            await worker.stop(5)
            await running
            await network.aclose()


def _published(conn: sa.Connection) -> None:
    conn.execute(sa.update(t.offer).values(production_version=1, live=True))
    conn.execute(sa.update(t.connection).values(tried=True))

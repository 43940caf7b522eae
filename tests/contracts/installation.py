"""An installation for tests: the services over one database, and the people and offers that most tests need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from leadkeeper.access.quotas import Quotas
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.vault import Vault, new_secret_key
from leadkeeper.delivery.claim import Claimed, Work
from leadkeeper.delivery.sent import Sent
from leadkeeper.diagnosis import Answer
from leadkeeper.intake.keep import Intake
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.lead import Customer
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, open_storage
from leadkeeper.storage.migrate import upgrade

CRM = OfferRef("contoso", "crm-pro")
KEY = new_secret_key()
MANY = Quotas(connections_per_offer=5_000, connections=5_000)
"""An operator's leave: these tests are about other bounds."""


def endpoint(url: str = "https://leads.example/hook") -> dict[str, object]:
    """The settings of an HTTPS endpoint as Microsoft writes them."""
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": url}}


def lead(number: int = 0, *, offer: OfferRef = CRM, key: str | None = None, last_name: str = "Lovelace") -> NewLead:
    """A lead of a customer who does not exist."""
    customer = Customer("Ada", last_name, f"ada{number}@contoso.example", "15550100", "GB", "Contoso", "CTO")
    return NewLead(offer, "AzureMarketplace", "INS", customer, description=f"lead {number}", idempotency_key=key)


@dataclass
class TestInstallation:
    """Services with a clock that stands where the test puts it."""

    __test__ = False

    storage: Storage
    now: int = 1_790_000_000_000

    def __post_init__(self) -> None:
        self.connections = Connections(self.storage, Vault([KEY]), clock=self.clock, quotas=MANY)
        self.catalogue = OfferCatalogue(self.storage, self.connections, self.clock)
        self.intake = Intake(self.storage, clock=self.clock)

    def clock(self) -> int:
        """The time of the test."""
        return self.now

    async def furnish(self) -> None:
        """Make the publisher and its offer."""
        await self.catalogue.put_publisher("contoso", "Contoso", by="test")
        await self.catalogue.put_offer(CRM, title="Contoso CRM Pro", offer_type="saas", live=True, by="test")

    async def connect(self, name: str = "primary", offer: OfferRef = CRM) -> Connection:
        """Make an endpoint connection."""
        connection, _, _ = await self.connections.put(offer, name, endpoint(), by="test")
        assert connection is not None
        return connection

    async def count(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        """How many rows there are."""
        query = sa.select(sa.func.count()).select_from(table).where(*where)
        return await self.storage.read(lambda conn: conn.scalar(query) or 0)

    async def states(self) -> dict[str, int]:
        """How many deliveries are in each stored state."""
        d = t.delivery.c
        query = sa.select(d.state, sa.func.count()).group_by(d.state)
        return await self.storage.read(lambda conn: {row[0]: row[1] for row in conn.execute(query)})


@asynccontextmanager
async def furnished(url: str) -> AsyncIterator[TestInstallation]:
    """An installation with one publisher and one live offer over a new database."""
    storage = open_storage(url)
    try:
        await storage.write(upgrade)
        installation = TestInstallation(storage)
        await installation.furnish()
        yield installation
    finally:
        await storage.close()


def sent(work: Work, claimed: Claimed, lease_id: str, answer: Answer, now: int, *, repeatable: bool = True) -> Sent:
    """What is written down of a send that ended with ``answer``."""
    return Sent(
        delivery_id=claimed.id,
        connection_id=work.connection_id,
        generation=work.row.generation,
        lease_id=lease_id,
        attempts=claimed.attempts,
        crash_count=claimed.crash_count,
        repeatable=repeatable,
        half_open=work.half_open,
        at=now,
        took_ms=5,
        answer=answer,
        since=claimed.since,
    )

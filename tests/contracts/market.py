"""A marketplace for tests: its runner publishes at the test's word, and remote systems answer as told."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any
from unittest import mock

import sqlalchemy as sa

from leadkeeper.clock import now_ms
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.vault import Vault
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.intake.keep import Intake
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.publication import Publication, keeps_last_connection
from leadkeeper.publishing.runner import PublishingRunner
from leadkeeper.publishing.steps import StepId, StepStatus
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, Fault, FaultServer, answer
from leadkeeper.storage.engine import Storage, open_storage
from leadkeeper.storage.migrate import upgrade
from leadkeeper.validation.validator import Validator
from tests.contracts.installation import CRM, KEY, endpoint

DEFINITION: dict[str, Any] = {
    "displayText": "Contoso CRM Pro",
    "offer": {
        "microsoft-azure-marketplace.summary": "Customers, well kept.",
        "microsoft-azure-marketplace.description": "A CRM for small sales teams.",
        "microsoft-azure-marketplace.callToAction": "contact-me",
    },
    "plans": [],
}


@dataclass
class RemoteSide:
    """An HTTPS endpoint whose manner the test changes; ``bodies`` are what it took."""

    authority: Authority
    manner: Fault = field(default_factory=lambda: answer(200))
    bodies: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = FaultServer(self._act)

    async def _act(self, exchange: Exchange) -> None:
        self.bodies.append(exchange.request.body)
        await self.manner(exchange)

    async def start(self) -> None:
        """Listen."""
        await self._server.start(self.authority.server_context("127.0.0.1"))

    async def aclose(self) -> None:
        """Listen no more."""
        await self._server.aclose()

    @property
    def settings(self) -> dict[str, object]:
        """The connection's settings as a publisher enters them."""
        return endpoint(f"https://127.0.0.1:{self._server.port}/leads")


@dataclass
class Market:
    """Everything that publishing needs, in one process."""

    storage: Storage
    catalogue: OfferCatalogue
    connections: Connections
    validator: Validator
    publication: Publication
    runner: PublishingRunner
    intake: Intake
    worker: Worker
    remote: RemoteSide
    other: RemoteSide

    async def define(self, offer: OfferRef = CRM, offer_type: str = "saas", **changed: Any) -> None:
        """The offer's draft; ``changed`` are properties of its definition (``None`` leaves one out)."""
        properties = DEFINITION["offer"] | {
            f"microsoft-azure-marketplace.{name}": message for name, message in changed.items()
        }
        definition = DEFINITION | {
            "offer": {name: message for name, message in properties.items() if message is not None}
        }
        await self.catalogue.put_definition(
            offer, offer_type=offer_type, definition=definition, lead_settings=None, by="test"
        )

    async def connect(self, settings: Mapping[str, Any] | None = None, name: str = "primary") -> Connection:
        """Make or change a connection."""
        put = await self.connections.put(CRM, name, settings or self.remote.settings, by="test")
        assert put[0] is not None
        return put[0]

    async def worked(self, offer: OfferRef = CRM) -> Operation:
        """Let the publishing runner work until nothing is due; the newest operation then."""
        while begun := await self.runner.look():
            await asyncio.gather(*begun)
        found = (await self.publication.status(offer)).operation
        assert found is not None
        return found

    async def published(self) -> Operation:
        """Publish the draft, up to the preview."""
        await self.publication.publish(CRM, emails=["ops@contoso.example"], by="test")
        return await self.worked()

    async def live(self) -> Operation:
        """A published offer with a proven connection."""
        await self.define()
        await self.connect()
        await self.published()
        await self.publication.go_live(CRM, by="test")
        return await self.worked()

    async def kept_house(self, later_ms: int = 0) -> None:
        """The worker looks once at what is due beside leads, by a clock that is so much later, and ends what it began.

        While the worker runs it does so every second by itself.
        """
        keeping = self.worker._housekeeping
        with mock.patch.object(keeping, "_clock", return_value=now_ms() + later_ms):
            await keeping.look()
            await asyncio.gather(*keeping._checks)

    async def rows(self, table: sa.Table) -> Sequence[sa.Row[Any]]:
        """All rows of a table."""
        return await self.storage.read(lambda conn: conn.execute(sa.select(table)).all())

    def another_runner(self, **more: Any) -> PublishingRunner:
        """The publishing runner of another process."""
        return PublishingRunner(self.storage, self.connections, self.validator, base_url="https://hub.example", **more)


@asynccontextmanager
async def market(url: str, authority: Authority, **runner: Any) -> AsyncIterator[Market]:
    """A marketplace with the publisher contoso and two remote systems that take everything."""
    remote, other = RemoteSide(authority), RemoteSide(authority)
    await remote.start()
    await other.start()
    policy = NetworkPolicy(
        allow_addresses=(ip_network("127.0.0.0/8"),), ca_file=authority.ca_file, total_seconds=30, connect_seconds=20
    )
    storage, network = open_storage(url), Network(policy)
    try:
        await storage.write(upgrade)
        connections = Connections(storage, Vault([KEY]), clock=now_ms, keeps_last=keeps_last_connection)
        waits = runner.get("unconfirmed") == "wait"
        validator = Validator(storage, connections, Context(network), waits_for_word=waits)
        prove = functools.partial(validator.validate, by="worker")
        made = Market(
            storage,
            OfferCatalogue(storage, connections),
            connections,
            validator,
            Publication(storage),
            PublishingRunner(storage, connections, validator, base_url="https://hub.example", **runner),
            Intake(storage),
            Worker(storage, connections, Context(network), prove=prove),
            remote,
            other,
        )
        await made.catalogue.put_publisher("contoso", "Contoso", by="test")
        yield made
    finally:
        await network.aclose()
        await storage.close()
        await remote.aclose()
        await other.aclose()


def statuses(operation: Operation) -> list[StepStatus]:
    """How each step stands."""
    return [step.status for step in operation.steps]


def summary(operation: Operation, step: StepId) -> str:
    """Everything that a step tells."""
    (found,) = [each for each in operation.steps if each.id is step]
    return "\n".join(message.text for message in found.messages)

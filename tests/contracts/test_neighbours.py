"""A publisher whose destinations hang stops nobody else: leads, publishing, proving. On both databases.

"While the others hang" is shown by order: what another publisher needs happens before a single hanging call has ended.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
import sqlalchemy as sa

from leadkeeper.clock import now_ms
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.intake.keep import Intake
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.operations import Operation
from leadkeeper.publishing.publication import Publication
from leadkeeper.publishing.runner import PublishingRunner
from leadkeeper.publishing.steps import StepId, StepStatus
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, FaultServer, answer
from leadkeeper.storage import tables as t
from leadkeeper.validation.validator import Validator
from tests.contracts.installation import CRM, TestInstallation, endpoint, furnished, lead
from tests.contracts.market import DEFINITION

MALLORY = OfferRef("mallory", "trap")
PATIENCE = 60.0
LONG = 110.0
"""Seconds that a call to what hangs takes: longer than any test waits for another publisher's turn."""


@dataclass
class Trap:
    """An endpoint that keeps every request until it is let go, and counts what hangs and what has ended."""

    authority: Authority
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: int = 0
    ended: int = 0

    def __post_init__(self) -> None:
        self.server = FaultServer(self._keep)

    async def _keep(self, exchange: Exchange) -> None:
        self.hanging += not self.let_go.is_set()
        try:
            await self.let_go.wait()
            await answer(200)(exchange)
        finally:
            self.ended += 1

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server.port}/trap"


@dataclass
class Street:
    """Contoso with an endpoint that takes leads at once, and Mallory with one that hangs."""

    installation: TestInstallation
    worker: Worker
    intake: Intake
    validator: Validator
    runner: PublishingRunner
    publication: Publication
    well: FaultServer
    trap: Trap

    @property
    def well_url(self) -> str:
        return f"https://127.0.0.1:{self.well.port}/well"

    async def connect(self, offer: OfferRef, name: str, url: str) -> None:
        await self.installation.connections.put(offer, name, endpoint(url), by="test")

    async def define(self, offer: OfferRef) -> None:
        await self.installation.catalogue.put_definition(
            offer, offer_type="saas", definition=DEFINITION, lead_settings=None, by="test"
        )

    async def settled(self, hanging: int) -> None:
        """Wait until so many calls hang, or a share of them that grows no more."""
        seen, still = -1, 0
        for _ in range(int(PATIENCE / 0.1)):
            still = still + 1 if self.trap.hanging == seen else 0
            seen = self.trap.hanging
            if seen >= hanging or (seen and still >= 20):
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"only {seen} calls hang")

    async def works(self, offer: OfferRef, version: int = 1) -> None:
        """Make the offer look as publishing would leave it."""

        def transaction(conn: sa.Connection) -> None:
            live = {"live": True, "production_version": version}
            conn.execute(sa.update(t.offer).where(t.offer.c.ref == str(offer)).values(live))
            conn.execute(
                sa.update(t.connection).where(t.connection.c.offer_ref == str(offer)).values(tried=True, proven=True)
            )

        await self.installation.storage.write(transaction)


async def until(holds: Callable[[], Awaitable[bool]], summary: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until ``holds()``."""
    for _ in range(int(seconds / 0.05)):
        if await holds():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"not reached in {seconds} s: {summary()}")


@asynccontextmanager
async def street(url: str, authority: Authority, *, total_seconds: float = LONG) -> AsyncIterator[Street]:
    well, trap = FaultServer(answer(200)), Trap(authority)
    context = authority.server_context("127.0.0.1")
    await well.start(context)
    await trap.server.start(context)
    policy = NetworkPolicy(
        allow_addresses=(ip_network("127.0.0.0/8"),), ca_file=authority.ca_file, total_seconds=total_seconds
    )
    network = Network(policy)
    async with furnished(url) as installation:
        installation.connections._clock = now_ms
        await installation.catalogue.put_publisher("mallory", "Mallory", by="test")
        await installation.catalogue.put_offer(MALLORY, title="Trap", offer_type="saas", live=True, by="test")
        validator = Validator(installation.storage, installation.connections, Context(network))
        prove = functools.partial(validator.validate, by="worker")
        worker = Worker(installation.storage, installation.connections, Context(network), prove=prove)
        installation.connections._woken = worker.wake
        made = Street(
            installation,
            worker,
            Intake(installation.storage, worker.wake),
            validator,
            PublishingRunner(installation.storage, installation.connections, validator),
            Publication(installation.storage),
            well,
            trap,
        )
        try:
            yield made
        finally:
            await network.aclose()
            await well.aclose()
            await trap.server.aclose()


@asynccontextmanager
async def carrying(opened: Street) -> AsyncIterator[None]:
    """The worker runs meanwhile."""
    running = asyncio.create_task(opened.worker.run())
    try:
        yield
    finally:
        await opened.worker.stop(1)
        await running


async def delivered(opened: Street, publisher: str) -> int:
    """How many of the publisher's deliveries have arrived."""
    d = t.delivery.c
    query = (
        sa.select(sa.func.count())
        .select_from(t.delivery)
        .join(t.lead, t.lead.c.id == d.lead_id)
        .where(t.lead.c.publisher_id == publisher, d.state == "delivered")
    )
    return await opened.installation.storage.read(lambda conn: conn.scalar(query) or 0)


@pytest.mark.slow
async def test_600_connections_that_hang_delay_nobody_else_s_leads(database_url: str, authority: Authority) -> None:
    async with street(database_url, authority) as s:
        await s.connect(CRM, "primary", s.well_url)
        for number in range(600):
            await s.connect(MALLORY, f"trap-{number}", s.trap.url)
        async with carrying(s):
            await s.intake.keep_many([lead(number, offer=MALLORY) for number in range(8)])
            await s.settled(400)
            for number in range(20):
                await s.intake.keep(lead(number))

                async def arrived(least: int = number + 1) -> bool:
                    return await delivered(s, "contoso") >= least

                await until(arrived, lambda: (len(s.well.received), s.trap.hanging, s.trap.ended))
            assert s.trap.ended == 0
            # It answers again: everything goes out by itself.
            s.trap.let_go.set()

            async def healed() -> bool:
                return await delivered(s, "mallory") == 4_800

            await until(healed, lambda: (s.trap.hanging, s.trap.ended), 180)
            assert await delivered(s, "contoso") == 20


@pytest.mark.slow
async def test_calls_that_time_out_again_and_again_delay_nobody_else_s_leads(
    database_url: str, authority: Authority
) -> None:
    """Many more connections than places, and each call takes its whole time before it fails."""
    async with street(database_url, authority, total_seconds=3) as s:
        await s.connect(CRM, "primary", s.well_url)
        for number in range(600):
            await s.connect(MALLORY, f"trap-{number}", s.trap.url)
        async with carrying(s):
            await s.intake.keep_many([lead(number, offer=MALLORY) for number in range(8)])
            places = 0
            for number in range(40):
                await s.intake.keep(lead(number))
                await asyncio.sleep(0.25)
                places = max(places, s.trap.hanging - s.trap.ended)
            ended = s.trap.ended

            async def arrived() -> bool:
                return await delivered(s, "contoso") == 40

            await until(arrived, lambda: (len(s.well.received), s.trap.hanging, s.trap.ended))
            # Each takes three seconds: five of them, by a clock that is as slow as the machine.
            assert s.trap.ended - ended <= 2 * places, (ended, s.trap.ended, places)
            c, a = t.connection.c, t.attempt.c
            tried = sa.select(sa.func.count()).select_from(t.attempt).join(t.delivery, t.delivery.c.id == a.delivery_id)
            healthy = tried.join(t.connection, c.id == t.delivery.c.connection_id).where(c.offer_ref == str(CRM))
            assert await s.installation.storage.read(lambda conn: conn.scalar(healthy)) == 40


async def _publish(opened: Street, offer: OfferRef, url: str) -> None:
    await opened.define(offer)
    await opened.connect(offer, "primary", url)
    await opened.publication.publish(offer, emails=["ops@contoso.example"], by="test")


async def _operation(opened: Street, offer: OfferRef) -> Operation:
    found = (await opened.publication.status(offer)).operation
    assert found is not None
    return found


async def test_ten_offers_whose_validation_hangs_stop_nobody_else_s_publishing(
    database_url: str, authority: Authority
) -> None:
    async with street(database_url, authority) as s:
        for number in range(40):
            await _publish(s, OfferRef("mallory", f"trap-{number}"), s.trap.url)
        pressing = asyncio.create_task(s.runner.run())
        try:
            await s.settled(40)
            assert s.trap.hanging >= 10
            await _publish(s, CRM, s.well_url)

            async def previewed() -> bool:
                (step,) = [each for each in (await _operation(s, CRM)).steps if each.id is StepId.PACKAGING]
                return step.status is StepStatus.COMPLETE

            await until(previewed, lambda: (s.trap.hanging, s.trap.ended))
            assert s.trap.ended == 0
        finally:
            pressing.cancel()
            await asyncio.gather(pressing, return_exceptions=True)


async def test_120_changes_that_hang_stop_nobody_else_s_proving(database_url: str, authority: Authority) -> None:
    async with street(database_url, authority) as s:
        await s.connect(CRM, "primary", f"{s.well_url}/old")
        for number in range(120):
            await s.connect(MALLORY, f"trap-{number}", s.well_url)
        await s.works(CRM)
        await s.works(MALLORY)
        for number in range(120):
            await s.connect(MALLORY, f"trap-{number}", s.trap.url)
        async with carrying(s):
            await s.settled(120)
            assert s.trap.hanging >= 20
            await s.connect(CRM, "primary", s.well_url)

            async def proven() -> bool:
                (connection,) = await s.installation.connections.list(CRM)
                return connection.change is None and connection.proven

            await until(proven, lambda: (s.trap.hanging, s.trap.ended))
            assert s.trap.ended == 0

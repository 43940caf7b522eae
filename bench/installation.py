"""One installation of Leadkeeper: a database of its own, its offers, and the processes that serve it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa

from bench.children import Child, ChildFailed
from bench.payload import CUSTOMERS, PUBLISHER
from bench.place import SINK_HOST, TABLE_ACCOUNT, Kind, Place, free_port
from leadkeeper.app import open_services
from leadkeeper.clock import now_ms
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.lead import Customer
from leadkeeper.offer import OfferRef
from leadkeeper.privacy.periods import DAY_MS, LONGEST_DAYS
from leadkeeper.services import Services
from leadkeeper.settings import Settings
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import open_storage

R = TypeVar("R")

TABLE_CONNECTION: Final = (
    f"DefaultEndpointsProtocol=https;AccountName={TABLE_ACCOUNT};AccountKey={base64.b64encode(bytes(64)).decode()};"
    "EndpointSuffix=core.windows.net"
)
_READY_SECONDS: Final = 20.0


def https(path: str = "takes", host: str = SINK_HOST) -> dict[str, object]:
    """The settings of a connection to the sink as an HTTPS endpoint, signed."""
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    settings = {"httpsEndpointUrl": f"https://{host}/{path}", "signingSecret": secret}
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}


def table() -> dict[str, object]:
    """The settings of a connection to the sink as an Azure Table."""
    settings = {"storageAccountConnectionString": TABLE_CONNECTION}
    return {"leadDestination": "table", "tableLeadConfiguration": settings}


@dataclass(slots=True)
class Installation:
    """Processes of one installation are started with :meth:`start` and stopped by :func:`installation`."""

    folder: Path
    settings: Settings
    token: str = ""
    port: int = field(default_factory=free_port)
    _children: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self, word: str) -> Child:
        """``leadkeeper serve``, ``api`` or ``worker`` as a process; the first two answer requests on return."""
        child = self._children.enter_context(Child(self.folder, "leadkeeper", word, env=self._environment()))
        if word != "worker":
            self._await_port(child)
        return child

    def do(self, act: Callable[[Services], Awaitable[R]]) -> R:
        """Do something in the services of this installation, from a process beside its own."""

        async def run() -> R:
            async with open_services(self.settings, worker=False) as installation:
                return await act(installation.services)

        return asyncio.run(run())

    def make_key(self, role: str) -> str:
        """A new key of this role: ``operator``, ``marketplace`` or ``publisher:<id>``."""

        async def act(services: Services) -> str:
            return (await services.access.keys.create(role)).key

        return self.do(act)

    def preload(self, offer: str, leads: int) -> None:
        """Keep so many leads, with a delivery each."""

        async def act(services: Services) -> None:
            for first in range(0, leads, 2_000):
                await services.intake.keep_many([_lead(offer, n) for n in range(first, min(first + 2_000, leads))])

        self.do(act)

    def kept(self) -> tuple[int, int]:
        """How many leads and how many deliveries are in the database."""
        count = sa.func.count()
        return self.scalar(sa.select(count).select_from(t.lead)), self.scalar(sa.select(count).select_from(t.delivery))

    def undelivered(self) -> int:
        """How many deliveries are not written down as delivered."""
        return self.scalar(sa.select(sa.func.count()).select_from(t.delivery).where(t.delivery.c.state != "delivered"))

    def unsent(self) -> int:
        """How many deliveries are to be sent within a day or are being sent; quick to say also among millions."""
        soon = t.READY & (t.delivery.c.due_at < now_ms() + DAY_MS)
        return self.scalar(sa.select(sa.func.count()).select_from(t.delivery).where(soon | t.SENDING))

    def scalar(self, query: sa.Select[R]) -> R:
        """What this query finds, read beside the processes of this installation."""

        async def run() -> R:
            storage = open_storage(self.settings.database_url)
            try:
                return await storage.read(lambda conn: conn.execute(query).scalar_one())
            finally:
                await storage.close()

        return asyncio.run(run())

    def stop(self) -> None:
        """End every process of this installation."""
        self._children.close()

    def _environment(self) -> dict[str, str]:
        s = self.settings
        assert s.secret_key is not None
        return {
            "LEADKEEPER_DATABASE_URL": s.database_url,
            "LEADKEEPER_SECRET_KEY": s.secret_key.get_secret_value(),
            "LEADKEEPER_PORT": str(self.port),
            "LEADKEEPER_PROCESSES": "1",
            "LEADKEEPER_HOSTS": s.hosts,
            "LEADKEEPER_CA_FILE": str(s.ca_file),
            "LEADKEEPER_LOG_LEVEL": "error",
            "LEADKEEPER_SHUTDOWN_SECONDS": "1",
            # How fast it is, not what one publisher may take of it, is measured by keys.
            "LEADKEEPER_QUOTA_KEY_LEADS_A_MINUTE": str(2**31 - 1),
            "LEADKEEPER_QUOTA_KEY_LEADS_A_DAY": str(2**31 - 1),
            "LEADKEEPER_QUOTA_REQUESTS_A_MINUTE": str(2**31 - 1),
            # What is old is removed where that is measured, and not beside anything else.
            "LEADKEEPER_KEEP_PERSONAL_DAYS": str(LONGEST_DAYS),
            "LEADKEEPER_KEEP_EVIDENCE_DAYS": str(LONGEST_DAYS),
        }

    def _await_port(self, child: Child) -> None:
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end:
            child.check()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise ChildFailed(f"{child.name} does not answer")


@contextlib.contextmanager
def installation(place: Place, kind: Kind, **connections: dict[str, object]) -> Iterator[Installation]:
    """A new installation: one publisher, an offer for each of ``connections``, a key that may hand in leads.

    Its processes are stopped and its database is removed afterwards.
    """
    with place.database(kind) as (folder, url):
        settings = {
            "database_url": url,
            "secret_key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "hosts": place.hosts,
            "ca_file": place.ca_file,
            "log_level": "error",
        }
        made = Installation(folder, Settings.model_validate(settings))
        try:
            made.token = made.do(lambda services: _set_up(services, connections))
            yield made
        finally:
            made.stop()


async def _set_up(services: Services, connections: Mapping[str, dict[str, object]]) -> str:
    await services.offers.catalogue.put_publisher(PUBLISHER, "Contoso", by="bench")
    for offer, connection in connections.items():
        ref = OfferRef(PUBLISHER, offer)
        await services.offers.catalogue.put_offer(ref, title="CRM", offer_type="SaaS", live=True, by="bench")
        await services.connections.put(ref, "primary", connection, by="bench")
    return (await services.access.keys.create("marketplace")).key


def _lead(offer: str, number: int) -> NewLead:
    customer = number % CUSTOMERS
    return NewLead(
        OfferRef(PUBLISHER, offer),
        source="AzureMarketplace",
        action="INS",
        customer=Customer(
            first_name="Ada",
            last_name=f"Lovelace{customer}",
            email=f"{customer * 7919 % CUSTOMERS:03d}.ada@fabrikam.example",
            phone="+44 20 7946 0958",
            country="GB",
            company="Fabrikam",
            title="Head of Analysis",
        ),
        description="Would like to see a demo for forty people in two offices, and a price for a year.",
        campaign="spring",
    )

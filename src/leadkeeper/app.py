"""Puts everything together; the only file that sees all of it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from leadkeeper.access.hooks import Hooks
from leadkeeper.access.keys import Keys
from leadkeeper.access.tokens import Tokens
from leadkeeper.clock import now_ms
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.vault import Vault, secret_keys_from_file
from leadkeeper.delivery.record import Sent
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.http import Network
from leadkeeper.destinations.mail import Mailer
from leadkeeper.doors.api.app import create_api
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.cloud_partner.app import create_cloud_partner, document_of
from leadkeeper.doors.cloud_partner.sign_in import sign_in_door
from leadkeeper.doors.entrance import Entrance
from leadkeeper.doors.hooks.route import hook_route
from leadkeeper.doors.portal.app import Portal
from leadkeeper.doors.readable import readable
from leadkeeper.doors.storefront.app import Storefront
from leadkeeper.doors.storefront.guard import SERVICES, Captcha, FormGuard
from leadkeeper.inbox.again import Again
from leadkeeper.inbox.cost import Costs
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.trace import Trace
from leadkeeper.intake.keep import Intake
from leadkeeper.intake.tester import UNASKED, Tester
from leadkeeper.notices.sender import Sender
from leadkeeper.privacy.withholding import Withholding
from leadkeeper.publishing.catalogue import Catalogue
from leadkeeper.publishing.cross_listing import CrossListings
from leadkeeper.publishing.press import Press
from leadkeeper.publishing.publication import Publication, keeps_last_connection
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.rooms import Rooms
from leadkeeper.settings import Settings, WrongSetting
from leadkeeper.storage.engine import open_storage
from leadkeeper.storage.migrate import upgrade


@dataclass(frozen=True, slots=True)
class House:
    """One process of an installation: its rooms and, where it carries leads, its worker."""

    rooms: Rooms
    metrics: Metrics
    network: Network
    worker: Worker | None


@contextlib.asynccontextmanager
async def open_rooms(settings: Settings, *, worker: bool) -> AsyncIterator[House]:
    """The rooms over the database of ``settings``, which is made or brought up to date first.

    Raises ``StorageAway`` when it cannot be reached and :class:`WrongSetting` when the secret key cannot be used.
    """
    # Transactions run in threads: the loop must not wait the default 5 ms for each to let it go on.
    sys.setswitchinterval(0.0005)
    secret_keys = _secret_keys(settings)
    vault = Vault(secret_keys)
    storage = open_storage(settings.database_url)
    network = Network(settings.network_policy)
    metrics = Metrics()
    carrier: Worker | None = None

    def wake(connection_ids: Collection[str]) -> None:
        if carrier is not None:
            carrier.wake(connection_ids)

    def observe(sends: Sequence[Sent]) -> None:
        metrics.observe_sends(sends)

    try:
        await storage.write(upgrade)
        connections = Connections(storage, vault, wake, keeps_last=keeps_last_connection)
        withholding = Withholding.parse(settings.withheld_domains)
        tester = Tester(storage, connections, network, wake)
        rooms = Rooms(
            storage=storage,
            keys=Keys(storage, tokens=Tokens(secret_keys)),
            hooks=Hooks(storage),
            catalogue=Catalogue(storage, connections),
            connections=connections,
            intake=Intake(storage, wake, withholding=withholding),
            inbox=Inbox(storage),
            trace=Trace(storage, settings.base_url, withholding),
            costs=Costs(storage),
            again=Again(storage, wake),
            tester=tester,
            publication=Publication(storage),
            showcase=Showcase(storage),
            cross_listings=CrossListings(storage),
            clock=now_ms,
            base_url=settings.base_url,
        )
        if worker:
            carrier = Worker(
                storage,
                connections,
                network,
                lease_seconds=settings.lease_seconds,
                observe=observe,
                prove=functools.partial(tester.validate, by=UNASKED),
            )
        yield House(rooms, metrics, network, carrier)
        await rooms.intake.drained()
    finally:
        await network.aclose()
        await storage.close()


def _secret_keys(settings: Settings) -> list[str]:
    """The keys for secrets at rest, newest first; every one of them can be used."""
    try:
        if settings.secret_key is not None:
            keys = settings.secret_key.get_secret_value().split(",")
        else:
            keys = secret_keys_from_file(settings.secret_key_file)
        Vault(keys)
        return keys
    except ValueError as error:
        name = "SECRET_KEY" if settings.secret_key is not None else "SECRET_KEY_FILE"
        raise WrongSetting(f"LEADKEEPER_{name}: {error}") from None
    except OSError as error:
        raise WrongSetting(f"LEADKEEPER_SECRET_KEY_FILE: {error.strerror}") from None


def open_doors(settings: Settings, house: House) -> ASGIApp:
    """Every way in that speaks HTTP, over the rooms of ``house``."""
    rooms = house.rooms
    hook = hook_route(rooms.hooks, rooms.intake, house.metrics.counted)
    cloud_partner = create_cloud_partner(rooms)
    api = create_api(rooms, house.metrics, hook, documents=[document_of(cloud_partner)])
    doors: dict[str, ASGIApp] = {
        "api": cloud_partner,
        "v1.0": cloud_partner,
        "store": readable(_storefront(settings, house).app()),
        "portal": readable(Portal(rooms, name=settings.marketplace_name, base_url=settings.base_url).app()),
    }
    return Entrance(api, doors, readable(sign_in_door(rooms.keys)))


def _storefront(settings: Settings, house: House) -> Storefront:
    rooms, captcha = house.rooms, None
    if settings.captcha != "none":
        secret = "" if settings.captcha_secret is None else settings.captcha_secret.get_secret_value()
        captcha = Captcha(SERVICES[settings.captcha], settings.captcha_site_key, secret, house.network)
    guard = FormGuard(settings.form_limit, settings.origins, settings.proxies, settings.base_url)
    name, base_url = settings.marketplace_name, settings.base_url
    return Storefront(rooms.showcase, rooms.intake, guard, captcha, name=name, base_url=base_url)


async def serve(
    settings: Settings,
    *,
    api: bool,
    worker: bool,
    stop: asyncio.Event,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Run the API, the worker or both until ``stop`` is set; then end what is in flight or return it.

    ``ready`` is called once requests are answered. Raises ``OSError`` when the port is taken.
    """
    async with open_rooms(settings, worker=worker) as house:
        # The API first: when its port is taken, nothing was begun.
        server = await _start_api(settings, house) if api else None
        carrying = asyncio.create_task(house.worker.run(), name="worker") if house.worker else None
        beside = [asyncio.create_task(work, name="beside") for work in _beside(settings, house)]
        ready()
        await _until(stop, carrying)
        if server is not None:
            await server.end()
            await house.rooms.intake.drained()
        if house.worker is not None and carrying is not None:
            await house.worker.stop(settings.shutdown_seconds)
            await carrying
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


def _beside(settings: Settings, house: House) -> list[Coroutine[Any, Any, None]]:
    """What a process with a worker does besides carrying leads: it sends notices and publishes offers."""
    if house.worker is None:
        return []
    mailer = None if settings.mail_server is None else Mailer(settings.mail_server)
    press = Press(
        house.rooms.storage,
        house.rooms.connections,
        house.rooms.tester,
        by_operator=settings.certification == "operator",
        base_url=settings.base_url,
        language=settings.language,
        lease_seconds=settings.lease_seconds,
    )
    return [Sender(house.rooms.storage, mailer, settings.base_url).run(), press.run()]


async def _until(stop: asyncio.Event, carrying: asyncio.Task[None] | None) -> None:
    """Return when ``stop`` is set; raise what ended the worker, should it end by itself."""
    stopping = asyncio.create_task(stop.wait())
    waited = {stopping} | ({carrying} if carrying is not None else set())
    done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if carrying is not None and carrying in done:
        carrying.result()


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own: the program's stop event rules."""

    task: asyncio.Task[None]

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield

    async def end(self) -> None:
        self.should_exit = True
        await self.task


async def _start_api(settings: Settings, house: House) -> _Server:
    bound = socket.create_server((settings.host, settings.port), backlog=2048, reuse_port=False)
    # Head and body of an answer are two writes: without this the second waits 40 ms for the first one's receipt.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        open_doors(settings, house),
        loop="none",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    server = _Server(config)
    server.task = asyncio.create_task(server.serve([bound]), name="api")
    while not server.started:
        if server.task.done():
            server.task.result()
        await asyncio.sleep(0.005)
    return server


def configure_logging(settings: Settings) -> None:
    """Events as one line each, with fields, on standard error; JSON if the settings say so. No personal data."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    renderer = structlog.processors.JSONRenderer() if settings.log_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s")

"""Puts everything together; the only file that sees all of it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import random
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from typing import Any, Final

import structlog

from leadkeeper.access.audit import Audit
from leadkeeper.access.hooks import Hooks
from leadkeeper.access.keys import Keys
from leadkeeper.access.marketplace import MarketplaceName
from leadkeeper.access.people.room import PeopleRoom, open_people
from leadkeeper.access.portal_links import PortalLinks
from leadkeeper.access.provider.sign_in import open_provider
from leadkeeper.access.rates import Rates
from leadkeeper.access.sessions import Sessions
from leadkeeper.access.sign_ins import SignIns
from leadkeeper.access.tokens import Tokens
from leadkeeper.clock import Clock
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.copying import ConnectionCopies
from leadkeeper.connections.findings import Findings
from leadkeeper.connections.vault import Vault
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.inbox.attention import Attention
from leadkeeper.inbox.cost import Costs
from leadkeeper.inbox.follow_ups import FollowUps
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.inspection import Inspection
from leadkeeper.inbox.reading import Reading
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.inbox.trace import Trace
from leadkeeper.installation import Installation
from leadkeeper.intake.keep import Intake
from leadkeeper.languages import installed
from leadkeeper.mail.mailer import Mailer
from leadkeeper.mail.service import MailService
from leadkeeper.network.client import Network
from leadkeeper.notices.answers import ContactAnswers
from leadkeeper.notices.sender import Sender
from leadkeeper.opening import open_database
from leadkeeper.privacy.withholding import Withholding
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.copying import OfferCopies
from leadkeeper.publishing.cross_listing import CrossListings
from leadkeeper.publishing.differences import Differences
from leadkeeper.publishing.operations import look_again
from leadkeeper.publishing.publication import Publication, keeps_last_connection
from leadkeeper.publishing.runner import PublishingRunner
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.publishing.steps import Unconfirmed
from leadkeeper.services import Services
from leadkeeper.settings import Settings
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.presence import Presence
from leadkeeper.texts import ENGLISH, Languages
from leadkeeper.validation.outcome import UNASKED
from leadkeeper.validation.validator import Validator

log: Final = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings, *, worker: bool, languages: Languages | None = None
) -> AsyncIterator[Installation]:
    """The rooms over the database of ``settings``, which is made or brought up to date first.

    They speak ``languages``; without, all that this package has.

    Raises ``StorageAway`` when it cannot be reached and :class:`WrongSetting` when the secret key or a destination's
    package cannot be used.
    """
    # Transactions run in threads: the loop must not wait the default 5 ms for each to let it go on.
    sys.setswitchinterval(0.0005)
    storage, clock, secret_keys = await open_database(settings)
    network = Network(settings.network_policy)
    context = Context(network, MailService(settings.mail_server, settings.mail_rules, settings.base_url))
    metrics = Metrics()
    carrier: Worker | None = None

    def wake(connection_ids: Collection[str]) -> None:
        if carrier is not None:
            carrier.wake(connection_ids)

    watching = asyncio.create_task(clock.watch(lambda: wake(())), name="clock")
    services = _put_together(settings, storage, clock, secret_keys, context, wake, languages or installed())
    await services.marketplace.look()
    try:
        if worker:
            carrier = Worker(
                storage,
                services.connections,
                context,
                lease_seconds=settings.lease_seconds,
                clock=clock,
                observe=metrics.observe_sends,
                prove=functools.partial(services.validator.validate, by=UNASKED),
            )
        yield Installation(services, metrics, network, carrier, clock)
        await services.intake.drained()
    finally:
        watching.cancel()
        await services.link_mail.aclose()
        await services.rates.aclose()
        await services.audit.drained()
        await network.aclose()
        await storage.close()


def _put_together(
    settings: Settings,
    storage: Storage,
    clock: Clock,
    secret_keys: Sequence[str],
    context: Context,
    wake: Callable[[Collection[str]], None],
    languages: Languages,
) -> Services:
    """Every room, over the same storage and by the same clock; ``wake`` is told the connections that have work."""
    quotas, rates = settings.quotas, Rates(storage, settings.quotas, clock)
    sign_ins = _sign_ins(settings, storage, clock, secret_keys)
    people = _people(settings, storage, clock, secret_keys, sign_ins, languages)
    withholding = Withholding.parse(settings.withheld_domains)
    connections = _connections(settings, storage, clock, secret_keys, wake)
    catalogue = OfferCatalogue(storage, connections, clock, quotas=quotas)
    inbox, trace = Inbox(storage), Trace(storage, settings.base_url, withholding, settings.destinations)
    return Services(
        storage=storage,
        keys=sign_ins.keys,
        sign_ins=sign_ins,
        people=people.people,
        person_sign_ins=people.sign_ins,
        second_factor=people.factor,
        links=people.links,
        provider=open_provider(settings.provider, people.sign_ins, context.network, secret_keys, settings.base_url),
        portal_links=PortalLinks(storage, sign_ins.sessions, Tokens(secret_keys), settings.ancestors, clock),
        link_mail=people.mail,
        marketplace=people.marketplace,
        audit=sign_ins.audit,
        hooks=Hooks(storage, clock, quotas=quotas),
        catalogue=catalogue,
        offer_copies=OfferCopies(storage, catalogue, connections),
        connection_copies=ConnectionCopies(storage, connections),
        connections=connections,
        findings=Findings(storage, connections, wake, clock, goes_on=look_again),
        intake=Intake(storage, wake, clock, withholding=withholding, rates=rates),
        inbox=inbox,
        attention=Attention(storage),
        trace=trace,
        reading=Reading(inbox, trace, sign_ins.audit),
        costs=Costs(storage, clock, settings.destinations),
        redelivery=Redelivery(storage, wake, clock),
        follow_ups=FollowUps(storage, clock),
        validator=_validator(settings, storage, connections, context, wake, clock, rates),
        rates=rates,
        publication=Publication(storage, clock=clock),
        differences=Differences(storage, connections),
        showcase=Showcase(storage),
        cross_listings=CrossListings(storage, clock),
        contact_answers=ContactAnswers(storage, clock, rules=settings.mail_rules),
        clock=clock,
        base_url=settings.base_url,
        languages=languages,
    )


def _connections(
    settings: Settings,
    storage: Storage,
    clock: Clock,
    secret_keys: Sequence[str],
    wake: Callable[[Collection[str]], None],
) -> Connections:
    return Connections(
        storage,
        Vault(list(secret_keys)),
        wake,
        clock,
        keeps_last=keeps_last_connection,
        quotas=settings.quotas,
        mail_rules=settings.mail_rules,
        destinations=settings.destinations,
    )


def _people(
    settings: Settings,
    storage: Storage,
    clock: Clock,
    secret_keys: Sequence[str],
    sign_ins: SignIns,
    languages: Languages,
) -> PeopleRoom:
    return open_people(
        storage,
        sign_ins,
        secret_keys,
        Vault(list(secret_keys)),
        None if settings.mail_server is None else Mailer(settings.mail_server),
        marketplace=MarketplaceName(storage, settings.named, clock),
        least=settings.password_length,
        base_url=settings.base_url,
        rules=settings.mail_rules,
        languages=languages,
        limit=settings.sign_in_limit,
        clock=clock,
    )


def _validator(
    settings: Settings,
    storage: Storage,
    connections: Connections,
    context: Context,
    wake: Callable[[Collection[str]], None],
    clock: Clock,
    rates: Rates,
) -> Validator:
    waits = settings.unconfirmed_test_leads is Unconfirmed.WAIT
    return Validator(storage, connections, context, wake, clock, rates=rates, waits_for_word=waits)


def _sign_ins(settings: Settings, storage: Storage, clock: Clock, secret_keys: Sequence[str]) -> SignIns:
    lasts_ms, idle_ms = settings.session_hours * 3_600_000, settings.session_idle_minutes * 60_000
    sessions = Sessions(storage, lasts_ms=int(lasts_ms), idle_ms=int(idle_ms), clock=clock)
    keys = Keys(storage, clock, tokens=Tokens(secret_keys))
    return SignIns(keys, sessions, Audit(storage, clock), limit=settings.sign_in_limit)


async def serve(
    settings: Settings,
    *,
    api: bool,
    worker: bool,
    stop: asyncio.Event,
    ready: Callable[[], None] = lambda: None,
    begin: Callable[[str], None] = lambda _: None,
) -> None:
    """Run the API, the worker or both until ``stop`` is set; then end what is in flight or return it.

    ``ready`` is called once requests are answered, and ``begin`` then with the address at which an installation begins
    in which nobody can sign in yet. Raises ``OSError`` when the port is taken.
    """
    async with open_services(settings, worker=worker) as installation:
        # The API first: when its port is taken, nothing was begun.
        server = None
        if api:
            from leadkeeper.entrances import start_api  # a worker and a command do without all doors

            server = await start_api(settings, installation, worker=worker)
        carrying = asyncio.create_task(installation.worker.run(), name="worker") if installation.worker else None
        role = "serve" if api and worker else "api" if api else "worker"
        presence = Presence(installation.services.storage, installation.clock, role)
        beside = [
            asyncio.create_task(work, name="beside")
            for work in (presence.run(), installation.services.marketplace.run(), *_beside(settings, installation))
        ]
        ready()
        if api and (link := await installation.services.links.first()) is not None:
            begin(f"{settings.base_url}/portal/begin/{link.token}")
        await _until(stop, carrying)
        installation.ending.set()
        if server is not None:
            await server.end()
            await installation.services.intake.drained()
        if installation.worker is not None and carrying is not None:
            await installation.worker.stop(settings.shutdown_seconds)
            await carrying
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


def _beside(settings: Settings, installation: Installation) -> list[Coroutine[Any, Any, None]]:
    """What a process with a worker does beside carrying leads: it sends notices, publishes, inspects records."""
    if installation.worker is None:
        return []
    mailer = None if settings.mail_server is None else Mailer(settings.mail_server)
    runner = PublishingRunner(
        installation.services.storage,
        installation.services.connections,
        installation.services.validator,
        by_operator=settings.certification == "operator",
        base_url=settings.base_url,
        language=installation.services.languages.find(settings.language) or ENGLISH,
        unconfirmed=settings.unconfirmed_test_leads,
        lease_seconds=settings.lease_seconds,
        clock=installation.services.clock,
        quotas=settings.quotas,
    )
    sender = Sender(
        installation.services.storage,
        mailer,
        settings.base_url,
        installation.services.clock,
        rules=settings.mail_rules,
        marketplace=installation.services.marketplace,
        languages=installation.services.languages,
    )
    return [
        sender.run(),
        runner.run(),
        Inspection(installation.services.storage, installation.services.clock, random.random).run(),
    ]


async def _until(stop: asyncio.Event, carrying: asyncio.Task[None] | None) -> None:
    """Return when ``stop`` is set; raise what ended the worker, should it end by itself."""
    stopping = asyncio.create_task(stop.wait())
    waited = {stopping} | ({carrying} if carrying is not None else set())
    done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if carrying is not None and carrying in done:
        carrying.result()


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

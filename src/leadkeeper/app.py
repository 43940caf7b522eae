"""Puts everything together; the only file that sees all of it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import sys
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Final, TextIO, cast

import structlog

from leadkeeper.access.audit import Audit
from leadkeeper.access.hooks import Hooks
from leadkeeper.access.in_force import in_force
from leadkeeper.access.keys import Keys
from leadkeeper.access.marketplace import MarketplaceName
from leadkeeper.access.people.room import PeopleRoom, open_people
from leadkeeper.access.portal_links import PortalLinks
from leadkeeper.access.provider.sign_in import open_provider
from leadkeeper.access.rates import Rates
from leadkeeper.access.sessions import Sessions
from leadkeeper.access.sign_ins import SignIns
from leadkeeper.access.tokens import Tokens
from leadkeeper.access.uses import Uses
from leadkeeper.channels.channels import Channels
from leadkeeper.channels.subscriptions import Subscriptions
from leadkeeper.clock import Clock
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.copying import ConnectionCopies
from leadkeeper.connections.findings import Findings
from leadkeeper.connections.vault import Vault
from leadkeeper.delivery.direct import Handover
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.api.shared_counts import SharedCounts
from leadkeeper.inbox.as_sent import SentRecords
from leadkeeper.inbox.attention.attention import Attention
from leadkeeper.inbox.cost import Costs
from leadkeeper.inbox.follow_up.follow_ups import FollowUps
from leadkeeper.inbox.follow_up.upload import FollowUpUploads
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.columns import LeadLists
from leadkeeper.inbox.lists.selection import Selection
from leadkeeper.inbox.oversight.oversight import Oversight
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
from leadkeeper.notices.confirmations import Confirmations
from leadkeeper.opening import open_database
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.privacy.retention import Retention
from leadkeeper.privacy.withholding import Withholding
from leadkeeper.publishing.branding import Branding, Picture
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.copying import OfferCopies
from leadkeeper.publishing.cross_listing import CrossListings
from leadkeeper.publishing.logos import OfferLogos
from leadkeeper.publishing.operations import look_again
from leadkeeper.publishing.publication import Publication, keeps_last_connection
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.publishing.steps import Unconfirmed
from leadkeeper.publishing.suspension import Suspensions
from leadkeeper.reconciliation.reconciliation import Reconciliation
from leadkeeper.services import Services
from leadkeeper.settings import Settings
from leadkeeper.storage.database_clock import LOOK_SECONDS, DatabaseClock
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.frozen import end_frozen
from leadkeeper.storage.presence import Peers
from leadkeeper.texts import Languages
from leadkeeper.validation.outcome import UNASKED
from leadkeeper.validation.validator import Validator

log: Final = structlog.get_logger(__name__)


_Opened = tuple[Storage, Clock, Sequence[str], Peers, Languages]
"""A database with its clock, the keys to the secrets in it, how many processes use it, and what they speak."""


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    worker: bool,
    languages: Languages | None = None,
    clock_of: Callable[[Storage], DatabaseClock] = DatabaseClock,
    shared: SharedCounts | None = None,
) -> AsyncIterator[Installation]:
    """The services over the database of ``settings``, which is made or brought up to date first.

    They speak ``languages``; without, all that this package has. They live by the clock that ``clock_of`` makes. What
    is measured is counted in ``shared``, where several processes do so.

    Raises ``StorageAway`` when it cannot be reached and :class:`WrongSetting` when the secret key or a destination's
    package cannot be used.
    """
    # Transactions run in threads: the loop must not wait the default 5 ms for each to let it go on.
    sys.setswitchinterval(0.0005)
    storage, clock, secret_keys = await open_database(settings, clock_of)
    network, peers = Network(settings.network_policy), Peers()
    mail = MailService(settings.mail_server, settings.mail_rules, settings.base_url)
    context = Context(network, mail, carrying=lambda: peers.carrying)
    metrics = Metrics(shared)
    carrier: Worker | None = None
    handover = Handover()

    watching = asyncio.create_task(_watch(storage, clock, handover.wake), name="clock")
    opened = storage, clock, secret_keys, peers, languages or installed()
    services = _assemble(settings, opened, context, handover)
    await services.marketplace.look()
    await services.branding.look()
    await services.channels.refresh()
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
                events=services.channels.subscriptions,
            )
            handover.carrier, handover.woken = carrier.direct, carrier.wake
        yield Installation(services, metrics, network, carrier, clock, context)
        await services.intake.drained()
    finally:
        watching.cancel()
        await services.link_mail.aclose()
        await services.rates.aclose()
        await services.uses.aclose()
        await services.audit.drained()
        await network.aclose()
        await storage.close()


def _assemble(settings: Settings, opened: _Opened, context: Context, handover: Handover) -> Services:
    """All services, over the same storage and by the same clock."""
    storage, clock, secret_keys, peers, languages = opened
    withholding = Withholding.parse(settings.withheld_domains)
    rates, uses, inbox = Rates(storage, settings.quotas, clock), Uses(storage, clock), Inbox(storage)
    sign_ins, people = _people(settings, storage, clock, secret_keys, uses, languages, peers)
    connections = _connections(settings, storage, clock, secret_keys, handover.wake)
    catalogue = OfferCatalogue(storage, connections, clock, quotas=settings.quotas)
    channels = _channels(settings, storage, clock, secret_keys, context.network)
    trace = Trace(storage, settings.base_url, withholding, settings.destinations)
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
        branding=_branding(settings, storage, clock),
        audit=sign_ins.audit,
        channels=channels,
        hooks=Hooks(storage, clock, quotas=settings.quotas, uses=uses),
        catalogue=catalogue,
        offer_copies=OfferCopies(storage, catalogue, connections),
        offer_logos=OfferLogos(storage, catalogue, Showcase(storage), clock),
        connection_copies=ConnectionCopies(storage, connections),
        connections=connections,
        findings=Findings(storage, connections, handover.wake, clock, goes_on=look_again),
        intake=Intake(storage, handover.wake, clock, withholding, rates, channels.subscriptions, handover),
        inbox=inbox,
        attention=Attention(storage),
        trace=trace,
        reading=Reading(inbox, trace, sign_ins.audit),
        sent_records=SentRecords(storage, connections, context, sign_ins.audit),
        costs=Costs(storage, clock, settings.destinations),
        redelivery=Redelivery(storage, handover.wake, clock),
        reconciliation=Reconciliation(storage, connections, handover.wake, clock, days=settings.reconciliation_days),
        retention=Retention(storage, settings.periods, clock),
        follow_ups=FollowUps(storage, clock),
        follow_up_uploads=FollowUpUploads(storage, clock),
        selection=Selection(storage, handover.wake, clock),
        lead_lists=LeadLists(storage, clock),
        validator=_validator(settings, storage, connections, context, handover.wake, clock, rates),
        rates=rates,
        publication=Publication(storage, clock=clock),
        suspensions=Suspensions(storage, handover.wake, sign_ins.keys.forget, clock),
        oversight=Oversight(storage, catalogue, clock, in_force(settings)),
        uses=uses,
        cross_listings=CrossListings(storage, clock),
        contact_answers=ContactAnswers(storage, clock, rules=settings.mail_rules),
        confirmations=_confirmations(settings, storage, people.marketplace, clock),
        clock=clock,
        base_url=settings.base_url,
        languages=languages,
        peers=peers,
    )


def _branding(settings: Settings, storage: Storage, clock: Clock) -> Branding:
    logo = settings.logo
    shown = None if logo is None else Picture(logo.body, logo.media_type)
    return Branding(storage, shown, settings.accent_color, clock)


def _confirmations(settings: Settings, storage: Storage, name: MarketplaceName, clock: Clock) -> Confirmations:
    """They go out where the operator wants them and there is a mail server."""
    server = settings.mail_server if settings.confirmation_mails else None
    return Confirmations(storage, None if server is None else server.sender, name, settings.mail_rules, clock)


def _channels(
    settings: Settings, storage: Storage, clock: Clock, secret_keys: Sequence[str], network: Network
) -> Channels:
    return Channels(storage, Vault(list(secret_keys)), network.check_url, Subscriptions(), clock, settings.quotas)


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
    uses: Uses,
    languages: Languages,
    peers: Peers,
) -> tuple[SignIns, PeopleRoom]:
    sign_ins = _sign_ins(settings, storage, clock, secret_keys, uses, peers)
    return sign_ins, open_people(
        storage,
        sign_ins,
        secret_keys,
        Vault(list(secret_keys)),
        None if settings.mail_server is None else Mailer(settings.mail_server),
        marketplace=MarketplaceName(storage, settings.named, clock, settings.operator_addresses),
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


def _sign_ins(
    settings: Settings, storage: Storage, clock: Clock, secret_keys: Sequence[str], uses: Uses, peers: Peers
) -> SignIns:
    lasts_ms, idle_ms = settings.session_hours * 3_600_000, settings.session_idle_minutes * 60_000
    sessions = Sessions(storage, lasts_ms=int(lasts_ms), idle_ms=int(idle_ms), clock=clock)
    keys = Keys(storage, clock, tokens=Tokens(secret_keys), uses=uses)
    limit = settings.sign_in_limit
    return SignIns(keys, sessions, Audit(storage, clock), limit=limit, doors=lambda: peers.answering)


async def _watch(storage: Storage, clock: DatabaseClock, wake: Callable[[Collection[str]], None]) -> None:
    """Look at the database's clock until cancelled; when the time has jumped, what was waited for may be due.

    Beside it, for it may be what they hold: at transactions of processes that are frozen.
    """

    async def look() -> None:
        if await clock.look():
            wake(())

    async def thaw() -> None:
        if ended := await storage.read(end_frozen):
            log.warning("transactions of a process that is frozen were ended", transactions=ended)

    await run_periodically(
        Job("clock", look, LOOK_SECONDS, at_once=False), Job("frozen transactions", thaw, LOOK_SECONDS, at_once=False)
    )


class _Unfailing:
    """A stream whose lines are lost where it cannot take them: a disk that is full of logs must not stop leads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.flush()


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
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Unfailing(sys.stderr))),
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s")

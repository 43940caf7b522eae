"""Puts everything together; the only file that sees all of it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import sys
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
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
from leadkeeper.connections.titles import ConnectionTitles
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
from leadkeeper.inbox.follow_up.punctuality import Punctuality
from leadkeeper.inbox.follow_up.upload import FollowUpUploads
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.acting import BulkRuns
from leadkeeper.inbox.lists.arrivals import Arrivals
from leadkeeper.inbox.lists.columns import LeadLists
from leadkeeper.inbox.lists.selection import Selection
from leadkeeper.inbox.oversight.oversight import Oversight
from leadkeeper.inbox.reading import Reading
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.inbox.trace import Trace
from leadkeeper.installation import Installation
from leadkeeper.intake.hook_test import HookTests
from leadkeeper.intake.keep import Intake
from leadkeeper.languages import installed
from leadkeeper.mail.mailer import Mailer
from leadkeeper.mail.service import MailService
from leadkeeper.network.client import Network
from leadkeeper.notices.answers import ContactAnswers
from leadkeeper.notices.confirmations import Confirmations
from leadkeeper.notices.fates import Mails
from leadkeeper.notices.quiet_hours import QuietHours
from leadkeeper.opening import open_database
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.privacy.retention import Retention
from leadkeeper.privacy.withholding import Withholding
from leadkeeper.publishing.branding import Branding, Picture
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.copying import OfferCopies
from leadkeeper.publishing.cross_listing import CrossListings
from leadkeeper.publishing.differences import Differences
from leadkeeper.publishing.logos import OfferLogos
from leadkeeper.publishing.operations import look_again
from leadkeeper.publishing.publication import Publication, keeps_last_connection
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.publishing.steps import Unconfirmed
from leadkeeper.publishing.suspension import Suspensions
from leadkeeper.reconciliation.reconciliation import Reconciliation
from leadkeeper.services import AccessServices, LeadServices, NoticeServices, OfferServices, Services
from leadkeeper.settings import Settings
from leadkeeper.storage.database_clock import LOOK_SECONDS, DatabaseClock
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.frozen import end_frozen
from leadkeeper.storage.looks import look
from leadkeeper.storage.presence import Peers
from leadkeeper.texts import Languages
from leadkeeper.validation.outcome import UNASKED
from leadkeeper.validation.validator import Validator

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every room stands on: settings, an open database with its clock, and the way out."""

    settings: Settings
    storage: Storage
    clock: Clock
    secret_keys: Sequence[str]
    peers: Peers
    languages: Languages
    context: Context
    network: Network
    handover: Handover

    def vault(self) -> Vault:
        """What seals and opens secrets in the database."""
        return Vault(list(self.secret_keys))


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
    network, peers, handover = Network(settings.network_policy), Peers(), Handover()
    mail = MailService(settings.mail_server, settings.mail_rules, settings.base_url)
    context = Context(network, mail, carrying=lambda: peers.carrying)
    metrics = Metrics(shared)

    watching = asyncio.create_task(_watch(storage, clock, handover.wake), name="clock")
    services = _assemble(
        _Ground(settings, storage, clock, secret_keys, peers, languages or installed(), context, network, handover)
    )
    await services.marketplace.look()
    await services.branding.look()
    await services.channels.refresh()
    try:
        carrier = _carrier(settings, services, context, metrics, handover) if worker else None
        yield Installation(services, metrics, network, carrier, clock, context)
        await services.intake.drained()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await services.accounts.mail.aclose()
        await services.access.rates.aclose()
        await services.access.uses.aclose()
        await services.access.audit.drained()
        await network.aclose()
        await storage.close()


def _carrier(settings: Settings, services: Services, context: Context, metrics: Metrics, handover: Handover) -> Worker:
    """What carries leads; from now on those that are taken in are handed to it directly."""
    carrier = Worker(
        services.storage,
        services.connections,
        context,
        lease_seconds=settings.lease_seconds,
        clock=services.clock,
        observe=metrics.observe_sends,
        prove=functools.partial(services.validator.validate, by=UNASKED),
        events=services.channels.subscriptions,
    )
    handover.carrier, handover.woken = carrier.direct, carrier.wake
    return carrier


def _assemble(ground: _Ground) -> Services:
    """All services, over the same storage and by the same clock."""
    settings, storage, clock, wake = ground.settings, ground.storage, ground.clock, ground.handover.wake
    access, marketplace = _access(ground), MarketplaceName(storage, settings.named, clock, settings.operator_addresses)
    accounts = _accounts(ground, access, marketplace)
    connections = _connections(ground)
    offers = _offers(ground, access, connections)
    channels = Channels(storage, ground.vault(), ground.network.check_url, Subscriptions(), clock, settings.quotas)
    withholding = Withholding.parse(settings.withheld_domains)
    intake = Intake(storage, wake, clock, withholding, access.rates, channels.subscriptions, ground.handover)
    return Services(
        access=access,
        accounts=accounts,
        provider=open_provider(
            settings.provider, accounts.sign_ins, ground.network, ground.secret_keys, settings.base_url
        ),
        marketplace=marketplace,
        branding=_branding(ground, marketplace),
        offers=offers,
        connections=connections,
        connection_copies=ConnectionCopies(storage, connections),
        connection_titles=ConnectionTitles(storage, clock),
        findings=Findings(storage, connections, wake, clock, goes_on=look_again),
        validator=_validator(ground, connections, access.rates),
        intake=intake,
        hook_tests=HookTests(storage, access.hooks, intake, clock),
        leads=_leads(ground, access.audit, connections, offers.catalogue, withholding),
        reconciliation=Reconciliation(storage, connections, wake, clock, days=settings.reconciliation_days),
        retention=Retention(storage, settings.periods, clock),
        notices=_notices(ground, marketplace),
        channels=channels,
        storage=storage,
        clock=clock,
        base_url=settings.base_url,
        languages=ground.languages,
        peers=ground.peers,
    )


def _branding(ground: _Ground, name: MarketplaceName) -> Branding:
    settings, logo = ground.settings, ground.settings.logo
    shown = None if logo is None else Picture(logo.body, logo.media_type)
    return Branding(ground.storage, name, shown, settings.accent_color, ground.clock)


def _access(ground: _Ground) -> AccessServices:
    settings, storage, clock = ground.settings, ground.storage, ground.clock
    lasts_ms, idle_ms = settings.session_hours * 3_600_000, settings.session_idle_minutes * 60_000
    sessions = Sessions(storage, lasts_ms=int(lasts_ms), idle_ms=int(idle_ms), clock=clock)
    uses, tokens, audit = Uses(storage, clock), Tokens(ground.secret_keys), Audit(storage, clock)
    keys = Keys(storage, clock, tokens=tokens, uses=uses)
    return AccessServices(
        keys=keys,
        sign_ins=SignIns(keys, sessions, audit, limit=settings.sign_in_limit, doors=lambda: ground.peers.answering),
        portal_links=PortalLinks(storage, sessions, tokens, settings.ancestors, clock),
        hooks=Hooks(storage, clock, quotas=settings.quotas, uses=uses),
        rates=Rates(storage, settings.quotas, clock),
        uses=uses,
        audit=audit,
    )


def _accounts(ground: _Ground, access: AccessServices, marketplace: MarketplaceName) -> PeopleRoom:
    settings = ground.settings
    return open_people(
        ground.storage,
        access.sign_ins,
        ground.secret_keys,
        ground.vault(),
        None if settings.mail_server is None else Mailer(settings.mail_server),
        marketplace=marketplace,
        least=settings.password_length,
        base_url=settings.base_url,
        rules=settings.mail_rules,
        languages=ground.languages,
        limit=settings.sign_in_limit,
        clock=ground.clock,
    )


def _connections(ground: _Ground) -> Connections:
    settings = ground.settings
    return Connections(
        ground.storage,
        ground.vault(),
        ground.handover.wake,
        ground.clock,
        keeps_last=keeps_last_connection,
        quotas=settings.quotas,
        mail_rules=settings.mail_rules,
        destinations=settings.destinations,
    )


def _validator(ground: _Ground, connections: Connections, rates: Rates) -> Validator:
    return Validator(
        ground.storage,
        connections,
        ground.context,
        ground.handover.wake,
        ground.clock,
        rates=rates,
        waits_for_word=ground.settings.unconfirmed_test_leads is Unconfirmed.WAIT,
    )


def _offers(ground: _Ground, access: AccessServices, connections: Connections) -> OfferServices:
    storage, clock = ground.storage, ground.clock
    catalogue = OfferCatalogue(storage, connections, clock, quotas=ground.settings.quotas)
    showcase = Showcase(storage)
    return OfferServices(
        catalogue=catalogue,
        publication=Publication(storage, clock=clock),
        differences=Differences(storage, connections),
        copies=OfferCopies(storage, catalogue, connections),
        logos=OfferLogos(storage, catalogue, showcase, clock),
        cross_listings=CrossListings(storage, clock),
        showcase=showcase,
        suspensions=Suspensions(storage, ground.handover.wake, access.keys.forget, clock),
    )


def _leads(
    ground: _Ground, audit: Audit, connections: Connections, catalogue: OfferCatalogue, withholding: Withholding
) -> LeadServices:
    settings, storage, clock, wake = ground.settings, ground.storage, ground.clock, ground.handover.wake
    inbox, trace = Inbox(storage), Trace(storage, settings.base_url, withholding, settings.destinations)
    return LeadServices(
        inbox=inbox,
        trace=trace,
        reading=Reading(inbox, trace, audit),
        lists=LeadLists(storage, clock),
        arrivals=Arrivals(storage, inbox),
        selection=Selection(storage, wake, clock),
        bulk_runs=BulkRuns(storage, inbox, wake, clock, settings.quotas),
        attention=Attention(storage),
        sent_records=SentRecords(storage, connections, ground.context, audit),
        redelivery=Redelivery(storage, wake, clock),
        follow_ups=FollowUps(storage, clock),
        follow_up_uploads=FollowUpUploads(storage, clock),
        punctuality=Punctuality(storage, clock),
        costs=Costs(storage, clock, settings.destinations),
        oversight=Oversight(storage, catalogue, clock, in_force(settings)),
    )


def _notices(ground: _Ground, marketplace: MarketplaceName) -> NoticeServices:
    """Customers get confirmations where the operator wants that and there is a mail server."""
    settings, storage, clock = ground.settings, ground.storage, ground.clock
    server = settings.mail_server if settings.confirmation_mails else None
    sender = None if server is None else server.sender
    return NoticeServices(
        answers=ContactAnswers(storage, clock, rules=settings.mail_rules),
        confirmations=Confirmations(storage, sender, marketplace, settings.mail_rules, clock),
        mails=Mails(storage),
        quiet_hours=QuietHours(storage),
    )


async def _watch(storage: Storage, clock: DatabaseClock, wake: Callable[[Collection[str]], None]) -> None:
    """Look at the database's clock until cancelled; when the time has jumped, what was waited for may be due.

    Beside it, for it may be what they hold: at transactions of processes that are frozen.
    """

    async def look_at_clock() -> None:
        if await clock.look():
            wake(())

    async def thaw() -> None:
        if ended := await look(storage, end_frozen):
            log.warning("transactions of a process that is frozen were ended", transactions=ended)

    await run_periodically(
        Job("clock", look_at_clock, LOOK_SECONDS, at_once=False),
        Job("frozen transactions", thaw, LOOK_SECONDS, at_once=False),
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

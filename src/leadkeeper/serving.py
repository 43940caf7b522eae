"""Runs a process of an installation: what listens, what carries, and what is done beside, until it is to stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from leadkeeper.access.chain import Sealer
from leadkeeper.app import open_services
from leadkeeper.channels.carrier import ChannelCarrier
from leadkeeper.doors.api.metrics import SETTLE_SECONDS
from leadkeeper.doors.api.shared_counts import SharedCounts
from leadkeeper.inbox.inspection import Inspection
from leadkeeper.inbox.lists.acting_task import BulkRunTask
from leadkeeper.inbox.lists.indexing import SearchIndexing
from leadkeeper.inbox.oversight.tally import Tally
from leadkeeper.installation import Installation
from leadkeeper.mail.mailer import Mailer
from leadkeeper.notices.reminders import Reminders
from leadkeeper.notices.sender import Sender
from leadkeeper.notices.telling import LOOK_SECONDS as TELLING_SECONDS
from leadkeeper.notices.telling import Telling
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.privacy.retention import RetentionTask
from leadkeeper.processes.plan import Duty
from leadkeeper.publishing.runner import PublishingRunner
from leadkeeper.reconciliation.task import ReconciliationTask
from leadkeeper.services import Services
from leadkeeper.settings import Settings
from leadkeeper.storage.disk import LOOK_SECONDS, DiskWatch
from leadkeeper.storage.presence import WRITE_SECONDS, ProcessPresence, workers_away
from leadkeeper.texts import ENGLISH

if TYPE_CHECKING:
    from leadkeeper.doors.listener.server import Server

_Work = Coroutine[Any, Any, None]
"""Done until it is cancelled."""


async def serve(
    settings: Settings,
    role: Duty,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None] = lambda: None,
    begin: Callable[[str], None] | None = None,
    bound: socket.socket | None = None,
    shared: SharedCounts | None = None,
) -> None:
    """Run the API, the worker or both until ``stop`` is set; then end what is in flight or return it.

    ``ready`` is called once requests are answered, and ``begin`` then with the address at which an installation begins
    in which nobody can sign in yet. ``bound`` is a socket to listen on, instead of one of our own; ``shared`` is where
    several processes count what they measure. Raises ``OSError`` when the port is taken.
    """
    async with open_services(settings, worker=role.carries, shared=shared) as installation:
        # The API first: when its port is taken, nothing was begun.
        server = await _listen(settings, installation, role, bound) if role.listens else None
        carrying = asyncio.create_task(installation.worker.run(), name="worker") if installation.worker else None
        beside = [asyncio.create_task(work, name="beside") for work in _beside(settings, installation, role)]
        installation.metrics.started(role)
        ready()
        links = installation.services.accounts.links
        if role.listens and begin is not None and (link := await links.first()) is not None:
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


async def _listen(settings: Settings, installation: Installation, role: Duty, bound: socket.socket | None) -> Server:
    from leadkeeper.entrances import start_api  # a worker and a command do without all doors

    return await start_api(settings, installation, worker=role.carries, bound=bound)


def _beside(settings: Settings, installation: Installation, role: Duty) -> Sequence[_Work]:
    """All that a process does beside answering requests and carrying leads."""
    services = installation.services
    every = (
        _keep_present(ProcessPresence(services.storage, installation.clock, role, services.peers)),
        _watch_disk(settings, services),
        _settle(installation),
        services.marketplace.run(),
        services.branding.run(),
        services.channels.run(),
        Sealer(services.storage, settings.keep_audit_days, installation.clock).run(),
    )
    mailer = None if settings.mail_server is None else Mailer(settings.mail_server)
    if installation.worker is None:
        return [*every, _tell_that_workers_are_away(settings, services, mailer)]
    return [
        *every,
        *_telling(settings, installation, mailer),
        _publishing(settings, installation),
        *_looking_after(settings, installation),
    ]


async def _keep_present(presence: ProcessPresence) -> None:
    """Write down until cancelled that this process runs."""
    try:
        await run_periodically(Job("presence", presence.write_down, WRITE_SECONDS))
    finally:
        await presence.take_back()


async def _watch_disk(settings: Settings, services: Services) -> None:
    watch = DiskWatch(services.storage, services.clock, spare=settings.spare_megabytes * 1_000_000)
    await run_periodically(Job("disk", watch.look, LOOK_SECONDS))


async def _settle(installation: Installation) -> None:
    """Put what this process measures where others answer for it, until cancelled, and a last time then."""

    async def look() -> None:
        await installation.metrics.settle(installation.services.storage)

    try:
        await run_periodically(Job("measurements", look, SETTLE_SECONDS))
    finally:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await look()


def _telling(settings: Settings, installation: Installation, mailer: Mailer | None) -> Sequence[_Work]:
    """Whoever must act is told of causes and reminded of leads, by mail and over channels."""
    services = installation.services
    carrier = ChannelCarrier(
        services.storage,
        services.channels,
        installation.network,
        settings.base_url,
        services.languages,
        services.clock,
    )
    reminders = Reminders(
        services.storage,
        None if mailer is None else mailer.sender,
        settings.base_url,
        (settings.reminder_hours, settings.escalation_hours),
        services.clock,
        services.languages,
    )
    telling, sender = _cause_telling(settings, services, mailer), _sender(settings, services, mailer)
    return [telling.run(), reminders.run(), sender.run(), carrier.run()]


def _cause_telling(settings: Settings, services: Services, mailer: Mailer | None) -> Telling:
    return Telling(
        services.storage,
        None if mailer is None else mailer.sender,
        settings.base_url,
        services.operator_addresses,
        services.clock,
        rules=settings.mail_rules,
        languages=services.languages,
        subscriptions=services.channels.subscriptions,
        keep_days=settings.keep_mail_days,
    )


def _sender(settings: Settings, services: Services, mailer: Mailer | None) -> Sender:
    return Sender(
        services.storage,
        mailer,
        settings.base_url,
        services.clock,
        rules=settings.mail_rules,
        marketplace=services.marketplace,
        languages=services.languages,
    )


async def _tell_that_workers_are_away(settings: Settings, services: Services, mailer: Mailer | None) -> None:
    """A process without a worker tells in the place of those that are away: nobody else is there to do it."""
    telling, sender = _cause_telling(settings, services, mailer), _sender(settings, services, mailer)

    async def look() -> None:
        if await services.storage.read(workers_away, services.clock()) is not None:
            await telling.look()
            while mailer is not None and await sender.look():
                pass

    await run_periodically(Job("workers away", look, TELLING_SECONDS))


def _publishing(settings: Settings, installation: Installation) -> _Work:
    """The steps of offers that are being published."""
    services = installation.services
    return PublishingRunner(
        services.storage,
        services.connections,
        services.validator,
        by_operator=settings.certification == "operator",
        base_url=settings.base_url,
        language=services.languages.find(settings.language) or ENGLISH,
        unconfirmed=settings.unconfirmed_test_leads,
        lease_seconds=settings.lease_seconds,
        clock=services.clock,
        quotas=settings.quotas,
        turns=installation.turns,
    ).run()


def _looking_after(settings: Settings, installation: Installation) -> Sequence[_Work]:
    """What is kept is counted, indexed, inspected, removed in time, and compared with what destinations hold."""
    services = installation.services
    reconciliation = ReconciliationTask(
        services.storage,
        services.connections,
        installation.context,
        days=settings.reconciliation_days,
        clock=services.clock,
        random_unit=random.random,
    )
    return [
        reconciliation.run(),
        BulkRunTask(services.storage, services.leads.inbox, services.leads.bulk_runs.woken, services.clock).run(),
        SearchIndexing(services.storage).run(),
        Tally(services.storage, services.clock).run(),
        Inspection(services.storage, services.clock, random.random).run(),
        RetentionTask(services.retention, services.storage, services.clock).run(),
    ]


async def _until(stop: asyncio.Event, carrying: asyncio.Task[None] | None) -> None:
    """Return when ``stop`` is set; raise what ended the worker, should it end by itself."""
    stopping = asyncio.create_task(stop.wait())
    waited = {stopping} | ({carrying} if carrying is not None else set())
    done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if carrying is not None and carrying in done:
        carrying.result()

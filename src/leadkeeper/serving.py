"""Runs a process of an installation: what listens, what carries, and what is done beside, until it is to stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from leadkeeper.access.chain import Sealer
from leadkeeper.app import open_services
from leadkeeper.channels.carrier import ChannelCarrier
from leadkeeper.doors.api.metrics import SETTLE_SECONDS
from leadkeeper.doors.api.shared_counts import SharedCounts
from leadkeeper.inbox.inspection import Inspection
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
from leadkeeper.settings import Settings
from leadkeeper.storage.disk import LOOK_SECONDS, DiskWatch
from leadkeeper.storage.presence import WRITE_SECONDS, ProcessPresence, workers_away
from leadkeeper.texts import ENGLISH


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
    api, worker = role.listens, role.carries
    async with open_services(settings, worker=worker, shared=shared) as installation:
        # The API first: when its port is taken, nothing was begun.
        server = None
        if api:
            from leadkeeper.entrances import start_api  # a worker and a command do without all doors

            server = await start_api(settings, installation, worker=worker, bound=bound)
        carrying = asyncio.create_task(installation.worker.run(), name="worker") if installation.worker else None
        presence = ProcessPresence(installation.services.storage, installation.clock, role, installation.services.peers)
        beside = [
            asyncio.create_task(work, name="beside")
            for work in (
                _keep_present(presence),
                _watch_disk(settings, installation),
                _settle(installation),
                installation.services.marketplace.run(),
                installation.services.branding.run(),
                installation.services.channels.run(),
                Sealer(installation.services.storage, settings.keep_audit_days, installation.clock).run(),
                *_beside(settings, installation),
            )
        ]
        installation.metrics.started(role)
        ready()
        if api and begin is not None and (link := await installation.services.links.first()) is not None:
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


async def _keep_present(presence: ProcessPresence) -> None:
    """Write down until cancelled that this process runs."""
    try:
        await run_periodically(Job("presence", presence.write_down, WRITE_SECONDS))
    finally:
        await presence.take_back()


async def _watch_disk(settings: Settings, installation: Installation) -> None:
    watch = DiskWatch(
        installation.services.storage, installation.services.clock, spare=settings.spare_megabytes * 1_000_000
    )
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


def _beside(settings: Settings, installation: Installation) -> list[Coroutine[Any, Any, None]]:
    """What a process with a worker does beside carrying leads: it sends notices, publishes, inspects records."""
    mailer = None if settings.mail_server is None else Mailer(settings.mail_server)
    sender = Sender(
        installation.services.storage,
        mailer,
        settings.base_url,
        installation.services.clock,
        rules=settings.mail_rules,
        marketplace=installation.services.marketplace,
        languages=installation.services.languages,
    )
    if installation.worker is None:
        return [_tell_that_workers_are_away(settings, installation, mailer, sender)]
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
    carrier = ChannelCarrier(
        installation.services.storage,
        installation.services.channels,
        installation.network,
        settings.base_url,
        installation.services.languages,
        installation.services.clock,
    )
    reconciliation = ReconciliationTask(
        installation.services.storage,
        installation.services.connections,
        installation.context,
        days=settings.reconciliation_days,
        clock=installation.services.clock,
        random_unit=random.random,
    )
    return [
        *_telling(settings, installation, mailer),
        carrier.run(),
        reconciliation.run(),
        sender.run(),
        runner.run(),
        SearchIndexing(installation.services.storage).run(),
        Tally(installation.services.storage, installation.services.clock).run(),
        Inspection(installation.services.storage, installation.services.clock, random.random).run(),
        RetentionTask(
            installation.services.retention, installation.services.storage, installation.services.clock
        ).run(),
    ]


def _cause_telling(settings: Settings, installation: Installation, mailer: Mailer | None) -> Telling:
    return Telling(
        installation.services.storage,
        None if mailer is None else mailer.sender,
        settings.base_url,
        installation.services.operator_addresses,
        installation.services.clock,
        rules=settings.mail_rules,
        languages=installation.services.languages,
        subscriptions=installation.services.channels.subscriptions,
        keep_days=settings.keep_mail_days,
    )


async def _tell_that_workers_are_away(
    settings: Settings, installation: Installation, mailer: Mailer | None, sender: Sender
) -> None:
    """A process without a worker tells in the place of those that are away: nobody else is there to do it."""
    telling = _cause_telling(settings, installation, mailer)
    storage, clock = installation.services.storage, installation.services.clock

    async def look() -> None:
        if await storage.read(workers_away, clock()) is not None:
            await telling.look()
            while mailer is not None and await sender.look():
                pass

    await run_periodically(Job("workers away", look, TELLING_SECONDS))


def _telling(settings: Settings, installation: Installation, mailer: Mailer | None) -> list[Coroutine[Any, Any, None]]:
    """Whoever must act is told of causes, and reminded of leads."""
    telling = _cause_telling(settings, installation, mailer)
    reminders = Reminders(
        installation.services.storage,
        None if mailer is None else mailer.sender,
        settings.base_url,
        (settings.reminder_hours, settings.escalation_hours),
        installation.services.clock,
        installation.services.languages,
    )
    return [telling.run(), reminders.run()]


async def _until(stop: asyncio.Event, carrying: asyncio.Task[None] | None) -> None:
    """Return when ``stop`` is set; raise what ended the worker, should it end by itself."""
    stopping = asyncio.create_task(stop.wait())
    waited = {stopping} | ({carrying} if carrying is not None else set())
    done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if carrying is not None and carrying in done:
        carrying.result()

"""Validation: the connection's check, then a real test lead down the real road."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter

from leadkeeper.access.rates import Rates
from leadkeeper.access.validations import UnderWay
from leadkeeper.catalogue import diagnose, text_of
from leadkeeper.check import Check, CheckStep, watched
from leadkeeper.clock import Clock, new_id, now_ms, to_datetime
from leadkeeper.connections import changes
from leadkeeper.connections.adapters import let_go, open_adapter
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.health import Health
from leadkeeper.connections.resource import Stored
from leadkeeper.connections.validation_texts import failed_text, held_text, summary_of_receipt, waiting_text
from leadkeeper.delivery.send import send
from leadkeeper.destinations.interface import Adapter, Context, Preview, Previews
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Receipt
from leadkeeper.gate import Gate, NoTurn, on_behalf_of
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.normal import normalised
from leadkeeper.lead import OutgoingLead, test_marker
from leadkeeper.network.silent import Silent
from leadkeeper.offer import OfferRef, connection_called
from leadkeeper.problem import Problem, ProblemType, unknown_connection
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.storage.known import require_offer
from leadkeeper.texts import ENGLISH, Language, lazy_gettext
from leadkeeper.validation.outcome import UNASKED, Effect, SentTestLead, end_test, refuse
from leadkeeper.validation.test_lead import begin_test, outgoing_test_lead, test_lead
from leadkeeper.views import CheckStepView, DiagnosisView, PreviewView, ReceiptView, TestLeadView, Validation

CHECK_SECONDS: Final = 60
RECORD_SECONDS: Final = 5
"""How long it may take to tell what would be sent, while nobody is asked."""
VALIDATIONS: Final = 64
"""How many validations a process runs at once; a publisher alone has 24 of them."""
VALIDATIONS_RESERVED: Final = 16
QUEUE: Final = 50
"""So many more of a publisher wait for their turn."""
TURN_SECONDS: Final = 30.0
"""How long somebody who asks for a validation waits for its turn."""
PATIENT: Final = frozenset({UNASKED, "publishing"})
"""Who validates as part of other work, which has bounds of its own: nobody waits for the answer."""
CHANGED_MEANWHILE: Final = "The settings changed while their test lead was on its way: validate them again."

_STEPS: Final = TypeAdapter(list[CheckStepView])
Seen = Callable[[], None]
"""Hears that a validation is further than it was."""


Further = Callable[[Sequence[CheckStepView], str], Awaitable[None]]


def steps_seen(checks: str) -> list[CheckStepView]:
    """What the check of a validation under way found so far."""
    return _STEPS.validate_json(checks)


class Validator:
    """Validates connections. ``woken`` is told the connections that work again.

    ``rates`` bounds what publishers ask for; without it nothing is refused. ``waits_for_word``: new settings whose
    test lead no destination confirms take effect only once somebody says that it was found.
    """

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        context: Context,
        woken: Callable[[Collection[str]], None] = lambda _: None,
        clock: Clock = now_ms,
        rates: Rates | None = None,
        waits_for_word: bool = False,
    ) -> None:
        self.waits_for_word = waits_for_word
        self._rates = rates
        self._storage = storage
        self._connections = connections
        self._context = context
        self._woken = woken
        self._clock = clock
        self._turns = Gate(VALIDATIONS, VALIDATIONS_RESERVED, queue=QUEUE)

    @asynccontextmanager
    async def _turn(self, publisher_id: str, seconds: float | None) -> AsyncIterator[None]:
        """A place among the validations, for a publisher; raises :class:`Problem` when none comes in time."""
        try:
            await self._turns.enter(publisher_id, seconds)
        except NoTurn:
            raise Problem(
                ProblemType.TOO_MANY_REQUESTS,
                lazy_gettext(
                    "The publisher has as many validations under way as it may. Repeat this once some of them have "
                    "ended."
                ),
            ) from None
        try:
            with on_behalf_of(publisher_id):
                yield
        finally:
            self._turns.leave(publisher_id)

    async def check(self, connection: Connection) -> Check:
        """What can be proven of the connection without writing; ends within a minute."""
        destination = open_adapter(connection, self._context, self._storage)
        try:
            with on_behalf_of(connection.offer.publisher_id, connection.id):
                async with asyncio.timeout(CHECK_SECONDS):
                    return await destination.check()
        except TimeoutError:
            diagnosis = diagnose(
                Kind.NO_ANSWER,
                Evidence(text=lazy_gettext("no answer to the check in %(seconds)s s", seconds=CHECK_SECONDS)),
            )
            return Check((CheckStep("check", False, diagnosis.summary),), diagnosis)
        finally:
            await let_go(destination)

    async def preview(
        self, offer: OfferRef, name: str, lead: NewLead | None, language: Language = ENGLISH
    ) -> PreviewView:
        """What would be sent over the connection for ``lead`` (a test lead if none is given); nothing is sent.

        Raises :class:`Problem` for an unknown offer or connection. It may ask the remote system, so it counts as a
        validation does.
        """
        connection = await self._connections.get(offer, name)
        if connection is None:
            raise unknown_connection(offer, name)
        if self._rates is None:
            return await self._preview(connection, offer, lead, language)
        async with self._rates.validating(offer.publisher_id):
            return await self._preview(connection, offer, lead, language)

    async def _preview(
        self, connection: Connection, offer: OfferRef, lead: NewLead | None, language: Language
    ) -> PreviewView:
        now = self._clock()
        new = normalised(lead or test_lead(offer, test_marker(to_datetime(now))))
        outgoing = await self._storage.read(outgoing_test_lead, new_id(), new, now)
        destination = open_adapter(connection, self._context, self._storage)
        try:
            async with self._turn(offer.publisher_id, TURN_SECONDS):
                with on_behalf_of(offer.publisher_id, connection.id):
                    found = await _previewed(destination, outgoing)
        finally:
            await let_go(destination)
        return _preview_view(connection.stored, found, language)

    async def record(self, offer: OfferRef, stored: Stored, language: Language = ENGLISH) -> PreviewView:
        """What would be sent for a test lead with these settings, as far as it can be told without asking anybody.

        Nothing is called: settings that somebody is still typing sign in nowhere. Raises :class:`Problem` for an
        unknown offer.
        """
        now = self._clock()
        await self._storage.read(require_offer, offer)
        new = normalised(test_lead(offer, test_marker(to_datetime(now))))
        outgoing = await self._storage.read(outgoing_test_lead, new_id(), new, now)
        line = Connection("", offer, "", 0, stored, Health(), removed=False, created_at=now, changed_at=now)
        context = replace(self._context, network=Silent(self._context.network.policy))
        destination = open_adapter(line, context, self._storage)
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                found = await _previewed(destination, outgoing)
        except TimeoutError:
            found = Preview({})
        finally:
            await let_go(destination)
        return _preview_view(stored, found, language)

    async def validate(
        self, offer: OfferRef, name: str, *, by: str, language: Language = ENGLISH, seen: Seen = lambda: None
    ) -> Validation:
        """Check the connection and, if that passes, send a real test lead over it alone.

        When the destination confirms the test lead, the connection is proven; one that takes it without confirming
        it is unconfirmed until somebody says that it was found. One that was paused or failing is resumed and its held
        leads go out, unless they are held because a test lead was not found. New settings that wait are what is tried,
        and take effect then.
        Diagnoses are told in ``language``; ``seen`` hears when it is further than it was.
        Raises :class:`Problem` for an unknown offer or connection, when its turn does not come in time, and where
        somebody asks (``by`` is not one of :data:`PATIENT`) for more than the publisher's quotas allow.
        """
        await self._connections.require(offer, name)
        async with AsyncExitStack() as stack:
            run: UnderWay | None = None
            if by not in PATIENT and self._rates is not None:
                rates = self._rates.validating(offer.publisher_id, (offer, name))
                run = await stack.enter_async_context(rates)
                seen()
            patience = None if by in PATIENT else TURN_SECONDS
            await stack.enter_async_context(self._turn(offer.publisher_id, patience))
            connection = await self._known(offer, name)

            async def further(steps: Sequence[CheckStepView], marker: str) -> None:
                if run is not None:
                    await run.seen(_STEPS.dump_json(list(steps)).decode(), marker)
                    seen()

            return await self._validated(connection, by, language, further)

    async def _known(self, offer: OfferRef, name: str) -> Connection:
        connection = await self._connections.get(offer, name)
        if connection is None:
            raise unknown_connection(offer, name)
        return connection

    async def _validated(self, connection: Connection, by: str, language: Language, further: Further) -> Validation:
        if connection.change is not None:
            await self._storage.write(changes.take_change, connection.id, connection.change, self._clock())
        check = await self._checked(connection.changed, language, further)
        steps = tuple(_step(step, check.diagnosis, language) for step in check.steps)
        name = _named(connection.changed, language)
        if not check.ok:
            diagnosis = check.diagnosis or diagnose(Kind.SETTINGS_INVALID)
            await self._storage.write(refuse, connection, diagnosis, self._clock())
            message = failed_text(None, name, language)
            return Validation(
                ok=False,
                message=message,
                checks=steps,
                diagnosis=DiagnosisView.of(diagnosis, language).for_a_person(language),
            )
        now = self._clock()
        marker = test_marker(to_datetime(now))
        await further(steps, marker)
        lead, delivery_id, lease_id = await self._storage.write(begin_test, connection, marker, now)
        answer = await self._carry(connection.changed, lead)
        sent = SentTestLead(connection, lead.id, marker, delivery_id, lease_id, now, answer)
        effect = await self._storage.write(end_test, sent, self._clock(), by, waits_for_word=self.waits_for_word)
        if isinstance(answer, Receipt):
            self._woken([connection.id])
        lost = isinstance(answer, Receipt) and connection.change is not None and effect is Effect.NOT_TAKEN
        if lost:
            steps += (CheckStepView(name="settings", ok=False, detail=CHANGED_MEANWHILE),)
        ok = False if lost or isinstance(answer, Diagnosis) else True if answer.confirmed else None
        return Validation(
            ok=ok,
            message=_message(sent, effect, name, language),
            checks=steps,
            not_looked_at=None if check.unseen is None else check.unseen.summary(language),
            test_lead=TestLeadView(
                id=lead.id,
                marker=marker,
                receipt=ReceiptView.of(answer, language) if isinstance(answer, Receipt) else None,
            ),
            diagnosis=DiagnosisView.of(answer, language).for_a_person(language)
            if isinstance(answer, Diagnosis)
            else None,
        )

    async def _checked(self, connection: Connection, language: Language, further: Further) -> Check:
        """The check, each of its steps told as soon as it is found, with those before."""
        steps: list[CheckStepView] = []
        moved, ended = asyncio.Event(), False

        def tell(step: CheckStep) -> None:
            steps.append(_step(step, None, language))
            moved.set()

        async def pass_on() -> None:
            # Beside the check: how long the database takes is no part of the time that the other side has.
            while not ended:
                await moved.wait()
                moved.clear()
                if not ended:
                    with contextlib.suppress(StorageAway):  # nobody sees the step; the check goes on
                        await further(tuple(steps), "")

        passing = asyncio.create_task(pass_on())
        try:
            with watched(tell):
                return await self.check(connection)
        finally:
            ended = True
            moved.set()
            await passing

    async def _carry(self, connection: Connection, lead: OutgoingLead) -> Answer:
        destination = open_adapter(connection, self._context, self._storage)
        try:
            (answer,) = await send(destination, [lead], connection.id)
            return answer
        finally:
            await let_go(destination)


def _step(step: CheckStep, diagnosis: Diagnosis | None, language: Language) -> CheckStepView:
    """The step; where it repeats the diagnosis's summary, that is told in ``language`` too."""
    detail = language.tell(step.detail)
    if diagnosis is not None and step.ok is False:
        detail = detail.replace(diagnosis.summary, text_of(diagnosis.kind, language).summary)
    return CheckStepView(name=step.name, ok=step.ok, detail=detail)


def _named(connection: Connection, language: Language) -> str:
    return connection_called(connection.label, language.tell(connection.stored.provider.title))


def _message(sent: SentTestLead, effect: Effect, name: str, language: Language) -> str:
    """What became of the test lead, no more than is known."""
    if isinstance(sent.answer, Diagnosis):
        return failed_text(sent.marker, name, language, sent.answer)
    kind = sent.connection.changed.stored.provider.if_not_found
    message = summary_of_receipt(sent.answer, sent.marker, sent.lead_id, name, kind, language)
    if effect is Effect.HELD:
        return f"{message} {held_text(language)}"
    return f"{message} {waiting_text(language)}" if effect is Effect.WAITS else message


async def _previewed(destination: Adapter, lead: OutgoingLead) -> Preview:
    if not isinstance(destination, Previews):
        return Preview({}, ("The connection's settings cannot be used as they are.",))
    return await destination.preview(lead)


def _preview_view(stored: Stored, found: Preview, language: Language) -> PreviewView:
    """The preview as it is shown, its notes in ``language``."""
    notes = tuple(map(language.tell, found.notes))
    return PreviewView(destination=stored.destination, record=dict(found.record), notes=notes)

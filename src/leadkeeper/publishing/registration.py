"""The steps of publishing that look at an offer's connections: their checks, test leads, and words on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from leadkeeper.catalogue import CATALOGUE, docs_of, text_of
from leadkeeper.clock import to_text
from leadkeeper.connections.connection import Connection, is_held_as_not_found
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.last_test import LastTest
from leadkeeper.connections.validation_texts import found_before_text, found_text, unconfirmed_text
from leadkeeper.diagnoses.text import WHO_ACTS
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Who
from leadkeeper.offer import OfferRef, connection_called
from leadkeeper.publishing.check_pace import CheckPace
from leadkeeper.publishing.steps import Done, FailedStep, StepResult, StepStatus, Unconfirmed, Waits
from leadkeeper.texts import Language, _
from leadkeeper.validation.validator import Validator
from leadkeeper.views import DiagnosisView, Validation

BY: Final = "publishing"
RECOMMENDED: Final = _(
    "The offer has no lead destination. Its type needs none, but without one you read its leads here only: connect one."
)
_WAITS: Final = _("Publishing goes on by itself once somebody says that it was found.")


@dataclass
class _Seen:
    """What was seen of an offer's connections."""

    texts: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def result(self, language: Language) -> StepResult:
        """What follows for the step."""
        if self.failed:
            return FailedStep(tuple(self.failed))
        if self.waiting:
            return Waits(StepStatus.WAITING_FOR_REVIEW, language.gettext(_WAITS), (*self.texts, *self.waiting))
        return Done(tuple(self.texts), tuple(self.doubts))


class Registration:
    """Looks at connections for publishing. ``unconfirmed`` is what follows where a destination confirms nothing."""

    def __init__(
        self,
        connections: Connections,
        validator: Validator,
        pace: CheckPace,
        *,
        unconfirmed: Unconfirmed,
        base_url: str,
        language: Language,
    ) -> None:
        self._connections = connections
        self._validator = validator
        self._pace = pace
        self._unconfirmed = Unconfirmed(unconfirmed)
        self._base_url = base_url
        self._language = language

    async def checked(self, offer: OfferRef) -> StepResult:
        """Every connection is checked without writing; what a check did not look at is told."""
        found = await self._connections.list(offer)
        if not found:
            return Done((RECOMMENDED,))
        summary, failed = [], []
        for connection in found:
            await self._pace.turn(offer.publisher_id)
            check = await self._validator.check(connection.changed)
            if check.ok:
                passed = f"The connection {self._name(connection)} was checked: {len(check.steps)} of its steps passed."
                summary.append(passed if check.unseen is None else f"{passed} {check.unseen.summary(self._language)}")
            else:
                failed.append(f"{self._name(connection)}: {self._remedy(check.diagnosis)}")
        return FailedStep(tuple(failed)) if failed else Done(tuple(summary))

    async def registered(self, offer: OfferRef, *, again: bool) -> StepResult:
        """A test lead is sent over every connection; ``again``: where it is known what became of the one before, none.

        The step has waited then for somebody's word.
        """
        found = await self._connections.list(offer)
        if not found:
            return Done((RECOMMENDED,))
        seen = _Seen()
        for connection in found:
            if not again or not self._is_known(connection, seen):
                await self._try(connection, seen)
        return seen.result(self._language)

    async def completed(self, offer: OfferRef) -> StepResult:
        """What changed since is tried; what somebody did not find stops it."""
        seen = _Seen()
        for connection in await self._connections.list(offer):
            if not self._is_ready(connection) and not self._is_known(connection, seen):
                await self._try(connection, seen)
        return seen.result(self._language)

    def _is_ready(self, connection: Connection) -> bool:
        """Whether nothing about the connection keeps the offer from going live."""
        waits = self._unconfirmed is Unconfirmed.WAIT
        known, lost = connection.known, is_held_as_not_found(connection)
        return connection.change is None and not lost and (known.proven if waits else known.tried)

    def _is_known(self, connection: Connection, seen: _Seen) -> bool:
        """Whether it is known what became of the test lead, or that nobody has said so yet; told in ``seen``."""
        test = connection.test
        sealed = None if connection.change is None else connection.change.sealed
        if test is None or test.change != sealed:
            return connection.proven and sealed is None
        if test.answered and test.word is not None:
            if not test.word.found:
                seen.failed.append(f"{self._name(connection)}: {self._advice(_if_not_found(connection))}")
            elif sealed is None:
                seen.texts.append(found_text(test, self._name(connection), to_text(test.word.at), self._language))
            return True
        if connection.proven and sealed is None:
            return True
        seen.waiting.append(self._sent(connection, test.marker, test.lead_id))
        return True

    async def _try(self, connection: Connection, seen: _Seen) -> None:
        await self._pace.turn(connection.offer.publisher_id)
        found = await self._validator.validate(connection.offer, connection.name, by=BY, language=self._language)
        if found.ok is False or found.test_lead is None:
            seen.failed.append(f"{self._name(connection)}: {self._not_taken(found)}")
        elif found.ok:
            seen.texts.append(f"{found.message} {self._link(found.test_lead.id)}")
        else:
            now = await self._connections.get(connection.offer, connection.name)
            message = self._sent(connection, found.test_lead.marker, found.test_lead.id)
            before = None if now is None or now.change is not None or not now.proven else now.test
            if now is not None and is_held_as_not_found(now):
                seen.waiting.append(message)  # whatever passes elsewhere: the one before was not found
            elif before is not None:
                seen.texts.append(message + self._before(before))
            else:
                {
                    Unconfirmed.WAIT: seen.waiting,
                    Unconfirmed.WARN: seen.doubts,
                    Unconfirmed.PASS: seen.texts,
                }[self._unconfirmed].append(message)

    def _sent(self, connection: Connection, marker: str, lead_id: str) -> str:
        """It was sent, unconfirmed; the same text however often it is told."""
        kind = _if_not_found(connection)
        message = unconfirmed_text(marker, lead_id, self._name(connection), kind, self._language)
        return f"{message} {self._link(lead_id)}"

    def _before(self, test: LastTest) -> str:
        word = test.word
        return "" if word is None else " " + found_before_text(test, to_text(word.at), self._language)

    def _name(self, connection: Connection) -> str:
        return connection_called(connection.label, self._language.tell(connection.stored.provider.title))

    def _link(self, lead_id: str) -> str:
        return f"What became of it: {self._base_url}/portal/leads/{lead_id}"

    def _not_taken(self, seen: Validation) -> str:
        summary = seen.diagnosis
        if summary is None:
            return "The connection did not pass its check."
        who = self._language.gettext(WHO_ACTS[Who(summary.who)])
        return _lines(summary.summary, who, summary.steps, f"{self._base_url}{summary.docs}", summary.kind)

    def _remedy(self, diagnosis: Diagnosis | None) -> str:
        if diagnosis is None:
            return "The connection did not pass its check."
        view = DiagnosisView.of(diagnosis, self._language).for_a_person(self._language)
        return _lines(view.summary, self._language.gettext(WHO_ACTS[Who(view.who)]), view.steps, "", view.kind)

    def _advice(self, kind: AnyKind | None) -> str:
        """What usually is wrong where a test lead was not found."""
        summary = kind or Kind.SETTINGS_INVALID
        text, who = text_of(summary, self._language), self._language.gettext(WHO_ACTS[CATALOGUE[summary].who])
        docs = f"{self._base_url}{docs_of(summary, self._language)}"
        return _lines(text.summary, who, text.steps, docs, summary.value)


def _if_not_found(connection: Connection) -> AnyKind | None:
    return connection.changed.stored.provider.if_not_found


def _lines(summary: str, who: str, steps: Sequence[str], docs: str, kind: str) -> str:
    """A diagnosis as a person reads it in a message: one line for each thing."""
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n".join([f"{summary} ({kind})", f"Who acts: {who}.", *numbered, *([f"More: {docs}"] if docs else [])])

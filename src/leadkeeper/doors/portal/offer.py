"""What the page of one offer shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import to_text
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.state import STATE_WORDS, ConnectionState
from leadkeeper.connections.validation_texts import change_text, named, unconfirmed_text
from leadkeeper.destinations.interface import Standing
from leadkeeper.destinations.registry import BY_NAME
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.steps import STEP_TEXTS
from leadkeeper.rooms import Rooms
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import DiagnosisView


@dataclass(frozen=True, slots=True)
class ContactLine:
    """A contact e-mail as the page shows it: what its standing is called, and why its last mail was refused."""

    email: str
    standing: str
    diagnosis: DiagnosisView | None


_STANDINGS = {
    Standing.CONFIRMED: "gets notices",
    Standing.ASKED: "was asked whether it wants notices, and has not answered yet",
    Standing.WAITING: "is about to be asked whether it wants notices",
    Standing.DECLINED: "wants no notices",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A connection as the page shows it."""

    name: str
    title: str
    state: str
    troubled: bool
    word: str
    diagnosis: DiagnosisView | None
    waits: str
    refused: DiagnosisView | None
    contacts: tuple[ContactLine, ...] = ()


async def offer_content(rooms: Rooms, ref: OfferRef, language: Language) -> dict[str, Any]:
    """Everything that the template names. Raises :class:`Problem` for an unknown offer."""
    publishing = await rooms.publication.status(ref)
    now = rooms.clock()
    at = f"/store/offers/{ref.publisher_id}/{ref.offer_id}"
    offer = publishing.offer
    return {
        "offer": offer,
        "ref": ref,
        "publishing": publishing,
        "texts": STEP_TEXTS,
        "missing": await rooms.publication.missing(ref),
        "lines": [
            _line(each, now, language, waits_for_word=rooms.tester.waits_for_word)
            for each in (await rooms.connections.page(ref)).connections
        ],
        "cost": await rooms.costs.of(ref),
        "partners": await rooms.cross_listings.of(ref),
        "preview": None if offer.preview_version is None else f"{at}?preview={offer.preview_key}",
        "shown": at if offer.live and offer.is_published else None,
    }


def _line(connection: Connection, now: int, language: Language, *, waits_for_word: bool) -> Line:
    change = connection.change
    return Line(
        name=connection.name,
        title=BY_NAME[connection.stored.destination].title,
        state=ENGLISH.gettext(STATE_WORDS[connection.state]),
        troubled=connection.state is ConnectionState.BROKEN or connection.health.trouble(now) is not None,
        word=_word(connection),
        diagnosis=_diagnosis(connection.diagnosis, language),
        waits="" if change is None else _waits(connection, waits_for_word),
        refused=None if change is None else _diagnosis(change.diagnosis, language),
        contacts=tuple(
            ContactLine(one.email, _STANDINGS[one.standing], _diagnosis(one.trouble, language))
            for one in connection.contacts
        ),
    )


def _waits(connection: Connection, waits_for_word: bool) -> str:
    """When the settings that wait take effect."""
    return change_text(connection.changed.stored.destination, ENGLISH, waits_for_word=waits_for_word)


def _word(connection: Connection) -> str:
    """What became of the last test lead, as far as anybody knows."""
    test = connection.test
    if test is None or test.confirmed:
        return ""
    # One that was sent with settings which wait went to where those lead.
    sent_with = connection if test.change is None else connection.changed
    said, destination = test.word, BY_NAME[sent_with.stored.destination]
    if said is None or not test.answered:
        name = named(connection.name, destination.title)
        return unconfirmed_text(test.marker, test.lead_id, name, destination.if_not_found, ENGLISH)
    found = "found" if said.found else "did not find"
    return f"{said.by} {found} the test lead {said.marker} there, on {to_text(said.at)}."


def _diagnosis(stored: str | None, language: Language) -> DiagnosisView | None:
    told = None if stored is None else from_stored(stored)
    return DiagnosisView.of(told, language) if isinstance(told, Diagnosis) else None

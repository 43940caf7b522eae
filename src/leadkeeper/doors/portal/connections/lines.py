"""An offer's connections as the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pydantic import ValidationError

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import to_datetime
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.expiry import REMIND_DAYS, days_left, ends_at
from leadkeeper.connections.health import Trouble
from leadkeeper.connections.resource import restored
from leadkeeper.connections.state import ConnectionState
from leadkeeper.connections.validation_texts import change_text, unconfirmed_text
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.doors.portal.connections.guides import ENDS, guide_of, way_of
from leadkeeper.doors.state_words import STANDINGS
from leadkeeper.inbox.attention.waiting import waiting_counts
from leadkeeper.offer import OfferRef, connection_called, own_title
from leadkeeper.services import Services
from leadkeeper.texts import Language, _
from leadkeeper.views import DiagnosisView


@dataclass(frozen=True, slots=True)
class ContactLine:
    """A contact e-mail as the page shows it: what its standing is called, and why its last mail was refused."""

    email: str
    standing: str
    diagnosis: DiagnosisView | None


_TROUBLES: Final = {Trouble.FAILING: _("failing"), Trouble.THROTTLED: _("throttled")}
_FOUND: Final = _("%(by)s found the test lead %(marker)s there, on %(at)s.")
_NOT_FOUND: Final = _("%(by)s did not find the test lead %(marker)s there, on %(at)s.")


@dataclass(frozen=True, slots=True)
class ConnectionLine:
    """A connection as the pages show it."""

    name: str
    label: str
    """What people call it."""
    destination: str
    title: str
    """What people call its destination."""
    heading: str
    """What a page calls it: the usual connection, untitled, by its destination."""
    called: str
    """The same with its destination."""
    icon: str
    host: str
    state: ConnectionState
    trouble: str
    """What it meets just now beside its state; empty for nothing."""
    word: str
    ask: str
    """The marker of a test lead that somebody should look for; empty where nobody needs to."""
    test_lead: str
    diagnosis: DiagnosisView | None
    waits: str
    refused: DiagnosisView | None
    held: int
    """How many leads wait for it while it is paused or broken; above :data:`MOST_COUNTED` there may be more still."""
    contacts: tuple[ContactLine, ...]
    ends_at: str
    """When its credentials end, as it is shown; empty where nobody knows."""
    ends_unknown: bool
    """Nobody told when its credentials end, though those of its kind do."""
    ends_soon: str
    """Whether and how soon somebody must act; empty where it is long until then."""
    since: int | None
    """Since when (ms) it is broken or fails, as far as that was recorded."""
    probe_at: int | None
    changed_at: int

    @property
    def is_held(self) -> bool:
        """Whether its leads are held."""
        return self.state in (ConnectionState.PAUSED, ConnectionState.BROKEN)


async def lines_of(services: Services, ref: OfferRef, language: Language) -> list[ConnectionLine]:
    """The offer's connections in their order. Raises :class:`Problem` for an unknown offer."""
    return await _lines(services, (await services.connections.page(ref)).connections, language)


async def line_of(services: Services, connection: Connection, language: Language) -> ConnectionLine:
    """What the pages show of one connection, as :func:`lines_of` shows each."""
    return (await _lines(services, [connection], language))[0]


async def _lines(services: Services, connections: Sequence[Connection], language: Language) -> list[ConnectionLine]:
    held = [each.id for each in connections if each.health.paused or each.health.paused_by_person]
    counts = await services.storage.read(waiting_counts, held) if held else {}
    now, wait = services.clock(), services.validator.waits_for_word
    return [_line(each, now, language, counts.get(each.id, 0), waits_for_word=wait) for each in connections]


def _line(connection: Connection, now: int, language: Language, held: int, *, waits_for_word: bool) -> ConnectionLine:
    change, destination = connection.change, connection.stored.provider
    trouble, test = connection.health.trouble(now), connection.test
    end = ends_at(connection.changed.stored)
    troubled = connection.state is ConnectionState.BROKEN or trouble is not None
    return ConnectionLine(
        name=connection.name,
        label=connection.label,
        destination=destination.name,
        title=destination.title,
        heading=own_title(connection.label) or language.tell(destination.title),
        called=connection_called(connection.label, language.tell(destination.title)),
        icon=guide_of(destination).icon,
        host=connection_host(connection),
        state=connection.state,
        trouble="" if trouble is None else language.gettext(_TROUBLES[trouble]),
        word=_word(connection, language),
        ask=test.marker if test is not None and _is_present(connection) and not test.answered else "",
        test_lead="" if test is None else test.lead_id,
        diagnosis=diagnosis_view(connection.diagnosis, language) if troubled else None,
        waits="" if change is None else _waits(connection, language, waits_for_word),
        refused=None if change is None else diagnosis_view(change.diagnosis, language),
        held=held,
        contacts=tuple(
            ContactLine(one.email, language.gettext(STANDINGS[one.standing]), diagnosis_view(one.trouble, language))
            for one in connection.contacts
        ),
        ends_at="" if end is None else _shown_end(end),
        ends_unknown=end is None and _asks_for_end(connection),
        ends_soon="" if end is None else ends_soon(days_left(end, now), language),
        since=connection.since(now),
        probe_at=connection.health.probe_at,
        changed_at=connection.changed_at,
    )


def _asks_for_end(connection: Connection) -> bool:
    """Whether the form of these settings asks when its secret ends, beside that secret."""
    stored = connection.changed.stored
    return ENDS in way_of(guide_of(stored.provider), stored.settings, stored.secrets).fields


def _shown_end(end: date) -> str:
    return f"{end:%Y-%m-%d %H:%M} UTC" if isinstance(end, datetime) else f"{end:%Y-%m-%d}"


def ends_soon(days: float, language: Language) -> str:
    """What is said of credentials that end in so many days."""
    if days > max(REMIND_DAYS):
        return ""
    if days <= 0:
        return language.gettext("Its credentials have ended: enter new ones.")
    if days < 1:
        return language.gettext("Its credentials end within a day: enter new ones now.")
    return language.ngettext(
        "Its credentials end in %(count)s day: enter new ones before.",
        "Its credentials end in %(count)s days: enter new ones before.",
        int(days),
    )


def connection_host(connection: Connection) -> str:
    """The host that leads go to, as far as it may be shown; empty where the settings cannot be read."""
    stored = connection.stored
    try:
        return restored(stored).host
    except ValidationError:
        return ""


def _waits(connection: Connection, language: Language, waits_for_word: bool) -> str:
    """When the settings that wait take effect."""
    return change_text(connection.changed.stored.provider, language, waits_for_word=waits_for_word)


def _is_present(connection: Connection) -> bool:
    """Whether the last test lead is one that somebody can say something of: it went with settings that are there."""
    test, change = connection.test, connection.change
    there = (None,) if change is None else (None, change.sealed)
    return test is not None and not test.confirmed and test.change in there


def _word(connection: Connection, language: Language) -> str:
    """What became of the last test lead, as far as anybody knows."""
    test = connection.test
    if test is None or not _is_present(connection):
        return ""
    # One that was sent with settings which wait went to where those lead.
    sent_with = connection if test.change is None else connection.changed
    message, destination = test.word, sent_with.stored.provider
    if message is None or not test.answered:
        name = connection_called(connection.label, language.tell(destination.title))
        return unconfirmed_text(test.marker, test.lead_id, name, destination.if_not_found, language)
    text = _FOUND if message.found else _NOT_FOUND
    return language.gettext(text, by=message.by, marker=message.marker, at=language.moment(to_datetime(message.at)))


def diagnosis_view(stored: str | None, language: Language) -> DiagnosisView | None:
    """A stored diagnosis, told in ``language``."""
    summary = None if stored is None else from_stored(stored)
    return DiagnosisView.of(summary, language) if isinstance(summary, Diagnosis) else None

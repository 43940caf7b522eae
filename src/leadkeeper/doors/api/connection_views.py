"""A connection as it is shown and documented: Microsoft's resource, and what it has no place for."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field, RootModel, ValidationError

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import to_text
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.health import Trouble
from leadkeeper.connections.last_test import LastTest
from leadkeeper.connections.resource import NONE, rendered, restored
from leadkeeper.connections.state import ConnectionState
from leadkeeper.connections.titles import LONGEST_TITLE
from leadkeeper.destinations.interface import Standing
from leadkeeper.destinations.registry import Destinations
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import DiagnosisView, View


class ConnectionBody(RootModel[dict[str, Any]]):
    """``connections.resource`` holds its rules; its schema is :func:`connection_schemas`."""


class ConnectionResource(RootModel[dict[str, Any]]):
    """Its schema is :func:`connection_schemas`."""


class ConnectionList(BaseModel):
    """Connections in their order."""

    connections: list[ConnectionResource]
    nextCursor: str | None = Field(None, description="Where the next page begins; null on the last.")


class PendingChange(View):
    """New settings of a published offer's connection: in effect once a test lead is confirmed, or found."""

    settings: dict[str, Any] = Field(description="The resource as it was sent, its secrets masked.")
    changed_time: str
    diagnosis: DiagnosisView | None = Field(description="Why their last validation failed.")


class ContactView(View):
    """A contact e-mail: notices go to it once it is confirmed."""

    email: str
    state: Standing = Field(
        description="confirmed: gets notices; waiting, asked: the question is on its way or waits for its answer; "
        "declined: wants none, of no publisher."
    )
    diagnosis: DiagnosisView | None = Field(description="Why the mail server refused its last mail.")


class HealthView(View):
    """How a connection is doing."""

    state: ConnectionState = Field(
        description="What is known with just these settings. notTried: nothing was sent; working: the destination "
        "confirmed a lead, or somebody found the test lead; unconfirmed: sent, the destination does not say whether it "
        "keeps leads, and nobody has found one; broken: leads do not arrive, or the test lead did not; paused: by a "
        "person."
    )
    trouble: Trouble | None = Field(None, description="What it meets just now, beside that: failing, throttled.")
    since: str | None = Field(None, description="Since when it is broken or fails, as far as that was recorded.")
    diagnosis: DiagnosisView | None = Field(None, description="Why it is broken, paused or in trouble.")
    closed_until: str | None = Field(None, description="No lead is sent before this moment.")
    probe_at: str | None = Field(None, description="When a paused connection is checked next.")


class WordView(View):
    """What somebody said of a test lead."""

    found: bool
    marker: str = Field(description="Of the test lead that it is about: the last, or one before it.")
    by: str = Field(description="Who said it, as the audit writes it.")
    time: str


class LastTestView(View):
    """The last test lead that the destination took."""

    id: str
    marker: str = Field(description="What to search for there.")
    sent_time: str
    confirmed: bool = Field(description="Whether the destination says that it is there.")
    pending: bool = Field(description="It was sent with the settings of pendingChange.")
    message: WordView | None = Field(
        description="Whether somebody found it, where the destination does not confirm it."
    )


def no_connection() -> dict[str, Any]:
    """The resource of an offer without lead destination."""
    return {"leadDestination": NONE}


def connection_content(
    connection: Connection, now: int, shown: frozenset[str] = frozenset(), language: Language = ENGLISH
) -> dict[str, Any]:
    """The resource of ``connection``, its secrets masked but for those of ``shown``, its diagnosis in ``language``."""
    change = _change(connection, shown, language)
    return {
        **rendered(connection.stored, frozenset() if change else shown),
        "name": connection.name,
        "title": connection.label,
        "host": _host(connection),
        "proven": connection.proven,
        "testLead": _test_lead(connection.test),
        "pendingChange": None if change is None else change.model_dump(mode="json", by_alias=True),
        "health": _health(connection, now, language).model_dump(mode="json", by_alias=True),
        "contacts": [view.model_dump(mode="json", by_alias=True) for view in contact_views(connection, language)],
        "createdTime": to_text(connection.created_at),
        "changedTime": to_text(connection.changed_at),
    }


def contact_views(connection: Connection, language: Language) -> list[ContactView]:
    """How its contact e-mails stand, and what is wrong with them."""
    return [
        ContactView(email=contact.email, state=contact.standing, diagnosis=_diagnosis(contact.trouble, language))
        for contact in connection.contacts
    ]


def _diagnosis(stored: str | None, language: Language) -> DiagnosisView | None:
    summary = None if stored is None else from_stored(stored)
    return DiagnosisView.of(summary, language) if isinstance(summary, Diagnosis) else None


def _change(connection: Connection, shown: frozenset[str], language: Language) -> PendingChange | None:
    change = connection.change
    if change is None:
        return None
    return PendingChange(
        settings=rendered(change.stored, shown),
        changed_time=to_text(change.changed_at),
        diagnosis=_diagnosis(change.diagnosis, language),
    )


def _host(connection: Connection) -> str:
    stored = connection.stored
    try:
        return restored(stored).host
    except ValidationError:
        return ""


def _test_lead(test: LastTest | None) -> dict[str, Any] | None:
    if test is None:
        return None
    word = test.word
    message = (
        None if word is None else WordView(found=word.found, marker=word.marker, by=word.by, time=to_text(word.at))
    )
    view = LastTestView(
        id=test.lead_id,
        marker=test.marker,
        sent_time=to_text(test.sent_at),
        confirmed=test.confirmed,
        pending=test.change is not None,
        message=message,
    )
    return view.model_dump(mode="json", by_alias=True)


_SOUND: Final = frozenset({ConnectionState.NOT_TRIED, ConnectionState.WORKING, ConnectionState.UNCONFIRMED})


def _health(connection: Connection, now: int, language: Language) -> HealthView:
    health, state, trouble = connection.health, connection.state, connection.health.trouble(now)
    calm = connection.diagnosis is None or (state in _SOUND and trouble is None)
    summary = None if calm else from_stored(connection.diagnosis or "")
    since = connection.since(now)
    return HealthView(
        state=state,
        trouble=trouble,
        since=None if since is None else to_text(since),
        diagnosis=DiagnosisView.of(summary, language) if isinstance(summary, Diagnosis) else None,
        closed_until=to_text(health.closed_until) if health.closed_until > now else None,
        probe_at=None if health.probe_at is None else to_text(health.probe_at),
    )


_TITLE: Final = {
    "type": "string",
    "maxLength": LONGEST_TITLE,
    "description": "What people call it: one line, empty for its name. It is kept where none is sent.",
}
_TIME: Final = {"type": "string", "format": "date-time", "readOnly": True}


def connection_schemas(destinations: Destinations) -> dict[str, dict[str, Any]]:
    """The schemas of :class:`ConnectionBody` and :class:`ConnectionResource`, from the destinations' own settings."""
    health = {"allOf": [{"$ref": "#/components/schemas/HealthView"}], "readOnly": True}
    text = {"type": "string", "readOnly": True}
    proven = {
        "type": "boolean",
        "readOnly": True,
        "description": "A lead is known to be there that was sent with just these settings: the destination says so, "
        "or somebody found the test lead.",
    }
    test_lead = {
        "anyOf": [{"$ref": "#/components/schemas/LastTestView"}, {"type": "null"}],
        "readOnly": True,
        "description": "The last test lead that was taken with these settings.",
    }
    pending = {
        "anyOf": [{"$ref": "#/components/schemas/PendingChange"}, {"type": "null"}],
        "readOnly": True,
        "description": "New settings that wait to be proven; those above are in effect.",
    }
    contacts = {"type": "array", "items": {"$ref": "#/components/schemas/ContactView"}, "readOnly": True}
    summary = {
        "name": text,
        "title": _TITLE,
        "host": text,
        "proven": proven,
        "testLead": test_lead,
        "pendingChange": pending,
        "health": health,
        "contacts": contacts,
        "createdTime": _TIME,
        "changedTime": _TIME,
    }
    none = {
        "type": "object",
        "title": "none",
        "additionalProperties": False,
        "required": ["leadDestination"],
        "properties": {"leadDestination": {"const": NONE}},
    }
    return {
        "ConnectionBody": {"oneOf": [none, *_shapes(destinations, "", {"title": _TITLE}, ())]},
        "ConnectionResource": {"oneOf": [none, *_shapes(destinations, "Shown", summary, tuple(summary))]},
    }


def _shapes(
    destinations: Destinations, suffix: str, summary: dict[str, Any], required: tuple[str, ...]
) -> list[dict[str, Any]]:
    return [
        {
            "type": "object",
            "title": destination.lead_destination,
            "additionalProperties": False,
            "required": ["leadDestination", destination.config_key, *required],
            "properties": {
                "leadDestination": {"const": destination.lead_destination},
                destination.config_key: {"$ref": f"#/components/schemas/{destination.config.__name__}{suffix}"},
                **summary,
            },
        }
        for destination in destinations
    ]

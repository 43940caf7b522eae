"""“Why do I not see my lead?”: one search that tells in plain words what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from pydantic import Field

from leadkeeper.catalogue import from_stored, text_of
from leadkeeper.delivery.schedule import Aside
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.diagnoses.text import WHO_ACTS
from leadkeeper.diagnosis import AnyKind, Diagnosis, Who
from leadkeeper.inbox.inbox import lead_view
from leadkeeper.inbox.trace_texts import TRACE_TEXTS
from leadkeeper.intake.normal import normal_address
from leadkeeper.lead import is_test_marker
from leadkeeper.offer import connection_called
from leadkeeper.privacy.withholding import NOTHING_WITHHELD, Withholding
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, one_of
from leadkeeper.storage.known import is_suspended
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import DeliveryView, LeadView, View

MOST: Final = 20
"""The most leads that one search tells of; the newest."""
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class TracedLead(View):
    """A lead and what became of it."""

    id: str
    created_time: str
    lead_source: str
    source: str
    action: str
    offer_id: str
    offer_title: str = Field(description="What people call the offer; empty where there is none any more.")
    test: bool
    message: tuple[str, ...] = Field(description="What became of it, in plain words.")
    steps: tuple[str, ...] = Field(description="What to do, where somebody must.")
    link: str = Field(description="The lead in Leadkeeper, for members of its publisher.")


class Traced(View):
    """What a search found; ``message`` tells why, where it found nothing."""

    leads: tuple[TracedLead, ...]
    message: tuple[str, ...]


class Trace:
    """The search. ``withholding`` are the customers of whom nothing is kept."""

    def __init__(
        self,
        storage: Storage,
        base_url: str,
        withholding: Withholding = NOTHING_WITHHELD,
        destinations: Destinations = OURS,
    ) -> None:
        self._storage = storage
        self._base_url = base_url
        self._withholding = withholding
        self._destinations = destinations

    async def find(self, text: str, publisher_id: str | None, language: Language = ENGLISH) -> Traced:
        """Leads by an e-mail address, a test lead's marker, a lead's id, or an offer (``publisher.offer`` or its id).

        Only those of ``publisher_id``, if one is given. The newest first, at most :data:`MOST`.
        """
        wanted = text.strip()
        return await self._storage.read(self._find, wanted, publisher_id, language)

    def _find(self, conn: sa.Connection, text: str, publisher_id: str | None, language: Language) -> Traced:
        views = [lead_view(conn, lead_id, language) for lead_id in _found(conn, text, publisher_id)]
        leads = [view for view in views if view is not None]
        held = _not_found(conn, leads)
        stopped = {who for who in {view.publisher_id for view in leads} if is_suspended(conn, who)}
        found = tuple(self._traced(view, held, view.publisher_id in stopped, language) for view in leads)
        message = () if found else tuple(self._why_none(conn, text, publisher_id, language))
        return Traced(leads=found, message=message)

    def _traced(
        self, lead: LeadView, not_found: Mapping[str, AnyKind], suspended: bool, language: Language
    ) -> TracedLead:
        message = [_text(language, "preview")] if lead.preview else []
        message += [note.text for note in lead.notes]
        if lead.withheld:
            message.append(_text(language, "withheld"))
        elif not lead.deliveries:
            message.append(_text(language, "unrouted"))
        else:
            message += [
                _summary(lead, delivery, not_found, suspended, language, self._destinations)
                for delivery in lead.deliveries
            ]
        return TracedLead(
            id=lead.id,
            created_time=lead.created_time,
            lead_source=lead.lead_source,
            source=lead.source,
            action=lead.action,
            offer_id=lead.offer_id,
            offer_title=lead.offer_title,
            test=lead.test,
            message=tuple(message),
            steps=tuple(_steps(lead, not_found, language, self._destinations)),
            link=f"{self._base_url}/portal/leads/{lead.id}",
        )

    def _why_none(self, conn: sa.Connection, text: str, publisher_id: str | None, language: Language) -> Sequence[str]:
        if "@" in normal_address(text):
            if self._withholding.withholds(text):
                return [_text(language, "withheld_domain")]
            return [_text(language, "none_text", text=text), _text(language, "not_come")]
        o = t.offer.c
        query = sa.select(t.offer).where((o.ref == text) | (o.id == text)).order_by(o.ref)
        if publisher_id is not None:
            query = query.where(o.publisher_id == publisher_id)
        row = conn.execute(query).first()
        if row is None:
            return [_text(language, "none_text", text=text)]
        message = [_text(language, "none_offer", text=text)]
        if not row.live:
            message.append(_text(language, "not_live", offer=row.ref))
        c = t.connection.c
        if not conn.scalar(sa.select(sa.exists().where(c.offer_ref == row.ref, c.removed_at.is_(None)))):
            message.append(_text(language, "no_connection", offer=row.ref))
        return [*message, _text(language, "not_come")]


def _found(conn: sa.Connection, text: str, publisher_id: str | None) -> Sequence[str]:
    """The ids of the newest leads that ``text`` names, newest first."""
    c = t.lead.c
    query = sa.select(c.id).order_by(c.id.desc()).limit(MOST)
    if publisher_id is not None:
        query = query.where(c.publisher_id == publisher_id)
    person = _of_person(text)
    if person is not None:
        return conn.scalars(query.where(person)).all()
    # Of each offer by itself: an index knows the newest of one, not of several, and an unknown word names none.
    o = t.offer.c
    offers = conn.execute(sa.select(o.publisher_id, o.id).where((o.ref == text) | (o.id == text))).all()
    newest: list[str] = []
    for offer in offers:
        if publisher_id in (None, offer.publisher_id):
            own = query.where(c.publisher_id == offer.publisher_id, c.offer_id == offer.id)
            newest = sorted([*newest, *conn.scalars(own)], reverse=True)[:MOST]
    return newest


def _of_person(text: str) -> sa.ColumnElement[bool] | None:
    """The leads of the one id or e-mail address that ``text`` is; ``None`` when it may name an offer."""
    c = t.lead.c
    if _ID.fullmatch(text.lower()):
        return c.id == text.lower()
    if is_test_marker(text.upper()):
        return c.email == f"{text}@test.com".casefold()
    address = normal_address(text)
    if "@" in address:
        return c.email == address.casefold()
    return None


def _not_found(conn: sa.Connection, leads: Sequence[LeadView]) -> dict[str, AnyKind]:
    """The deliveries that are held because somebody did not find their connection's test lead; what then is wrong."""
    held = [delivery.id for lead in leads for delivery in lead.deliveries if delivery.state == "held"]
    if not held:
        return {}
    c, d = t.connection.c, t.delivery.c
    query = sa.select(d.id, c.diagnosis).join(t.connection, c.id == d.connection_id)
    rows = conn.execute(query.where(one_of(conn, d.id, held), c.paused, c.diagnosis.is_not(None)))
    summary = {row.id: from_stored(row.diagnosis) for row in rows}
    found = {id_: each.kind for id_, each in summary.items() if isinstance(each, Diagnosis)}
    return {id_: kind for id_, kind in found.items() if kind in OURS.if_not_found}


def _summary(
    lead: LeadView,
    delivery: DeliveryView,
    not_found: Mapping[str, AnyKind],
    suspended: bool,
    language: Language,
    destinations: Destinations,
) -> str:
    parts: dict[str, Any] = {
        "connection": connection_called(
            delivery.connection_title or delivery.connection,
            language.tell(destinations.named(delivery.destination).title),
        ),
        "lead": lead.id,
        "search": lead.customer.last_name if lead.test else lead.id,
        "at": delivery.attempts[-1].at if delivery.attempts else lead.created_time,
        "due": delivery.due_at or "",
        "why": "",
        "found": "",
    }
    state: str = delivery.state
    if state == "setAside" and delivery.set_aside_for == Aside.OUTAGE:
        state = "setAsideOutage"
    if suspended and state == "held":
        state = "heldSuspended"
    elif delivery.id in not_found:
        state, parts["why"] = "heldNotFound", text_of(not_found[delivery.id], language).summary
    elif delivery.diagnosis is not None:
        summary = delivery.diagnosis
        parts["why"] = f"{summary.summary} ({language.gettext(WHO_ACTS[Who(summary.who)])})"
    receipt = delivery.receipt
    if receipt is not None and receipt.link:
        parts["found"] = _text(language, "found_link", link=receipt.link)
    elif receipt is not None and receipt.remote_id:
        parts["found"] = _text(language, "found_id", id=receipt.remote_id)
    return _text(language, state, **parts).strip()


def _usual_causes(delivery: DeliveryView, language: Language, destinations: Destinations) -> tuple[str, ...]:
    """What to look at where a lead that was sent, unconfirmed, cannot be found there."""
    kind = destinations.named(delivery.destination).if_not_found
    if kind is None:
        return ()
    text = text_of(kind, language)
    return (_text(language, "if_not_found"), *text.steps)


def _steps(
    lead: LeadView, not_found: Mapping[str, AnyKind], language: Language, destinations: Destinations
) -> list[str]:
    steps: list[str] = []
    for delivery in lead.deliveries:
        if delivery.id in not_found:
            steps += [step for step in text_of(not_found[delivery.id], language).steps if step not in steps]
        elif delivery.state in ("held", "waiting", "setAside") and delivery.diagnosis is not None:
            steps += [step for step in delivery.diagnosis.steps if step not in steps]
        if delivery.state == "unconfirmed":
            steps += [step for step in _usual_causes(delivery, language, destinations) if step not in steps]
        if delivery.state == "setAside" and delivery.set_aside_for != Aside.OUTAGE:
            again = "retry_missing" if delivery.set_aside_for == Aside.MAY_HAVE_ARRIVED else "retry"
            steps.append(_text(language, again, delivery=delivery.id))
    return steps


def _text(language: Language, name: str, **parts: object) -> str:
    """One of the words of ``trace_texts`` in that language."""
    return language.gettext(TRACE_TEXTS[name], **parts)

"""A page of leads: what is read for it, and what is made of that. SQL within others' transactions."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import to_datetime, to_text
from leadkeeper.inbox.content import Content, content_of
from leadkeeper.inbox.follow_up.followed import follow_up_of
from leadkeeper.inbox.notes import damaged_note, expired_note, notes_on
from leadkeeper.lead import is_known_action, is_known_source, lead_source_text
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed, rows_as_json
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import LeadNoteView, LeadPage, LeadSummary


@dataclass(frozen=True, slots=True)
class FoundLeads:
    """What a page is made of: rows of leads, the deliveries of each as JSON, and where it goes on."""

    rows: Sequence[sa.Row[Any]]
    deliveries: Mapping[str, str]
    older: str | None = None
    back: str | None = None
    looked_further: bool = False


def page_from(found: FoundLeads) -> LeadPage:
    """A page of what was found."""
    # Each lead by itself: a page may hold thousands of deliveries, and no other thread goes on during one call.
    return LeadPage.model_construct(
        leads=tuple(_summary(row, found.deliveries.get(row.id)) for row in found.rows),
        next_cursor=found.older,
        previous_cursor=found.back,
        looked_further=found.looked_further,
    )


def _summary(row: sa.Row[Any], deliveries: str | None) -> LeadSummary:
    in_order = sorted([] if deliveries is None else json.loads(deliveries))
    return LeadSummary.model_validate(
        shown(row, ENGLISH) | {"deliveries": [dict(zip(_SUMMARY, each, strict=True)) for each in in_order]}
    )


_SUMMARY: Final = ("id", "connection", "connection_title", "destination", "state")
"""A delivery of a list, in the order in which it is read; see :class:`~leadkeeper.views.DeliverySummary`."""


def summaries(conn: sa.Connection, lead_ids: Collection[str]) -> dict[str, str]:
    """The deliveries of each lead that has any, as JSON: a row for each lead, however many deliveries it has."""
    rows = conn.execute(_summaries_of(conn.dialect.name), {"leads": list(lead_ids)})
    return {row.lead_id: row.deliveries for row in rows}


@functools.cache
def _summaries_of(dialect: str) -> sa.Select[Any]:
    d, c = t.delivery.c, t.connection.c
    together = rows_as_json(dialect, d.id, c.name, t.CONNECTION_TITLE.element, c.destination, t.SHOWN_STATE)
    query = sa.select(d.lead_id, together.label("deliveries")).join(t.connection, c.id == d.connection_id)
    return query.where(listed(dialect, d.lead_id, "leads")).group_by(d.lead_id)


def shown(row: sa.Row[Any], language: Language) -> dict[str, Any]:
    """What a lead's row says of it, as its views read it, with notes in ``language``."""
    content = content_of(row.body)
    unknown = [] if is_known_source(row.source) or row.test else ["source"]
    unknown += [] if is_known_action(row.action) or row.test else ["action"]
    return {
        "id": row.id,
        "created_time": to_text(row.created_at),
        "publisher_id": row.publisher_id,
        "offer_id": row.offer_id,
        "offer_title": row.title,
        "source": row.source,
        "action": row.action,
        "lead_source": lead_source_text(row.source, row.action, row.publisher_id, row.offer_id, row.title),
        "test": row.test,
        "preview": row.preview,
        "withheld": row.withheld,
        "personal_data_removed_at": None if row.expired_at is None else to_text(row.expired_at),
        "unknown": tuple(unknown),
        "customer": content.customer,
        "notes": _notes(content, row, language),
        "follow_up": follow_up_of(row),
    }


def _notes(content: Content, row: sa.Row[Any], language: Language) -> tuple[LeadNoteView, ...]:
    if row.expired_at is not None:
        return (expired_note(to_datetime(row.expired_at), language),)
    if content.damaged:
        return (damaged_note(language),)
    customer = content.customer.model_dump(by_alias=True)
    return notes_on(customer, language, withheld=row.withheld, test=row.test)

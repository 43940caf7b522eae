"""The rows in which a lead is kept, and what became of those that were kept before. SQL within intake's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.routes import Route
from leadkeeper.lead import country_key, is_test
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.search_index import stored_words


@dataclass(frozen=True, slots=True)
class Prepared:
    """A lead as it is written: ``body`` is its content as JSON, ``fingerprint`` of what came in under a key."""

    id: str
    lead: NewLead
    body: str
    fingerprint: str | None = None
    withheld: bool = False


def keyless_rows(
    conn: sa.Connection, items: Sequence[Prepared], routes: Mapping[str, Route], now: int
) -> list[dict[str, Any]]:
    """The rows of those that no lead can have been before: they come without a key."""
    return [_routed_row(conn, item, routes, now) for item in items if item.lead.idempotency_key is None]


def insert_keyed(
    conn: sa.Connection, items: Sequence[Prepared], routes: Mapping[str, Route], now: int
) -> dict[str, tuple[str, str]]:
    """Insert what is new of those with a key; for what is not: our unused id -> (id, fingerprint) of the one before."""
    # In one order everywhere, so that two processes that wait for each other's keys cannot deadlock.
    keyed = sorted(
        (item for item in items if item.lead.idempotency_key is not None),
        key=lambda item: (item.lead.offer.publisher_id, item.lead.idempotency_key or ""),
    )
    if not keyed:
        return {}
    conn.execute(_insert_or_ignore(conn), [_routed_row(conn, item, routes, now) for item in keyed])
    found = {
        (row.publisher_id, row.idempotency_key): (row.id, row.fingerprint)
        for row in conn.execute(
            sa.select(t.lead.c.id, t.lead.c.publisher_id, t.lead.c.idempotency_key, t.lead.c.fingerprint).where(
                one_of(conn, t.lead.c.publisher_id, {item.lead.offer.publisher_id for item in keyed}),
                one_of(conn, t.lead.c.idempotency_key, {item.lead.idempotency_key or "" for item in keyed}),
            )
        )
    }
    kept = {item.id: found[item.lead.offer.publisher_id, item.lead.idempotency_key] for item in keyed}
    return {new: before for new, before in kept.items() if new != before[0]}


def _insert_or_ignore(conn: sa.Connection) -> Any:
    insert = insert_into(conn, t.lead)
    return insert.on_conflict_do_nothing(
        index_elements=[t.lead.c.publisher_id, t.lead.c.idempotency_key],
        index_where=t.lead.c.idempotency_key.is_not(None),
    )


def _routed_row(conn: sa.Connection, item: Prepared, routes: Mapping[str, Route], now: int) -> dict[str, Any]:
    unrouted = not (item.withheld or routes[str(item.lead.offer)].connections)
    return lead_row(conn, item, now, unrouted=unrouted)


def lead_row(conn: sa.Connection, item: Prepared, now: int, *, unrouted: bool) -> dict[str, Any]:
    """The row of a lead that is kept at ``now``; ``unrouted``: it goes nowhere, and is not withheld.

    The words by which it is found are in it on PostgreSQL alone; SQLite has an index of its own for them.
    """
    lead = item.lead
    return {
        "id": item.id,
        "publisher_id": lead.offer.publisher_id,
        "offer_id": lead.offer.offer_id,
        "source": lead.source,
        "action": lead.action,
        "email": lead.customer.email[:320].casefold(),
        "country": country_key(lead.customer.country),
        "words": stored_words(conn, lead.customer),
        "test": is_test(lead.customer, lead.source),
        "created_at": now,
        "body": item.body,
        "idempotency_key": lead.idempotency_key,
        "fingerprint": item.fingerprint,
        "unrouted": unrouted,
        "preview": lead.preview,
        "withheld": item.withheld,
        "hops": lead.hops,
        "consent": None if lead.consent is None else lead.consent.stored(now),
    }

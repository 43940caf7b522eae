"""What people call the publishers and offers that need attention: two questions, whatever number of causes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from leadkeeper.offer import OfferRef, title_or_name
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of
from leadkeeper.views import AttentionEntry


def with_names(conn: sa.Connection, entries: Sequence[AttentionEntry]) -> tuple[AttentionEntry, ...]:
    """The entries, each with what people call its publisher and its offer."""
    refs = {ref for each in entries if (ref := _ref(each)) is not None}
    ids = {each.publisher_id for each in entries if each.publisher_id is not None}
    offer, publisher = t.offer.c, t.publisher.c
    of_offers = sa.select(offer.ref, offer.title).where(one_of(conn, offer.ref, sorted(refs)))
    of_publishers = sa.select(publisher.id, publisher.display_name).where(one_of(conn, publisher.id, sorted(ids)))
    titles = _pairs(conn, of_offers) if refs else {}
    names = _pairs(conn, of_publishers) if ids else {}
    return tuple(_named(each, names, titles) for each in entries)


def _pairs(conn: sa.Connection, query: sa.Select[Any]) -> dict[str, str]:
    return {row[0]: row[1] for row in conn.execute(query)}


def _ref(entry: AttentionEntry) -> str | None:
    if entry.publisher_id is None or entry.offer_id is None:
        return None
    return str(OfferRef(entry.publisher_id, entry.offer_id))


def _named(entry: AttentionEntry, names: dict[str, str], titles: dict[str, str]) -> AttentionEntry:
    if entry.publisher_id is None:
        return entry
    names_of = {"publisher_name": title_or_name(names.get(entry.publisher_id), entry.publisher_id)}
    if (ref := _ref(entry)) is not None and entry.offer_id is not None:
        names_of["offer_title"] = title_or_name(titles.get(ref), entry.offer_id)
    return entry.model_copy(update=names_of)

"""What people call the publishers and offers that need attention: two questions, whatever number of causes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from leadkeeper.offer import OfferRef, title_or_name
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed
from leadkeeper.storage.hot import HotStatement
from leadkeeper.views import AttentionEntry


def with_names(conn: sa.Connection, entries: Sequence[AttentionEntry]) -> tuple[AttentionEntry, ...]:
    """The entries, each with what people call its publisher and its offer."""
    refs = {ref for each in entries if (ref := _ref(each)) is not None}
    ids = {each.publisher_id for each in entries if each.publisher_id is not None}
    titles = dict(_TITLES.rows(conn, {"names": sorted(refs)})) if refs else {}
    names = dict(_NAMES.rows(conn, {"names": sorted(ids)})) if ids else {}
    return tuple(_named(each, names, titles) for each in entries)


_TITLES: Final = HotStatement(
    lambda dialect: sa.select(t.offer.c.ref, t.offer.c.title).where(listed(dialect, t.offer.c.ref, "names"))
)
_NAMES: Final = HotStatement(
    lambda dialect: sa.select(t.publisher.c.id, t.publisher.c.display_name).where(
        listed(dialect, t.publisher.c.id, "names")
    )
)


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

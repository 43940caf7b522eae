"""“What will it cost?”: an estimate from the offer's own leads.

What 1,000 leads cost at a destination its provider says; where nothing is known, nothing is said.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from babel.numbers import format_decimal
from pydantic import Field

from leadkeeper.clock import Clock, now_ms
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.inbox.lists.period import within
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.known import require_offer
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import View

DAYS: Final = 30


class ConnectionCost(View):
    """What a connection may cost a month at its destination."""

    connection: str
    connection_title: str = Field("", description="What people call the connection.")
    destination: str
    dollars: float | None = Field(description="US dollars a month; null where nothing is known.")
    message: str


class CostEstimate(View):
    """An estimate, not a bill."""

    leads: int = Field(description="Leads of the last 30 days, test leads too.")
    days: int
    connections: tuple[ConnectionCost, ...]


class Costs:
    """Estimates for the offers of one installation."""

    def __init__(self, storage: Storage, clock: Clock = now_ms, destinations: Destinations = OURS) -> None:
        self._storage = storage
        self._clock = clock
        self._destinations = destinations

    async def of(self, offer: OfferRef, language: Language = ENGLISH) -> CostEstimate:
        """What an offer's leads may cost a month. Raises :class:`Problem` for an unknown offer."""
        since = self._clock() - DAYS * 86_400_000
        return await self._storage.read(_estimate, offer, since, language, self._destinations)


def _estimate(
    conn: sa.Connection, offer: OfferRef, since: int, language: Language, destinations: Destinations
) -> CostEstimate:
    require_offer(conn, offer)
    lead, c = t.lead.c, t.connection.c
    those = (lead.publisher_id == offer.publisher_id, lead.offer_id == offer.offer_id, *within(since, None))
    count = conn.scalar(sa.select(sa.func.count()).select_from(t.lead).where(*those)) or 0
    rows = conn.execute(
        sa.select(c.name, t.CONNECTION_TITLE, c.destination)
        .where(c.offer_ref == str(offer), c.removed_at.is_(None))
        .order_by(*t.IN_ORDER)
    )
    found = tuple(_cost(row, destinations.named(row.destination), count, language) for row in rows)
    return CostEstimate(leads=count, days=DAYS, connections=found)


def _cost(row: sa.Row[Any], provider: Provider, leads: int, language: Language) -> ConnectionCost:
    rate = provider.dollars_per_thousand
    one = ConnectionCost(
        connection=row.name, connection_title=row.connection_title, destination=provider.name, dollars=None, message=""
    )
    if rate is None:
        message = language.gettext(
            "Nothing is known of what this destination costs for each lead: ask whoever runs it."
        )
        return one.model_copy(update={"message": message})
    dollars = round(leads * rate / 1000, 4)
    message = language.gettext(
        "%(leads)s leads in %(days)s days at about %(rate)s US dollars for 1,000: %(sum)s a month.",
        leads=language.number(leads),
        days=DAYS,
        rate=_cents(rate, language),
        sum=_cents(dollars, language),
    )
    return one.model_copy(update={"dollars": dollars, "message": message})


def _cents(dollars: float, language: Language) -> str:
    return format_decimal(dollars, "#,##0.00", locale=language.locale)

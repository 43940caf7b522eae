"""How many leads somebody turned to in time, as ``tally`` counted them: of an offer, of a publisher, of all."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from pydantic import Field

from leadkeeper.clock import Clock, to_text
from leadkeeper.inbox.oversight.figures import DAY_MS, DAYS, Touched, overview
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, listed
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.known import require_offer
from leadkeeper.views import View


class PunctualityView(View):
    """To how many leads somebody turned in time: within 24 hours after they came. Test leads do not count."""

    days: int = Field(description="Of the leads of so many days, today among them.")
    due: int = Field(description="How many of them were to be turned to by now, or were already.")
    in_time: int = Field(description="To how many of these somebody turned in time: their follow-up state was changed.")
    share: float | None = Field(description="`inTime` of `due`, 0 to 1; null where none was due.")
    counted_at: str | None = Field(description="When today was counted; null where no worker did so yet.")


def touched_of(conn: sa.Connection, refs: Collection[str], now: int) -> dict[str, Touched]:
    """Of each of these offers that had leads in the last :data:`DAYS` days; a row is read for each offer and day."""
    today = now // DAY_MS
    rows = _TOUCHED.rows(conn, {"offers": [*refs], "first": today - DAYS + 1, "today": today})
    return {row.offer_ref: Touched(int(row.in_time), int(row.late)) for row in rows}


def _touched(dialect: str) -> sa.Select[Any]:
    f = t.offer_figure.c
    first, today = (sa.bindparam(name, type_=sa.BigInteger) for name in ("first", "today"))
    query = sa.select(f.offer_ref, sa.func.sum(f.in_time).label("in_time"), sa.func.sum(f.late).label("late"))
    return query.where(listed(dialect, f.offer_ref, "offers"), f.day.between(first, today)).group_by(f.offer_ref)


_TOUCHED: Final = HotStatement(_touched)


class Punctuality:
    """How many leads of the last days somebody turned to in time.

    :mod:`~leadkeeper.inbox.oversight.tally` counted them.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def of(self, publisher_id: str | None, offer_id: str | None = None) -> PunctualityView:
        """Of an offer, of a publisher, or of all. Raises :class:`Problem` for an offer that is not there."""
        return await self._storage.read(_punctuality, publisher_id, offer_id, self._clock())

    async def of_offers(self, refs: Collection[OfferRef]) -> dict[str, Touched]:
        """Of each of these offers that had leads, by ``publisher.offer``."""
        return await self._storage.read(touched_of, [str(ref) for ref in refs], self._clock())


def _punctuality(conn: sa.Connection, publisher_id: str | None, offer_id: str | None, now: int) -> PunctualityView:
    seen = overview(conn, publisher_id, now)
    touched = seen.last(DAYS).touched
    if publisher_id is not None and offer_id is not None:
        ref = OfferRef(publisher_id, offer_id)
        require_offer(conn, ref)
        touched = touched_of(conn, [str(ref)], now).get(str(ref), Touched())
    return PunctualityView(
        days=DAYS,
        due=touched.due,
        in_time=touched.in_time,
        share=touched.share,
        counted_at=None if seen.counted_at is None else to_text(seen.counted_at),
    )

"""Leads of a period, found by their ids: these grow with time, so no other index is needed."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.clock import least_id
from leadkeeper.storage import tables as t

SLACK_MS: Final = 86_400_000
"""How far the clock of the machine that made a lead's id may be from the database's, which wrote ``created_at``."""


def within(since_ms: int | None, until_ms: int | None) -> list[sa.ColumnElement[bool]]:
    """The conditions on ``lead`` that it was kept from ``since_ms`` on and before ``until_ms``.

    A lead whose machine's clock was further off than :data:`SLACK_MS` may be left out.
    """
    c = t.lead.c
    found: list[sa.ColumnElement[bool]] = []
    if since_ms is not None:
        found += [c.created_at >= since_ms, c.id >= least_id(since_ms - SLACK_MS)]
    if until_ms is not None:
        found += [c.created_at < until_ms, c.id < least_id(until_ms + SLACK_MS)]
    return found

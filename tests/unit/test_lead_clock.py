"""How long a lead took."""

from __future__ import annotations

from typing import Any

import pytest

from leadkeeper.inbox.follow_up.lead_clock import LeadClock, clock_of
from leadkeeper.languages import read_languages
from leadkeeper.texts import ENGLISH
from leadkeeper.views import LeadView

CAME = "2026-11-01T10:00:00.000Z"


def attempt(at: str, *, confirmed: bool | None) -> dict[str, Any]:
    """An attempt that took half a second; with a receipt, or without."""
    receipt = None if confirmed is None else {"result": "created", "confirmed": confirmed}
    return {"at": at, "took_ms": 500, "outcome": "delivered", "receipt": receipt}


def lead(*attempts: dict[str, Any], touched_at: str | None = None, followed: bool = True) -> LeadView:
    """A lead with these attempts, each over a connection of its own."""
    ways = [
        {"id": str(at), "connection": "c", "destination": "email", "state": "delivered", "attempts": [each]}
        for at, each in enumerate(attempts)
    ]
    row: dict[str, Any] = {"id": "l", "created_time": CAME, "publisher_id": "p", "offer_id": "o", "source": "SPZA"}
    row |= {"action": "PLT", "lead_source": "", "test": False, "preview": False, "withheld": False, "customer": {}}
    row |= {"description": "", "campaign": "", "extra": {}, "deliveries": ways}
    if followed:
        row["follow_up"] = {"state": "new", "due_at": CAME, "touched_at": touched_at}
    return LeadView.model_validate(row)


@pytest.mark.parametrize(
    ("given", "took"),
    [
        (lead(), LeadClock(None, None)),
        (lead(followed=False), LeadClock(None, None)),
        (lead(attempt("2026-11-01T10:00:01.000Z", confirmed=None)), LeadClock(None, None)),
        (lead(attempt("2026-11-01T10:00:01.000Z", confirmed=False)), LeadClock(None, None)),
        (
            lead(
                attempt("2026-11-01T10:01:00.000Z", confirmed=True), attempt("2026-11-01T10:00:02.000Z", confirmed=True)
            ),
            LeadClock(2_500, None),
        ),
        (lead(touched_at="2026-11-01T12:00:00.000Z"), LeadClock(None, 7_200_000)),
        (lead(touched_at="2026-11-01T09:00:00.000Z"), LeadClock(None, 0)),
    ],
)
def test_its_times(given: LeadView, took: LeadClock) -> None:
    assert clock_of(given) == took


def test_a_time_is_told_in_its_largest_unit() -> None:
    portuguese = read_languages().find("pt")
    assert portuguese is not None
    assert [ENGLISH.duration(each) for each in (0, 2_500, 7_200_000)] == ["0 seconds", "2 seconds", "2 hours"]
    assert portuguese.duration(172_800_000) == "2 dias"

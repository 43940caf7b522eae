"""Quiet hours and digests: pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from leadkeeper.notices.quiet import Quiet, due_at, read_quiet, wrong_fields

LISBON = ZoneInfo("Europe/Lisbon")
NIGHT = Quiet("22:00", "07:30", "Europe/Lisbon")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=LISBON).timestamp() * 1_000)


@pytest.mark.parametrize(
    ("quiet", "now", "due"),
    [
        (NIGHT, "2026-07-01T21:59", "2026-07-01T21:59"),
        (NIGHT, "2026-07-01T22:00", "2026-07-02T07:30"),
        (NIGHT, "2026-07-02T07:29", "2026-07-02T07:30"),
        (NIGHT, "2026-07-02T07:30", "2026-07-02T07:30"),
        (NIGHT, "2026-10-24T23:00", "2026-10-25T07:30"),  # clocks go back that night
        (Quiet("12:00", "14:00", "Europe/Lisbon"), "2026-07-01T13:00", "2026-07-01T14:00"),
        (Quiet("12:00", "14:00", "Europe/Lisbon"), "2026-07-01T15:00", "2026-07-01T15:00"),
        (Quiet("09:00", "09:00", "Europe/Lisbon"), "2026-07-01T15:00", "2026-07-01T15:00"),
        (Quiet("09:00", "09:00", "Europe/Lisbon", digest=True), "2026-07-01T15:00", "2026-07-02T09:00"),
        (Quiet("22:00", "07:30", "Europe/Lisbon", digest=True), "2026-07-01T06:00", "2026-07-01T07:30"),
    ],
)
def test_what_is_not_urgent_waits_for_the_end_of_quiet_hours(quiet: Quiet, now: str, due: str) -> None:
    assert due_at(quiet, at(now), urgent=False) == at(due)
    assert due_at(quiet, at(now), urgent=True) == at(now)


def test_what_is_stored_is_read_again_and_damage_lets_all_pass() -> None:
    chosen = Quiet("22:00", "07:30", "Europe/Lisbon", digest=True)
    assert read_quiet(chosen.to_text()) == chosen
    for text in (None, "", "[1]", '{"begins"', '{"begins": "25:00"}', '{"zone": "Moon"}', '{"moon": 1}'):
        assert read_quiet(text) == Quiet()
    assert wrong_fields(Quiet("24:00", "7:00", "Nowhere")) == ["begins", "ends", "zone"]

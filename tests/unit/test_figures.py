"""The figures of days, and how the first page writes them. Pure."""

from __future__ import annotations

import pytest

from leadkeeper.doors.portal.overview import HEIGHT, WIDTH, chart, tiles
from leadkeeper.inbox.oversight.figures import BOUNDS, DAY_MS, Figures, Overview, total
from leadkeeper.texts import ENGLISH

DAY = 20_000


def figures(*deliveries: tuple[str | None, int], leads: int = 0) -> Figures:
    made = Figures(leads=leads)
    for state, took in deliveries:
        made.count(state, took)
    return made


def overview(*days: Figures) -> Overview:
    return Overview(DAY, [*(Figures() for _ in range(30 - len(days))), *days], DAY * DAY_MS)


def test_every_state_counts_where_it_belongs() -> None:
    made = figures(
        ("delivered", 900),
        ("unconfirmed", 900),
        ("setAside", 0),
        ("withheld", 0),
        ("pending", 0),
        ("waiting", 0),
        ("sending", 0),
        (None, 0),
    )
    assert (made.delivered, made.unconfirmed, made.set_aside, made.withheld, made.under_way) == (1, 1, 1, 1, 4)
    assert made.deliveries == 7, "what is withheld is not to be carried"
    assert made.share_delivered == 1 / 7, "what is unconfirmed is not known to have arrived"


def test_a_share_of_nothing_is_none() -> None:
    assert Figures().share_delivered is None
    assert Figures().within_seconds(0.5) is None


@pytest.mark.parametrize(("took", "within"), [(0, 1), (1_000, 1), (1_001, 2), (86_400_000, 86_400), (86_400_001, 0)])
def test_times_are_told_by_the_bound_that_they_keep(took: int, within: int) -> None:
    assert figures(("delivered", took)).within_seconds(0.95) == within


def test_the_95th_of_100_decides() -> None:
    made = figures(*[("delivered", 500)] * 95, *[("delivered", 50_000)] * 5)
    assert (made.within_seconds(0.5), made.within_seconds(0.95), made.within_seconds(0.96)) == (1, 1, 60)


def test_days_add_up() -> None:
    both = total([figures(("delivered", 1), leads=2), figures(("setAside", 1), ("delivered", 90_000), leads=3)])
    assert (both.leads, both.delivered, both.set_aside) == (5, 2, 1)
    assert sum(both.within) == 2
    assert len(both.within) == len(BOUNDS) + 1


def test_tiles_never_round_up_to_all() -> None:
    week = figures(*[("delivered", 500)] * 1_999, ("setAside", 0), leads=2_000)
    told = {tile.label: tile for tile in tiles(overview(week), {"held": 3, "setAside": 1_001}, ENGLISH)}
    assert told["Leads today"].value == "2,000"
    assert told["Delivered, 7 days"].value == "99.9 %"
    assert told["Half arrive within, 7 days"].value == "1 s"
    assert (told["Held"].value, told["Set aside"].value) == ("3", "1,000+")


def test_tiles_of_nothing_claim_nothing() -> None:
    told = {tile.label: tile.value for tile in tiles(overview(), {"held": 0, "setAside": 0}, ENGLISH)}
    assert told["Delivered, 7 days"] == told["Half arrive within, 7 days"] == "–"


def test_bars_stand_in_the_chart_and_upon_one_another() -> None:
    shown = chart(overview(figures(("delivered", 1)), figures(("delivered", 1), ("setAside", 1), ("setAside", 1))))
    assert shown.most == 3
    assert [bar.state for bar in shown.bars] == ["delivered", "delivered", "set_aside"]
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH and bar.y >= -0.1 for bar in shown.bars)
    lower, upper = shown.bars[1:]
    assert upper.y + upper.height == pytest.approx(lower.y, abs=0.2)
    assert lower.y + lower.height == pytest.approx(HEIGHT, abs=0.2)


def test_the_table_names_the_days_with_leads_newest_first() -> None:
    shown = chart(overview(figures(("delivered", 1), leads=1), figures(), figures(("delivered", 1), leads=1)))
    assert [day.date for day in shown.days] == ["2024-11-02", "2024-10-31"]
    assert (shown.first, shown.last) == ("2024-10-04", "2024-11-02")

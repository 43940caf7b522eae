"""The parts of the bench run, at the smallest sizes: such figures mean nothing, but their tables are whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench import drain, growth, pinned, together, years
from bench.figures import Section
from bench.place import Place
from bench.plan import quick
from tests.services.postgres import Postgres

TINY = replace(
    quick(("sqlite",), ()),
    together_connections=(4,),
    rounds=1,
    echo_seconds=0.2,
    accept_seconds=0.3,
    https_leads=200,
    growth_leads=2_000,
    growth_connections=25,
    idle_seconds=0.5,
    idle_after_seconds=1.0,
    slice_seconds=0.5,
    pinned_rate=100,
    pinned_calm_seconds=1.0,
    pinned_seconds=1.5,
    drain_leads=300,
    drain_calm_seconds=1.0,
    years_leads=4_000,
    years_calm_seconds=1.0,
)
ON_POSTGRESQL = replace(TINY, databases=("postgresql",))


@pytest.fixture(scope="module")
def place(postgres: Postgres) -> Iterator[Place]:
    """One for all."""
    with Place(postgres) as made:
        yield made


def said(_text: str) -> None:
    """Nobody looks."""


def whole(section: Section) -> Section:
    """Every row has a figure, or a word, in each of the columns."""
    assert section.rows
    assert [
        (row, column.key) for row in section.rows for column in section.columns if row.get(column.key) is None
    ] == []
    return section


def test_leads_are_taken_in_while_they_are_carried(place: Place) -> None:
    [section] = together.measure(place, TINY, said)

    [row] = whole(section).rows
    assert row["program"] == "serve, sqlite"
    assert 0 < float(row["own"] or 0) <= float(row["cpu"] or 0)


def test_what_was_held_goes_out_beside_a_healthy_connection(place: Place) -> None:
    [row] = whole(drain.measure(place, TINY, said)).rows

    assert row["leads"] == 300


def test_a_transaction_is_held_open_beside_a_flow(place: Place) -> None:
    [row] = whole(pinned.measure(place, ON_POSTGRESQL, said)).rows

    assert "recovered" in str(row["verdict"])


def test_days_expire_beside_a_flow(place: Place) -> None:
    [days] = whole(years.measure(place, TINY, said)).rows

    assert days["removed"] in (10, 11)  # one lead came a day later, to the second


def test_a_month_and_its_evidence_expire_beside_a_flow(place: Place) -> None:
    days, month, evidence = years.measure(place, ON_POSTGRESQL, said).rows

    assert float(days["removed"] or 0) + float(month["removed"] or 0) == 311
    assert evidence["what"] == "a month of evidence"
    assert 279 <= float(evidence["removed"] or 0) <= 311  # ten leads a day, of a month of 28 to 31 days


def test_pages_rates_and_rest_where_much_is_kept(place: Place) -> None:
    pages, idle, work, calls = growth.measure(place, TINY, said)

    assert len(pages.rows) > 20
    assert [whole(each).title for each in (idle, work, calls)]
    assert [each["connections"] for each in idle.rows] == [25, 25]

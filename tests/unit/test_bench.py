"""What a run of the bench keeps, leaves out when it goes on, and writes into the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench import report
from bench.figures import Column, Section
from bench.flow import Slice, together
from bench.parts import units
from bench.plan import Plan, quick, resized
from bench.results import Measured, Results, merged

PLAN = Plan()


def measured(kind: str, plan: Plan = PLAN, *, machine: str = "a machine", day: str = "2026-01-02") -> Measured:
    """Of one database: one table with one row."""
    section = Section("Leads", [Column("database", "Database"), Column("rate", "a second", 1)])
    section.rows.append({"database": kind, "rate": 1234.56})
    section.notes.append("Every lead arrived.")
    return Measured(machine, day, plan.peers, plan.sizes, [3.0, 5.0], [section])


def test_what_was_measured_is_read_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "results.json"
    first = Results.open(path)
    first.keep("carry/sqlite", measured("sqlite"))
    first.keep("carry/postgresql", measured("postgresql"))

    again = Results.open(path)

    assert again.units == first.units
    assert [each.name for each in path.parent.iterdir()] == ["results.json"]


def test_a_run_goes_on_with_what_is_missing_or_was_smaller() -> None:
    results = Results(None)
    results.keep("carry/sqlite", measured("sqlite"))
    results.keep("carry/postgresql", measured("postgresql", quick(("postgresql",), ("carry",))))
    names = ["carry/sqlite", "carry/postgresql", "together"]

    assert results.missing(names, PLAN) == ["carry/postgresql", "together"]
    assert results.missing(["carry/sqlite"], resized(PLAN, ["rounds=9"])) == ["carry/sqlite"]
    assert results.missing(["carry/sqlite"], resized(PLAN, ["rounds=3", "connections=64"])) == []


def test_what_was_measured_without_the_peer_does_not_serve_a_comparison() -> None:
    with_peer = replace(PLAN, peers=True)

    assert not measured("sqlite").serves(with_peer)
    assert measured("sqlite", with_peer).serves(PLAN)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('{"machine": "a", "tables": []}')

    with pytest.raises(ValueError, match="holds no results"):
        Results.open(path)


@pytest.mark.parametrize("given", ["rounds", "rounds=0", "rounds=x", "rounds=1,2", "peers=1", "speed=3"])
def test_a_size_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        resized(PLAN, [given])


def test_sizes_are_given_by_name() -> None:
    plan = resized(PLAN, ["pinned_seconds=2.5", "together_connections=16,64,128"])

    assert (plan.pinned_seconds, plan.together_connections) == (2.5, (16, 64, 128))


def test_parts_are_cut_by_database_but_not_where_databases_are_compared() -> None:
    names = [name for name, _ in units(Plan(parts=("carry", "together", "pinned")))]

    assert names == ["limits", "carry/sqlite", "carry/postgresql", "together", "pinned/postgresql"]


def test_tables_of_one_title_become_one_and_the_page_says_where(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nAfter\n")
    all_of_them = [measured("sqlite"), measured("postgresql", day="2026-01-03")]

    report.write_page(all_of_them, page)

    assert page.read_text() == (
        f"Before\n\n{report.BEGIN}\n\n"
        "Measured 2026-01-02 to 2026-01-03, a machine. Between measurements others kept the cores 4 % busy, at "
        "most 5 %.\n\n### Leads\n\n| Database | a second |\n| --- | --- |\n"
        "| sqlite | 1,234.6 |\n| postgresql | 1,234.6 |\n\n"
        f"Every lead arrived.\n\n{report.END}\n\nAfter\n"
    )
    assert len(merged(all_of_them)[0].rows) == 2


def test_figures_of_two_machines_are_not_put_together() -> None:
    with pytest.raises(ValueError, match="not of one machine"):
        report.where([measured("sqlite"), measured("postgresql", machine="another")])


def test_slices_of_a_flow_add_up() -> None:
    whole = together([Slice(2.0, [1.0], [5.0, 9.0], [7], 3), Slice(2.0, [4.0], [2.0], [], 1)])

    assert whole == Slice(4.0, [1.0, 4.0], [2.0, 5.0, 9.0], [7], 1)
    assert whole.carried == 0.75

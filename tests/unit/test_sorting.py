"""The list of leads in the order of a column. Pure."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from leadkeeper.inbox.lists.filter import SORTS
from leadkeeper.inbox.lists.sorting import PageEdge, beside, cursor_of, in_order
from leadkeeper.model_errors import LEAD_CURSOR

DAY = 86_400_000


def row(number: int, **given: Any) -> Any:
    """A lead as it is read for the list; ``number`` grows with time."""
    names = ("firstName", "lastName", "email", "phone", "country", "company", "title")
    customer = dict.fromkeys(names, "") | {name: value for name, value in given.items() if name in names}
    lead = {"id": f"{number:03}", "publisher_id": "contoso", "offer_id": "crm", "action": "PLT", "test": False}
    lead |= {"withheld": False, "preview": False, "created_at": number * DAY, "owner_name": None}
    lead |= dict.fromkeys(f"follow_{name}" for name in ("state", "reason", "owner_id", "due_at", "touched_at"))
    lead["body"] = json.dumps({"customer": customer, "description": "", "campaign": "", "extra": {}})
    return SimpleNamespace(**lead | {name: value for name, value in given.items() if name not in names})


def ids(rows: list[Any], sort: str) -> list[int]:
    return [int(each.id) for each in in_order(rows, sort)]


def test_names_stand_without_regard_to_case_and_accents_and_nameless_ones_last() -> None:
    rows = [
        row(1, lastName="zola"),
        row(2, lastName="Évora"),
        row(3),
        row(4, lastName="eco"),
        row(5, company="Fabrikam"),
    ]
    assert ids(rows, "customer") == [4, 2, 5, 1, 3]
    assert ids(rows, "-customer") == [1, 5, 2, 4, 3]


def test_the_newest_stand_first_among_equals_either_way() -> None:
    rows = [row(1, country="PT"), row(3, country="pt"), row(2, country="PT")]
    assert ids(rows, "country") == ids(rows, "-country") == [3, 2, 1]


def test_follow_up_goes_from_new_to_closed_and_those_nobody_follows_stand_last() -> None:
    rows = [row(1, follow_state="lost"), row(2), row(3, follow_state="active"), row(4, action="DNC")]
    assert ids(rows, "follow") == [2, 3, 1, 4]


def test_only_what_is_still_to_be_done_is_due() -> None:
    rows = [row(1, follow_touched_at=2 * DAY), row(2), row(3), row(4, withheld=True)]
    assert ids(rows, "due") == [2, 3, 4, 1]
    assert ids(rows, "-due") == [3, 2, 4, 1]


@pytest.mark.parametrize("sort", SORTS)
def test_a_damaged_record_stands_somewhere(sort: str) -> None:
    assert set(ids([row(1, body="{"), row(2, lastName="A", owner_name="B")], sort)) == {1, 2}


@pytest.mark.parametrize("there", [True, False])
def test_pages_follow_one_another_although_a_lead_left(there: bool) -> None:
    def page(place: int | None, *, newer: bool = False) -> tuple[list[int], bool, bool]:
        rows = [row(number, country="PT") for number in range(5) if there or number != place]
        where = None if place is None else PageEdge("pt", f"{place:03}")
        found, before, behind = beside(rows, "country", where, 2, newer=newer)
        return [int(each.id) for each in found], before, behind

    assert page(None) == ([4, 3], False, True)
    assert page(3) == ([2, 1], True, True)
    assert page(1) == ([0], True, False)
    assert page(0) == ([], True, False)
    assert page(0, newer=True) == ([2, 1], True, there)
    assert page(2, newer=True) == ([4, 3], False, True)


@pytest.mark.parametrize("sort", ["country", "-country"])
def test_a_place_is_that_of_its_value_and_not_of_its_lead(sort: str) -> None:
    rows = [row(1, country="A"), row(2, country="C"), row(3), row(4, country="D")]
    behind, _, _ = beside(rows, sort, PageEdge("b", "004"), 5, newer=False)
    before, _, _ = beside(rows, sort, PageEdge("b", "004"), 5, newer=True)
    assert [int(each.id) for each in behind] == ([2, 4, 3] if sort == "country" else [1, 3])
    assert [int(each.id) for each in before] == ([1] if sort == "country" else [4, 2])


@pytest.mark.parametrize("sort", SORTS)
def test_a_cursor_tells_nothing_of_a_person(sort: str) -> None:
    owner = "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"
    given = {"lastName": "Lovelace", "company": "Fabrikam", "country": "PT"}
    lead = row(1, id=owner, owner_name="Bob", follow_owner_id=owner, follow_state="active", **given)
    cursor = cursor_of(lead, sort)
    assert re.fullmatch(LEAD_CURSOR, cursor)
    assert cursor.partition("~")[2] in {"1", "2", owner, "19700103000000000", "19700104000000000", ""}

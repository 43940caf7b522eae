"""In which order a form puts the columns of the list of leads."""

from __future__ import annotations

import pytest

from leadkeeper.doors.portal.leads.views import ordered
from leadkeeper.doors.portal.leads.words import COLUMN_WORDS
from leadkeeper.inbox.lists.columns import COLUMNS


def test_every_column_has_words() -> None:
    assert tuple(COLUMN_WORDS) == COLUMNS


@pytest.mark.parametrize(
    ("places", "shown"),
    [
        ({}, []),
        ({"mail": "0", "follow": "1", "country": "2"}, ["follow", "country"]),
        ({"mail": "1", "country": "1"}, ["mail", "country"]),
        ({"mail": "-1", "country": "²", "offer": "x", "owner": "100", "follow": ""}, []),
    ],
)
def test_columns_stand_by_the_number_of_their_place(places: dict[str, str], shown: list[str]) -> None:
    assert ordered({f"col-{name}": place for name, place in places.items()}) == shown

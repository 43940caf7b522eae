"""What a request may say of the state that it changes, and whether that holds."""

from __future__ import annotations

import pytest

from leadkeeper.problem import Problem, ProblemType
from leadkeeper.publishing.precondition import UNCONDITIONAL, Precondition

ETAG = 'W/"7"'


@pytest.mark.parametrize(
    ("precondition", "etag"),
    [
        (UNCONDITIONAL, None),
        (UNCONDITIONAL, ETAG),
        (Precondition(match=ETAG), ETAG),
        (Precondition(match="*"), ETAG),
        (Precondition(match=f'"x,y", {ETAG}'), ETAG),
        (Precondition(none_match="*"), None),
        (Precondition(none_match='W/"6"'), ETAG),
        (Precondition(match=ETAG, none_match='W/"6"'), ETAG),
    ],
)
def test_what_holds(precondition: Precondition, etag: str | None) -> None:
    precondition.require(etag)


@pytest.mark.parametrize(
    ("precondition", "etag", "header"),
    [
        (Precondition(match='W/"6"'), ETAG, "If-Match"),
        (Precondition(match="7"), ETAG, "If-Match"),
        (Precondition(match=""), ETAG, "If-Match"),
        (Precondition(match=ETAG), None, "If-Match"),
        (Precondition(match="*"), None, "If-Match"),
        (Precondition(none_match="*"), ETAG, "If-None-Match"),
        (Precondition(none_match=f"{ETAG}, *"), ETAG, "If-None-Match"),
    ],
)
def test_what_does_not_hold_names_the_header(precondition: Precondition, etag: str | None, header: str) -> None:
    with pytest.raises(Problem) as caught:
        precondition.require(etag)
    assert caught.value.type is ProblemType.PRECONDITION_FAILED
    assert [error.field for error in caught.value.errors] == [header]

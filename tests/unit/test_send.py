"""What is told of leads whose adapter fails by our own fault after it sent them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from leadkeeper.catalogue import diagnose
from leadkeeper.delivery.send import send
from leadkeeper.diagnosis import Kind, Outcome


class Careless:
    """An adapter that fails by our own fault after it sent."""

    name = "careless"

    def __init__(self, *, repeatable: bool, answers: Sequence[Any] | None = None) -> None:
        self.repeatable = repeatable
        self._answers = answers

    async def deliver(self, leads: Sequence[Any]) -> Sequence[Any]:
        if self._answers is None:
            raise ZeroDivisionError
        return self._answers


@pytest.mark.parametrize("answers", [None, [None]], ids=["raises", "no answer"])
async def test_our_fault_after_sending_is_not_repeated_where_twice_makes_two(answers: list[None] | None) -> None:
    leads: list[Any] = [type("Lead", (), {"id": "1"})]
    (summary,) = await send(Careless(repeatable=False, answers=answers), leads)  # type: ignore[arg-type]
    assert summary == diagnose(Kind.MAY_HAVE_ARRIVED, outcome=Outcome.OURS)
    (summary,) = await send(Careless(repeatable=True, answers=answers), leads)  # type: ignore[arg-type]
    assert summary == diagnose(Kind.INTERNAL_ERROR)

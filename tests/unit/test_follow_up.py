"""When a lead is to be touched, and when it was."""

from __future__ import annotations

from typing import Any

import pytest

from leadkeeper.inbox.follow_up.state import DUE_MS, due_of, is_followed, is_overdue, touched


def test_a_lead_is_due_within_a_day() -> None:
    assert due_of(1_000) == 1_000 + 86_400_000
    assert not is_overdue(state="new", touched_at=None, due_at=DUE_MS, now=DUE_MS)
    assert is_overdue(state="new", touched_at=None, due_at=DUE_MS, now=DUE_MS + 1)
    assert not is_overdue(state="active", touched_at=5, due_at=DUE_MS, now=DUE_MS + 1)


def test_the_first_change_of_state_is_the_touch() -> None:
    assert touched(None, was="new", becomes="new", now=7) is None
    assert touched(None, was="new", becomes="active", now=7) == 7
    assert touched(7, was="active", becomes="won", now=9) == 7


@pytest.mark.parametrize("other", [{"action": "DNC"}, {"test": True}, {"withheld": True}, {"preview": True}])
def test_nobody_turns_to_whom_there_is_none(other: dict) -> None:
    lead: dict[str, Any] = {"action": "PLT", "test": False, "withheld": False, "preview": False}
    assert is_followed(**lead)
    assert not is_followed(**(lead | other))

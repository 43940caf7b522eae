"""How often a process looks through its own records."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from leadkeeper.clock import now_ms
from leadkeeper.inbox import inspection
from leadkeeper.inbox.inspection import Inspection, rest_after
from leadkeeper.periodic import Job


@pytest.mark.parametrize(("took", "rests"), [(0.0, 10.0), (0.01, 10.0), (0.04, 14.0), (0.1, 35.0), (5.0, 60.0)])
def test_a_look_takes_a_three_hundredth_of_a_core_between_two_bounds(took: float, rests: float) -> None:
    assert rest_after(took) == pytest.approx(rests)


async def test_nobody_looks_again_before_that(monkeypatch: pytest.MonkeyPatch) -> None:
    passed, looks = 1_000.0, list[float]()

    class Slow(Inspection):
        async def look(self) -> None:
            nonlocal passed
            looks.append(passed)
            passed += 0.1

    async def five_minutes(job: Job) -> None:
        nonlocal passed
        monkeypatch.setattr(time, "monotonic", lambda: passed)
        while passed < 1_300:
            await job.look()
            passed += job.seconds
        monkeypatch.undo()

    monkeypatch.setattr(inspection, "run_periodically", five_minutes)
    await Slow(cast(Any, None), now_ms, lambda: 0.5).run()
    assert [round(each - looks[0]) for each in looks[:3]] == [0, 36, 72]
    assert len(looks) == 9

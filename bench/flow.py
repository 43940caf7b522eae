"""A steady flow of leads, slice by slice, while something else happens; nothing of one slice is lost for the next."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.children import ChildFailed
from bench.figures import percentile
from bench.installation import Installation
from bench.place import Place

_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Slice:
    """A few seconds of a flow.

    ``answered`` and ``arrived`` are milliseconds, ascending: until the answer, and until the lead was at the sink.
    ``others`` are the moments (ns) at which leads came that are not of the flow. ``waiting`` have not arrived.
    """

    seconds: float
    answered: Sequence[float]
    arrived: Sequence[float]
    others: Sequence[int]
    waiting: int

    @property
    def carried(self) -> float:
        """How many of the flow's leads arrived in a second."""
        return len(self.arrived) / self.seconds


class Flow:
    """Leads for one offer, ``rate`` a second, for as long as :meth:`slice` is called."""

    def __init__(self, place: Place, made: Installation, rate: int, offer: str = "crm") -> None:
        self._place = place
        self._rate = rate
        self._sent: dict[str, int] = {}
        self._order = {"order": "paced", "port": made.port, "status": 202, "connections": _CONNECTIONS, "rate": rate}
        self._order |= {"offers": [offer], "token": made.token}
        place.reset()

    def slice(self, seconds: float) -> Slice:
        """Hand leads in for so long, and gather what has arrived since the last slice."""
        begun = time.monotonic()
        done: dict[str, Any] = self._place.load.ask(self._order | {"seconds": seconds})
        if done["refused"]:
            raise ChildFailed(f"{done['refused']} leads were not taken")
        self._sent |= done["sent"]
        return self._gathered(begun, sorted(done["took"]))

    def several(self, seconds: float, each: float) -> list[Slice]:
        """Slices of ``each`` seconds until ``seconds`` are over; at least one."""
        return [self.slice(min(each, seconds)) for _ in range(max(1, round(seconds / each)))]

    def rest(self, seconds: float) -> Slice:
        """Hand nothing in, and wait at most so long for what has not arrived."""
        begun = time.monotonic()
        last = self._gathered(begun, ())
        while last.waiting and time.monotonic() - begun < seconds:
            time.sleep(0.05)
            last = together([last, self._gathered(time.monotonic(), ())])
        return last

    def _gathered(self, begun: float, answered: Sequence[float]) -> Slice:
        arrivals: dict[str, int] = self._place.sink.ask({"order": "gather"})
        took, others = [], []
        for lead_id, at in arrivals.items():
            sent = self._sent.pop(lead_id, None)
            if sent is None:
                others.append(at)
            else:
                took.append((at - sent) / 1e6)
        return Slice(max(time.monotonic() - begun, 1e-3), answered, sorted(took), sorted(others), len(self._sent))


def together(slices: Sequence[Slice]) -> Slice:
    """Several slices, one after another, as one."""
    return Slice(
        sum(each.seconds for each in slices),
        sorted(took for each in slices for took in each.answered),
        sorted(took for each in slices for took in each.arrived),
        sorted(at for each in slices for at in each.others),
        slices[-1].waiting,
    )


def p99(ordered: Sequence[float]) -> float | None:
    """The value below which 99 of 100 lie, if there are any."""
    return percentile(ordered, 99) if ordered else None

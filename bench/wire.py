"""The rounds that several measurements share: a burst of requests, bare posts, a stream at a fixed rate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from bench.children import ChildFailed
from bench.place import Place
from bench.plan import Plan

WARMUP: Final = 0.3
_SETTLE_SECONDS: Final = 5.0


def burst(place: Place, port: int, status: int, connections: int, plan: Plan, *, token: str = "-") -> dict[str, Any]:
    """Keep ``connections`` busy at ``port``: ``taken``, ``rate``, ``p50``, ``p99`` (ms).

    Raises :class:`ChildFailed` when any answer had another status.
    """
    order = {
        "order": "burst",
        "port": port,
        "status": status,
        "connections": connections,
        "seconds": plan.echo_seconds if status == 200 else plan.accept_seconds,
        "warmup": WARMUP,
        "offers": ["crm"],
        "token": token,
    }
    done: dict[str, Any] = place.load.ask(order)
    if done["refused"]:
        raise ChildFailed(f"{done['refused']} requests were not answered {status}")
    return done


def posts(place: Place, connections: int, plan: Plan, *, operations: int = 0) -> float:
    """Posts a second of the bare aiohttp client to the sink."""
    order = {
        "url": f"https://127.0.0.1:{place.sink_port}/{'$batch' if operations else 'takes'}",
        "ca_file": str(place.ca_file),
        "connections": connections,
        "seconds": plan.limit_seconds,
        "operations": operations,
    }
    rate: float = place.poster.ask(order)["rate"]
    return rate


def stream(
    place: Place, port: int, token: str, rate: float, seconds: float, offers: Sequence[str], *, wait_for: int
) -> list[float]:
    """Hand in leads at ``rate`` for ``offers`` in turn; how long (ms, ascending) each took to the sink.

    ``wait_for`` is how many should arrive there; waits a little for the last. What never arrives is missing.
    """
    place.reset()
    order = {"order": "paced", "port": port, "status": 202, "connections": 64, "rate": rate, "seconds": seconds}
    done: dict[str, Any] = place.load.ask(order | {"offers": list(offers), "token": token})
    if done["refused"]:
        raise ChildFailed(f"{done['refused']} leads were not taken")
    end = time.monotonic() + _SETTLE_SECONDS
    sent: dict[str, int] = done["sent"]
    while True:
        arrivals: dict[str, int] = place.sink.ask({"order": "arrivals"})
        # Others send there too: test leads of what is published meanwhile.
        if len(sent.keys() & arrivals.keys()) >= wait_for or time.monotonic() > end:
            break
        time.sleep(0.05)
    return sorted((arrivals[lead_id] - begun) / 1e6 for lead_id, begun in sent.items() if lead_id in arrivals)

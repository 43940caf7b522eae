"""The program at work where very many leads and connections are kept: beside an empty installation, idle, its pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from bench.children import Child, ChildFailed
from bench.contenders import Contender, Ours, ours
from bench.figures import Column, Row, Say, Section, Target, middle, percentile
from bench.installation import Installation, https
from bench.payload import PUBLISHER
from bench.place import Kind, Place
from bench.plan import Plan
from bench.together import Round, turn
from bench.visitor import request, sign_in
from leadkeeper.offer import OfferRef
from leadkeeper.services import Services

P95: Final = Target("p95 ms", "≤", 150)
FLAT: Final = Target("of empty", "≥", 0.9)
IDLE: Final = Target("% of a core", "≤", 2)
OFFERS_EACH: Final = 10
"""Offers, each with a connection, of every publisher but the one that gets the leads."""
_AT_ONCE: Final = 32
TIMES: Final = 60
"""How often each page is asked for: of 20 times the slowest alone would be the 95th percentile."""
_SETTLED_SECONDS: Final = 120.0
_WORK: Final = (
    Column("database", "Database"),
    Column("connections", "Connections"),
    Column("empty", "A second, empty"),
    Column("full", "full"),
    Column("ratio", "Of empty", 2),
    Column("verdict", "Target"),
)
_IDLE: Final = (
    Column("database", "Database"),
    Column("connections", "Connections kept"),
    Column("since", "Seconds after its start"),
    Column("percent", "% of a core", 2),
    Column("verdict", "Target"),
)
_HTTP: Final = (
    Column("database", "Database"),
    Column("what", "Address"),
    Column("p50", "p50 ms", 1),
    Column("p95", "p95 ms", 1),
    Column("verdict", "Target"),
)
_PAGES: Final = (
    "/portal",
    "/portal/leads",
    "/portal/leads?state=attention",
    "/portal/leads?q=lovelace99",
    f"/portal/operate/publishers/{PUBLISHER}",
    "/portal/operate/publishers",
)
_CALLS: Final = (
    "/v1/leads?limit=50",
    f"/v1/leads?publisherId={PUBLISHER}&limit=50",
    f"/v1/publishers/{PUBLISHER}/offers/crm/connections",
    "/v1/publishers",
    "/metrics",
    "/readyz",
)


async def connect(services: Services, connections: int) -> None:
    """So many connections more, of other publishers, each of an offer of its own."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def publisher(number: int, offers: int) -> None:
        async with gate:
            name = f"publisher{number}"
            await services.offers.catalogue.put_publisher(name, f"Publisher {number}", by="bench")
            for offer in range(offers):
                ref = OfferRef(name, f"offer{offer}")
                await services.offers.catalogue.put_offer(
                    ref, title=f"Offer {offer}", offer_type="SaaS", live=True, by="bench"
                )
                await services.connections.put(ref, "primary", https(), by="bench")

    numbers = range(0, connections, OFFERS_EACH)
    await asyncio.gather(*(publisher(first, min(OFFERS_EACH, connections - first)) for first in numbers))


def measure(place: Place, plan: Plan, kind: Kind, made: Installation, say: Say) -> list[Section]:
    """An idle worker, leads taken in while carried beside an empty installation, and pages over HTTP."""
    size = f"with {plan.growth_leads:,} leads and {plan.growth_connections:,} connections"
    idle = Section(f"An idle worker {size}", _IDLE, _idle(plan, kind, made, say))
    work = Section(f"Taken in while carried {size}, beside an empty installation", _WORK)
    with ours(place, kind) as empty:
        full = Ours(place, kind, made)
        for connections in plan.together_connections:
            rounds = [_pair(place, plan, (empty, full), connections, say) for _ in range(plan.rounds)]
            work.rows += _rows(kind, connections, rounds)
    pages = Section(f"Pages and calls over HTTP {size}", _HTTP, _pages(kind, made, say))
    made.stop()
    return [idle, work, pages]


def _idle(plan: Plan, kind: Kind, made: Installation, say: Say) -> list[Row]:
    """What a worker uses once it has carried what was due when it started.

    At first it counts what was put in while none ran, and goes through all publishers for what is too old; the target
    is for one that has nothing to do, which is looked at later.
    """
    say(f"growth: {kind}, a worker that has just started")
    worker, begun = made.start("worker"), time.monotonic()
    end = time.monotonic() + _SETTLED_SECONDS
    while made.unsent() and time.monotonic() < end:
        worker.check()
        time.sleep(0.5)
    time.sleep(min(15.0, plan.idle_seconds))  # begins the tasks that it does at its start only
    first = _used(worker, plan, kind, begun)
    say(f"growth: {kind}, an idle worker")
    time.sleep(max(0.0, begun + plan.idle_after_seconds - time.monotonic()))
    later = _used(worker, plan, kind, begun)
    made.stop()
    return [first | {"verdict": "none: it catches up"}, later | {"verdict": IDLE.verdict(later["percent"])}]


def _used(worker: Child, plan: Plan, kind: Kind, begun: float) -> dict[str, Any]:
    """What the worker that was started at ``begun`` uses of a core for :attr:`Plan.idle_seconds`."""
    before, now = worker.usage(), time.monotonic()
    time.sleep(plan.idle_seconds)
    used = worker.usage().since(before).cpu_seconds / (time.monotonic() - now) * 100
    return {"database": kind, "connections": plan.growth_connections, "since": now - begun, "percent": used}


def _pair(
    place: Place, plan: Plan, contenders: tuple[Contender, Contender], connections: int, say: Say
) -> tuple[Round, Round]:
    say(f"growth: {contenders[1].name}, {connections} connections, beside an empty one")
    return turn(place, contenders[0], connections, plan), turn(place, contenders[1], connections, plan)


def _rows(kind: Kind, connections: int, rounds: Sequence[tuple[Round, Round]]) -> list[Row]:
    def row(what: str, rate: Callable[[Round], float]) -> Row:
        ratio = middle([rate(full) / rate(empty) for empty, full in rounds])
        return {
            "database": kind,
            "connections": f"{connections}, {what}",
            "empty": middle([rate(empty) for empty, _ in rounds]),
            "full": middle([rate(full) for _, full in rounds]),
            "ratio": ratio,
            "verdict": FLAT.verdict(ratio),
        }

    return [row("accepted", lambda one: one.accepted), row("carried", lambda one: one.carried)]


def _pages(kind: Kind, made: Installation, say: Say) -> list[Row]:
    """The portal's pages and the API's lists as the operator sees them, from request to whole answer."""
    say(f"growth: {kind}, pages over HTTP")
    operator = made.make_key("operator")
    cookie = sign_in(made.port, operator)
    bearer = {"Authorization": f"Bearer {operator}"}
    rows = [_timed(kind, made.port, path, cookie) for path in _PAGES]
    return rows + [_timed(kind, made.port, path, bearer) for path in _CALLS]


def _timed(kind: Kind, port: int, path: str, headers: dict[str, str]) -> Row:
    took = []
    for number in range(TIMES + 1):
        begun = time.perf_counter()
        status, _, _ = request(port, "GET", path, None, headers)
        if status != 200:
            raise ChildFailed(f"{path}: {status}")
        if number:  # the first one compiles its template
            took.append((time.perf_counter() - begun) * 1_000)
    took.sort()
    p95 = percentile(took, 95)
    return {"database": kind, "what": path, "p50": percentile(took, 50), "p95": p95, "verdict": P95.verdict(p95)}

"""Lists, searches, tabs and downloads where very many leads are kept: the time in the server, without HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

import psutil
import sqlalchemy as sa

from bench import grown
from bench.figures import Column, Row, Say, Section, Target, percentile
from bench.installation import https, installation
from bench.payload import PUBLISHER
from bench.place import Kind, Place
from bench.plan import Plan
from leadkeeper.access.chain import seal
from leadkeeper.app import open_services
from leadkeeper.clock import least_id, now_ms
from leadkeeper.connections.deliveries import new_delivery
from leadkeeper.doors.cli.operating.serve import settle
from leadkeeper.doors.leads_csv import csv_of
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.lead import Customer, country_key
from leadkeeper.lead_body import to_body
from leadkeeper.offer import OfferRef
from leadkeeper.services import Services
from leadkeeper.settings import Settings
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows
from leadkeeper.storage.search_index import index_more, settles, stored_words, write_pending
from leadkeeper.texts import ENGLISH

BYTES: Final[Mapping[Kind, Target]] = {
    "sqlite": Target("bytes", "≤", 900),
    "postgresql": Target("bytes", "≤", 1_100),
}
DOWNLOADED: Final = 100_000
_STEP: Final = 2_000
"""As many leads as a busy second brings: after each, workers settle what is new in the index of searches."""
DAYS: Final = 400
DAY_MS: Final = 86_400_000
_SOURCES: Final = ("AzureMarketplace", "SPZA", "AzurePortal")
_ACTIONS: Final = ("INS", "PLT", "Create")
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("what", "Page"),
    Column("found", "Leads on it"),
    Column("p50", "p50 ms", 1),
    Column("p95", "p95 ms", 1),
    Column("cpu", "of it CPU here, p50 ms", 1),
    Column("verdict", "Target"),
)
MEMORY: Final = Target("MB more", "≤", 32)
"""How much a download may take that does not grow with the file: a page of leads, and what the allocator keeps."""
MEMORY_EVERY: Final = 10_000
Call = Callable[[Services], Awaitable[int]]


def measure(place: Place, plan: Plan, say: Say) -> list[Section]:
    """Each page many times, over leads of 400 days that one publisher got; then the program at work on them."""
    pages = Section(f"Pages over {plan.growth_leads:,} leads", _COLUMNS)
    sections = [pages]
    for kind in plan.databases:
        with installation(place, kind, crm=https()) as made:
            size = asyncio.run(_prepare(made.settings, kind, plan, say))
            target = BYTES[kind].verdict(size)
            pages.notes.append(f"{kind}: {size:,.0f} bytes for a lead with its delivery: {target}.")
            pages.rows += asyncio.run(_measure(made.settings, kind, say))
            sections += grown.measure(place, plan, kind, made, say)
    return sections


async def _prepare(settings: Settings, kind: Kind, plan: Plan, say: Say) -> float:
    """Make connections and leads; how many bytes a lead takes."""
    async with open_services(settings, worker=False) as opened:
        say(f"growth: {kind}, {plan.growth_connections:,} connections are made")
        await grown.connect(opened.services, plan.growth_connections)
        say(f"growth: {kind}, {plan.growth_leads:,} leads are made")
        return await fill(opened.services, plan.growth_leads, say=say)


async def _measure(settings: Settings, kind: Kind, say: Say) -> list[Row]:
    """The rows of one database."""
    async with open_services(settings, worker=False) as opened:
        say(f"growth: {kind}, pages")
        with _settled():
            rows = [await _page(opened.services, kind, *each) for each in _pages()]
        return [*rows, await _download(opened.services, kind)]


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """As a server is once it has started: else every tenth page or so pays for a look through all that is loaded here.

    Python looks through what the bench itself has loaded, for some 100 ms, whenever pages made enough of new objects.
    """
    thresholds = gc.get_threshold()
    settle()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


async def fill(services: Services, leads: int, *, waiting: bool = True, say: Say = lambda _text: None) -> float:
    """Keep so many leads of the last :data:`DAYS`, where ``waiting`` a few of them in every state; bytes of each."""
    before = (await services.retention.figures()).room.taken
    for first in range(0, leads, _STEP):
        if first % (500 * _STEP) == 0 and first:
            say(f"growth: {first:,} of {leads:,} leads are made")
        await services.storage.write(_insert, first, min(_STEP, leads - first), leads, waiting)
        await services.storage.write(_settle)
    while await services.storage.write(index_more):
        pass
    while await services.storage.write(seal):
        pass
    await services.storage.write(lambda conn: conn.exec_driver_sql("ANALYZE").close())
    return ((await services.retention.figures()).room.taken - before) / leads


def _settle(conn: sa.Connection) -> None:
    """What workers do every second: none is here, and the room would be full of what they clear away."""
    if settles(conn):
        write_pending(conn)


def _insert(conn: sa.Connection, first: int, count: int, of: int, waiting: bool) -> None:
    of_offer = t.connection.c.offer_ref == str(OfferRef(PUBLISHER, "crm"))
    connection_id = conn.execute(sa.select(t.connection.c.id).where(of_offer)).scalar_one()
    begun = now_ms() - DAYS * DAY_MS
    rows = [*_rows(conn, first, count, of, begun, connection_id, waiting)]
    insert_rows(conn, t.lead, [lead for lead, _ in rows])
    insert_rows(conn, t.delivery, [delivery for _, delivery in rows])


def _rows(
    conn: sa.Connection, first: int, count: int, of: int, begun: int, connection_id: str, waiting: bool
) -> Iterator[tuple[dict[str, Any], Any]]:
    for number in range(first, first + count):
        at = begun + number * DAYS * DAY_MS // of
        email = f"ada{number}@fabrikam.example"
        name, phone = f"Lovelace{number}", "+44 20 7946 0958"
        person = Customer("Ada", name, email, phone, "GB", "Fabrikam", "Head of Analysis")
        text = "Would like to see a demo for forty people in two offices, and a price for a year."
        lead: dict[str, Any] = {
            "id": least_id(at)[:24] + f"{number:012x}",
            "publisher_id": PUBLISHER,
            "offer_id": "crm",
        }
        lead |= {"source": _SOURCES[number % 2], "action": _ACTIONS[number % 2], "email": email, "created_at": at}
        lead |= {"test": number % 5_000 == 1, "body": to_body(person, text, "spring", {}), "unrouted": False}
        lead |= {"country": country_key(person.country), "words": stored_words(conn, person)}
        # The first of all are those that nobody looked after: a list finds them behind everything else.
        state = "setAside" if number < of // 50 else "waiting" if number % 1_000 == 3 else "delivered"
        state = state if waiting else "delivered"
        # What waits does so for its next attempt, which comes long after everything is measured.
        due_at = at + 2 * DAYS * DAY_MS if state == "waiting" else at
        yield lead, new_delivery(str(lead["id"]), connection_id, at) | {"state": state, "due_at": due_at}


def _pages() -> list[tuple[str, Call]]:
    own: dict[str, Any] = {"publisher_id": PUBLISHER}
    now = now_ms()
    lists: dict[str, dict[str, Any]] = {
        "first page, all publishers": {},
        "first page of a publisher": own,
        "an offer": own | {"offer_id": "crm"},
        "a source": own | {"source": "SPZA"},
        "a source without leads": own | {"source": "TestDrive"},
        "an action without leads": own | {"action": "DNC"},
        "test leads": own | {"test": True},
        "a day long ago": own | {"since_ms": now - 300 * DAY_MS, "until_ms": now - 299 * DAY_MS},
        "an address": {"email": "ada77@fabrikam.example"},
        "waiting": own | {"state": "waiting"},
        "set aside, very many and old": own | {"state": "setAside"},
        "held, none": own | {"state": "held"},
        "delivered": own | {"state": "delivered"},
        "needs attention": own | {"state": "attention"},
        "a country": own | {"country": "GB"},
        "a country without leads": own | {"country": "PT"},
        "withheld, none": own | {"withheld": True},
        "a destination": own | {"destination": "https_endpoint"},
        "a state of everybody's": {"state": "setAside"},
        "an action": own | {"action": "PLT"},
        "new to follow up": own | {"follow_up": "new"},
        "nobody touched in time": own | {"follow_up": "overdue"},
        "nobody's": own | {"owner_id": ""},
        "somebody's, none": own | {"owner_id": "01a20000-0000-0000-0000-000000000000"},
        "by customer": own | {"sort": "customer"},
        "oldest first": own | {"oldest_first": True},
        "a state of an offer, from a source, of some days": own
        | {"offer_id": "crm", "state": "delivered", "source": "SPZA", "since_ms": now - 30 * DAY_MS},
        "won, none": own | {"follow_up": "won"},
        "part of a name": own | {"text": "lovelace99"},
        "part of a name, nothing found": own | {"text": "nobodyhere"},
    }
    pages: list[tuple[str, Call]] = [
        (name, _listing(LeadFilter(**chosen, now_ms=now), None)) for name, chosen in lists.items()
    ]
    pages.append(("a page deep in the list", _listing(LeadFilter(**own), least_id(now - 350 * DAY_MS))))
    return [*pages, *_other_pages()]


def _other_pages() -> list[tuple[str, Call]]:
    """Those that are no list."""
    return [
        ("tabs with counts", _counted(PUBLISHER)),
        ("tabs with counts, all publishers", _counted(None)),
        ("one lead, whole", _one_lead),
        ("the others of its customer", _same_customer),
        ("what needs attention", _attention(PUBLISHER)),
        ("what needs attention, all publishers", _attention(None)),
    ]


def _listing(filters: LeadFilter, cursor: str | None) -> Call:
    async def call(services: Services) -> int:
        return len((await services.leads.inbox.list(filters, cursor, 50)).leads)

    return call


def _counted(publisher_id: str | None) -> Call:
    async def call(services: Services) -> int:
        return sum((await services.leads.inbox.counts(LeadFilter(publisher_id))).values())

    return call


async def _one_lead(services: Services) -> int:
    found = await services.leads.inbox.list(LeadFilter(PUBLISHER), None, 1)
    lead = await services.leads.inbox.get(found.leads[0].id)
    return 0 if lead is None else 1


async def _same_customer(services: Services) -> int:
    found = await services.leads.inbox.list(LeadFilter(PUBLISHER), None, 1)
    return len((await services.leads.inbox.same_customer(found.leads[0].id)).leads)


def _attention(publisher_id: str | None) -> Call:
    async def call(services: Services) -> int:
        return len((await services.leads.attention.list(publisher_id, now_ms())).entries)

    return call


async def _page(services: Services, kind: Kind, name: str, call: Call) -> Row:
    found, took, used = await call(services), [], []
    for _ in range(grown.TIMES):
        begun, worked = time.perf_counter(), time.process_time()
        await call(services)
        took.append((time.perf_counter() - begun) * 1_000)
        used.append((time.process_time() - worked) * 1_000)
    took.sort()
    p95 = percentile(took, 95)
    row: Row = {"database": kind, "what": name, "found": found, "p50": percentile(took, 50), "p95": p95}
    return row | {"cpu": percentile(sorted(used), 50), "verdict": grown.P95.verdict(p95)}


async def _download(services: Services, kind: Kind) -> Row:
    """The file of up to :data:`DOWNLOADED` leads, whole: its time is no page's."""
    begun, leads, written = time.perf_counter(), 0, 0
    kept: list[float] = []

    async def some() -> Any:
        nonlocal leads
        async for lead in services.leads.reading.export(LeadFilter(PUBLISHER), by="bench"):
            yield lead
            leads += 1
            if leads % MEMORY_EVERY == 0 or leads == 1:
                kept.append(psutil.Process().memory_info().rss / 1e6)
            if leads == DOWNLOADED:
                return

    async for piece in csv_of(some(), ENGLISH, str):
        written += len(piece)
    seconds, more = time.perf_counter() - begun, max(kept) - min(kept)
    what = f"CSV, {written / 1e6:.0f} MB in {seconds:.1f} s; memory {min(kept):.0f} to {max(kept):.0f} MB"
    row: Row = {"database": kind, "what": what, "found": leads, "p50": None, "p95": None, "cpu": None}
    return row | {"verdict": MEMORY.verdict(more)}

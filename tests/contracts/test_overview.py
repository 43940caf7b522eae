"""The first page: figures that are counted beside the leads' way, causes, offers with their health. Both databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.clock import least_id, new_id, now_ms
from leadkeeper.connections.deliveries import new_delivery
from leadkeeper.delivery.record import attempt_row
from leadkeeper.diagnosis import Receipt
from leadkeeper.inbox.attention.attention import attention, causes_mark
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.tab_counts import counts_of_all
from leadkeeper.inbox.oversight.figures import DAY_MS, Figures, overview
from leadkeeper.inbox.oversight.tally import ALL_EVERY_MS, EVERY_MS, Tally
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows
from leadkeeper.storage.evidence import insert_attempts
from leadkeeper.texts import ENGLISH
from tests.contracts.counting import tell_written
from tests.contracts.plans import statements, work
from tests.contracts.test_flat import BODY
from tests.contracts.test_idle import rows_gone_through
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.people import signed_in

HOME: Final = "/portal"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose offer is connected."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        yield opened


async def change(home: Installation, table: sa.Table, **values: object) -> None:
    def write(conn: sa.Connection) -> None:
        conn.execute(sa.update(table).values(**values)).close()
        tell_written(conn)

    await home.services.storage.write(write)


async def delivered(home: Installation) -> None:
    """All deliveries reach their destinations, as workers write it down."""

    def write(conn: sa.Connection) -> None:
        ids = conn.scalars(sa.select(t.delivery.c.id)).all()
        receipt = Receipt()
        insert_attempts(conn, [attempt_row(id_, now_ms(), 5, receipt, late=False) for id_ in ids])
        conn.execute(sa.update(t.delivery).values(state="delivered"))
        tell_written(conn)

    await home.services.storage.write(write)


async def remove_leads(home: Installation) -> None:
    def write(conn: sa.Connection) -> None:
        conn.execute(sa.delete(t.lead))
        tell_written(conn)

    await home.services.storage.write(write)


async def figures(home: Installation, whose: str | None, days: int = 1) -> Figures:
    found = await home.services.storage.read(overview, whose, now_ms())
    return found.last(days)


async def kept(home: Installation, at: int, count: int, state: str, took: int = 500, **more: Any) -> None:
    """So many leads that came at ``at`` and whose deliveries are in that state."""

    def fill(conn: sa.Connection) -> None:
        connection_id = conn.scalar(sa.select(t.connection.c.id)) or ""
        leads, deliveries = [], []
        for number in range(count):
            id_ = new_id() if at > now_ms() - DAY_MS else str(least_id(at + number))
            lead: dict[str, Any] = {"id": id_, "publisher_id": "contoso", "offer_id": "crm-pro", "source": "SPZA"}
            lead |= {"action": "INS", "email": "", "test": False, "created_at": at, "body": BODY, "unrouted": False}
            leads.append(lead | {"preview": False, "withheld": False} | more)
            deliveries.append(new_delivery(id_, connection_id, at) | {"state": state, "changed_at": at + took})
        insert_rows(conn, t.lead, leads)
        insert_rows(conn, t.delivery, deliveries)

    await home.services.storage.write(fill)


async def test_figures_are_counted_by_day_and_publisher(home: Installation) -> None:
    now = now_ms()
    await kept(home, now, 1_100, "delivered", 700)  # more than one step counts
    await kept(home, now, 2, "setAside")
    await kept(home, now, 3, "delivered", test=True)
    await kept(home, now, 3, "delivered", preview=True)
    await kept(home, now - 20 * DAY_MS, 4, "unconfirmed", 90_000_000)
    tally = Tally(home.services.storage, now_ms)
    assert await tally.look() == 30
    for whose in (None, "contoso"):
        today = await figures(home, whose)
        assert (today.leads, today.delivered, today.set_aside) == (1_102, 1_100, 2), whose
        assert today.within_seconds(0.95) == 1
        month = await figures(home, whose, 30)
        assert (month.leads, month.unconfirmed, month.within[-1]) == (1_106, 4, 4)
    assert asdict(await figures(home, "fabrikam", 30)) == asdict(Figures())


async def test_a_lead_without_connection_is_under_way_and_a_withheld_one_is_not(home: Installation) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/contoso/offers/other", {"title": "Other"})
    await hand_in(operator, offerId="other")
    await kept(home, now_ms(), 1, "withheld", withheld=True)
    await Tally(home.services.storage, now_ms).look()
    today = await figures(home, "contoso")
    assert (today.leads, today.under_way, today.withheld, today.deliveries) == (2, 1, 1, 1)


async def test_what_moves_is_counted_anew_and_what_is_gone_is_forgotten(home: Installation) -> None:
    now = now_ms()
    await kept(home, now, 2, "setAside")
    await kept(home, now - 10 * DAY_MS, 2, "setAside")
    moment = now
    tally = Tally(home.services.storage, lambda: moment)
    await tally.look()
    assert await tally.look() == 0, "nothing is due so soon"
    await delivered(home)
    moment = now + EVERY_MS
    assert await tally.look() == 2, "today and yesterday"
    assert (await figures(home, "contoso", 30)).set_aside == 2
    moment = now + ALL_EVERY_MS
    assert await tally.look() == 28, "those two were counted since"
    assert (await figures(home, "contoso", 30)).delivered == 4
    await remove_leads(home)
    moment = now + 2 * ALL_EVERY_MS
    await tally.look()
    assert (await figures(home, "contoso", 30)).leads == 0
    moment = now + 40 * DAY_MS
    await tally.look()
    oldest = await home.services.storage.read(lambda conn: conn.scalar(sa.select(sa.func.min(t.day_figure.c.day))))
    assert oldest == moment // DAY_MS - 29


async def test_a_damaged_row_of_figures_shows_none_of_it(home: Installation) -> None:
    await kept(home, now_ms(), 1, "delivered")
    await Tally(home.services.storage, now_ms).look()
    for damaged in ("{", json.dumps([1]), json.dumps(["x"] * 12)):
        await change(home, t.day_figure, within=damaged)
        assert (await figures(home, "contoso")).within_seconds(0.5) is None


@pytest.mark.parametrize("whose", [None, "contoso"])
async def test_figures_and_causes_cost_the_same_whatever_number_of_leads_there_is(
    home: Installation, whose: str | None
) -> None:
    storage = home.services.storage
    await kept(home, now_ms(), 3_000, "delivered")
    await Tally(storage, now_ms).look()
    await storage.write(lambda conn: conn.exec_driver_sql("ANALYZE").close())
    few = await work(storage, lambda: storage.read(overview, whose, now_ms()))
    causes = await work(storage, lambda: storage.read(attention, whose, now_ms(), ENGLISH))
    await kept(home, now_ms(), 3_000, "delivered")
    await storage.write(lambda conn: conn.exec_driver_sql("ANALYZE").close())
    assert await work(storage, lambda: storage.read(overview, whose, now_ms())) <= few + 50
    assert await work(storage, lambda: storage.read(attention, whose, now_ms(), ENGLISH)) <= causes + 50
    assert causes < 3_000


OTHERS: Final = 2_000
"""More connections than anything on the first page may go through."""


@pytest.mark.parametrize("part", ["causes", "tabs"])
async def test_the_first_page_does_not_go_through_all_connections(home: Installation, part: str) -> None:
    """Of 2,000 connections that work, and a few that do not, those few alone are looked at."""

    def others(conn: sa.Connection) -> None:
        one = {**conn.execute(sa.select(t.connection)).mappings().one()}
        well = {"tried": True, "proven": True}
        failing = {"failing_since": 1}
        ill: tuple[dict[str, Any], ...] = (
            {"failures": 1} | failing,
            {"refusals": 1} | failing,
            {"proven": False},
            {"paused_by_person": True},
            {"ends_at": now_ms()},
        )
        rows: list[dict[str, Any]] = [
            one | well | {"id": new_id(), "name": f"other{number}"} for number in range(OTHERS)
        ]
        for row, why in zip(rows, ill, strict=False):
            row.update(why)
        insert_rows(conn, t.connection, rows)
        insert_rows(conn, t.missing_record, [_missing(row["id"]) for row in rows[5:7]])
        conn.exec_driver_sql("ANALYZE").close()

    storage, inbox = home.services.storage, home.services.leads.inbox
    await storage.write(others)

    async def causes() -> int:
        return len((await storage.read(attention, None, now_ms(), ENGLISH)).entries)

    async def tabs() -> int:
        return len(await inbox.counts(LeadFilter(None)))

    call, asked = (causes, _causes) if part == "causes" else (tabs, _tabs)
    assert await call() == (3 if part == "causes" else 5)
    assert await work(storage, call, chains=True) < OTHERS
    assert await storage.write(rows_gone_through, asked, now_ms()) < OTHERS


def _causes(conn: sa.Connection, now: int) -> object:
    return attention(conn, None, now, ENGLISH)


def _tabs(conn: sa.Connection, _now: int) -> object:
    return counts_of_all(conn)


def _missing(connection_id: str) -> dict[str, Any]:
    """A record that is missing over a connection, of a lead that is no more: nobody is told of it."""
    none = new_id()
    row = {"delivery_id": none, "lead_id": none, "connection_id": connection_id, "found_at": now_ms()}
    return row | {"delivered_at": now_ms()}


async def test_what_was_set_aside_is_counted_up_to_a_bound(home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadkeeper.inbox.attention.attention.MOST_COUNTED", 50)
    storage = home.services.storage
    await kept(home, now_ms(), 3_000, "setAside")
    await storage.write(lambda conn: conn.exec_driver_sql("ANALYZE").close())
    (entry,) = (await storage.read(attention, "contoso", now_ms(), ENGLISH)).entries
    assert (entry.cause, entry.leads) == ("leadsRefused", 51)
    for whose in (None, "contoso"):
        cost = await work(storage, lambda whose=whose: storage.read(attention, whose, now_ms(), ENGLISH))  # type: ignore[misc]
        assert cost < 3_000


async def test_the_first_page_names_causes_figures_and_health(home: Installation) -> None:
    await kept(home, now_ms(), 2, "delivered")
    await kept(home, now_ms(), 1, "setAside")
    await change(home, t.connection, paused=True, failing_since=1_760_000_000_000)
    await Tally(home.services.storage, now_ms).look()
    async with signed_in(home, Role.CONTRIBUTOR) as member:
        page = await member.open(HOME)
    assert page.status == 200
    for text in (
        "Needs attention",
        "Contoso CRM Pro (HTTPS endpoint)",
        "contoso.crm-pro/primary",
        "The connection is broken: no lead gets through until somebody repairs it.",
        "2025-10-09 08:53 UTC",
        "The destination refused leads for what they hold.",
        "1 lead",
        "Who acts: you, the publisher",
        "Leads today",
        "Half arrive within, 7 days",
        "95 of 100 within 1 s",
        "66.6 %",
        "Deliveries of the last 30 days, by day and state",
        "broken",
    ):
        assert text in page.text, text
    assert page.links["Repair it"].endswith("/portal/offers/contoso/crm-pro/connections/primary")
    assert "style=" not in page.html
    following = page.links["See this lead"]
    async with signed_in(home, Role.READER) as reader:
        assert "lead" in (await reader.open(following)).text
        assert (await reader.open(HOME)).status == 200


@pytest.mark.parametrize("whose", [None, "contoso"])
async def test_the_first_page_looks_for_causes_once_and_hears_of_those_to_come(
    home: Installation, whose: str | None
) -> None:
    """What it shows is what its stream begins with, in any language."""
    await kept(home, now_ms(), 1, "setAside")
    await change(home, t.connection, paused=True, failing_since=1_760_000_000_000)
    async with signed_in(home, Role.OPERATOR if whose is None else Role.READER, whose) as visitor:
        with statements() as seen:
            page = await visitor.open(f"{HOME}?lang=pt")
    assert sum("connection.secrets" in statement for statement, _ in seen) == 1
    mark = await home.services.storage.read(causes_mark, whose, now_ms())
    assert f'sse-connect="/portal/events?seen={mark}"' in page.html


async def test_an_operator_reads_who_must_act_and_a_stranger_reads_nothing(home: Installation) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await hand_in(operator)
    await change(home, t.connection, paused_by_person=True)
    async with signed_in(home, Role.OPERATOR, None) as visitor:
        page = await visitor.open(HOME)
        assert "Who acts: the publisher Contoso" in page.text
        (resume,) = [form for form in page.forms if form.action.endswith("/resume")]
        await visitor.send(resume, {})
        assert "Nothing needs attention." in (await visitor.open(HOME)).text
    async with signed_in(home, Role.OWNER, "fabrikam") as stranger:
        page = await stranger.open(HOME)
        assert "contoso" not in page.text

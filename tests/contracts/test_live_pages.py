"""What moves by itself on the pages, the record beside the mapping, and what will end. On both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import sqlalchemy as sa

from leadkeeper.doors.portal.live import EventStream
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from tests.contracts.cases.dynamics import APPLICATION_SETTINGS
from tests.contracts.test_damaged_rows import until
from tests.contracts.test_portal import signed_in
from tests.contracts.test_publishing_pages import ending
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.journeys.customer import Customer

AT = "/portal/offers/contoso/crm-pro"
REF = OfferRef("contoso", "crm-pro")
PATIENCE = 60


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


@pytest.fixture
async def member(home: Installation) -> AsyncIterator[Customer]:
    """Somebody of contoso, signed in."""
    async with Customer(home.url) as visitor:
        assert (await signed_in(home, visitor, "publisher:contoso")).status == 200
        yield visitor


@asynccontextmanager
async def stream(visitor: Customer, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """A stream of events, open meanwhile."""
    async with visitor._session.get(visitor.url + path, allow_redirects=False) as response:
        yield response


async def event(response: aiohttp.ClientResponse) -> str:
    """The name of the next event; comments that keep the line open are passed over."""
    async with asyncio.timeout(PATIENCE):
        while True:
            read = await response.content.readline()
            assert read, "the stream has ended"
            line = read.decode().strip()
            if line.startswith("event:"):
                return line.partition(":")[2].strip()


async def test_whoever_looks_hears_that_something_moved(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    page = await member.open(AT)
    assert f"{AT}/events" in page.html
    path = page.html.partition(f'sse-connect="{AT}')[2].partition('"')[0].replace("&amp;", "&")
    async with stream(member, AT + path) as events:
        assert (events.status, events.content_type) == (200, "text/event-stream")
        assert events.headers["Cache-Control"] == "no-store"
        for change in ("a connection", "a lead", "the offer"):
            if change == "a connection":
                await operator.put(f"{OFFER}/customer-leads", DESTINATION)
            elif change == "a lead":
                await hand_in(operator)
            else:
                await operator.put(OFFER, {"title": "Another title"})
            assert await event(events) == "moved", change


async def test_the_first_page_hears_that_a_cause_came_and_went(home: Installation, member: Customer) -> None:
    """Also that what somebody tried again broke again: the page shows it, and nobody loads it anew."""
    operator = await home.visitor("operator")
    assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/other", {"title": "Other"})
    assert (await operator.put("/v1/publishers/fabrikam/offers/other/customer-leads", DESTINATION)).status == 201

    async def stand(offer: str, **values: object) -> None:
        query = sa.update(t.connection).where(t.connection.c.offer_ref == offer).values(**values)
        await home.services.storage.write(lambda conn: conn.execute(query).rowcount)

    broken = {"paused": True, "failing_since": 1_760_000_000_000}
    page = await member.open("/portal")
    assert "Nothing needs attention" in page.text
    path = page.html.partition('sse-connect="')[2].partition('"')[0].replace("&amp;", "&")
    async with stream(member, path) as events:
        assert events.status == 200
        await stand("fabrikam.other", **broken)
        await stand("contoso.crm-pro", **broken)
        assert await event(events) == "moved"
        now = await member.open("/portal/now")
        assert now.text.count("Who acts:") == 1
        assert "try it again" in now.text
        assert "fabrikam" not in now.html
        form = next(each for each in now.forms if each.action.endswith("/resume"))
        assert "Nothing needs attention" in (await member.send(form, {})).text
        assert await event(events) == "moved"
        assert "Nothing needs attention" in (await member.open("/portal/now")).text
        await stand("contoso.crm-pro", **broken | {"failing_since": 1_760_000_001_000})
        assert await event(events) == "moved"
        assert "try it again" in (await member.open("/portal/now")).text


async def test_what_moved_before_the_stream_opened_is_told_at_once(home: Installation, member: Customer) -> None:
    async with stream(member, f"{AT}/events?seen=of-another-time") as events:
        assert await event(events) == "moved"


async def test_streams_are_their_publishers_alone(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/other", {"title": "Other"})
    async with stream(member, "/portal/offers/fabrikam/other/events") as events:
        assert events.status == 404
    async with Customer(home.url) as nobody, stream(nobody, f"{AT}/events") as events:
        assert events.status in (303, 401)


async def test_a_session_has_so_many_streams_and_a_closed_tab_frees_its_place(
    home: Installation, member: Customer
) -> None:
    async with stream(member, f"{AT}/events") as first, stream(member, f"{AT}/events") as second:
        async with stream(member, f"{AT}/events") as third, stream(member, f"{AT}/events") as fourth:
            assert {each.status for each in (first, second, third, fourth)} == {200}
            async with stream(member, f"{AT}/events") as fifth:
                assert fifth.status == 503
                assert fifth.headers["Retry-After"]
            third.close()
        async with asyncio.timeout(PATIENCE):
            while True:
                async with stream(member, f"{AT}/events") as again:
                    if again.status == 200:
                        break
                await asyncio.sleep(0.2)


async def test_a_client_that_goes_before_the_first_line_frees_its_place() -> None:
    """As one does that does not take what it was answered before."""
    left = list[str]()

    async def lines() -> AsyncIterator[str]:
        yield "retry: 3000"

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def not_taken(_: object) -> None:
        await asyncio.Event().wait()

    answer = EventStream(lines(), lambda: left.append("left"))
    async with asyncio.timeout(PATIENCE):
        await answer({"type": "http", "asgi": {"spec_version": "2.3"}}, gone, not_taken)
    assert left == ["left"]


async def test_a_page_left_open_keeps_nobody_signed_in(home: Installation, member: Customer) -> None:
    async def seen() -> int:
        rows = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.session.c.seen_at)).all())
        return max(row.seen_at for row in rows)

    long_ago = await seen() - 120_000
    await home.services.storage.write(
        lambda conn: (
            conn.execute(sa.update(t.session).values(seen_at=long_ago)).rowcount
        )  # as if two minutes had passed
    )
    async with stream(member, f"{AT}/events") as events:
        assert events.status == 200
    await member.open(f"{AT}/publishing/steps")
    assert await seen() == long_ago, "what a page asks for by itself is nobody's act"
    await member.open(AT)
    assert await seen() > long_ago


async def test_the_record_is_shown_beside_the_mapping_and_nothing_is_called(
    home: Installation, member: Customer
) -> None:
    page = await member.open(f"{AT}/connect?kind=dynamics&way=application")
    form = page.form("fields.0.name", "applicationKey")
    filled = {name: str(value) for name, value in APPLICATION_SETTINGS.items() if name in form.values}
    filled |= {"fields.0.name": "new_region", "fields.0.value": "{country} (ours)"}
    form.action = f"{home.url}{AT}/preview"
    page = await member.send(form, filled)
    assert page.status == 200
    assert "new_region" in page.text
    assert "US (ours)" in page.text
    assert str(APPLICATION_SETTINGS["applicationKey"]) not in page.html
    assert await home.services.connections.get(REF, "primary") is None, "nothing is saved"
    page = await member.send(form, filled | {"instanceUrl": "not an address"})
    assert "new_region" not in page.text
    assert "as soon as the settings above are right" in page.text


async def test_without_javascript_a_button_shows_the_record(home: Installation, member: Customer) -> None:
    page = await member.open(f"{AT}/connect?kind=dynamics&way=application")
    form = page.form("fields.0.name", "applicationKey")
    filled = {name: str(value) for name, value in APPLICATION_SETTINGS.items() if name in form.values}
    form.values["act"] = "preview"
    page = await member.send(form, filled | {"fields.0.name": "new_region", "fields.0.value": "{country} (ours)"})
    assert "US (ours)" in page.text
    assert page.form("fields.0.name", "applicationKey").values["fields.0.value"] == "{country} (ours)"


def table_settings(ends: datetime) -> dict[str, Any]:
    """Azure Table by a shared access signature that ends."""
    sas = f"sv=2024-11-04&ss=t&srt=sco&sp=rwlacu&se={quote(ends.strftime('%Y-%m-%dT%H:%M:%SZ'))}&sig={'A' * 43}%3D"
    text = f"TableEndpoint=https://contoso.table.core.windows.net/;SharedAccessSignature={sas}"
    return {
        "leadDestination": "table",
        "tableLeadConfiguration": {
            "storageAccountConnectionString": text,
            "contactEmail": ["ada@contoso.example"],
        },
    }


async def reminders(home: Installation) -> list[sa.Row[Any]]:
    """The reminders that were written down, oldest first."""
    query = sa.select(t.notice).where(t.notice.c.kind == "connectionExpires").order_by(t.notice.c.id)
    return list(await home.services.storage.read(lambda conn: conn.execute(query).all()))


async def checked(home: Installation) -> None:
    """The daily look falls due, and is done with."""

    def make_due(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.connection).values(check_at=0, paused=False, probe_at=None))

    def is_due(conn: sa.Connection) -> bool:
        c = t.connection.c
        return bool(conn.scalar(sa.select(sa.exists().where((c.check_at == 0) & sa.not_(c.paused)))))

    await home.services.storage.write(make_due)

    async def done() -> bool:
        return not await home.services.storage.read(is_due)

    await until(done)


@pytest.mark.parametrize(("days", "summary"), [(20, 30), (5, 7), (0.5, 1)])
async def test_the_end_of_a_signature_is_said_once_each(database_url: str, days: float, summary: int) -> None:
    async with installation(database_url, worker=True, public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        ends = datetime.now(UTC) + timedelta(days=days)
        assert (await operator.put(f"{OFFER}/customer-leads", table_settings(ends))).status == 201
        async with Customer(home.url) as member:
            await signed_in(home, member, "publisher:contoso")
            page = await member.open(f"{AT}/connections/primary")
            assert f"{ends:%Y-%m-%d}" in page.text
            assert "They end on" in page.text
            assert "primary" in (await member.open(AT)).text.partition("Needs attention")[2]
        for _ in range(2):
            await checked(home)

        async def reminded() -> bool:
            return bool(await reminders(home))

        await until(reminded)
        await checked(home)
        rows = await reminders(home)
        assert [f'"days": {summary}' in row.body for row in rows] == [True]


async def test_nobody_is_reminded_long_before_or_after_the_end(database_url: str) -> None:
    async with installation(database_url, worker=True, public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        for days in (60, -1):
            ends = datetime.now(UTC) + timedelta(days=days)
            await operator.put(f"{OFFER}/connections/in-{days + 1}", table_settings(ends))
        await checked(home)
        await checked(home)
        assert await reminders(home) == []


async def test_where_nobody_told_when_a_secret_ends_the_page_asks_for_the_day(
    home: Installation, member: Customer
) -> None:
    operator = await home.visitor("operator")
    asked = "The day on which its secret ends is not known here"
    body: dict[str, Any] = {"leadDestination": "dynamics", "dynamicsLeadConfiguration": APPLICATION_SETTINGS}
    assert (await operator.put(f"{OFFER}/customer-leads", body)).status == 201
    assert (await operator.put(f"{OFFER}/connections/endless", DESTINATION)).status == 201
    assert asked not in (await member.open(f"{AT}/connections/endless")).text
    page = await member.open(f"{AT}/connections/primary")
    assert asked in page.text
    form = (await member.open(page.links["Enter the day"])).html
    assert form.index('id="applicationKey"') < form.index('id="secretExpires"') < form.index("More settings")
    body["dynamicsLeadConfiguration"] = {**APPLICATION_SETTINGS, "secretExpires": "2099-01-01"}
    await operator.put(f"{OFFER}/customer-leads", body)
    assert asked not in (await member.open(f"{AT}/connections/primary")).text


async def test_other_secrets_have_a_date_of_their_own(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    ends = datetime.now(UTC).date() + timedelta(days=12)
    settings = {**APPLICATION_SETTINGS, "secretExpires": ends.isoformat()}
    body = {"leadDestination": "dynamics", "dynamicsLeadConfiguration": settings}
    assert (await operator.put(f"{OFFER}/customer-leads", body)).status == 201
    page = await member.open(f"{AT}/connections/primary")
    assert ends.isoformat() in page.text
    page = await member.open(f"{AT}/connections/primary/edit")
    assert page.form("secretExpires").values["secretExpires"] == ends.isoformat()
    (form,) = ending(page, "/edit")
    page = await member.send(form, {"secretExpires": "in spring"})
    assert page.status == 422
    assert "date" in page.text


async def test_the_steps_of_a_check_appear_one_by_one(database_url: str) -> None:
    """The other side takes the network connection and says no more: what was found before shows meanwhile."""
    come, gone_on = asyncio.Event(), asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        come.set()
        await gone_on.wait()
        writer.close()

    async with (
        await asyncio.start_server(silent, "127.0.0.1", 0) as server,
        installation(database_url, public_url="http://leads.example", allow_addresses="127.0.0.0/8") as home,
        Customer(home.url) as member,
    ):
        await signed_in(home, member, "publisher:contoso")
        settings = {"httpsEndpointUrl": f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/leads"}
        body = {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}
        assert (await (await home.visitor("operator")).put(f"{OFFER}/connections/slow", body)).status == 201
        page = await member.open(f"{AT}/connections/slow")
        (form,) = [form for form in page.forms if form.action.endswith("/validate")]
        validating = asyncio.create_task(member.send(form, {}))
        await asyncio.wait_for(come.wait(), PATIENCE)

        async def progress() -> str:
            return " ".join((await member.open(f"{AT}/connections/slow/progress")).text.split())

        async def shown() -> bool:
            return "network : passed" in await progress()

        await until(shown)
        told = await progress()
        assert "The next step is under way." in told
        assert "certificate" not in told
        gone_on.set()
        page = await asyncio.wait_for(validating, PATIENCE)
        assert "certificate : failed" in " ".join(page.text.split())
        assert "under way" not in await progress()


@pytest.mark.databases("sqlite")
async def test_an_installation_that_ends_ends_its_streams(database_url: str) -> None:
    """Nobody cuts them off: a browser that still looks keeps no test waiting."""
    async with AsyncExitStack() as stack:
        async with installation(database_url, public_url="http://leads.example") as home:
            visitor = await stack.enter_async_context(Customer(home.url))
            assert (await signed_in(home, visitor, "publisher:contoso")).status == 200
            events = await stack.enter_async_context(stream(visitor, f"{AT}/events"))
            assert events.status == 200
        async with asyncio.timeout(PATIENCE):
            await events.read()  # raises where it was cut off

"""A link shows a publisher's pages in another site's page: signed, short-lived, good once, that publisher's alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import sqlalchemy as sa

from leadkeeper.access.keys import Keys
from leadkeeper.access.permissions import Caller, Role
from leadkeeper.inbox.lists.columns import COLUMNS
from leadkeeper.storage import tables as t
from tests.in_process import Installation, Visitor, installation

SITE = "https://shop.example"
FRAME = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    async with installation(database_url, frame_ancestors=f"{SITE}, http://localhost:8080") as opened:
        operator = await opened.visitor("operator")
        await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        await operator.put("/v1/publishers/fabrikam/offers/erp", {"title": "Fabrikam ERP", "offerType": "saas"})
        yield opened


async def link(visitor: Visitor, home: Installation, **body: str) -> str:
    answer = await visitor.post("/v1/publishers/contoso/portal-links", body)
    assert answer.status == 201, answer.body
    url = answer.json()["url"]
    assert url.startswith("https://leads.example/portal/embedded/")
    return str(home.url + url.removeprefix("https://leads.example"))


async def get(home: Installation, url: str, cookie: str = "", **headers: str) -> aiohttp.ClientResponse:
    sent = FRAME | ({"Cookie": cookie} if cookie else {}) | headers
    answer = await home.session.get(url if "://" in url else home.url + url, headers=sent, allow_redirects=False)
    await answer.read()
    return answer


async def opened(home: Installation, **body: str) -> str:
    """The cookie of a frame that was opened with a new link."""
    answer = await get(home, await link(await home.visitor("operator"), home, **body))
    assert answer.status == 303
    return answer.headers["Set-Cookie"].partition(";")[0]


async def test_a_frame_shows_that_publisher_alone(home: Installation) -> None:
    answer = await get(home, await link(await home.visitor("operator"), home, path="/portal/leads"))
    assert (answer.status, answer.headers["Location"]) == (303, "/portal/leads")
    kept = answer.headers["Set-Cookie"]
    for part in ("Secure", "SameSite=None", "Partitioned", "HttpOnly", "Path=/portal"):
        assert part in kept
    cookie = kept.partition(";")[0]
    page = await get(home, "/portal", cookie)
    text = await page.text()
    assert page.status == 200
    assert f"frame-ancestors {SITE} http://localhost:8080" in page.headers["Content-Security-Policy"]
    assert "Contoso CRM Pro" in text
    assert "Fabrikam" not in text
    for path in ("/portal/offers/fabrikam/erp", "/portal/people", "/portal/publishers/fabrikam/members"):
        assert (await get(home, path, cookie)).status == 404, path
    assert (await get(home, "/portal/account", cookie)).status == 403, "it is nobody's account"
    assert "/portal/account" not in text
    assert "/portal/sign-out" not in text
    assert (await get(home, "/portal/offers/contoso/crm-pro/edit", cookie)).status == 200


async def test_a_readers_frame_changes_nothing(home: Installation) -> None:
    cookie = await opened(home, role="reader")
    assert (await get(home, "/portal/offers/contoso/crm-pro/edit", cookie)).status == 403
    assert (await get(home, "/portal", cookie)).status == 200


async def test_columns_of_one_publishers_frames_are_no_other_publishers(home: Installation) -> None:
    """One key of the marketplace opens the frames of all publishers."""
    operator = await home.visitor("operator")
    cookies = []
    for publisher in ("contoso", "fabrikam"):
        made = await operator.post(f"/v1/publishers/{publisher}/portal-links", {"path": "/portal/leads"})
        url = home.url + made.json()["url"].removeprefix("https://leads.example")
        cookies.append((await get(home, url)).headers["Set-Cookie"].partition(";")[0])
    before = [await columns(home, cookie) for cookie in cookies]
    page = await (await get(home, "/portal/leads", cookies[0])).text()
    token = page.partition('name="token" value="')[2].partition('"')[0]
    sent = FRAME | {"Cookie": cookies[0], "Origin": "https://leads.example", "Sec-Fetch-Site": "same-origin"}
    asked = home.session.post(
        f"{home.url}/portal/leads/columns", data={"token": token, "col-mail": "1"}, headers=sent, allow_redirects=False
    )
    async with asked as answer:
        assert answer.status == 303, await answer.text()
    assert await columns(home, cookies[0]) == 1
    assert (await columns(home, cookies[1]), before) == (len(COLUMNS), [len(COLUMNS)] * 2)


async def columns(home: Installation, cookie: str) -> int:
    """How many columns somebody chose to see."""
    page = await (await get(home, "/portal/leads", cookie)).text()
    return sum(page.count(f'<option value="{place}" selected>') for place in range(1, len(COLUMNS) + 1))


async def test_a_link_is_good_once_and_for_a_minute(home: Installation) -> None:
    operator = await home.visitor("operator")
    first = await link(operator, home)
    assert (await get(home, first)).status == 303
    second = await get(home, first)
    assert second.status == 404
    assert "Load the page around it again" in await second.text()
    assert SITE in second.headers["Content-Security-Policy"], "the frame can say so"
    assert "Set-Cookie" not in second.headers
    late = await link(operator, home)
    old = sa.update(t.one_time_link).where(t.one_time_link.c.ended_at.is_(None)).values(until=1)
    await home.services.storage.write(lambda conn: conn.execute(old) and None)
    assert (await get(home, late)).status == 404
    forged = first[:-5] + ("AAAAA" if not first.endswith("AAAAA") else "BBBBB")
    assert (await get(home, forged)).status == 404


async def test_the_token_is_good_for_nothing_else(home: Installation) -> None:
    url = await link(await home.visitor("operator"), home)
    token = url.rpartition("/")[2]
    stranger = Visitor(home.session, home.url, token)
    assert (await stranger.get("/v1/publishers")).status == 401
    kept = await home.services.storage.read(lambda conn: str(conn.execute(sa.select(t.one_time_link)).all()))
    assert token not in kept


async def test_only_operators_make_links_and_only_where_a_site_is_named(home: Installation, database_url: str) -> None:
    for role in ("publisher:contoso", "marketplace"):
        visitor = await home.visitor(role)
        (await visitor.post("/v1/publishers/contoso/portal-links", {})).problem(403, "forbidden")
    operator = await home.visitor("operator")
    (await operator.post("/v1/publishers/nobody/portal-links", {})).problem(404, "unknown-publisher")
    for wrong in ({"role": "operator"}, {"path": "https://evil.example"}, {"path": "//evil.example"}):
        assert (await operator.post("/v1/publishers/contoso/portal-links", wrong)).status in (400, 422), wrong


@pytest.mark.databases("sqlite")
async def test_without_a_named_site_there_is_no_link(database_url: str) -> None:
    async with installation(database_url) as home:
        operator = await home.visitor("operator")
        answer = await operator.post("/v1/publishers/contoso/portal-links", {})
        problem = answer.problem(409, "not-possible-now")
        assert "LEADKEEPER_FRAME_ANCESTORS" in problem["detail"]


async def test_a_tab_is_no_frame_and_a_frame_no_tab(home: Installation) -> None:
    cookie = await opened(home)
    tab = await get(home, "/portal", cookie, **{"Sec-Fetch-Dest": "document"})
    assert (tab.status, tab.headers["Location"]) == (303, "/portal/sign-in?after=/portal")
    made = await home.services.access.sign_ins.sessions.begin(Caller((await keys(home))[0], Role.OPERATOR))
    framed = await get(home, "/portal", f"leadkeeper_portal={made.token}")
    assert framed.status == 401
    assert "Fabrikam" not in await framed.text()
    swapped = await get(home, "/portal", f"leadkeeper_frame={made.token}")
    assert swapped.status == 401
    page = await get(home, "/portal", f"leadkeeper_portal={made.token}", **{"Sec-Fetch-Dest": "document"})
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


async def keys(home: Installation) -> list[str]:
    return await home.services.storage.read(lambda conn: list(conn.scalars(sa.select(t.key.c.id))))


async def test_a_frame_ends_with_the_key_that_made_its_link(home: Installation) -> None:
    made = await Keys(home.services.storage).create("operator", by="test")
    url = await link(Visitor(home.session, home.url, made.key), home)
    cookie = (await get(home, url)).headers["Set-Cookie"].partition(";")[0]
    assert (await get(home, "/portal", cookie)).status == 200
    mine = await home.services.access.sign_ins.sessions.list(Caller(made.id, Role.OPERATOR))
    assert mine == [], "frames are no sessions of the key's owner"
    await home.services.access.keys.revoke(made.id, by="test")
    assert (await get(home, "/portal", cookie)).status == 401
    a = t.audit.c
    query = sa.select(a.act, a.who, a.publisher_id).where(a.act.like("portalLink.%")).order_by(a.id)
    lines = await home.services.storage.read(lambda conn: [tuple(row) for row in conn.execute(query)])
    assert lines == [(f"portalLink.{act}", f"key:{made.id}", "contoso") for act in ("create", "open")]


async def test_a_form_in_a_frame_comes_from_our_page(home: Installation) -> None:
    cookie = await opened(home)
    text = await (await get(home, "/portal", cookie)).text()
    token = text.split('name="token" value="')[1].partition('"')[0]
    for origin, status in ((SITE, 403), ("https://leads.example", 303)):
        async with home.session.post(
            f"{home.url}/portal/theme",
            data={"token": token, "theme": "dark"},
            headers=FRAME | {"Cookie": cookie, "Origin": origin},
            allow_redirects=False,
        ) as answer:
            assert answer.status == status, origin

"""Axe on every page that the installation has: both themes, desk and phone, with and without JavaScript.

The pages come from the doors' own tables of routes: a new one is visited, or this fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, Page, Route, expect

from leadkeeper.access.keys import hashed
from leadkeeper.access.permissions import Role
from leadkeeper.storage import tables as t
from tests.browser.axe import colour_violations, made_ready, violations_in_ready
from tests.browser.conftest import Opened
from tests.browser.signing_in import sign_in
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide
from tests.contracts.test_person_sign_in import set_up
from tests.contracts.test_roles import known
from tests.contracts.test_tenancy import filled
from tests.in_process import DESTINATION, ENDPOINT, OFFER, Installation
from tests.journeys.customer import Customer
from tests.people import OPERATOR, PASSWORD, add
from tests.people import sign_in as customer_sign_in
from tests.routes import page_routes
from tests.shop import open_shop

NO_PAGES: Final = {
    "/portal/offers/{publisher_id}/{offer_id}/events": "a stream of events",
    "/portal/leads/events": "a stream of events",
    "/portal/events": "a stream of events",
    "/portal/now": "a part of a page, which holds it too",
    "/portal/offers/{publisher_id}/{offer_id}/logo/{digest}": "a picture",
    "/store/logos/{publisher_id}/{offer_id}/{digest}": "a picture",
    "/portal/offers/{publisher_id}/{offer_id}/lines": "a part of a page, which holds it too",
    "/portal/offers/{publisher_id}/{offer_id}/connections/{name}/progress": "a part of a page, which holds it too",
    "/portal/offers/{publisher_id}/{offer_id}/publishing/steps": "a part of a page, which holds it too",
    "/portal/offers/{publisher_id}/{offer_id}/validating": "a part of a page, which holds it too",
    "/portal/leads/runs/{run_id}/progress": "a part of a page, which holds it too",
}
ELSEWHERE: Final = {
    "/portal/": "/portal",
    "/store/": "/store",
    "/docs": "/docs/",
}
"""Addresses that lead to another page."""
SAID: Final = (
    "/portal/begin/{token}",
    "/portal/sign-in/provider",
    "/portal/sign-in/provider/back",
    "/portal/signed-out",
    "/portal/embedded/{token}",
)
"""Pages that say why there is nothing: somebody can sign in already; no provider is set; a link that is over."""
ALL_DOCS: Final = "/docs/{path:path}"
DOCS: Final = ("", "reference/settings.html", "explanation/the-way-of-a-lead.html", "nothing-there.html")
OUTSIDE: Final = ("/portal/sign-in", "/portal/signed-out", "/portal/forgot")
MORE: Final = (
    "/portal/nothing-there",
    "/portal/offers/contoso/crm-pro/connect?kind=dynamics",
    "/portal/leads?state=waiting",
    "/store/nothing-there",
)
ASKED: Final = {"/portal/start/offer": "?publisher=contoso"}
MORE_ROUTE: Final = ""
CODE: Final = "/portal/sign-in/code"
NOBODY: Final = ""
OPERATOR_MAIL: Final = "operator@market.example"
OWNER_MAIL: Final = "somebody@contoso.example"
"""Whose channels the values name; operators have their own."""
PENDING: Final = "halfway@market.example"
"""Somebody whose sign-in waits for the second step."""
LOOKS: Final = {
    "desk": (ROUTES, True),
    "phone": (PHONE, True),
    "desk-without-javascript": (ROUTES, False),
    "phone-without-javascript": (PHONE, False),
}


@dataclass(frozen=True)
class Visit:
    """One address, and who opens it."""

    route: str
    path: str
    by: str


async def furnished(home: Installation) -> dict[str, str]:
    """A shop, people, and a value for every parameter of a route."""
    await open_shop(home.services)
    operator = await home.visitor("operator")
    endpoint = ENDPOINT | {"contactEmail": ["ada@contoso.example"]}
    answer = await operator.put(f"{OFFER}/customer-leads", DESTINATION | {"httpsEndpointLeadConfiguration": endpoint})
    assert answer.status == 201, answer.body
    values = await known(home)
    await add(home, Role.OPERATOR, None, email=OPERATOR_MAIL)
    await add(home, Role.OPERATOR, None, email=PENDING)
    async with Customer(home.url) as visitor:
        await customer_sign_in(visitor, PENDING)
        await set_up(visitor)
    asked = {"token_hash": hashed("lkc_asked"), "asked_at": home.services.clock()}
    await home.services.storage.write(lambda conn: conn.execute(sa.update(t.contact).values(asked)))
    return values | {"call": "contact-me", "partner_publisher": "fabrikam", "partner_offer": "rollout.help"}


async def tokens(home: Installation, values: Mapping[str, str]) -> dict[str, str]:
    """The end of each link with a token, by its route."""
    links = home.services.accounts.links
    reset = await links.reset_link(values["person_id"], by=OPERATOR)
    assert reset is not None
    invited = await links.invite("new@contoso.example", "contoso", Role.READER, by=OPERATOR)
    return {
        "/portal/invitation/{token}": invited.token,
        "/portal/password/{token}": reset.token,
        "/portal/begin/{token}": "lko_over",
        "/portal/embedded/{token}": "lkt_over",
        "/contacts/{token}": "lkc_asked",
    }


async def visits(home: Installation) -> list[Visit]:
    """Every page, in an order in which none undoes what another needs."""
    values = await furnished(home)
    ends = await tokens(home, values)
    found: list[Visit] = []
    for method, route in page_routes(home.doors):
        if method != "GET" or route in NO_PAGES:
            continue
        given = values | ({"offer_id": "planner"} if route.startswith("/store") else {})
        given |= {"token": ends[route]} if "{token}" in route else {}
        outside = route.startswith(OUTSIDE) or "{token}" in route or not route.startswith("/portal")
        by = PENDING if route == CODE else NOBODY if outside else OPERATOR_MAIL
        by = OWNER_MAIL if route.startswith("/portal/channels") else by
        paths = (
            [f"/docs/{page}" for page in DOCS]
            if route == "/docs/{path:path}"
            else [filled(route, given) + ASKED.get(route, "")]
        )
        found += [Visit(route, path, by) for path in paths]
    found += [Visit(MORE_ROUTE, path, OPERATOR_MAIL if path.startswith("/portal") else NOBODY) for path in MORE]
    return found


async def _without_scripts(route: Route) -> None:
    """What a browser without JavaScript would show; it runs axe alone."""
    if route.request.resource_type == "script":
        await route.abort()
    elif route.request.resource_type == "document":
        answer = await route.fetch(max_redirects=0)
        html = (await answer.text()).replace("<noscript>", "<div>").replace("</noscript>", "</div>")
        await route.fulfill(response=answer, body=html)
    else:
        await route.continue_()


class Look:
    """Somebody's browser for each who visits, on one kind of device."""

    def __init__(self, browser: Browser, home: Installation, settings: dict[str, Any], *, script: bool) -> None:
        self._browser, self._home, self._settings, self._script = browser, home, settings, script
        self._pages: dict[str, Page] = {}

    async def page(self, by: str) -> Page:
        """Their page, signed in."""
        if by not in self._pages:
            context = await self._browser.new_context(locale="en", reduced_motion="reduce", **self._settings)
            page = self._pages[by] = await context.new_page()
            if by != NOBODY:
                await page.goto(f"{self._home.url}/portal/sign-in")
                await sign_in(page, by, PASSWORD)
                await page.wait_for_load_state()
            await made_ready(page)
            if not self._script:
                await page.route("**/*", _without_scripts)
        return self._pages[by]

    async def faults(self, visit: Visit) -> list[str]:
        """What is wrong with this page in either theme."""
        page = await self.page(visit.by)
        answer = await page.goto(self._home.url + visit.path)
        assert answer is not None
        expected = 404 if visit.route in SAID or "nothing-there" in visit.path else 200
        found = [] if answer.status == expected else [f"answered with {answer.status}"]
        ends = self._home.url + ELSEWHERE.get(visit.route, visit.path)
        found += [] if page.url == ends else [f"led to {page.url}"]
        if visit.path == "/docs/api" and self._script:
            await page.locator("#reference[data-ready]").wait_for()
        found += ["wider than the screen"] if await wide(page) else []
        await page.emulate_media(color_scheme="light")
        found += [f"light: {each}" for each in await violations_in_ready(page)]
        await self._picture(page, visit, "light")
        await page.emulate_media(color_scheme="dark")
        if visit.path == "/docs/api" and self._script:
            await expect(page.locator("html")).to_have_class(re.compile("dark-mode"))
        found += [f"dark: {each}" for each in await colour_violations(page)]
        await self._picture(page, visit, "dark")
        return [f"{visit.path}: {each}" for each in found]

    async def _picture(self, page: Page, visit: Visit, theme: str) -> None:
        if self._script:
            device = "phone" if "is_mobile" in self._settings else "desk"
            await picture(page, f"every-{re.sub('[^a-z]+', '-', visit.route + visit.path)[:80]}-{device}-{theme}")

    async def close(self) -> None:
        """Close all."""
        for page in self._pages.values():
            await page.context.close()


@pytest.mark.parametrize(("settings", "script"), LOOKS.values(), ids=LOOKS)
async def test_axe_finds_nothing_on_any_page(
    browser: Browser, opening: Opened, settings: dict[str, Any], script: bool
) -> None:
    async with opening(public_url="http://leads.example", form_limit="1000/minute") as home:
        pages = await visits(home)
        assert {each.route for each in pages} - {MORE_ROUTE} == {
            route for method, route in page_routes(home.doors) if method == "GET" and route not in NO_PAGES
        }
        assert len(pages) > 60
        found: list[str] = []
        look = Look(browser, home, settings, script=script)
        for visit in pages:
            found += await look.faults(visit)
        await look.close()
        assert found == [], "\n".join(found)

"""The portal in a real browser: axe finds nothing, on a desk and on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.signing_in import sign_in_with_key
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide
from tests.in_process import DESTINATION, OFFER, hand_in
from tests.shop import open_shop

PATHS = (
    "",
    "/offers/new",
    "/offers/contoso/crm-pro",
    "/offers/contoso/planner",
    "/offers/contoso/planner/publishing",
    "/offers/contoso/planner/connect",
    "/offers/contoso/planner/connect?kind=dynamics",
    "/offers/contoso/planner/connect?kind=salesforce&lang=pt",
    "/offers/contoso/planner/hooks?lang=en",
    "/offers/contoso/crm-pro/history",
    "/offers/contoso/crm-pro/destinations",
    "/offers/contoso/crm-pro/connections/primary/edit",
    "/help",
    "/leads",
    "/leads/nothing",
)


@pytest.mark.parametrize(
    ("device", "settings"),
    [
        ("desk", ROUTES),
        ("phone", PHONE),
        ("desk-dark", ROUTES | {"color_scheme": "dark"}),
        ("phone-dark", PHONE | {"color_scheme": "dark"}),
    ],
)
async def test_axe_finds_nothing_in_the_portal(
    browser: Browser, opening: Opened, device: str, settings: dict[str, Any]
) -> None:
    async with opening(public_url="http://leads.example") as home:
        await open_shop(home.services)
        operator = await home.visitor("operator")
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        lead_id = await hand_in(operator)
        key = (await home.services.access.keys.create("operator", by="test")).key
        context = await browser.new_context(locale="en", **settings)
        page = await context.new_page()
        await page.goto(f"{home.url}/portal")
        assert await violations(page) == []
        await sign_in_with_key(page, key)
        await page.get_by_role("heading", name="Offers").wait_for()
        for number, path in enumerate((*PATHS, f"/leads/{lead_id}")):
            await page.goto(f"{home.url}/portal{path}")
            assert await violations(page) == [], path
            assert not await wide(page), path
            await picture(page, f"portal-{device}-{number}")
        await page.goto(f"{home.url}/portal/offers/contoso/crm-pro/connections/primary")
        await page.get_by_role("button", name="Validate: send a test lead").click()
        await page.locator("section.finding").wait_for()
        assert await violations(page) == []
        await picture(page, f"portal-{device}-validated")
        await page.goto(f"{home.url}/portal")
        await page.fill("#text", "ada@contoso.example")
        await page.get_by_role("button", name="Find").click()
        await page.get_by_role("heading", name="What became of it").wait_for()
        assert await violations(page) == []
        await context.close()

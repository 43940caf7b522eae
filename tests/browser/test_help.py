"""Help on the page where it is needed, with a real browser, with JavaScript and without."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.signing_in import sign_in_with_key
from tests.in_process import DESTINATION, OFFER

AT = "/portal/offers/contoso/crm-pro"


@pytest.mark.parametrize("script", [True, False])
async def test_a_pasted_error_is_explained_where_the_connection_is_broken(
    browser: Browser, opening: Opened, script: bool
) -> None:
    async with opening(public_url="http://leads.example") as home:
        await (await home.visitor("operator")).put(f"{OFFER}/customer-leads", DESTINATION)
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        context = await browser.new_context(locale="en", java_script_enabled=script)
        page = await context.new_page()
        await page.goto(f"{home.url}/portal")
        await sign_in_with_key(page, key)
        await page.goto(f"{home.url}{AT}/connections/primary")
        assert await page.locator("#explain").count() == 0
        await page.locator("form[action$='/validate'] button").first.click()
        await page.locator("#explain").wait_for()
        here = page.url
        await page.fill("#error", "AADSTS7000215: Invalid client secret provided.")
        await page.locator("#explain-it").click()
        await expect(page.locator("#explain .diagnosis ol")).to_be_visible()
        assert (page.url == here) is script, "with JavaScript the page stays"
        await page.locator("#explain .diagnosis a").click()
        await expect(page.locator("h1")).to_contain_text("iagnos")


async def test_axe_finds_nothing_in_the_questions(browser: Browser, opening: Opened) -> None:
    async with opening(public_url="http://leads.example", support_contact="https://market.example/help") as home:
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        for scheme, width in (("light", 1200), ("dark", 390)):
            size = {"width": width, "height": 800}
            context = await browser.new_context(locale="en", color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
            page = await context.new_page()
            await page.goto(f"{home.url}/portal")
            await sign_in_with_key(page, key)
            await page.locator(".asked > summary").click()
            await page.locator(".asked .more summary").first.click()
            assert await violations(page) == []
            right = await page.locator(".asked .who-card").bounding_box()
            assert right is not None
            assert right["x"] >= 0
            assert right["x"] + right["width"] <= width

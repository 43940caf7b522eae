"""The first page while it is open: what needs attention comes and goes by itself, also after somebody tried again."""

from __future__ import annotations

import sqlalchemy as sa
from playwright.async_api import Browser, expect

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.diagnosis import Kind
from leadkeeper.storage import tables as t
from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.pressing import press
from tests.browser.signing_in import sign_in_with_key
from tests.browser.test_storefront import ROUTES
from tests.in_process import DESTINATION, OFFER, Installation

TRY = "It is repaired: try it again"


async def break_it(home: Installation, since: int) -> None:
    why = to_stored(diagnose(Kind.ADDRESS_NOT_FOUND))
    values = {"paused": True, "failing_since": since, "diagnosis": why}
    await home.services.storage.write(lambda conn: conn.execute(sa.update(t.connection).values(**values)).rowcount)


async def test_what_was_tried_again_in_vain_comes_back_by_itself(browser: Browser, opening: Opened) -> None:
    async with opening(public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        context = await browser.new_context(**(ROUTES | {"locale": "en"}))
        page = await context.new_page()
        await page.goto(f"{home.url}/portal?lang=en")
        await sign_in_with_key(page, (await home.services.access.keys.create("publisher:contoso", by="test")).key)
        await page.goto(f"{home.url}/portal")
        await page.evaluate("window.same = true")
        await expect(page.locator("#home")).to_contain_text("Nothing needs attention.")
        await break_it(home, 1_760_000_000_000)
        again = page.get_by_role("button", name=TRY)
        await expect(again).to_be_visible()
        assert await page.evaluate("window.same"), "nobody loaded the page anew"
        assert await page.locator("#home time").first.inner_text() == "Oct 9, 2025, 08:53 AM UTC"
        await press(again)
        await expect(page.locator("#home")).to_contain_text("Nothing needs attention.")
        await page.evaluate("window.same = true")
        await break_it(home, 1_760_000_060_000)
        await expect(again).to_be_visible()
        await expect(page.locator("#home .healths")).to_contain_text("broken")
        assert await page.evaluate("window.same")
        assert await violations(page) == []
        await context.close()

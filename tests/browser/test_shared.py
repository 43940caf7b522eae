"""A browser that tests share has no past, and is started anew where it has ended."""

from __future__ import annotations

from tests.browser.conftest import Opened, patient
from tests.browser.shared import SharedBrowser


async def test_a_browser_knows_nothing_of_those_before_it(one_browser: SharedBrowser, opening: Opened) -> None:
    async with opening() as home:
        async with patient(one_browser) as first:
            page = await first.new_page()
            await page.goto(f"{home.url}/store")
            await page.evaluate("document.cookie = localStorage.left = 'left=behind'")
            assert "left" in await page.evaluate("document.cookie + localStorage.left")
        async with patient(one_browser) as second:
            assert second.contexts == []
            page = await second.new_page()
            await page.goto(f"{home.url}/store")
            assert "left" not in await page.evaluate("document.cookie + localStorage.left")


async def test_a_browser_that_has_ended_is_started_anew(one_browser: SharedBrowser) -> None:
    before = one_browser.address()
    one_browser.close()
    async with patient(one_browser) as anew:
        assert await (await anew.new_page()).evaluate("1 + 1") == 2
    assert one_browser.address() != before

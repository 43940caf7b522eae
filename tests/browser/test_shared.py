"""A browser that tests share has no past, and axe finds in it whatever it can find."""

from __future__ import annotations

from playwright.async_api import Page

from tests.browser.axe import colour_violations, violations
from tests.browser.conftest import Opened, patient
from tests.browser.shared import SharedBrowser

FAULTS = (
    '<!doctype html><html><title>Faults</title><main><h1>Faults</h1><img src="data:,"><input>'
    '<p style="color: #bbb; background: #fff">Pale.</p></main>'
)
FOUND = {"color-contrast", "html-has-lang", "image-alt", "label"}


async def rules(page: Page) -> set[str]:
    return {each.partition(":")[0] for each in await violations(page)}


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


async def test_axe_finds_what_is_wrong_and_what_comes_to_be(one_browser: SharedBrowser) -> None:
    async with patient(one_browser) as browser:
        page = await browser.new_page()
        await page.set_content(FAULTS)
        assert await rules(page) >= FOUND
        assert [each.partition(":")[0] for each in await colour_violations(page)] == ["color-contrast"]
        await page.evaluate("document.documentElement.lang = 'en'")
        await page.evaluate("document.querySelector('main').innerHTML += '<button></button>'")
        assert await rules(page) >= FOUND - {"html-has-lang"} | {"button-name"}
        assert "html-has-lang" not in await rules(page), "what is mended is found no more"

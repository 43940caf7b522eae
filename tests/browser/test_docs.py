"""The documentation and the API reference in a browser, under the policy that they are served with."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import colour_violations, violations
from tests.browser.conftest import Opened
from tests.browser.test_storefront import picture


async def test_the_documentation_works_under_its_policy(browser: Browser, opening: Opened) -> None:
    async with opening() as home:
        page = await browser.new_page()
        refused: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{home.url}/docs/index.html")
        await page.locator("input.md-search__input").click()
        await page.keyboard.type("secret key")
        await expect(page.locator(".md-search-result__item").first).to_be_visible()
        assert refused == []
        assert [url for url in asked if not url.startswith(home.url)] == []


async def test_a_call_is_tried_with_the_visitor_s_key(browser: Browser, opening: Opened) -> None:
    async with opening() as home:
        key = (await home.visitor("operator")).key
        assert key is not None
        page = await browser.new_page()
        refused: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{home.url}/docs/api")
        await page.locator("#reference[data-ready]").wait_for()
        await page.get_by_role("button", name="Authorize", exact=True).first.click()
        await page.locator(".auth-container input").first.fill(key)
        await page.locator(".auth-btn-wrapper button.authorize").click()
        await page.locator(".auth-btn-wrapper button.btn-done").click()
        call = page.locator('.opblock-get:has([data-path="/v1/publishers"])').first
        await call.locator("button.opblock-summary-control").click()
        await call.get_by_role("button", name="Try it out").click()
        await call.get_by_role("button", name="Execute").click()
        answered = call.locator(".live-responses-table tbody td.response-col_status").first
        await expect(answered).to_contain_text("200")
        await expect(call.locator(".live-responses-table")).to_contain_text("Contoso")
        assert refused == []
        assert [url for url in asked if not url.startswith((home.url, "data:"))] == []
        assert all(key not in url for url in asked)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_the_api_reference_is_as_dark_as_the_reader_s_system(
    browser: Browser, opening: Opened, script: bool
) -> None:
    async with opening() as home:
        page = await browser.new_page(color_scheme="dark")
        if not script:
            await page.route("**/*.js", lambda route: route.abort())
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
        await page.goto(f"{home.url}/docs/api")
        if script:
            await page.locator("#reference[data-ready]").wait_for()
            await page.locator("button.opblock-summary-control").first.click()
            await page.locator(".opblock-body").first.wait_for()
        assert await darkest(page), "the page is not dark"
        assert await violations(page) == []
        await picture(page, f"api-dark-{script}")
        await page.emulate_media(color_scheme="light")
        await expect(page.locator("html")).not_to_have_class("dark-mode")
        assert not await darkest(page), "the page is not light any more"
        assert await colour_violations(page) == []
        assert refused == []


async def darkest(page: Page) -> bool:
    """Whether what lies behind the texts is dark: of the page, its top, and the reference."""
    shades = await page.evaluate(
        """() => ["body", ".bar", ".swagger-ui"].map((each) => document.querySelector(each)).filter(Boolean)
        .map((each) => getComputedStyle(each).backgroundColor.match(/[\\d.]+/g).map(Number))
        .filter(([, , , seen = 1]) => seen > 0).map(([red, green, blue]) => red + green + blue)"""
    )
    assert shades
    return all(shade < 150 for shade in shades)

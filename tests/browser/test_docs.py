"""The documentation and the API reference in a browser, under the policy that they are served with."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from tests.browser.conftest import Opened


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
        await expect(page.locator(".md-search-result__item").first).to_be_visible(timeout=60_000)
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
        await page.locator("#reference[data-ready]").wait_for(timeout=60_000)
        await page.get_by_role("button", name="Authorize", exact=True).first.click()
        await page.locator(".auth-container input").first.fill(key)
        await page.locator(".auth-btn-wrapper button.authorize").click()
        await page.locator(".auth-btn-wrapper button.btn-done").click()
        call = page.locator('.opblock-get:has([data-path="/v1/publishers"])').first
        await call.locator("button.opblock-summary-control").click()
        await call.get_by_role("button", name="Try it out").click()
        await call.get_by_role("button", name="Execute").click()
        answered = call.locator(".live-responses-table tbody td.response-col_status").first
        await expect(answered).to_contain_text("200", timeout=60_000)
        await expect(call.locator(".live-responses-table")).to_contain_text("Contoso")
        assert refused == []
        assert [url for url in asked if not url.startswith((home.url, "data:"))] == []
        assert all(key not in url for url in asked)

"""A publisher's pages in a frame of another site's page, in a real browser that keeps third-party cookies apart."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from playwright.async_api import Browser, Frame, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Opened, chromium, patient
from tests.browser.test_storefront import PHONE, ROUTES, picture
from tests.in_process import Installation


@pytest.fixture
async def strict() -> AsyncIterator[Browser]:
    """A browser as it is where third-party cookies are blocked: only partitioned ones reach a frame."""
    with chromium("--test-third-party-cookie-phaseout") as own:
        async with patient(own) as opened:
            yield opened


@asynccontextmanager
async def site(frame: list[str]) -> AsyncIterator[str]:
    """The operator's own site, of another name: its page holds a frame with the address in ``frame``."""

    async def page(_request: web.Request) -> web.Response:
        held = f'<iframe title="Leads" width="100%" height="700" src="{frame[0]}"></iframe>'
        html = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Shop</title>'
        html += f"<main><h1>Shop</h1>{held}</main>"
        return web.Response(text=html, content_type="text/html")

    application = web.Application()
    application.router.add_get("/", page)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def link(home: Installation, role: str) -> str:
    operator = await home.visitor("operator")
    answer = await operator.post("/v1/publishers/contoso/portal-links", {"role": role})
    assert answer.status == 201, answer.body
    return home.url + urlsplit(answer.json()["url"]).path


async def inside(page: Page) -> Frame:
    """The document in the frame, once it has one."""
    handle = await page.locator("iframe").element_handle()
    assert handle is not None
    frame = await handle.content_frame()
    assert frame is not None
    return frame


@pytest.mark.parametrize(("device", "settings"), [("desk", ROUTES), ("phone", PHONE)])
async def test_a_member_works_in_a_frame(strict: Browser, opening: Opened, device: str, settings: dict) -> None:
    frame = [""]
    async with site(frame) as shop, opening(public_url="http://leads.example", frame_ancestors=shop) as home:
        frame[0] = await link(home, "contributor")
        context = await strict.new_context(locale="en", **settings)
        page = await context.new_page()
        await page.goto(shop)
        shown = await inside(page)
        await expect(shown.get_by_role("link", name="Contoso CRM Pro")).to_be_visible()
        await shown.get_by_role("link", name="Contoso CRM Pro").click()
        # The page before has a smaller heading of that name.
        await expect(shown.get_by_role("heading", name="Contoso CRM Pro", level=1)).to_be_visible()
        await shown.goto(f"{home.url}/portal/offers/contoso/crm-pro/edit")
        await shown.fill("#title", "Contoso CRM Max")
        await shown.get_by_role("button", name=re.compile("Save")).first.click()
        await expect(shown.get_by_role("heading", name="Contoso CRM Max")).to_be_visible()
        assert await violations(page) == []
        await picture(page, f"frame-{device}")
        await page.goto(f"{home.url}/portal")
        await expect(page.locator("#email")).to_be_visible()
        await page.goto(shop)
        again = await inside(page)
        await expect(again.get_by_role("alert")).to_contain_text("Load the page around it again")
        await context.close()


async def test_another_site_may_not_show_it(strict: Browser, opening: Opened) -> None:
    frame = [""]
    async with (
        site(frame) as stranger,
        site(frame) as shop,
        opening(public_url="http://leads.example", frame_ancestors=shop) as home,
    ):
        frame[0] = await link(home, "reader")
        page = await (await strict.new_context(locale="en")).new_page()
        async with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            await page.goto(stranger)
        await expect(page.get_by_role("heading", name="Shop")).to_be_visible()
        shown = await inside(page)
        assert await shown.get_by_role("link", name="Contoso CRM Pro").count() == 0

"""The storefront in a real browser: for eyes, screen readers, keyboards and phones, with and without JavaScript."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, expect

from leadkeeper.lead_body import from_body
from leadkeeper.storage import tables as t
from tests.browser.axe import violations, violations_without_script
from tests.browser.conftest import Opened
from tests.in_process import Installation
from tests.shop import ANSWERS, PLANNER, new_preview, open_shop

AT = "/store/offers/contoso/planner"
FORMS = (
    f"{AT}/contact-me",
    f"{AT}/get-it-now",
    f"{AT}/free-trial",
    f"{AT}/test-drive",
    f"{AT}/partners/fabrikam/rollout.help",
    "/store/portal/contoso/planner",
)
PAGES = ("/store", "/store?search=nothing-fits", AT, *FORMS, f"{AT}/contact-me/thanks", "/store/nothing")
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
ROUTES: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}


@dataclass
class Shop:
    """An open shop and its preview's key."""

    home: Installation
    preview: str

    @property
    def pages(self) -> tuple[str, ...]:
        """Every page."""
        return (*PAGES, f"{AT}?preview={self.preview}", f"{AT}/contact-me?preview={self.preview}")


@pytest.fixture
async def shop(opening: Opened) -> AsyncIterator[Shop]:
    async with opening(form_limit="100/minute") as home:
        await open_shop(home.services)
        yield Shop(home, await new_preview(home.services))


async def fill(page: Page, **changed: str) -> None:
    """Fill the form out."""
    for name, value in (ANSWERS | changed).items():
        if name == "country":
            await page.select_option("#country", value)
        else:
            await page.fill(f"#{name}", value)


async def kept(home: Installation) -> list[dict[str, Any]]:
    """The leads that came."""
    rows = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.lead.c.body)).all())
    return [dict(from_body(row.body)) for row in rows]


async def picture(page: Page, name: str) -> None:
    """A screenshot for people to look at, if they ask for some: `SCREENSHOTS=folder`."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.wait_for_load_state()
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def wide(page: Page) -> bool:
    """Whether one must scroll sideways, on the whole page."""
    await page.wait_for_load_state()
    return bool(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.mark.parametrize("language", ["en", "pt"])
@pytest.mark.parametrize(
    ("device", "settings"), [("desk", ROUTES), ("phone", PHONE), ("phone-dark", PHONE | {"color_scheme": "dark"})]
)
async def test_axe_finds_nothing_on_any_page(
    browser: Browser, shop: Shop, language: str, device: str, settings: dict[str, Any]
) -> None:
    context = await browser.new_context(locale=language, **settings)
    page = await context.new_page()
    for number, path in enumerate(shop.pages):
        await page.goto(shop.home.url + path)
        assert await page.get_attribute("html", "lang") == language
        assert await violations(page) == [], path
        assert not await wide(page), path
        await picture(page, f"{language}-{device}-{number:02}")
    await context.close()


async def test_axe_finds_nothing_without_javascript(browser: Browser, shop: Shop) -> None:
    context = await browser.new_context(java_script_enabled=False, **ROUTES)
    page = await context.new_page()
    for path in shop.pages:
        await page.goto(shop.home.url + path)
        assert await violations_without_script(browser, page.url, await page.content()) == [], path
    await context.close()


@pytest.mark.parametrize("script", [True, False], ids=["with-javascript", "without"])
async def test_a_customer_sends_a_form_and_is_helped_with_mistakes(browser: Browser, shop: Shop, script: bool) -> None:
    context = await browser.new_context(java_script_enabled=script, locale="en", **ROUTES)
    page = await context.new_page()
    await page.goto(shop.home.url + AT)
    await page.get_by_role("button", name="Contact me").click()
    await fill(page, email="ada", company="")
    await page.get_by_role("button", name="Send").click()
    problems = page.get_by_role("alert")
    await expect(problems.get_by_role("link")).to_have_text(
        [
            "Enter your company.",
            "Enter an e-mail address like name@company.com.",
            "Agree, so that we may pass on what you entered. Without that nothing is sent or kept.",
        ]
    )
    found = await (violations(page) if script else violations_without_script(browser, page.url, await page.content()))
    assert found == []
    await picture(page, f"errors-{script}")
    assert await kept(shop.home) == []
    assert await page.input_value("#lastName") == "Lovelace"
    await page.fill("#email", ANSWERS["email"])
    await page.fill("#company", ANSWERS["company"])
    await page.check("#consent")
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url("**/thanks?reference=*")
    assert await page.get_by_role("status").inner_text() == (
        "What you sent is kept and goes to Contoso, who can contact you about Contoso Planner."
    )
    (lead,) = await kept(shop.home)
    assert lead["customer"]["email"] == ANSWERS["email"]
    await context.close()


async def test_the_keyboard_alone_is_enough(browser: Browser, shop: Shop) -> None:
    context = await browser.new_context(locale="en", **ROUTES)
    page = await context.new_page()
    await page.goto(f"{shop.home.url}{AT}/contact-me")

    async def focused() -> str:
        return str(await page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))

    await page.keyboard.press("Tab")
    assert await focused() == "Skip to the content"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**#*")
    order = []
    for _ in range(30):
        await page.keyboard.press("Tab")
        order.append(await focused())
        if order[-1] in ANSWERS:
            # One letter: a second one that comes late begins another word.
            await page.keyboard.type("Y" if order[-1] == "country" else ANSWERS[order[-1]])
        elif order[-1] == "consent":
            await page.keyboard.press("Space")
        elif order[-1] == "Send":
            await page.keyboard.press("Enter")
            break
    assert [name for name in order if name in ANSWERS] == list(ANSWERS)
    assert "website" not in order, "nobody comes to the trap"
    await page.wait_for_url("**/thanks?reference=*")
    (lead,) = await kept(shop.home)
    assert lead["customer"]["country"] == "YE"
    await context.close()


async def test_after_mistakes_the_summary_has_the_focus(browser: Browser, shop: Shop) -> None:
    page = await browser.new_page(locale="en")
    await page.goto(f"{shop.home.url}{AT}/contact-me")
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_selector(".problems")
    await expect(page.locator("[class=problems]")).to_be_focused()
    await page.get_by_role("link", name="Enter your last name.").click()
    await expect(page.locator("#lastName")).to_be_focused()
    await page.close()


@pytest.fixture
async def other_site() -> AsyncIterator[tuple[str, dict[str, str]]]:
    """A site of somebody else: its origin, and the page that it answers."""
    content = {"html": ""}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=content["html"], content_type="text/html")

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}", content
    await runner.cleanup()


def with_snippet(shop_url: str) -> str:
    """A page with our form in it."""
    script = f'<script src="{shop_url}/store/form.js" data-offer="{PLANNER}" data-campaign="blog" async></script>'
    return f'<!doctype html><html lang="en"><title>Blog</title><body><main><h1>Blog</h1>{script}</main></body></html>'


async def test_another_site_shows_the_form_and_sends_it(
    browser: Browser, opening: Opened, other_site: tuple[str, dict[str, str]]
) -> None:
    origin, content = other_site
    async with opening(form_origins=origin) as home:
        await open_shop(home.services)
        # The shop's own address, which the form goes to, is only known now.
        content["html"] = with_snippet(home.url)
        context: BrowserContext = await browser.new_context(locale="en", **ROUTES)
        page = await context.new_page()

        async def at_home(route: Any) -> None:
            await route.continue_(url=route.request.url.replace("https://leads.example", home.url))

        await page.route("https://leads.example/**", at_home)
        await page.goto(origin)
        await page.wait_for_selector("#consent")
        await fill(page, lastName="")
        await page.check("#consent")
        await page.get_by_role("button", name="Send").click()
        await page.get_by_role("link", name="Enter your last name.").wait_for()
        await page.fill("#lastName", "Lovelace")
        await page.get_by_role("button", name="Send").click()
        await page.get_by_role("status").wait_for()
        assert "goes to Contoso" in await page.get_by_role("status").inner_text()
        assert page.url.rstrip("/") == origin
        (lead,) = await kept(home)
        assert lead["campaign"] == "blog"
        await context.close()


async def test_a_site_that_is_not_named_gets_a_link_instead(
    browser: Browser, shop: Shop, other_site: tuple[str, dict[str, str]]
) -> None:
    origin, content = other_site
    content["html"] = with_snippet(shop.home.url)
    page = await browser.new_page()
    await page.goto(origin)
    link = page.get_by_role("link")
    await link.wait_for()
    assert await link.get_attribute("href") == f"{shop.home.url}{AT}/contact-me"
    await page.close()

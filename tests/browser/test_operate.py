"""Operators' pages and their menus in a real browser: both themes, both languages, desk, tablet and phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from leadkeeper.access.permissions import Role
from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.signing_in import sign_in as by_password
from tests.browser.test_storefront import PHONE, picture, wide
from tests.in_process import DESTINATION, OFFER, Installation, hand_in
from tests.people import PASSWORD, add

PAGES = ("publishers", "publishers/contoso", "keys", "hooks", "connections", "workers", "settings")


async def furnished(home: Installation) -> None:
    """A publisher with something of everything, suspended, and people who sign in."""
    operator = await home.visitor("operator")
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    await operator.post(f"{OFFER}/hooks")
    await hand_in(operator)
    await operator.post("/v1/publishers/contoso/suspend", {"reason": "Its contract ended."})
    await add(home, Role.OPERATOR, None, email="operator@market.example")
    await add(home, Role.OWNER, email="owner@contoso.example")


async def sign_in(browser: Browser, home: Installation, email: str, **settings: Any) -> Any:
    """A page of somebody who is signed in."""
    page = await (await browser.new_context(**settings)).new_page()
    await page.goto(f"{home.url}/portal/sign-in")
    await by_password(page, email, PASSWORD)  # and the whole page comes: its menus need its scripts
    await page.locator(".top-nav").wait_for()
    return page


@pytest.mark.parametrize(
    ("locale", "settings"),
    [
        ("en", {"viewport": {"width": 1200, "height": 900}}),
        ("pt", {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"}),
        ("pt", {"viewport": {"width": 800, "height": 900}}),
        ("pt", PHONE | {"color_scheme": "dark"}),
    ],
    ids=["desk", "desk-dark-pt", "tablet-pt", "phone-dark-pt"],
)
async def test_axe_finds_nothing_and_the_menus_can_be_read(
    browser: Browser, opening: Opened, locale: str, settings: dict[str, Any]
) -> None:
    async with opening(public_url="http://leads.example") as home:
        await furnished(home)
        page = await sign_in(browser, home, "operator@market.example", locale=locale, **settings)
        width = settings["viewport"]["width"]
        for number in range(2):
            menu = page.locator(".menu > summary").nth(number)
            await menu.click()
            await expect(page.locator(".menu[open]")).to_have_count(1)
            for box in [await each.bounding_box() for each in await page.locator(".menu[open] a").all()]:
                assert box is not None
                assert 0 <= box["x"] <= box["x"] + box["width"] <= width
            assert await violations(page) == []
            await page.keyboard.press("Escape")
            await expect(page.locator(".menu[open]")).to_have_count(0)
        for path in PAGES:
            await page.goto(f"{home.url}/portal/operate/{path}")
            assert await page.get_attribute("html", "lang") == locale
            assert await violations(page) == [], path
            assert not await wide(page), path
            await picture(page, f"operate-{path.replace('/', '-')}-{locale}-{width}")


async def test_the_header_stands_on_one_line_at_1200(browser: Browser, opening: Opened) -> None:
    async with opening(public_url="http://leads.example") as home:
        await furnished(home)
        size = {"width": 1200, "height": 900}
        page = await sign_in(browser, home, "operator@market.example", locale="pt", viewport=size)
        tops = [await page.locator(each).bounding_box() for each in (".brand", ".top-nav", ".asked")]
        middles = [box["y"] + box["height"] / 2 for box in tops if box is not None]
        assert len(middles) == 3
        assert max(middles) - min(middles) < 12


async def test_a_suspended_publishers_member_is_told_on_every_page(browser: Browser, opening: Opened) -> None:
    async with opening(public_url="http://leads.example", support_contact="https://market.example/help") as home:
        await furnished(home)
        page = await sign_in(browser, home, "owner@contoso.example", locale="en", **PHONE)
        await expect(page.locator(".looking")).to_contain_text("Its contract ended.")
        await expect(page.locator(".looking a")).to_have_attribute("href", "https://market.example/help")
        assert await violations(page) == []
        assert not await wide(page)

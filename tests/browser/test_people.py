"""People in a real browser: from an empty installation to members who sign in; axe finds nothing on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.async_api import Browser, Page
from pydantic import SecretStr

from leadkeeper.access.permissions import Role
from leadkeeper.app import open_services
from leadkeeper.entrances import open_doors
from leadkeeper.settings import Settings
from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.signing_in import sign_in
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide
from tests.in_process import SECRET_KEY, listening
from tests.people import PASSWORD, add

DEVICES = [
    ("desk", ROUTES),
    ("phone", PHONE),
    ("desk-dark", ROUTES | {"color_scheme": "dark"}),
    ("phone-dark", PHONE | {"color_scheme": "dark"}),
]


async def fine(page: Page, name: str) -> None:
    """Axe finds nothing, and nothing is too wide."""
    assert await violations(page) == [], name
    assert not await wide(page), name
    await picture(page, f"people-{name}")


@pytest.mark.parametrize(("device", "settings"), DEVICES)
async def test_the_first_start(browser: Browser, tmp_path: Path, device: str, settings: dict[str, Any]) -> None:
    given = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path / 'new.db'}",
        secret_key=SecretStr(SECRET_KEY),
        public_url="http://leads.example",
    )
    async with open_services(given, worker=False) as opened, listening(open_doors(given, opened)) as url:
        link = await opened.services.accounts.links.first()
        assert link is not None
        context = await browser.new_context(locale="en", **settings)
        page = await context.new_page()
        await page.goto(f"{url}/portal/begin/{link.token}")
        await fine(page, f"{device}-begin")
        await page.fill("#name", "Ada Lovelace")
        await page.fill("#email", "ada@market.example")
        await page.fill("#password", "password1234")
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("alert").wait_for()
        await fine(page, f"{device}-begin-refused")
        await page.fill("#password", PASSWORD)
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("heading", name="The marketplace").wait_for()
        await fine(page, f"{device}-marketplace")
        await page.fill("#name", "Analytical Market")
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("heading", name="First publisher").wait_for()
        await fine(page, f"{device}-publisher")
        await page.fill("#name", "Contoso Ltd.")
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("heading", name="First offer").wait_for()
        await fine(page, f"{device}-offer")
        await page.fill("#title", "CRM Pro")
        await page.get_by_role("button", name="Go on").click()
        await page.wait_for_url("**/connect")
        await fine(page, f"{device}-connect")
        await context.close()


@pytest.mark.parametrize(("device", "settings"), DEVICES)
async def test_the_pages_about_people(browser: Browser, opening: Opened, device: str, settings: dict[str, Any]) -> None:
    async with opening(public_url="http://leads.example") as home:
        operator = await add(home, Role.OPERATOR, None)
        for role in (Role.OWNER, Role.CONTRIBUTOR, Role.READER):
            await add(home, role)
        context = await browser.new_context(locale="en", **settings)
        page = await context.new_page()
        await page.goto(f"{home.url}/portal/forgot")
        await fine(page, f"{device}-forgot")
        await page.goto(f"{home.url}/portal/sign-in")
        await fine(page, f"{device}-sign-in")
        await sign_in(page, operator, "wrong")
        await page.get_by_role("alert").wait_for()
        await fine(page, f"{device}-sign-in-refused")
        await sign_in(page, operator, PASSWORD)
        await page.get_by_role("heading", name="Offers", exact=True).wait_for()
        await page.locator(".who:not(.asked) > summary").click()
        await fine(page, f"{device}-who")
        await page.goto(f"{home.url}/portal/people")
        await page.locator("td summary").first.click()
        await fine(page, f"{device}-everybody")
        await page.goto(f"{home.url}/portal/publishers/contoso/members")
        await page.fill("#email", "grace@contoso.example")
        await page.get_by_role("button", name="Invite").click()
        await page.get_by_role("status").wait_for()
        await fine(page, f"{device}-members")
        invitation = (await page.locator(".once code").inner_text()).replace("http://leads.example", home.url)
        await page.goto(f"{home.url}/portal/account/second-factor")
        await fine(page, f"{device}-factor")
        secret = await page.locator("input[name=secret]").input_value()
        await page.fill("#code", pyotp.TOTP(secret).now())
        await page.get_by_role("button", name="Turn it on").click()
        await page.get_by_role("heading", name="The second step is on").wait_for()
        await fine(page, f"{device}-codes")
        await page.goto(f"{home.url}/portal/account")
        await fine(page, f"{device}-account")
        await context.clear_cookies()
        await page.goto(invitation)
        await fine(page, f"{device}-invitation")
        await page.goto(f"{home.url}/portal/sign-in")
        await sign_in(page, operator, PASSWORD)
        await page.wait_for_url("**/sign-in/code**")
        await fine(page, f"{device}-code")
        await context.close()

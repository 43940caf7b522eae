"""What the stories of connecting share: an installation before every kind of remote system, somebody at the portal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import answer
from leadkeeper.sandbox.server import Sandbox
from tests.browser.signing_in import sign_in_with_key
from tests.contracts.mailbox import Mailbox, mailbox
from tests.contracts.market import RemoteSide
from tests.in_process import Installation, installation

AT = "/portal/offers/contoso/crm-pro"
LOOKS = 240
"""How often a story looks, four times a second, for what shows itself only to who opens the page anew."""


@dataclass
class Places:
    """Every remote system, and the installation before them. ``secrets`` were entered, so no page may show them."""

    home: Installation
    sandbox: Sandbox
    remote: RemoteSide
    box: Mailbox
    secrets: set[str] = field(default_factory=set)


@asynccontextmanager
async def places(tmp_path: Path, **more: Any) -> AsyncIterator[Places]:
    """An installation with a worker, before the sandbox, an endpoint and a mail server."""
    authority = Authority(tmp_path / "authority")
    remote = RemoteSide(authority, answer(200))
    await remote.start()
    try:
        async with Sandbox(authority.ca_file.parent) as sandbox:
            with mailbox() as box:
                settings: dict[str, Any] = {
                    "hosts": sandbox.hosts_setting(),
                    "ca_file": authority.ca_file,
                    "allow_addresses": "127.0.0.0/8",
                    "smtp_url": f"smtp://127.0.0.1:{box.port}",
                    "mail_from": "leads@hub.example",
                    "vouched_mail_domains": "*",
                    "public_url": "http://leads.example",
                }
                url = f"sqlite+aiosqlite:///{tmp_path / 'portal.db'}"
                async with installation(url, worker=True, **settings | more) as home:
                    yield Places(home, sandbox, remote, box)
    finally:
        await remote.aclose()


async def sign_in(browser: Browser, home: Installation, role: str = "publisher:contoso", **settings: Any) -> Page:
    """A page of somebody who has signed in."""
    key = (await home.services.access.keys.create(role, by="test")).key
    context = await browser.new_context(locale="en", **settings)
    page = await context.new_page()
    await page.goto(f"{home.url}/portal")
    await sign_in_with_key(page, key)
    await page.get_by_role("heading", name="Offers", exact=True).wait_for()
    return page


def way_card(page: Page, title: str) -> Locator:
    """The card of one way of a destination, by its whole title."""
    return page.locator(".way-card", has=page.get_by_text(title, exact=True))


async def choose(page: Page, url: str, kind: str, way: str) -> None:
    """From an offer that leads nowhere to the form of one way of one destination, by links alone."""
    await page.goto(url + AT)
    await page.get_by_role("link", name="Choose a destination").click()
    await page.locator(f".kind a.stretched[href$='kind={kind}']").click()
    if way:
        await way_card(page, way).click()


async def enter(page: Page, values: Mapping[str, str]) -> None:
    """Fill fields in, wherever they stand in the form."""
    for name, value in values.items():
        field = page.locator(f"#{name}")
        await field.wait_for(state="attached")  # before that, a page that is on its way is none that hides the field
        await page.wait_for_load_state()  # nor before it has its style
        if not await field.is_visible():
            await page.locator("details.more", has=field).locator("summary").click()
        await field.fill(value)


async def save(page: Page) -> None:
    """Press what saves and validates."""
    await page.locator(".card-footer button[value='validate']").click()


async def working(page: Page) -> None:
    """The connection's page says that it works."""
    await expect(page.locator(".line-head .state").last).to_contain_text("working")

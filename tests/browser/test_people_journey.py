"""From an empty database and one `leadkeeper serve`: a contributor, a reader, the identity provider, a second step, a
session that is ended. Nobody types another command; the steps are counted."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.browser.pressing import press
from tests.browser.signing_in import sign_in
from tests.browser.test_storefront import PHONE, ROUTES, picture
from tests.conftest import missing_service
from tests.people import PASSWORD
from tests.ports import free_port
from tests.services.oidc_provider import OidcProvider, ProviderMissing


@dataclass
class Steps:
    """What people did: each click, each form."""

    done: list[str] = field(default_factory=list)

    def add(self, what: str) -> None:
        self.done.append(what)


@dataclass
class Served:
    """The program of a real command, and where it is."""

    url: str
    begin: str
    log: Path
    database: Path
    provider: OidcProvider


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """`leadkeeper serve` in an empty folder, told of the provider by settings alone."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    try:
        provider = OidcProvider(f"{url}/portal/sign-in/provider/back")
    except ProviderMissing as error:
        missing_service(str(error))
    settings = provider.settings | {"oidc_groups": "sellers=contoso-ltd:contributor", "oidc_name": "Contoso ID"}
    given = {f"LEADKEEPER_{name.upper()}": str(value) for name, value in settings.items()}
    log = tmp_path / "log"
    with provider, log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "leadkeeper", "serve"],
            cwd=tmp_path,
            env=dict(os.environ) | given | {"LEADKEEPER_PORT": str(port), "PYTHONUNBUFFERED": "1"},
            stdout=written,
            stderr=written,
        )
        try:
            while not (found := re.search(r"http\S+/begin/\S+", log.read_text())):
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            yield Served(url, found[0], log, tmp_path / "leadkeeper.db", provider)
        finally:
            process.terminate()
            process.wait(60)


class Person:
    """Somebody with a browser of their own, whose steps are counted."""

    def __init__(self, page: Page, steps: Steps, name: str) -> None:
        self.page, self.steps, self.name = page, steps, name

    async def go(self, address: str) -> None:
        self.steps.add(f"{self.name} opens a page")
        await self.page.goto(address)

    async def press(self, name: str, role: Any = "button") -> None:
        self.steps.add(f"{self.name}: {name}")
        await press(self.page.get_by_role(role, name=name, exact=role == "button").first)

    async def sees(self, text: str | re.Pattern[str], shot: str = "") -> None:
        await expect(self.page.locator("body")).to_contain_text(text)
        assert await violations(self.page) == [], text
        if shot:
            await picture(self.page, f"identity-{shot}")


@asynccontextmanager
async def person(browser: Browser, steps: Steps, name: str, **settings: Any) -> AsyncIterator[Person]:
    context = await browser.new_context(locale="en", **(settings or ROUTES))
    page = await context.new_page()
    yield Person(page, steps, name)
    await context.close()


async def begin(operator: Person, at: Served) -> None:
    """The first link, up to the first offer."""
    page = operator.page
    await operator.go(at.begin)
    for name, value in (("name", "Ada Lovelace"), ("email", "ada@market.example"), ("password", PASSWORD)):
        await page.fill(f"#{name}", value)
    await operator.press("Go on")
    for heading, name, value in (
        ("The marketplace", "name", "Analytical Market"),
        ("First publisher", "name", "Contoso Ltd"),
        ("First offer", "title", "CRM Pro"),
    ):
        await page.get_by_role("heading", name=heading).wait_for()
        await page.fill(f"#{name}", value)
        await operator.press("Go on")
    await page.wait_for_url("**/connect")


async def invite(operator: Person, at: Served, email: str, role: str) -> str:
    """Invited on the members' page; the link that the page shows."""
    page = operator.page
    await operator.go(f"{at.url}/portal/publishers/contoso-ltd/members")
    await page.fill("#email", email)
    await page.check(f"input[name=role][value={role}]")
    await operator.press("Invite")
    return await page.locator(".once code").inner_text()


async def accept(guest: Person, link: str, name: str) -> None:
    await guest.go(link)
    await guest.page.fill("#name", name)
    await guest.page.fill("#password", PASSWORD)
    await guest.press("Accept")
    await guest.page.get_by_role("heading", name="Offers", exact=True).wait_for()


async def factor(guest: Person, at: Served) -> pyotp.TOTP:
    """The second step is set up on the account's page."""
    page = guest.page
    await guest.go(f"{at.url}/portal/account")
    await guest.press("Set it up", "link")
    app = pyotp.TOTP(await page.locator("input[name=secret]").input_value())
    await page.fill("#code", app.now())
    await guest.press("Turn it on")
    await guest.sees("The second step is on")
    return app


async def by_provider(guest: Person, at: Served, login: str) -> None:
    """From our sign-in page to the provider's, and back."""
    await guest.go(f"{at.url}/portal/sign-in")
    await guest.sees("Sign in with Contoso ID", "sign-in")
    await guest.press("Sign in with Contoso ID", "link")
    await guest.page.fill("input[name=login]", login)
    await guest.page.fill("input[name=password]", "any")
    guest.steps.add(f"{guest.name} signs in there")
    await guest.page.locator("button[type=submit]").click()


async def test_people_come_by_every_way(
    browser: Browser, served: Served, capsys: pytest.CaptureFixture[str], record_property: Any
) -> None:
    at, steps = served, Steps()
    at.provider.know("grace", "sellers")
    at.provider.know("eve", "others", name="Eve Elsewhere")
    async with (
        person(browser, steps, "operator") as operator,
        person(browser, steps, "contributor") as contributor,
        person(browser, steps, "reader", **PHONE) as reader,
        person(browser, steps, "colleague") as colleague,
        person(browser, steps, "elsewhere") as elsewhere,
    ):
        await begin(operator, at)
        await accept(contributor, await invite(operator, at, "carl@contoso.example", "contributor"), "Carl Contributor")
        await accept(reader, await invite(operator, at, "rita@contoso.example", "reader"), "Rita Reader")

        await contributor.go(f"{at.url}/portal/offers/contoso-ltd/crm-pro/edit")
        await contributor.page.fill("#title", "CRM Max")
        await contributor.page.get_by_role("button", name=re.compile("Save")).first.click()
        await contributor.sees("CRM Max")
        await reader.go(f"{at.url}/portal/offers/contoso-ltd/crm-pro")
        await reader.sees("CRM Max", "reader")
        assert await reader.page.get_by_role("link", name=re.compile("Edit")).count() == 0
        await reader.go(f"{at.url}/portal/offers/contoso-ltd/crm-pro/edit")
        await reader.sees("Your role here is Reader")

        await by_provider(colleague, at, "grace")
        await colleague.page.wait_for_url(f"{at.url}/portal")
        await colleague.page.locator(".who:not(.asked) > summary").click()
        await colleague.sees("Contributor of Contoso Ltd")
        await by_provider(elsewhere, at, "eve")
        await elsewhere.sees("nobody here knows you yet", "unknown")

        app = await factor(contributor, at)
        await revoke_and_return(browser, contributor, at, app)
        await look(operator, at)

        assert colleague.page.url == f"{at.url}/portal"
        await colleague.press("Sign out")
        await colleague.sees("You are signed out here", "signed-out")
    nothing_summary(at)
    record_property("steps", len(steps.done))
    with capsys.disabled():
        print(f"\npeople: {len(steps.done)} steps, no command after serve")


async def revoke_and_return(browser: Browser, owner: Person, at: Served, app: pyotp.TOTP) -> None:
    """A second browser signs in with the second step; the first ends its session."""
    async with person(browser, owner.steps, "second browser") as other:
        await other.go(f"{at.url}/portal/sign-in")
        await sign_in(other.page, "carl@contoso.example", PASSWORD)
        await other.page.wait_for_url("**/sign-in/code**")
        await other.page.fill("#code", "000000" if app.now() != "000000" else "111111")
        other.steps.add("second browser: a wrong code")
        await other.page.locator("form:has(#code) button").click()
        await other.sees("This code is wrong")
        # The code of this half minute was used when it was set up; the next one is taken early.
        await other.page.fill("#code", app.at(int(time.time()) + 30))
        other.steps.add("second browser: the right code")
        await other.page.locator("form:has(#code) button").click()
        await other.page.get_by_role("heading", name="Offers", exact=True).wait_for()
        await owner.go(f"{at.url}/portal/account")
        await owner.press("End all others")
        await owner.sees("Your other sessions have ended")
        await other.go(f"{at.url}/portal")
        await expect(other.page.locator("#email")).to_be_visible()


async def look(operator: Person, at: Served) -> None:
    """An operator looks at the publisher's pages, and stops."""
    await operator.go(f"{at.url}/portal/publishers/contoso-ltd/members")
    await operator.press("Look at its pages as its members do")
    await operator.sees("You look at the pages of Contoso Ltd", "looking")
    await operator.press("CRM Max", "link")
    await operator.sees("You look at the pages of Contoso Ltd")
    assert await operator.page.get_by_role("link", name=re.compile("Edit")).count() == 0
    await operator.press("Stop looking")
    await operator.sees("Members of Contoso Ltd")


def nothing_summary(at: Served) -> None:
    """No address, secret or password stands in the log, and none but addresses of people in the database."""
    log = at.log.read_text(errors="replace")
    secret = at.provider.settings["oidc_client_secret"]
    for summary in ("@contoso.example", "@far.example", "@market.example", PASSWORD, secret, "lks_", "Grace"):
        assert summary not in log, summary
    with sqlite3.connect(at.database) as database:
        lines = json.dumps(database.execute("SELECT who, act, subject, detail FROM audit").fetchall())
    for summary in ("@", PASSWORD, secret, "lks_", "lko_"):
        assert summary not in lines, summary

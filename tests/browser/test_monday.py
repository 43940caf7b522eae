"""A Monday in a real browser: an operator opens a mail and the first page, names what went wrong, and settles it.

The worker carried 200 leads of three publishers over a weekend to stand-ins of their systems.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Locator, Page, expect

from leadkeeper.access.permissions import Role
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.test_operate import sign_in
from tests.browser.test_storefront import picture, wide
from tests.browser.weekend import CONTOSO, Weekend
from tests.contracts.mailbox import Mailbox, mailbox
from tests.hands import Hands
from tests.people import add

MOST_CLICKS = 15
BROKEN, REFUSED, MAYBE = "Connections are broken", "Leads were refused", "Leads may have arrived"
MISSING, WITHHELD = "Leads are missing at their destination", "Leads were withheld for privacy"
EXPECTED = (
    (("contoso.crm/primary", "is broken", "40 leads", "Who acts:"), 1),
    (("fabrikam.crm/primary", "is broken", "30 leads", "Who acts:"), 20),
    (("tailspin.crm/primary", "refused leads", "1 lead", "Who acts:"), 5),
    (("tailspin.events/primary", "may have arrived", "1 lead", "Who acts:"), 24),
    (("tailspin.crm/primary", "not at the destination any more", "1 lead", "Who acts:"), None),
    (("tailspin", "were withheld", "1 lead", "Who acts: nobody"), 0),
)
"""What each cause says on the first page, and how many hours after Saturday's begin it began."""


@dataclass
class Operator:
    """Somebody whose clicks are counted."""

    page: Page
    clicks: list[str] = field(default_factory=list)

    async def click(self, what: str, where: Locator) -> None:
        """Follow a link, or press a button."""
        self.clicks.append(what)
        await where.click()

    async def overview(self) -> None:
        """Back to the first page."""
        await self.click("the first page", self.page.locator(".brand"))
        await self.page.wait_for_url("**/portal")

    def need(self, *words: str) -> Locator:
        """The entry that says all this."""
        found = self.page.locator("li.need")
        for each in words:
            found = found.filter(has_text=each)
        return found


async def settle(operator: Operator) -> None:
    """Each cause, from the first page."""
    page = operator.page
    for name in ("contoso", "fabrikam"):
        async with page.expect_navigation(url="**/portal"):
            await operator.click(f"{name}: try it again", operator.need(f"{name}.crm/primary").get_by_role("button"))
    await operator.click("the refused lead", operator.need("refused leads").get_by_role("link", name="See this lead"))
    await operator.click("send it again", page.get_by_role("button", name="Send it again over"))
    await expect(page.locator(".notice").first).to_contain_text("on the way again")
    await operator.overview()
    await operator.click("the lead that may have arrived", operator.need("may have arrived").get_by_role("link").last)
    await operator.click("it is there", page.get_by_role("button", name="It is there"))
    await expect(page.locator(".notice").first).to_contain_text("It has arrived")
    await operator.overview()
    await operator.click("what is missing", operator.need("not at the destination").get_by_role("link").last)
    await operator.click("send all of them again", page.get_by_role("button", name="Send all of them again"))
    await page.wait_for_url("**#missing")
    await operator.overview()


async def named(operator: Operator, weekend: Weekend, began: int) -> None:
    """All six causes stand on the page, each with its count and since when."""
    needs = operator.page.locator("li.need")
    texts = [" ".join(each.split()) for each in await needs.all_inner_texts()]
    assert len(texts) == len(EXPECTED), texts
    for (words, hours), entry, where in zip(EXPECTED, texts, await needs.all(), strict=True):
        assert [word for word in words if word not in entry] == [], entry
        since = await where.locator("time").first.get_attribute("datetime")
        assert since is not None
        if hours is not None:
            assert abs(moment(since) - began - hours * 3_600) < 600, (entry, since)
    assert await violations(operator.page) == []
    assert not await wide(operator.page)


def moment(text: str) -> float:
    """Seconds since 1970 of a moment as pages write it."""
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def told(box: Mailbox, to: str) -> tuple[Counter[str], Counter[str]]:
    """The subjects of the mails to an address: of what began or is over, and how often it was told that it lasts."""
    subjects = [str(mail["Subject"]) for mail in box.sent_to(to)]
    lasts = [each.removeprefix("Still so: ") for each in subjects if each.startswith("Still so: ")]
    return Counter(each for each in subjects if not each.startswith("Still so: ")), Counter(lasts)


def link_of(mails: Sequence[EmailMessage], subject: str) -> str:
    """Where the mail with this subject says that one looks."""
    (mail, *_) = [each for each in mails if str(each["Subject"]) == subject]
    found = re.search(r"Look at it here: (\S+)", mail.get_content())
    assert found, mail.get_content()
    return urlsplit(found[1]).path


async def test_on_monday_an_operator_names_six_causes_and_settles_them(
    browser: Browser, opening: Opened, tmp_path: Path
) -> None:
    hands = Hands()
    settings: dict[str, Any] = {"public_url": "http://leads.example", "allow_addresses": "127.0.0.0/8"}
    async with Sandbox(tmp_path / "authority") as sandbox:
        settings |= {"hosts": sandbox.hosts_setting(), "ca_file": sandbox.ca_file}
        with mailbox() as box:
            async with opening(worker=True, clock_of=hands.of, **settings) as home:
                began = home.services.clock() // 1_000
                owner = await add(home, Role.OWNER, CONTOSO)
                operator_email = await add(home, Role.OPERATOR, None)
                weekend = Weekend(home, hands, sandbox, box)
                await weekend.connect()
                deleted = await weekend.go_wrong()
                assert weekend.handed == 200

                assert told(box, owner) == (Counter([f"{BROKEN} (“Contoso”)"]), Counter([f"{BROKEN} (“Contoso”)"]))
                first, again = told(box, operator_email)
                assert first == Counter([BROKEN, REFUSED, MAYBE, MISSING, WITHHELD])
                assert set(again) <= {BROKEN, REFUSED, MAYBE, MISSING}, "what is withheld is told once"
                assert max(again.values()) == 1, "once a day while it lasts"
                assert [each for each in box.mails if re.search(r"@(a|college)\.", each.as_string())] == []

                page = await sign_in(browser, home, operator_email, locale="en")
                operator = Operator(page)
                weekend.mend()
                operator.clicks.append("the link in the mail")
                await page.goto(home.url + link_of(box.sent_to(operator_email), BROKEN))
                await named(operator, weekend, began)
                await picture(page, "monday")
                await settle(operator)
                await everything_arrived(weekend, deleted)
                await operator.click("withheld: seen", operator.need("were withheld").get_by_role("button"))
                await expect(page.locator(".notice-ok")).to_have_text("Nothing needs attention.")
                print(f"settled in {len(operator.clicks)} clicks: {'; '.join(operator.clicks)}")
                assert len(operator.clicks) <= MOST_CLICKS

                before = len(box.mails)
                await weekend.passes(1)
                over = Counter(str(each["Subject"]) for each in box.mails[before:])
                assert over == Counter(
                    [f"Settled: {each}" for each in (BROKEN, REFUSED, MAYBE, MISSING)]
                    + [f"Settled: {BROKEN} (“Contoso”)"]
                )


async def everything_arrived(weekend: Weekend, deleted: str) -> None:
    """Each of the 199 leads that may be passed on is where it belongs, once."""
    visitor = await weekend.home.visitor("operator")
    async with asyncio.timeout(60):
        for state in ("held", "setAside", "waiting", "pending", "sending"):
            while (await visitor.get(f"/v1/leads?state={state}")).json()["leads"]:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
    await weekend.until([deleted], "delivered")
    assert weekend.records(Dynamics, lambda each: True) == 60
    assert weekend.records(HubSpot, lambda each: each["object"] == "contacts") == 50
    assert weekend.records(Salesforce, lambda each: each["status"] == "created") == 89

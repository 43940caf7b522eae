"""From an empty database: an operator refuses an offer and says why, the publisher reads it, fixes it, and is approved.

The publisher connected Web-to-Lead, which answers the same to what it drops: no page says that the test lead was
received, the publisher does not find it, says so, and reads what usually is wrong. Steps are counted.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.browser.connecting import enter, save, way_card
from tests.browser.from_nothing import Person, begin, served
from tests.browser.test_storefront import ROUTES, picture
from tests.contracts.cases.salesforce import WEB_SETTINGS
from tests.contracts.honest import claims
from tests.languages import LANGUAGES
from tests.people import PASSWORD

REASON = "The summary says too little: name what the offer does for whom."


async def somebody(browser: Browser) -> Person:
    context = await browser.new_context(locale="en", **ROUTES)
    page = await context.new_page()
    return Person(page, LANGUAGES.every[0])


async def invited(operator: Person, publisher: Person, url: str) -> None:
    """The publisher's first member comes by an invitation that the operator hands on."""
    await operator.page.goto(f"{url}/portal/publishers/contoso/members")
    await operator.fill(email="carl@contoso.example")
    await operator.page.check("input[name=role][value=owner]")
    await operator.step("invite an owner", operator.button("Invite"))
    await publisher.page.goto(await operator.page.locator(".once code").inner_text())
    await publisher.fill(name="Carl Publisher", password=PASSWORD)
    await publisher.step("accept the invitation", publisher.button("Accept"))
    await publisher.page.get_by_role("heading", name="Offers", exact=True).wait_for()


async def nothing_claimed(page: Page) -> None:
    """No page says of a test lead that it arrived."""
    assert claims(await page.locator("main").inner_text()) == []
    assert await violations(page) == []


async def connect(publisher: Person) -> None:
    """Web-to-Lead is connected; its test lead is not found, and the page says why that may be."""
    page = publisher.page
    await publisher.step("open the offer", page.get_by_role("link", name="Contoso CRM"))
    await publisher.step("choose a destination", page.get_by_role("link", name="Choose a destination"))
    await publisher.step("choose Salesforce", page.locator(".kind a.stretched[href$='kind=salesforce']"))
    await publisher.step("choose Web-to-Lead", way_card(page, "Web-to-Lead"))
    await enter(page, {name: str(value) for name, value in WEB_SETTINGS.items()})
    await save(page)
    publisher.steps.append("save and validate")
    await expect(page.locator("#finding")).to_contain_text("sent, unconfirmed")
    await nothing_claimed(page)
    await picture(page, "unconfirmed-asks")
    await publisher.step("say that it is not there", publisher.button("No, I cannot find it"))
    for cause in ("picklist", "reCAPTCHA", "Default Lead Creator", "oid"):
        await expect(page.locator(".diagnosis")).to_contain_text(cause)
    await expect(page.locator(".line-head .state")).to_contain_text("broken")
    await nothing_claimed(page)
    await picture(page, "unconfirmed-not-found")


async def find_it(publisher: Person) -> None:
    """The picklist is no longer mandatory: another test lead is sent, and found."""
    page = publisher.page
    await publisher.step("validate again", page.get_by_role("button", name="Validate: send a test lead"))
    await expect(page.locator("#finding")).to_contain_text("sent, unconfirmed")
    await publisher.step("say that it is there", publisher.button("Yes, it is there"))
    await expect(page.locator(".line-head .state").last).to_contain_text("working")


async def publish(publisher: Person, summary: str) -> None:
    """The draft, with what customers read, goes to the operator."""
    page = publisher.page
    await publisher.step("open publishing", publisher.link("Publishing"))
    await publisher.step("edit the offer", publisher.link("Edit the offer"))
    await publisher.fill(summary=summary, description="Contoso CRM for small teams.", category="CRM", price="20 EUR")
    await page.check("input[name='call.contactMe']")
    await publisher.submit("save the draft", publisher.button("Save the draft"))
    await publisher.step("open publishing", publisher.link("Publishing"))
    await publisher.step("publish the draft", publisher.button("Publish the draft"))
    await expect(page.locator("#steps")).to_contain_text("waits for an operator")


async def open_certification(operator: Person) -> None:
    """It stands in the menu of publishers."""
    await operator.step("open the menu", operator.page.locator(".menu > summary").first)
    await operator.step("open certification", operator.link("Certification"))


async def test_an_operator_refuses_with_a_reason_and_approves(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(tmp_path, certification="operator", unconfirmed_test_leads="warn") as (link, sandbox):
        salesforce, url = sandbox.stand_in("salesforce"), link.partition("/portal")[0]
        salesforce.choose("picklistMandatory")
        operator, publisher = await somebody(browser), await somebody(browser)
        await begin(operator, link)
        await invited(operator, publisher, url)
        await connect(publisher)
        assert [each["status"] for each in salesforce.received()] == ["lost"], "it was dropped without a word"
        salesforce.choose("ok")
        await find_it(publisher)

        await publish(publisher, "A CRM.")
        await open_certification(operator)
        desk = operator.page
        await desk.get_by_text("Refuse", exact=True).click()
        await operator.step("refuse without a reason", operator.button("Refuse it"))
        await expect(desk.locator("[role=alert]")).to_contain_text("Say why")
        await desk.locator("textarea[name=message]").fill(REASON)
        await operator.step("refuse with a reason", operator.button("Refuse it"))
        await expect(desk.get_by_text("Nothing waits for you")).to_be_visible()

        steps = publisher.page.locator("#steps")
        await expect(steps).to_contain_text("The marketplace refused it")
        await expect(steps).to_contain_text(REASON)
        assert await violations(publisher.page) == []
        await picture(publisher.page, "refused")
        await publish(publisher, "A CRM that keeps the customers of small teams.")
        await open_certification(operator)
        await expect(desk.locator("article")).to_contain_text("keeps the customers of small teams")
        await operator.step("approve", operator.button("Approve"))
        await publisher.step("go live", publisher.button("Go live"))
        await expect(steps).to_contain_text("All six steps are done")
        await publisher.page.goto(f"{url}/store")
        await expect(publisher.page.locator("main")).to_contain_text("keeps the customers of small teams")
        for each in (operator, publisher):
            await each.page.context.close()
    with capsys.disabled():
        print(f"\noperator: {len(operator.steps)} steps: {'; '.join(operator.steps)}")
        print(f"publisher: {len(publisher.steps)} steps: {'; '.join(publisher.steps)}")

"""From an empty database to a customer's lead in the CRM, on pages alone: in English, and in Portuguese.

The program is started as ``leadkeeper serve`` starts it; after that nobody types a command. Steps are counted.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, expect

from leadkeeper.sandbox.server import Sandbox
from leadkeeper.texts import Language
from tests.browser.conftest import PATIENCE
from tests.browser.connecting import way_card
from tests.browser.from_nothing import Person, begin, served
from tests.browser.leaks import Trail, bodies, found
from tests.browser.test_storefront import ROUTES, picture
from tests.contracts.cases.dynamics import APPLICATION_SETTINGS
from tests.contracts.mailbox import mailbox
from tests.languages import LANGUAGES
from tests.people import PASSWORD

WRONG_SECRET: Final = "not-the-secret-0123456789"
CONTACT: Final = "sales@contoso.example"
CUSTOMER: Final = {
    "firstName": "Gracelyn",
    "lastName": "Hopperton",
    "email": "grace@navy.example",
    "phone": "+1 555 010 7788",
    "company": "Navigators United",
    "title": "Rear Admiral",
    "notes": "Please call before the tide.",
}
NOBODY_ELSE_S: Final = (*CUSTOMER.values(), PASSWORD, WRONG_SECRET, str(APPLICATION_SETTINGS["applicationKey"]))
"""What stands in no address, no line of the log and no mail."""


async def connect(person: Person) -> None:
    """Dynamics 365 with a wrong secret, understood, fixed, proven."""
    page = person.page
    await person.step("choose Dynamics 365", page.locator(".kind a.stretched[href$='kind=dynamics']"))
    way = way_card(page, person.summary("An application signs in"))
    await person.step("choose how to sign in", way)
    right = {name: str(value) for name, value in APPLICATION_SETTINGS.items() if name != "authentication"}
    await person.fill(**right | {"applicationKey": WRONG_SECRET, "contactEmail": CONTACT})
    save = page.locator(".card-footer button[value='validate']")
    await person.step("save and validate, with a wrong secret", save)
    await expect(page.locator(".finding-wrong .diagnosis")).to_be_visible()
    await picture(page, f"whole-way-{person.language.code}-wrong")
    await person.step("follow what the page says", person.link("Change these settings"))
    await expect(page.locator(".field-marked", has=page.locator("#applicationKey"))).to_be_visible()
    await person.fill(applicationKey=right["applicationKey"])
    await person.step("save and validate, mended", save)
    await expect(page.locator("#finding")).to_contain_text("MSFT_TEST_")
    await expect(page.locator(".line-head .state").last).to_contain_text(person.summary("working"))


async def publish(person: Person) -> None:
    """What customers read is entered; then the offer is published, and goes live."""
    page = person.page
    await person.step("open publishing", person.link("Publishing"))
    await person.step("follow what is missing", person.link("Edit the offer"))
    await person.fill(summary="Contoso CRM", description="Contoso CRM", category="CRM", price="20 EUR")
    await page.check("input[name='call.contactMe']")
    await person.submit("say what customers read", person.button("Save the draft"))
    await person.step("open publishing again", person.link("Publishing"))
    await person.step("publish the draft", person.button("Publish the draft"))
    live = person.button("Go live")
    await live.wait_for()
    await person.step("go live", live)
    await expect(page.locator("#steps")).to_contain_text(person.summary("All six steps are done"))
    await person.look()


async def ask(person: Person, store: str) -> None:
    """A customer asks to be contacted."""
    page = person.page
    await page.goto(store)
    person.steps.append("the customer opens the storefront")
    await person.step("open the offer", page.get_by_role("link", name="Contoso CRM"))
    await person.step("ask to be contacted", person.button("Contact me"))
    await person.fill(**CUSTOMER)
    await page.select_option("#country", "US")
    await page.check("#consent")
    await person.step("send the form", person.button("Send"))
    await page.wait_for_url("**/thanks?reference=*")
    await person.look()


def received(sandbox: Sandbox) -> str:
    """What the CRM holds."""
    return json.dumps(list(sandbox.stand_in("dynamics").received()), default=str)


@pytest.mark.parametrize("code", ["en", "pt"])
async def test_from_the_first_start_to_a_lead_in_the_crm(
    browser: Browser, tmp_path: Path, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    language, trail = LANGUAGES.find(code), Trail()
    assert language is not None
    with mailbox() as box:
        mail: dict[str, Any] = {
            "smtp_url": f"smtp://127.0.0.1:{box.port}",
            "mail_from": "leads@hub.example",
            "confirmation_mails": True,
        }
        async with served(tmp_path, vouched_mail_domains="*", **mail) as (link, sandbox):
            person = await whole_way(browser, link, sandbox, language, trail)
            async with asyncio.timeout(PATIENCE / 1000):
                while not (box.sent_to(CONTACT) and box.sent_to(CUSTOMER["email"])):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
    assert person.english == set()
    out, err = capfd.readouterr()
    places = {"an address": [each.encode() for each in trail.addresses], "the log": [out.encode(), err.encode()]}
    assert len(trail.addresses) > 30
    assert found(places | {"a mail": bodies(box)}, NOBODY_ELSE_S) == []
    with capfd.disabled():
        print(f"\n{language.name}: {len(person.steps)} steps: {'; '.join(person.steps)}")


async def whole_way(browser: Browser, link: str, sandbox: Sandbox, language: Language, trail: Trail) -> Person:
    """All of it; whoever went it."""
    context = await browser.new_context(locale=language.code, **ROUTES)
    trail.follow(context)
    page = await context.new_page()
    person = Person(page, language)
    await begin(person, link)
    await connect(person)
    await publish(person)
    await ask(person, f"{link.partition('/portal')[0]}/store")
    async with asyncio.timeout(PATIENCE / 1000):
        while CUSTOMER["email"] not in received(sandbox):  # noqa: ASYNC110 - the CRM tells nobody
            await asyncio.sleep(0.05)
    await context.close()
    return person


def test_what_stands_where_it_must_not_is_found() -> None:
    texts = ("grace@navy.example", "Rear Admiral", WRONG_SECRET)
    for hidden in (
        b"/find?text=grace%40navy.example",
        b"?title=Rear+Admiral",
        b"?title=rear%20admiral",
        b"Rear Admiral",
    ):
        assert len(found({"an address": [b"/portal", hidden]}, texts)) >= 1, hidden
    assert found({"an address": [b"/portal/leads"], "a mail": []}, texts) == []

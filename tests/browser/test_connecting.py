"""A publisher connects an offer to each kind of destination on the pages alone: wrongly first, then fixed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from leadkeeper.offer import OfferRef
from leadkeeper.sandbox.azure_storage.azurite import AzuriteMissing
from leadkeeper.sandbox.faults import answer
from tests.browser.axe import violations
from tests.browser.conftest import ROOT
from tests.browser.connecting import AT, LOOKS, Places, choose, enter, places, save, sign_in, working
from tests.browser.test_storefront import picture
from tests.conftest import missing_service
from tests.contracts.cases.dynamics import APPLICATION_SETTINGS, USER_SETTINGS
from tests.contracts.cases.marketo import FORM_SETTINGS
from tests.contracts.cases.marketo import REST_SETTINGS as MARKETO_REST
from tests.contracts.cases.salesforce import REST_SETTINGS as SALESFORCE_REST
from tests.contracts.cases.salesforce import WEB_SETTINGS
from tests.in_process import hand_in
from tests.journeys.places import StorageAccount

WRONG_SECRET: Final = "not-the-secret-0123456789"
MARKER: Final = re.compile(r"MSFT_TEST_[0-9]+")


@dataclass(frozen=True)
class Story:
    """One way of connecting: what is entered wrongly, what the page then says at which field, and who sees the lead."""

    kind: str
    way: str
    right: Mapping[str, str]
    wrong: Mapping[str, str]
    summary: str
    field: str
    seen: Callable[[Places], str]
    confirms: bool = True


def texts(settings: Mapping[str, object], *left_out: str) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items() if name not in left_out}


def received(name: str) -> Callable[[Places], str]:
    return lambda at: json.dumps(list(at.sandbox.stand_in(name).received()), default=str)


STORIES: Final = (
    Story(
        "dynamics",
        "An application signs in",
        texts(APPLICATION_SETTINGS, "authentication"),
        {"applicationKey": WRONG_SECRET},
        "client secret",
        "applicationKey",
        received("dynamics"),
    ),
    Story(
        "dynamics",
        "A user signs in",
        texts(USER_SETTINGS, "authentication"),
        {"password": WRONG_SECRET},
        "password",
        "password",
        received("dynamics"),
    ),
    Story(
        "salesforce",
        "REST API",
        texts(SALESFORCE_REST),
        {"clientSecret": WRONG_SECRET},
        "Consumer",
        "clientSecret",
        received("salesforce"),
    ),
    Story(
        "salesforce",
        "Web-to-Lead",
        texts(WEB_SETTINGS),
        {"objectIdentifier": "001234567890abc"},
        "begins with 00D",
        "objectIdentifier",
        received("salesforce"),
        confirms=False,
    ),
    Story(
        "marketo",
        "REST API",
        texts(MARKETO_REST),
        {"clientSecret": WRONG_SECRET},
        "LaunchPoint",
        "clientSecret",
        received("marketo"),
    ),
    Story(
        "marketo",
        "Web form",
        texts(FORM_SETTINGS),
        {"formId": "4242"},
        "form",
        "formId",
        received("marketo"),
        confirms=False,
    ),
    Story(
        "email",
        "",
        {"contactEmail": "sales@contoso.example"},
        {"contactEmail": "sales at contoso"},
        "",
        "contactEmail",
        lambda at: "".join(str(mail) for mail in at.box.mails),
        confirms=False,
    ),
)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Places]:
    async with places(tmp_path) as opened:
        yield opened


async def fix(page: Page, at: Places, story: Story) -> None:
    """The page tells what is wrong and where; there it is fixed."""
    error = page.locator(f"#{story.field}-error")
    summary = page.locator(".finding-wrong .diagnosis")
    await expect(error.or_(summary).first).to_be_visible()
    assert await violations(page) == []
    if await summary.is_visible():
        await expect(summary).to_contain_text(story.summary)
        await expect(summary).to_contain_text("Who acts:")
        await picture(page, f"wrong-{story.kind}-{story.field}")
        await page.get_by_role("link", name="Change these settings").click()
        await expect(page.locator(".field-marked", has=page.locator(f"#{story.field}"))).to_be_visible()
        assert await violations(page) == []
    else:
        await expect(error).to_contain_text(story.summary)
        await page.get_by_role("alert").get_by_role("link").first.click()
        await expect(page.locator(f"#{story.field}")).to_be_focused()
        await expect(page.locator(f"#{story.field}")).to_have_attribute("aria-invalid", "true")
    for name, value in story.right.items():
        if name not in story.wrong and await page.locator(f"#{name}").get_attribute("type") != "password":
            assert await page.input_value(f"#{name}") == value, f"{name} is kept"
    await enter(page, {name: story.right[name] for name in story.wrong})


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.kind}-{story.way}".replace(" ", "-"))
async def test_a_destination_is_connected_wrongly_understood_and_mended(
    browser: Browser, at: Places, story: Story
) -> None:
    page = await sign_in(browser, at.home)
    shown: list[str] = []

    async def keep() -> None:
        shown.append(await page.content())

    await choose(page, at.home.url, story.kind, story.way)
    await enter(page, {**story.right, **story.wrong})
    await save(page)
    await fix(page, at, story)
    await keep()
    await save(page)
    message = page.locator("#finding")
    await expect(message).to_contain_text("MSFT_TEST_")
    await keep()
    assert await violations(page) == []
    marker = MARKER.search(await message.inner_text())
    assert marker is not None
    if story.kind != "email":
        assert marker[0] in story.seen(at)
    else:
        assert "contoso" in story.seen(at)
    if not story.confirms:
        await expect(message).to_contain_text("sent, unconfirmed")
        for word in ("received", "delivered", "proven"):
            assert word not in (await page.locator("main").inner_text()).lower()
        await page.get_by_role("button", name="Yes, it is there").click()
    await working(page)
    await keep()
    assert not [html for html in shown if WRONG_SECRET in html], "a secret is never shown"
    secret = story.right.get("applicationKey") or story.right.get("clientSecret") or story.right.get("password")
    assert not secret or not [html for html in shown if f">{secret}<" in html or f'"{secret}"' in html]


async def test_an_endpoint_is_mended_and_its_signing_secret_is_shown_once(browser: Browser, at: Places) -> None:
    page = await sign_in(browser, at.home)
    url = at.remote.settings["httpsEndpointLeadConfiguration"]["httpsEndpointUrl"]  # type: ignore[index]
    at.remote.manner = answer(404)
    await choose(page, at.home.url, "https_endpoint", "")
    await enter(page, {"httpsEndpointUrl": url})
    await save(page)
    secret = await page.locator(".once code").inner_text()
    assert secret.startswith("whsec_")
    assert at.remote.bodies == [], "nothing is tried before the secret was shown"
    await page.get_by_role("button", name="Validate: send a test lead").click()
    await expect(page.locator(".finding-wrong .diagnosis")).to_be_visible()
    await page.get_by_role("link", name="Change these settings").first.click()
    await expect(page.locator(".field-marked", has=page.locator("#httpsEndpointUrl"))).to_be_visible()
    assert secret not in await page.content()
    assert url not in await page.content()
    at.remote.manner = answer(200)
    await save(page)
    await expect(page.locator("#finding")).to_contain_text("was received over")
    await working(page)
    marker = MARKER.search(await page.locator("#finding").inner_text())
    assert marker is not None
    assert any(marker[0].encode() in body for body in at.remote.bodies)


@pytest.fixture
def account(tmp_path: Path, at: Places) -> Iterator[StorageAccount]:
    try:
        made = StorageAccount(tmp_path / "azurite", tmp_path / "authority", ROOT / "node_modules")
    except AzuriteMissing as error:
        missing_service(str(error))
    with made.azurite:
        yield made


async def test_azure_table_is_connected_with_a_wrong_key_and_mended(
    browser: Browser, at: Places, account: StorageAccount
) -> None:
    page = await sign_in(browser, at.home)
    right = account.connection_string
    key = re.search("AccountKey=([^;]+)", right)
    assert key is not None
    await choose(page, at.home.url, "azure_table", "")
    await enter(page, {"storageAccountConnectionString": right.replace(key[1], "c2VjcmV0" + key[1][8:])})
    await save(page)
    await expect(page.locator(".finding-wrong .diagnosis")).to_contain_text("key")
    await page.get_by_role("link", name="Change these settings").first.click()
    await enter(page, {"storageAccountConnectionString": right})
    await save(page)
    await expect(page.locator("#finding")).to_contain_text("was received over")
    await working(page)


async def test_azure_blob_leads_to_azure_table(browser: Browser, at: Places) -> None:
    page = await sign_in(browser, at.home)
    await choose(page, at.home.url, "azure_blob", "")
    await enter(page, {"storageAccountConnectionString": "UseDevelopmentStorage=true", "containerName": "Not A Name"})
    await save(page)
    await expect(page.locator("#containerName-error")).to_contain_text("lower-case")
    assert await page.input_value("#containerName") == "Not A Name"
    await page.get_by_role("link", name="Choose Azure Table instead").click()
    await page.get_by_role("heading", name="Connect Azure Table").wait_for()


async def test_held_leads_are_released_when_the_settings_are_mended(browser: Browser, at: Places) -> None:
    page = await sign_in(browser, at.home)
    await choose(page, at.home.url, "dynamics", "An application signs in")
    right = texts(APPLICATION_SETTINGS, "authentication")
    await enter(page, {**right, "applicationKey": WRONG_SECRET})
    await save(page)
    await expect(page.locator(".finding-wrong")).to_be_visible()
    await hand_in(await at.home.visitor("operator"))
    release = page.get_by_role("button", name="Save and release 1 held lead")
    for _ in range(LOOKS):
        await page.goto(f"{at.home.url}{AT}/connections/primary/edit")
        if await release.is_visible():
            break
        await page.wait_for_timeout(250)
    await picture(page, "held")
    await enter(page, {"applicationKey": right["applicationKey"]})
    await release.click()
    await working(page)
    for _ in range(LOOKS):
        if "ada@contoso.example" in received("dynamics")(at):
            break
        await page.wait_for_timeout(250)
    assert "ada@contoso.example" in received("dynamics")(at)


async def test_a_test_lead_that_is_not_found_names_what_usually_is_wrong(browser: Browser, at: Places) -> None:
    at.sandbox.stand_in("salesforce").choose("reCaptchaRequired")
    page = await sign_in(browser, at.home)
    await choose(page, at.home.url, "salesforce", "Web-to-Lead")
    await enter(page, texts(WEB_SETTINGS))
    await save(page)
    await expect(page.locator("#finding")).to_contain_text("sent, unconfirmed")
    await picture(page, "asks")
    await page.get_by_role("button", name="No, I cannot find it").click()
    diagnosis = page.locator(".diagnosis")
    for cause in ("picklist", "reCAPTCHA", "Default Lead Creator", "oid"):
        await expect(diagnosis).to_contain_text(cause)
    await expect(page.locator(".line-head .state")).to_contain_text("broken")
    assert await violations(page) == []
    await page.get_by_role("link", name="Change these settings").click()
    await expect(page.locator(".field-marked", has=page.locator("#objectIdentifier"))).to_be_visible()


async def test_it_all_works_without_javascript(browser: Browser, at: Places) -> None:
    page = await sign_in(browser, at.home, java_script_enabled=False)
    await choose(page, at.home.url, "salesforce", "REST API")
    await enter(page, texts(SALESFORCE_REST))
    await page.get_by_text("Field mapping", exact=True).first.click()
    await page.get_by_role("button", name="More rows").click()
    assert await page.input_value("#myDomainUrl") == SALESFORCE_REST["myDomainUrl"]
    await page.locator("[id='fields.0.name']").fill("Region__c")
    await page.locator("[id='fields.0.value']").fill("{country}")
    await enter(page, {"clientSecret": str(SALESFORCE_REST["clientSecret"])})
    await page.locator(".card-footer button[value='save']").click()
    await expect(page.get_by_role("heading", name="Salesforce", exact=True)).to_be_visible()
    (kept,) = (await at.home.services.connections.page(OfferRef("contoso", "crm-pro"))).connections
    assert kept.stored.settings["fields"] == {"Region__c": "{country}"}
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".line-head .state")).to_contain_text("paused")
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator(".line-head .state")).to_contain_text("not tried")
    await page.get_by_role("link", name="Remove").click()
    await expect(page.locator("main")).to_contain_text("No lead waits for it.")
    await page.get_by_role("button", name="Remove it").click()
    await expect(page.get_by_text("Nowhere yet")).to_be_visible()

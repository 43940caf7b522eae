"""From an empty database: each of the eight destinations is connected wrongly, understood from the page alone, fixed.

One program, one offer, one person, and after the start no command. Steps are counted.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, expect

from leadkeeper.destinations.registry import OURS
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import KEY, AzuriteMissing
from leadkeeper.sandbox.faults import answer
from tests.browser.axe import violations
from tests.browser.conftest import ROOT
from tests.browser.connecting import enter, save, way_card
from tests.browser.from_nothing import Person, begin, served
from tests.browser.test_storefront import ROUTES, picture
from tests.conftest import missing_service
from tests.contracts.cases.dynamics import APPLICATION_SETTINGS
from tests.contracts.cases.hubspot import OTHER_TOKEN
from tests.contracts.cases.hubspot import REST_SETTINGS as HUBSPOT
from tests.contracts.cases.marketo import REST_SETTINGS as MARKETO
from tests.contracts.cases.salesforce import REST_SETTINGS as SALESFORCE
from tests.contracts.mailbox import Mailbox, mailbox
from tests.contracts.market import RemoteSide
from tests.journeys.places import StorageAccount
from tests.languages import LANGUAGES

MARKER: Final = re.compile(r"MSFT_TEST_[0-9]+")
WRONG_SECRET: Final = "not-the-secret-0123456789"


@dataclass(frozen=True)
class Story:
    """What is entered, what of it is wrong at first, and what the page says of that."""

    kind: str
    way: str
    right: Mapping[str, str]
    wrong: Mapping[str, str]
    says: str
    confirms: bool = True

    @property
    def secrets(self) -> list[str]:
        """What no page may show."""
        wanted = [text for text in (*self.right.values(), *self.wrong.values()) if len(text) > 20]
        return [text for text in wanted if not text.startswith("https://contoso") and "@" not in text]


@dataclass
class Around:
    """What the program reaches besides the sandbox."""

    remote: RemoteSide
    box: Mailbox
    table: StorageAccount
    blob: StorageAccount
    link: str = ""
    shown: list[str] = field(default_factory=list)


@asynccontextmanager
async def around(folder: Path) -> AsyncIterator[Around]:
    """An endpoint, a mail server, a storage account, and the program before them all."""
    authority = Authority(folder / "authority")
    accounts = folder / "authority"
    async with AsyncExitStack() as stack:
        remote = RemoteSide(authority, answer(404))
        await remote.start()
        stack.push_async_callback(remote.aclose)
        box = stack.enter_context(mailbox())
        try:
            table = StorageAccount(folder / "table", accounts, ROOT / "node_modules")
            blob = StorageAccount(folder / "blob", accounts, ROOT / "node_modules", "blob")
        except AzuriteMissing as error:
            missing_service(str(error))
        stack.enter_context(table.azurite)
        stack.enter_context(blob.azurite)
        link, _sandbox = await stack.enter_async_context(
            served(
                folder,
                smtp_url=f"smtp://127.0.0.1:{box.port}",
                mail_from="leads@hub.example",
                vouched_mail_domains="*",
            )
        )
        yield Around(remote, box, table, blob, link)


def stories(at: Around) -> tuple[Story, ...]:
    """One for each destination."""
    url = str(at.remote.settings["httpsEndpointLeadConfiguration"]["httpsEndpointUrl"])  # type: ignore[index]
    table, blob = at.table.connection_string, at.blob.connection_string
    container = {"storageAccountConnectionString": blob, "containerName": "leads"}
    return (
        Story(
            "dynamics",
            "An application signs in",
            texts(APPLICATION_SETTINGS, "authentication"),
            {"applicationKey": WRONG_SECRET},
            "client secret",
        ),
        Story("salesforce", "REST API", texts(SALESFORCE), {"clientSecret": WRONG_SECRET}, "Consumer"),
        Story("marketo", "REST API", texts(MARKETO), {"clientSecret": WRONG_SECRET}, "LaunchPoint"),
        Story("hubspot", "Access token", texts(HUBSPOT), {"accessToken": OTHER_TOKEN}, "token"),
        Story(
            "azure_table",
            "",
            {"storageAccountConnectionString": table},
            {"storageAccountConnectionString": table.replace(KEY, KEY[:-3])},
            "base64",
        ),
        Story("azure_blob", "", container, {"containerName": "Not A Name"}, "lower-case"),
        Story("https_endpoint", "", {"httpsEndpointUrl": url}, {}, "404"),
        Story(
            "email",
            "",
            {"contactEmail": "sales@contoso.example"},
            {"contactEmail": "sales at contoso"},
            "@",
            confirms=False,
        ),
    )


def texts(settings: Mapping[str, object], *left_out: str) -> dict[str, str]:
    """Settings as they are entered."""
    return {name: str(value) for name, value in settings.items() if name not in left_out}


async def connect(person: Person, at: Around, story: Story) -> None:
    """One destination, from its card to a connection that works."""
    page = person.page
    at.remote.manner = answer(404)
    await person.step(f"{story.kind}: choose it", page.locator(f".kind a.stretched[href$='kind={story.kind}']"))
    if story.way:
        await person.step(f"{story.kind}: choose how", way_card(page, story.way))
    await enter(page, {**story.right, **story.wrong})
    await press_save(person, f"{story.kind}: save and validate, wrongly")
    if story.kind == "https_endpoint":
        # The signing secret is shown once, before anything is tried.
        await page.locator(".once code").wait_for()
        await person.step("https_endpoint: validate", page.get_by_role("button", name="Validate: send a test lead"))
    error, diagnosis = page.locator(".field-error").first, page.locator(".finding-wrong .diagnosis")
    await expect(error.or_(diagnosis).first).to_be_visible()
    assert await violations(page) == []
    at.shown.append(await page.content())
    await picture(page, f"eight-{story.kind}-wrong")
    if await diagnosis.is_visible():
        await expect(diagnosis).to_contain_text(story.says)
        await expect(diagnosis).to_contain_text("Who acts:")
        await person.step(f"{story.kind}: follow the page", person.link("Change these settings"))
        await expect(page.locator(".field-marked").first).to_be_visible()
    else:
        await expect(page.locator(".field-error", has_text=story.says)).to_be_visible()
    at.remote.manner = answer(200)
    await enter(page, story.right)
    await press_save(person, f"{story.kind}: save and validate, mended")
    said = page.locator("#finding")
    await expect(said).to_contain_text("MSFT_TEST_")
    at.shown.append(await page.content())
    assert await violations(page) == []
    if not story.confirms:
        await expect(said).to_contain_text("sent, unconfirmed")
        await person.step(f"{story.kind}: say that it was found", person.button("Yes, it is there"))
    await expect(page.locator(".line-head .state").last).to_contain_text("working")


async def press_save(person: Person, what: str) -> None:
    """The button that saves and validates."""
    await save(person.page)
    person.steps.append(what)


async def test_each_destination_is_connected_wrongly_understood_and_mended(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with around(tmp_path) as at:
        context = await browser.new_context(locale="en", **ROUTES)
        page = await context.new_page()
        person = Person(page, LANGUAGES.every[0])
        await begin(person, at.link)
        every = stories(at)
        assert {story.kind for story in every} == {each.name for each in OURS}
        for number, story in enumerate(every):
            if number:
                await person.step("back to the destinations", page.get_by_role("link", name="Destinations").first)
                await person.step("connect one more", page.get_by_role("link", name="Connect", exact=True))
            await connect(person, at, story)
        await person.step("look at all", page.get_by_role("link", name="Destinations").first)
        await expect(page.locator(".line-head .state")).to_have_text([re.compile("working")] * len(every))
        await picture(page, "eight-connected")
        assert MARKER.search(b"".join(at.remote.bodies).decode())
        assert len(at.box.sent_to("sales@contoso.example")) >= 1
        for story in every:
            assert not [secret for secret in story.secrets for html in at.shown if secret in html], story.kind
        await context.close()
    with capsys.disabled():
        print(f"\neight destinations: {len(person.steps)} steps: {'; '.join(person.steps)}")

"""The main pages of a marketplace on an ordinary day: both themes, desk and phone, English and Portuguese.

`make screenshots` takes its pictures here, and `make screenshots ARGS=--docs` those of the documentation besides.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image
from playwright.async_api import Browser, Page

from leadkeeper.doors.cli.demo import cast
from tests.browser.axe import violations
from tests.browser.conftest import ROOT
from tests.browser.fair import (
    BROKEN,
    CRM,
    INSIGHTS,
    OPERATOR,
    OWNER,
    READER,
    REASON,
    SERVICE,
    UNCONFIRMED,
    Fair,
    fail,
    fair,
    refuse,
)
from tests.browser.signing_in import sign_in
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide
from tests.english import english_on
from tests.people import PASSWORD

NOBODY: Final = ""
DOCUMENTED: Final = ROOT / "docs" / "images"
SHOWN: Final[Mapping[str, int]] = {
    "overview": 900,
    "store-offer": 620,
    "connect-form": 900,
    "connection-broken": 900,
    "publishing": 900,
    "lead": 900,
}
"""The pages of which the documentation has a picture, and how much of each (in pixels from the top)."""
COLOURS: Final = 96
WHERE_PUBLISHING_SHOWS: Final = ("overview", "publishing", "service", "history-of-service", "operator")
LOOKS: Final[Mapping[str, dict[str, Any]]] = {
    "desk-light": ROUTES,
    "desk-dark": ROUTES | {"color_scheme": "dark"},
    "phone-light": PHONE,
    "phone-dark": PHONE | {"color_scheme": "dark"},
}
SAID_ELSEWHERE: Final = (
    REASON,
    *(str(offer[part]) for offer in cast.PUBLISHED.values() for part in ("summary", "category", "price")),
)
"""What people wrote stands there as they wrote it."""


@dataclass(frozen=True)
class MainPage:
    """A page: what its picture is called, where it is, and who looks at it."""

    name: str
    path: str
    by: str = NOBODY


def main_pages(made: Fair) -> Iterator[MainPage]:
    """Those that people look at most, in the order in which they come to them."""
    at = {offer: f"/portal/offers/{offer.replace('.', '/', 1)}" for offer in (CRM, INSIGHTS, SERVICE)}
    store = f"/store/offers/{CRM.replace('.', '/', 1)}"
    yield MainPage("store", "/store")
    yield MainPage("store-offer", store)
    yield MainPage("store-form", f"{store}/contact-me")
    yield MainPage("store-thanks", f"{store}/contact-me/thanks?reference={made.lead_id}")
    yield MainPage("sign-in", "/portal/sign-in")
    yield MainPage("overview", "/portal", OWNER)
    yield MainPage("offer", at[CRM], OWNER)
    yield MainPage("listing", f"{at[CRM]}/listing", OWNER)
    yield MainPage("offer-edit", f"{at[CRM]}/edit", OWNER)
    yield MainPage("destinations", f"{at[CRM]}/destinations", OWNER)
    yield MainPage("connect", f"{at[CRM]}/connect", OWNER)
    yield MainPage("connect-form", f"{at[CRM]}/connect?kind=dynamics&way=application", OWNER)
    yield MainPage("connection", f"{at[CRM]}/connections/primary", OWNER)
    yield MainPage("connection-broken", f"{at[CRM]}/connections/{BROKEN}", OWNER)
    yield MainPage("connection-unconfirmed", f"{at[CRM]}/connections/{UNCONFIRMED}", OWNER)
    yield MainPage("publishing", f"{at[SERVICE]}/publishing", OWNER)
    yield MainPage("service", at[SERVICE], OWNER)
    yield MainPage("history-of-service", f"{at[SERVICE]}/history", OWNER)
    yield MainPage("hooks", f"{at[CRM]}/hooks", OWNER)
    yield MainPage("history", f"{at[CRM]}/history", OWNER)
    yield MainPage("leads", "/portal/leads", OWNER)
    yield MainPage("lead", f"/portal/leads/{made.lead_id}", OWNER)
    yield MainPage("channels", "/portal/channels", OWNER)
    yield MainPage("help", "/portal/help", OWNER)
    yield MainPage("account", "/portal/account", OWNER)
    yield MainPage("reader", at[CRM], READER)
    yield MainPage("operator", "/portal", OPERATOR)
    yield MainPage("publishers", "/portal/operate/publishers", OPERATOR)
    yield MainPage("publisher", "/portal/operate/publishers/contoso", OPERATOR)
    yield MainPage("connections", "/portal/operate/connections", OPERATOR)
    yield MainPage("all-hooks", "/portal/operate/hooks", OPERATOR)
    yield MainPage("workers", "/portal/operate/workers", OPERATOR)
    yield MainPage("settings", "/portal/operate/settings", OPERATOR)
    yield MainPage("branding", "/portal/operate/branding", OPERATOR)
    yield MainPage("keys", "/portal/operate/keys", OPERATOR)
    yield MainPage("certification", "/portal/certification", OPERATOR)
    yield MainPage("members", "/portal/publishers/contoso/members", OPERATOR)
    yield MainPage("people", "/portal/people", OPERATOR)
    yield MainPage("retention", "/portal/retention", OPERATOR)
    yield MainPage("audit", "/portal/audit", OPERATOR)
    yield MainPage("mails", "/portal/mails", OPERATOR)


async def kept_for_the_docs(page: Page, name: str) -> None:
    """The top of the page as a small picture of the documentation, if somebody asks for that: `DOCS_PICTURES=1`."""
    if os.environ.get("DOCS_PICTURES") and name in SHOWN:
        clip = {"x": 0, "y": 0, "width": ROUTES["viewport"]["width"], "height": SHOWN[name]}
        taken = Image.open(io.BytesIO(await page.screenshot(clip=clip, full_page=True)))  # type: ignore[arg-type]
        small = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        DOCUMENTED.mkdir(exist_ok=True)
        small.save(DOCUMENTED / f"{name}.png", optimize=True)


class Lookers:
    """A browser for each who looks, in one look and one language."""

    def __init__(self, browser: Browser, url: str, locale: str, settings: dict[str, Any]) -> None:
        self._browser, self._url = browser, url
        self._settings = {"locale": locale, "timezone_id": "Europe/Lisbon", "reduced_motion": "reduce"} | settings
        self._pages: dict[str, Page] = {}

    async def at(self, wanted: MainPage) -> Page:
        """That page, opened."""
        if wanted.by not in self._pages:
            page = self._pages[wanted.by] = await (await self._browser.new_context(**self._settings)).new_page()
            if wanted.by != NOBODY:
                await page.goto(f"{self._url}/portal/sign-in")
                await sign_in(page, wanted.by, PASSWORD)
                await page.wait_for_load_state()
        page = self._pages[wanted.by]
        answer = await page.goto(self._url + wanted.path)
        assert answer is not None
        assert (answer.status, page.url) == (200, self._url + wanted.path), wanted
        return page

    async def close(self) -> None:
        """Close all."""
        for page in self._pages.values():
            await page.context.close()


async def english(page: Page) -> list[str]:
    """What of the catalogue's English stands on a page, but for what others said."""
    lines = [
        line
        for line in (await page.locator("body").inner_text()).splitlines()
        if not any(said in line for said in SAID_ELSEWHERE)
    ]
    return english_on("\n".join(lines))


async def acts_on_the_first_screen(page: Page) -> bool:
    """Whether whoever opens an offer sees what they can do without scrolling."""
    box, screen = await page.locator(".calls a").first.bounding_box(), page.viewport_size
    assert box is not None
    assert screen is not None
    return box["y"] + box["height"] <= screen["height"]


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS if os.environ.get("SCREENSHOTS") else ["phone-dark"])
async def test_the_main_pages_can_be_shown_to_anybody(browser: Browser, tmp_path: Path, look: str) -> None:
    async with fair(tmp_path) as made:
        lookers, wrong = Lookers(browser, made.url, "en", LOOKS[look]), []
        for each in main_pages(made):
            page = await lookers.at(each)
            wrong += [f"{each.name}: wider than the screen"] if await wide(page) else []
            if each.name == "store-offer":
                wrong += [] if await acts_on_the_first_screen(page) else ["store-offer: what one can do is below"]
            if look == "desk-light":
                await kept_for_the_docs(page, each.name)
            await picture(page, f"{each.name}-{look}")
        await lookers.close()
        assert wrong == []


@pytest.mark.slow
async def test_in_portuguese_they_have_no_english(browser: Browser, tmp_path: Path) -> None:
    async with fair(tmp_path) as made:
        lookers, wrong = Lookers(browser, made.url, "pt", ROUTES), []
        for each in main_pages(made):
            page = await lookers.at(each)
            assert await page.get_attribute("html", "lang") == "pt"
            wrong += [f"{each.name}: {found}" for found in (*await english(page), *await violations(page))]
            await picture(page, f"{each.name}-pt")
        await lookers.close()
        assert wrong == [], "\n".join(wrong)


@pytest.mark.slow
async def test_what_goes_wrong_with_publishing_is_told_in_portuguese(browser: Browser, tmp_path: Path) -> None:
    async with fair(tmp_path) as made:
        lookers, wrong = Lookers(browser, made.url, "pt", ROUTES), []
        pages = [each for each in main_pages(made) if each.name in WHERE_PUBLISHING_SHOWS]
        assert len(pages) == len(WHERE_PUBLISHING_SHOWS)
        for what in (refuse, fail):
            await what(made)
            for each in pages:
                page = await lookers.at(each)
                wrong += [f"{each.name}, {what.__name__}: {found}" for found in await english(page)]
                await picture(page, f"{each.name}-{what.__name__}-pt")
        await lookers.close()
        assert wrong == [], "\n".join(wrong)

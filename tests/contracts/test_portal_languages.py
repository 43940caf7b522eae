"""The portal speaks the language that is asked for on every page, says which, and offers the others."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

import pytest

from leadkeeper.destinations.mapping import PLACEHOLDERS
from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.portal.connections.guides import examples_of, guide_of
from leadkeeper.texts import Languages
from tests.in_process import DESTINATION, OFFER, hand_in, installation
from tests.journeys.customer import Customer, Page
from tests.languages import made_up

DATABASES = ("sqlite",)
"""Which words a page has does not depend on the database."""

AT: Final = "/portal/offers/contoso/crm-pro"
PATHS: Final = (
    "",
    "/leads",
    "/help",
    "/offers/new",
    "/publishers/contoso/members",
    "/offers/contoso/crm-pro",
    "/offers/contoso/crm-pro/edit",
    "/offers/contoso/crm-pro/destinations",
    "/offers/contoso/crm-pro/publishing",
    "/offers/contoso/crm-pro/hooks",
    "/offers/contoso/crm-pro/connect",
    "/offers/contoso/crm-pro/connections/primary",
    "/offers/contoso/crm-pro/connections/primary/edit",
    "/offers/contoso/crm-pro/connections/primary/remove",
)
TITLES: Final = sorted(
    {text for each in OURS for text in (each.title, *examples_of(guide_of(each)).values())}, key=len, reverse=True
)
"""Names: of destinations, and examples of values."""
NAMES: Final = re.compile(
    r"Marketplace|key\W+[0-9a-f-]{8,}|Contoso( CRM Pro)?|crm-pro|contoso|primary|English|Esperanto|crm\.example|saas"
    rf"|UTC|AppSource|\{{({'|'.join(PLACEHOLDERS)})\}}|\b(summary|description)\b"
)
"""What the shop is called, names of settings, and places of values."""


@pytest.fixture(scope="module")
def languages(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English, and a language whose every text is the English one between ``«`` and ``»``."""
    return made_up(tmp_path_factory.mktemp("locale"))


async def signed_in(visitor: Customer, key: str) -> Page:
    page = await visitor.open("/portal")
    return await visitor.send(page.form("key"), {"key": key})


def unreported(page: Page) -> list[str]:
    """The words of a page that are in no catalogue."""
    text = page.text
    for message in TITLES:
        text = text.replace(" ".join(message.split()), " ")
    while (rest := re.sub("«[^«»]*»", " ", text)) != text:
        text = rest
    return re.findall(r"[^\W\d_]{3,}", NAMES.sub(" ", unescape(text)))


async def test_every_page_says_in_which_language_it_is(database_url: str, languages: Languages) -> None:
    async with installation(database_url, languages=languages, public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        lead_id = await hand_in(operator)
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        for code in ("en", "eo"):
            async with Customer(home.url, code) as visitor:
                assert f'<html lang="{code}"' in (await visitor.open("/portal/sign-in")).html
                await signed_in(visitor, key)
                for path in (*PATHS, f"/leads/{lead_id}", "/leads/nothing"):
                    page = await visitor.open(f"/portal{path}")
                    assert f'<html lang="{code}"' in page.html, path
                    assert page.links.keys() >= {"English", "Esperanto"}, path
                    assert ("«" in page.text) is (code == "eo"), path


async def test_no_page_has_words_that_are_in_no_catalogue(database_url: str, languages: Languages) -> None:
    async with installation(database_url, languages=languages, public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        async with Customer(home.url, "eo") as visitor:
            await signed_in(visitor, key)
            kinds = [f"/offers/contoso/crm-pro/connect?kind={each.name}" for each in OURS]
            found = {path: unreported(await visitor.open(f"/portal{path}")) for path in (*PATHS, *kinds)}
    assert {path: words for path, words in found.items() if words} == {}


async def test_the_language_that_is_chosen_stays_and_the_page_too(database_url: str, languages: Languages) -> None:
    async with installation(database_url, languages=languages, public_url="http://leads.example") as home:
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        async with Customer(home.url, "en") as visitor:
            await signed_in(visitor, key)
            page = await visitor.open(f"{AT}/connect?kind=salesforce&way=web")
            page = await visitor.open(page.links["Esperanto"])
            assert page.url.endswith(f"{AT}/connect?kind=salesforce&way=web&lang=eo")
            assert "«Web-to-Lead»" in page.text
            page = await visitor.send(page.form("objectIdentifier"), {"objectIdentifier": ""})
            assert (page.status, "«Enter this.»" in page.text) == (422, True), "what is wrong is told in it too"
            assert '<html lang="eo"' in (await visitor.open("/portal")).html


async def test_an_answer_to_a_form_leads_to_a_page_in_the_other_language(
    database_url: str, languages: Languages
) -> None:
    async with installation(database_url, languages=languages, public_url="http://leads.example") as home:
        await (await home.visitor("operator")).put(f"{OFFER}/customer-leads", DESTINATION)
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        async with Customer(home.url, "en") as visitor:
            page = await signed_in(visitor, key)
            page = await visitor.send(page.form("text"), {"text": "ada@contoso.example"})
            page = await visitor.open(page.links["Esperanto"])
            assert (page.status, page.url) == (200, f"{home.url}/portal?lang=eo")
            page = await visitor.open(f"{AT}/connections/primary")
            (replay,) = [form for form in page.forms if form.action.endswith("/replay")]
            page = await visitor.open((await visitor.send(replay, {})).links["English"])
            assert (page.status, page.url) == (200, f"{home.url}{AT}/connections/primary?lang=en")

"""A language that is only a new file shows up everywhere: in the storefront, the contacts' page and the mails."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadkeeper.connections.outage import News
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.mail.address import parse_address
from leadkeeper.mail.text import Envelope, lead_notice, paused_notice, question
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.notices.outage_mail import Fallen, failing_notice
from leadkeeper.texts import Languages
from tests.in_process import installation
from tests.journeys.customer import Customer
from tests.languages import PORTUGUESE, made_up
from tests.shop import ANSWERS, open_shop

DATABASES = ("sqlite",)
"""Which words a page has does not depend on the database."""

AT = "/store/offers/contoso/planner"
SENDER = parse_address("leads@market.example")


@pytest.fixture(scope="module")
def languages(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English and the new one."""
    return made_up(tmp_path_factory.mktemp("locale"))


def test_it_is_found_by_its_folder(languages: Languages) -> None:
    assert [language.code for language in languages] == ["en", "eo"]
    assert [language.name for language in languages] == ["English", "Esperanto"]


async def test_the_storefront_speaks_it(database_url: str, languages: Languages) -> None:
    async with installation(database_url, languages=languages) as home, Customer(home.url, "eo,pt;q=0.5") as visitor:
        await open_shop(home.services)
        page = await visitor.open(AT)
        assert 'lang="eo"' in page.html
        assert "«What you can do»" in page.text
        assert "«by Contoso»" in page.text
        assert page.links.keys() >= {"English", "Esperanto", "«Get it now»"}
        assert "Português" not in page.text
        page = await visitor.open(f"{AT}/contact-me")
        assert "Germanujo" in page.html, "countries are told by the locale's data"
        page = await visitor.send(page.form("email"), ANSWERS | {"email": "ada"}, "consent")
        assert "«Enter an e-mail address like name@company.com.»" in page.text
        page = await visitor.send(page.form("email"), {"email": "ada@analytical.example"}, "consent")
        assert "«What you sent is kept and goes to Contoso, who can contact you about Contoso Planner.»" in page.text
        async with home.session.get(f"{home.url}/store?lang=eo") as answer:
            assert answer.headers["Content-Language"] == "eo"
        async with home.session.get(f"{home.url}/store/nothing", headers={"Accept-Language": "eo"}) as answer:
            assert (answer.status, answer.headers["Content-Language"]) == (404, "eo")
            assert "«This page is not here»" in await answer.text()


async def test_the_contacts_page_speaks_it(database_url: str, languages: Languages) -> None:
    async with installation(database_url, languages=languages) as home, Customer(home.url, "eo") as visitor:
        page = await visitor.open("/contacts/nothing")
        assert "«This link is over»" in page.text
        assert page.links.keys() >= {"English", "Esperanto"}


async def test_diagnoses_are_told_in_it(database_url: str, languages: Languages) -> None:
    async with installation(database_url, languages=languages) as home:
        operator = await home.visitor("operator")
        answer = await operator.call("GET", "/v1/explain?q=AADSTS7000222", headers={"Accept-Language": "eo"})
        assert answer.headers["Content-Language"] == "eo"
        (found,) = answer.json()["explanations"]
        assert found["summary"] == "«The application's secret has expired.»"
        assert found["docs"] == "/docs/reference/diagnoses.html#clientsecretexpired"


@pytest.mark.parametrize("which", ["lead", "paused", "question", "failing"])
def test_a_mail_is_told_in_every_language_and_says_which(which: str, languages: Languages) -> None:
    kind = EntraKind.CLIENT_SECRET_EXPIRED
    news = OutageNews(News.STILL_FAILING, kind, "cause", 1_000, 2_000, waiting=1)
    envelope = Envelope(["sales@contoso.example"], SENDER, "m1", languages)
    mail, words = {
        "lead": (lead_notice(["a"], "Planner", "https://m.example", envelope), "«A customer acted on your offer"),
        "paused": (
            paused_notice("primary", "Planner", kind, envelope, not_found=False),
            "«The application's secret has expired.»",
        ),
        "question": (
            question("contoso", "token", "Market", "https://m.example", SENDER, languages),
            "https://m.example/contacts/token?lang=eo",
        ),
        "failing": (
            failing_notice([Fallen("primary", "Planner", news)], "https://m.example", envelope),
            "«1 lead waits»",
        ),
    }[which]
    assert mail["Content-Language"] == "en, eo"
    english, _, other = mail.get_content().partition("\n\n--\n\n")
    assert words in other
    assert "«" not in english


def test_the_page_of_a_file_without_a_text_is_not_offered(tmp_path: Path) -> None:
    made_up(tmp_path)
    path = tmp_path / "eo/LC_MESSAGES/leadkeeper.po"
    text = path.read_text(encoding="utf-8")
    head = text.index("\n\n", text.index("Content-Type"))
    path.write_text(text[:head] + '\n\nmsgid "Send"\nmsgstr ""\n', encoding="utf-8")
    from leadkeeper.languages import read_languages

    assert [language.code for language in read_languages(tmp_path)] == ["en"]


def test_texts_of_portuguese_are_told_with_their_numbers() -> None:
    summary = [
        PORTUGUESE.ngettext("%(leads)s lead waits", "%(leads)s leads wait", n, leads=PORTUGUESE.number(n))
        for n in (1, 2, 1_250)
    ]
    assert summary == ["1 lead aguarda", "2 leads aguardam", "1.250 leads aguardam"]

"""Help where it is needed: questions on every page, pasted errors, whom to ask, what ends soon. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.portal.questions import every_question, questions_of
from leadkeeper.languages import installed
from leadkeeper.texts import LazyText
from tests.contracts.test_portal import signed_in
from tests.in_process import DESTINATION, OFFER, Installation, installation
from tests.journeys.customer import Customer

AT = "/portal/offers/contoso/crm-pro"
PAGES = {
    "/portal": "what-is-a-lead",
    "/portal/leads": "withheld",
    "/portal/help": "what-is-a-lead",
    "/portal/account": "where-is-help",
    "/portal/publishers/contoso/members": "where-is-help",
    AT: "destination-required",
    f"{AT}/connect": "azure-blob",
    f"{AT}/destinations": "view-azure",
    f"{AT}/connections/primary": "find-the-test-lead",
    f"{AT}/connections/primary/edit": "salesforce",
    f"{AT}/publishing": "is-it-right",
    f"{AT}/hooks": "no-leads",
}
EVERY = every_question(OURS)
BY_ID = {each.id: each for each in EVERY}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation with a connection, whose operator can be asked for help."""
    contact = "help@market.example"
    async with installation(database_url, public_url="http://leads.example", support_contact=contact) as opened:
        await (await opened.visitor("operator")).put(f"{OFFER}/customer-leads", DESTINATION)
        yield opened


@pytest.mark.parametrize("code", ["en", "pt"])
async def test_every_page_answers_what_is_asked_there(home: Installation, code: str) -> None:
    language = installed().find(code)
    assert language
    async with Customer(home.url, code) as visitor:
        await signed_in(home, visitor, "publisher:contoso")
        for path, id in PAGES.items():
            page = await visitor.open(path)
            assert page.status == 200, path
            for part in (BY_ID[id].question, *BY_ID[id].answer):
                assert language.tell(part) in page.text, (path, part)
            assert page.links[language.gettext("Help from the operator: %(contact)s", contact="help@market.example")]
            assert page.links[language.gettext("Documentation")] == f"{home.url}/docs/"
        page = await visitor.open("/portal/help")
        assert all(language.tell(each.question) in page.text for each in EVERY)


def test_every_question_belongs_to_a_page_and_is_told_in_every_language() -> None:
    assert {each.id for path in PAGES for each in questions_of(path, OURS)} == set(BY_ID)
    assert len(BY_ID) == len(EVERY)
    for language in installed():
        for each in EVERY:
            for part in (each.question, *each.answer):
                assert isinstance(part, LazyText)
                assert language.can_tell(part), part


async def test_who_is_not_signed_in_learns_whom_to_ask(home: Installation) -> None:
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal/sign-in")
        assert page.links["Help from the operator: help@market.example"] == "mailto:help@market.example"


async def test_an_error_is_explained_and_leads_to_the_documentation(home: Installation) -> None:
    async with Customer(home.url) as visitor:
        await signed_in(home, visitor, "publisher:contoso")
        page = await visitor.open("/portal/help")
        page = await visitor.send(page.form("error"), {"error": "AADSTS7000215: Invalid client secret provided"})
        address = page.links["More in the documentation"]
        assert address.startswith(f"{home.url}/docs/reference/diagnoses.html#")
        answer = await home.anyone.get(address.removeprefix(home.url))
        assert f'id="{address.partition("#")[2]}"' in answer.body.decode()


async def test_a_broken_connection_s_page_explains_errors_and_a_working_one_s_does_not(home: Installation) -> None:
    async with Customer(home.url) as visitor:
        await signed_in(home, visitor, "publisher:contoso")
        page = await visitor.open(f"{AT}/connections/primary")
        assert not [form for form in page.forms if "error" in form.values]
        (validate,) = [form for form in page.forms if form.action.endswith("/validate")]
        page = await visitor.send(validate, {})
        page = await visitor.send(page.form("error"), {"error": "AADSTS7000215"})
        assert page.status == 200
        assert "More in the documentation" in page.links


def sas(days: float) -> dict[str, object]:
    """Settings of an Azure Table whose signature ends in so many days."""
    end = f"{datetime.now(UTC) + timedelta(days=days, minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    signed = f"sv=2022-11-02&ss=t&srt=sco&sp=rwlacu&se={end}&sig=AAAA".replace(":", "%3A")
    where = f"TableEndpoint=https://contoso.table.core.windows.net/;SharedAccessSignature={signed}"
    return {"leadDestination": "table", "tableLeadConfiguration": {"storageAccountConnectionString": where}}


async def test_what_ends_soon_stands_on_the_first_page(home: Installation) -> None:
    operator = await home.visitor("operator")
    soon = {"connection-week": 6, "connection-far": 90, "connection-month": 20}
    for name, days in soon.items():
        put = await operator.put(f"{OFFER}/connections/{name}", sas(days))
        assert put.status == 201, put.body
    async with Customer(home.url) as visitor:
        await signed_in(home, visitor, "publisher:contoso")
        page = await visitor.open("/portal")
        shown = [name for name in page.links if "connection-" in name]
        names = [name.removesuffix(" (Azure Table)") for name in shown]
        titles = ["Contoso CRM Pro › connection-week", "Contoso CRM Pro › connection-month"]
        assert names == titles, "first what ends first"
        assert "Its credentials end in 6 days" in page.text
        assert page.links[shown[0]] == f"{home.url}{AT}/connections/connection-week"
        await operator.put(f"{OFFER}/connections/connection-week", sas(200))
        await operator.delete(f"{OFFER}/connections/connection-month")
        assert not [name for name in (await visitor.open("/portal")).links if "connection-" in name]
        await operator.put(f"{OFFER}/connections/connection-week", sas(3))
    async with Customer(home.url) as stranger:
        await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        await signed_in(home, stranger, "publisher:fabrikam")
        assert "connection-week" not in (await stranger.open("/portal")).text

"""Diagnoses reach people in the language that they ask for, over REST; the command line is in ``test_cli``."""

from __future__ import annotations

import asyncio

import pytest

from leadkeeper.catalogue import docs_of, text_of
from leadkeeper.diagnosis import Kind
from leadkeeper.doors.languages import accepted
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.texts import ENGLISH, Language
from tests.in_process import OFFER, Answer, Installation, Visitor, hand_in, installation
from tests.languages import LANGUAGES, PORTUGUESE

DATABASES = ("sqlite",)
"""Which words a diagnosis has does not depend on the database."""

CLOSED = {
    "leadDestination": "httpsEndpoint",
    "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": "https://127.0.0.1/leads"},
}
"""An address that these settings do not let leads be sent to."""

ASKED = {None: ENGLISH, "fr": ENGLISH, "pt-BR,pt;q=0.9,en;q=0.8": PORTUGUESE}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("pt", "pt"),
        ("pt-BR", "pt"),
        ("PT-pt", "pt"),
        ("en-US,en;q=0.9,pt;q=0.8", "en"),
        ("pt;q=0.8, en;q=0.7", "pt"),
        ("fr, pt;q=0.5", "pt"),
        ("fr, en;q=0.1", "en"),
        ("*", "en"),
        ("*;q=0.5, en;q=0", "pt"),
        ("pt;q=0", "en"),
        ("pt;q=2", "en"),
        ("português", "en"),
        (";;,,pt", "pt"),
        ("x" * 100_000 + ",pt", "en"),
    ],
)
def test_what_a_header_asks_for(header: str | None, language: str) -> None:
    assert accepted(header, LANGUAGES).code == language


def check(answer: Answer, diagnosis: dict, language: Language) -> None:
    """The diagnosis is that of a closed address, in ``language``, and the answer says so."""
    text = text_of(Kind.ADDRESS_REFUSED, language)
    assert diagnosis["kind"] == Kind.ADDRESS_REFUSED
    assert (diagnosis["summary"], tuple(diagnosis["steps"])) == (text.summary, text.steps)
    assert diagnosis["docs"] == docs_of(Kind.ADDRESS_REFUSED, language)
    assert answer.headers["Content-Language"] == language.code
    assert answer.headers["Vary"] == "Accept-Language"


async def ask(visitor: Visitor, method: str, path: str, header: str | None) -> Answer:
    headers = {} if header is None else {"Accept-Language": header}
    answer = await visitor.call(method, path, headers=headers)
    assert answer.status == 200, answer.body
    return answer


@pytest.mark.parametrize("header", list(ASKED))
async def test_validation_is_told_in_the_language_asked_for(operator: Visitor, header: str | None) -> None:
    language = ASKED[header]
    await operator.put(f"{OFFER}/customer-leads", CLOSED)
    for path in (f"{OFFER}/customer-leads/validate", f"{OFFER}/connections/primary/validate"):
        answer = await ask(operator, "POST", path, header)
        found = answer.json()
        check(answer, found["diagnosis"], language)
        failed = [step for step in found["checks"] if step["ok"] is False]
        assert failed


async def test_a_lead_and_a_connection_are_told_in_the_language_asked_for(database_url: str) -> None:
    async with installation(database_url, worker=True) as home:
        operator = await home.visitor("operator")
        await operator.put(f"{OFFER}/customer-leads", CLOSED)
        lead = await hand_in(operator)
        await held(home, lead)
        for header, language in ASKED.items():
            answer = await ask(operator, "GET", f"/v1/leads/{lead}", header)
            (delivery,) = answer.json()["deliveries"]
            check(answer, delivery["diagnosis"], language)
            check(answer, delivery["attempts"][0]["diagnosis"], language)
            for path in (f"{OFFER}/customer-leads", f"{OFFER}/connections/primary"):
                answer = await ask(operator, "GET", path, header)
                check(answer, answer.json()["health"]["diagnosis"], language)
            answer = await ask(operator, "GET", f"{OFFER}/connections", header)
            check(answer, answer.json()["connections"][0]["health"]["diagnosis"], language)
            answer = await ask(operator, "POST", f"/v1/deliveries/{delivery['id']}/retry", header)
            check(answer, answer.json()["diagnosis"], language)


async def held(home: Installation, lead: str) -> None:
    """Wait until the lead is held."""
    async with asyncio.timeout(60):
        while True:
            shown = await home.services.leads.inbox.get(lead)
            if shown is not None and shown.deliveries[0].state == "held" and shown.deliveries[0].diagnosis:
                return
            await asyncio.sleep(0.05)


async def test_explanations_are_told_in_the_language_asked_for(home: Installation, operator: Visitor) -> None:
    for header, language in ASKED.items():
        answer = await ask(operator, "GET", "/v1/explain?q=AADSTS7000222%3A+expired", header)
        text = text_of(EntraKind.CLIENT_SECRET_EXPIRED, language)
        assert answer.json() == {
            "explanations": [
                {
                    "kind": "clientSecretExpired",
                    "recognizedBy": "AADSTS7000222",
                    "systems": ["Microsoft Entra ID"],
                    "outcome": "broken",
                    "who": "publisher",
                    "summary": text.summary,
                    "steps": list(text.steps),
                    "docs": docs_of(EntraKind.CLIENT_SECRET_EXPIRED, language),
                }
            ]
        }
        assert answer.headers["Content-Language"] == language.code
    assert (await operator.get("/v1/explain?q=well")).json() == {"explanations": []}
    (await operator.get("/v1/explain")).problem(422, "invalid-request")
    (await operator.get(f"/v1/explain?q={'x' * 4_001}")).problem(422, "invalid-request")
    (await (await home.visitor("marketplace")).get("/v1/explain?q=606")).problem(403, "forbidden")
    (await home.anyone.get("/v1/explain?q=606")).problem(401, "unauthorized")

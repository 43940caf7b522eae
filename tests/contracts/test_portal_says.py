"""The portal's forms and answers say what is known and lose nothing that was entered. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import aiohttp
import pytest
import sqlalchemy as sa

from leadkeeper.inbox.attention.waiting import waiting_counts
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import StorageAway
from leadkeeper.views import DiagnosisView, EvidenceView, ReceiptView, TestLeadView, Validation
from tests.contracts.test_portal import signed_in
from tests.in_process import DESTINATION, ENDPOINT, OFFER, Installation, hand_in, installation
from tests.journeys.customer import Customer, Form, Page

AT: Final = "/portal/offers/contoso/crm-pro"
PRIMARY: Final = f"{AT}/connections/primary"
REF: Final = OfferRef("contoso", "crm-pro")
PREVIOUS: Final = "whsec_" + "QUJD" * 10
SALESFORCE: Final = {"objectIdentifier": "00D58000000JmlM"}


def salesforce(**more: object) -> dict[str, object]:
    return {"leadDestination": "salesforce", "salesforceLeadConfiguration": SALESFORCE | more}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


@pytest.fixture
async def member(home: Installation) -> AsyncIterator[Customer]:
    async with Customer(home.url) as visitor:
        await signed_in(home, visitor, "publisher:contoso")
        yield visitor


async def put(home: Installation, body: object = DESTINATION, name: str = "primary") -> None:
    answer = await (await home.visitor("operator")).put(f"{OFFER}/connections/{name}", body)
    assert answer.status in (200, 201), answer.body


async def stored(home: Installation) -> Any:
    connection = await home.services.connections.get(REF, "primary")
    assert connection is not None
    return connection.changed.stored


async def runner(visitor: Customer, page: Page, act: str, values: dict[str, str], *ticked: str) -> Page:
    """Send the connection's form by the button ``act``."""
    form = page.form("way")
    form.values["act"] = act
    return await visitor.send(form, values, *ticked)


def button(page: Page, end: str) -> Form:
    (form,) = [form for form in page.forms if form.action.endswith(end)]
    return form


def raising(error: Exception) -> Callable[..., Any]:
    async def act(*_: object, **__: object) -> None:
        raise error

    return act


async def act_on_deliveries(home: Installation, **values: object) -> None:
    def run(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.delivery).values(**values))

    await home.services.storage.write(run)


async def test_a_secret_that_was_made_is_shown_before_anything_is_tried(
    home: Installation, member: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home.services.validator, "validate", raising(AssertionError("nothing is tried yet")))
    page = await member.open(f"{AT}/connect?kind=https_endpoint")
    page = await runner(member, page, "validate", {"httpsEndpointUrl": ENDPOINT["httpsEndpointUrl"]})
    assert page.status == 200
    assert (await stored(home)).secrets["signingSecret"] in page.text
    assert "Saved. Validate it now" in page.text


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            Problem(ProblemType.TOO_MANY_REQUESTS, "Too many validations."),
            "The settings are saved, but not validated: Too many validations.",
        ),
        (StorageAway("away"), "The settings are saved, but not validated: the database cannot be reached just now."),
    ],
)
async def test_what_was_saved_is_not_told_as_not_done(
    home: Installation, member: Customer, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    await put(home)
    monkeypatch.setattr(home.services.validator, "validate", raising(error))
    page = await member.open(f"{PRIMARY}/edit")
    page = await runner(member, page, "validate", {"keyCasing": "camel"})
    assert page.status == 200
    assert message in page.text
    assert (await stored(home)).settings["keyCasing"] == "camel"


async def test_a_description_may_be_as_long_as_the_form_says_in_every_script(
    home: Installation, member: Customer
) -> None:
    text = "ツ" * 29_998 + "\r\n" + "ツ"
    page = await member.open(f"{AT}/edit")
    page = await member.send(page.form("description"), {"summary": "S.", "description": text})
    assert page.status == 200, page.text
    page = await member.open(f"{AT}/edit")
    assert page.form("description").values["description"] == text.replace("\r\n", "\n")


async def test_what_cannot_be_taken_is_told_in_words_of_its_own(home: Installation, member: Customer) -> None:
    page = await member.open(f"{AT}/edit")
    answer = await member.send(page.form("description"), {"description": "a" * 600_000})
    assert (answer.status, "too large; nothing was saved" in answer.text) == (413, True)
    answer = await member.send(page.form("description"), {"description": "a" * 400_000})
    assert (answer.status, "cannot be read; nothing was saved" in answer.text) == (422, True)
    answer = await member.open(f"{AT}/publish")
    assert (answer.status, "only takes what a button sends" in answer.text) == (405, True)


async def test_a_mapping_of_a_hundred_fields_and_of_lines_is_saved_as_it_was(
    home: Installation, member: Customer
) -> None:
    fields = {f"Field{number}__c": "one\ntwo" if number else "\none" for number in range(100)}
    await put(home, salesforce(fields=fields))
    page = await runner(member, await member.open(f"{PRIMARY}/edit"), "save", {})
    assert page.status == 200, page.text
    assert (await stored(home)).settings["fields"] == fields


async def test_a_secret_that_was_not_saved_is_asked_for_again(home: Installation, member: Customer) -> None:
    await put(home)
    page = await member.open(f"{PRIMARY}/edit")
    assert "kept: leave it empty" in page.html
    for act in ("save", "rows"):
        sent = {"httpsEndpointUrl": "http://plain.example", "previousSigningSecret": PREVIOUS}
        answer = await runner(member, page, act, sent)
        assert answer.text.count("Enter it again: it was not saved.") == 2
        assert PREVIOUS not in answer.html
        assert '<details class="more" open>' in answer.html


async def test_a_stored_secret_can_be_removed_but_not_what_is_made_anyway(home: Installation, member: Customer) -> None:
    more = {"signingSecret": PREVIOUS, "previousSigningSecret": PREVIOUS}
    await put(home, DESTINATION | {"httpsEndpointLeadConfiguration": ENDPOINT | more})
    page = await member.open(f"{PRIMARY}/edit")
    assert [name for name in page.form("way").boxes if name.endswith(".remove")] == ["previousSigningSecret.remove"]
    await runner(member, page, "save", {}, "previousSigningSecret.remove")
    assert set((await stored(home)).secrets) == {"httpsEndpointUrl", "signingSecret"}


async def test_rows_that_cannot_be_meant_are_refused(home: Installation, member: Customer) -> None:
    await put(home, salesforce(fields={"A__c": "a", "B__c": "b"}))
    page = await member.open(f"{PRIMARY}/edit")
    for sent, message in (
        ({"fields.1.name": "A__c"}, "A__c stands in two rows"),
        ({"fields.1.kind": "number", "fields.1.value": "many"}, "B__c: enter a number"),
        ({"fields.1.kind": "number", "fields.1.value": "nan"}, "B__c: enter a number"),
    ):
        answer = await runner(member, page, "save", sent)
        assert (answer.status, message in answer.text) == (422, True)
    assert (await stored(home)).settings["fields"] == {"A__c": "a", "B__c": "b"}


async def test_a_quota_that_is_reached_is_told(database_url: str) -> None:
    async with installation(database_url, public_url="http://leads.example", quota_connections_per_offer=1) as home:
        await put(home)
        async with Customer(home.url) as visitor:
            await signed_in(home, visitor, "publisher:contoso")
            page = await visitor.open(f"{AT}/connect?kind=https_endpoint")
            page = await runner(visitor, page, "save", {"httpsEndpointUrl": "https://other.example/"})
    assert page.status == 409
    assert "connections" in page.text[page.text.index("This was not saved yet") :][:200]


@pytest.mark.parametrize(
    ("receipt", "outcome", "message", "wrong"),
    [
        (ReceiptView(result="sent", confirmed=False), "failed", "test lead : sent, unconfirmed", False),
        (ReceiptView(result="created", confirmed=True), "failed", "test lead : taken, confirmed", False),
        (None, "ambiguous", "test lead : may have arrived: look for it there", False),
        (None, "refused", "test lead : not taken", True),
    ],
)
async def test_a_test_lead_is_told_by_its_receipt(
    home: Installation,
    member: Customer,
    monkeypatch: pytest.MonkeyPatch,
    receipt: ReceiptView | None,
    outcome: str,
    message: str,
    wrong: bool,
) -> None:
    evidence = EvidenceView.model_validate({"status": None, "code": None, "request_id": None, "text": None})
    summary = DiagnosisView(
        kind="x", outcome=outcome, who="publisher", summary="S", steps=(), docs="", evidence=evidence
    )
    lead = TestLeadView(id="1", marker="MSFT_TEST_1", receipt=receipt)
    found = Validation(ok=False, message="Said.", checks=(), test_lead=lead, diagnosis=None if receipt else summary)

    async def validate(*_: object, **__: object) -> Validation:
        return found

    await put(home)
    monkeypatch.setattr(home.services.validator, "validate", validate)
    page = await member.send(button(await member.open(PRIMARY), "/validate"), {})
    assert message in page.text
    assert ("check check-wrong" in page.html) is wrong


async def test_missed_leads_are_held_where_they_cannot_go_and_never_repeated_blindly(
    home: Installation, member: Customer
) -> None:
    await put(home)
    operator = await home.visitor("operator")
    await hand_in(operator)
    await act_on_deliveries(home, state="setAside", set_aside_for="mayHaveArrived")
    await put(home, name="second")
    await home.services.connections.pause(REF, "second", by="test")
    page = await member.send(button(await member.open(PRIMARY), "/replay"), {})
    assert "1 lead may have arrived and is not sent again here" in page.text
    assert "sure" not in [name for form in page.forms for name in form.values]
    form = button(await member.open(f"{AT}/connections/second"), "/replay")
    page = await member.send((await member.send(form, {})).form("sure"), {})
    assert "1 lead is held until the connection works" in page.text
    assert "on the way again" not in page.text
    (lead,) = (await operator.get("/v1/leads")).json()["leads"]
    assert {each["connection"]: each["state"] for each in lead["deliveries"]} == {
        "primary": "setAside",
        "second": "held",
    }


async def test_leads_that_an_outage_set_aside_wait_too(home: Installation, member: Customer) -> None:
    await put(home)
    await hand_in(await home.visitor("operator"))
    await act_on_deliveries(home, state="setAside", set_aside_for="outage")
    assert "1 lead has not gone out yet" in (await member.open(f"{PRIMARY}/remove")).text
    await home.services.connections.pause(REF, "primary", by="test")
    page = await member.open(PRIMARY)
    assert "1 lead is held" in page.text
    assert "Validating releases the held leads too" in page.text
    page = await member.open(f"{PRIMARY}/edit")
    assert "Saving can release the held leads" in page.text


async def test_more_than_are_counted_is_said(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("inbox.attention.waiting", "doors.portal.routes"):
        monkeypatch.setattr(f"leadkeeper.{module}.MOST_COUNTED", 2)
    async with installation(database_url, public_url="http://leads.example") as home, Customer(home.url) as visitor:
        await put(home)
        for _ in range(4):
            await hand_in(await home.visitor("operator"))
        connection = await home.services.connections.get(REF, "primary")
        assert connection is not None
        assert await home.services.storage.read(waiting_counts, [connection.id]) == {connection.id: 3}
        await home.services.connections.pause(REF, "primary", by="test")
        await signed_in(home, visitor, "publisher:contoso")
        assert "More than 2 leads are held" in (await visitor.open(PRIMARY)).text
        assert "More than 2 leads have not gone out yet" in (await visitor.open(f"{PRIMARY}/remove")).text
        assert "Save and release all held leads" in (await visitor.open(f"{PRIMARY}/edit")).text


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("a fault"), 500), (StorageAway("away"), 503)])
async def test_after_a_fault_nobody_says_that_it_was_not_done(
    home: Installation, member: Customer, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    await put(home)
    monkeypatch.setattr(home.services.connections, "pause", raising(error))
    page = await member.send(button(await member.open(PRIMARY), "/pause"), {})
    assert page.status == status
    assert "It is not known whether this was done" in page.text
    assert "This was not done" not in page.text


async def test_while_the_database_is_away_it_is_said_when_to_come_again(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await session.post(f"{home.url}/portal/sign-in", data={"key": made.key})
        monkeypatch.setattr(home.services.leads.reading, "leads", raising(StorageAway("away")))
        async with session.get(f"{home.url}/portal/leads") as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")


async def test_what_came_is_shown_as_it_was_written(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    hook = (await operator.post(f"{OFFER}/hooks")).json()["token"]
    kept = (await operator.post(f"/hooks/{hook}", {"LeadSource": "SPZA", "Who": {"Name": "<i>José ツ"}})).json()
    page = await member.open(f"/portal/leads/{kept['id']}")
    assert "José ツ" in page.html
    assert "<i>" not in page.html


async def test_an_offer_s_leads_are_those_of_its_publisher(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/crm-pro", {"title": "Other"})
    theirs = await hand_in(operator, publisherId="fabrikam")
    ours = await hand_in(operator)
    async with Customer(home.url) as visitor:
        await signed_in(home, visitor, "operator")
        page = await visitor.open((await visitor.open(AT)).links["All its leads"])
        assert (ours in page.html, theirs in page.html) == (True, False)
    page = await member.open("/portal/leads?publisher=fabrikam&offer=crm-pro")
    assert (ours in page.html, theirs in page.html) == (True, False), "a member sees its own alone"


@pytest.mark.parametrize(("change", "asked"), [(None, True), ("of settings that are gone", False)])
async def test_only_a_test_lead_with_present_settings_is_asked_after(
    home: Installation, member: Customer, change: str | None, asked: bool
) -> None:
    await put(home)
    lead_id = await hand_in(await home.visitor("operator"))

    def tried(conn: sa.Connection) -> None:
        test = {"test_lead_id": lead_id, "test_marker": "MSFT_TEST_1", "test_sent_at": 1, "test_confirmed": False}
        conn.execute(sa.update(t.connection).values(**test, test_change=change))

    await home.services.storage.write(tried)
    assert ("Was the test lead found?" in (await member.open(PRIMARY)).text) is asked


async def test_what_was_saved_is_told_though_no_page_of_it_can_be_shown(
    home: Installation, member: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(home)
    page = await member.open(f"{PRIMARY}/edit")

    async def validate(*_: object, **__: object) -> None:
        monkeypatch.setattr(home.services.connections, "get", raising(StorageAway("away")))
        raise StorageAway("away")

    monkeypatch.setattr(home.services.validator, "validate", validate)
    page = await runner(member, page, "validate", {"keyCasing": "camel"})
    assert (page.status, "It was saved" in page.text, "This was not done" in page.text) == (503, True, False)

"""What comes in odd shapes is taken alike at every door, over both databases."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from leadkeeper.inbox.inbox import Inbox
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from leadkeeper.views import LeadView
from tests.contracts.installation import CRM
from tests.contracts.market import market
from tests.in_process import (
    DESTINATION,
    OFFER,
    Answer,
    Installation,
    Visitor,
    batch,
    hand_in,
    installation,
    lead,
    lines,
)
from tests.shop import ANSWERS, PLANNER, open_shop

CASES: Final = Path(__file__).parent / "payloads"
BOM: Final = b"\xef\xbb\xbf"
ROSA: Final = {
    "firstName": "Rosa",
    "lastName": "Lima",
    "email": "rosa@northwind.example",
    "phone": "",
    "country": "BR",
    "company": "Northwind",
    "title": "",
}
DETAILS: Final = {"FirstName": "Rosa", "LastName": "Lima", "Email": "rosa@mit.edu", "Company": "Northwind"}
FORM: Final = f"/store/offers/{PLANNER.publisher_id}/{PLANNER.offer_id}/contact-me"


@pytest.fixture
async def hook(operator: Visitor) -> str:
    """The path of a hook of the offer."""
    made = (await operator.post(f"{OFFER}/hooks")).json()
    return f"/hooks/{made['token']}"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Installation]:
    """An installation with a storefront that anybody may post to at once."""
    async with installation(database_url) as opened:
        await open_shop(opened.services)
        yield opened


async def read(operator: Visitor, lead_id: str) -> Any:
    """The lead as it is shown."""
    return (await operator.get(f"/v1/leads/{lead_id}")).json()


async def posted(operator: Visitor, hook: str, body: object) -> Any:
    """The lead that became of ``body`` at the hook."""
    answer = await operator.post(hook, body)
    assert answer.status == 200, answer.body
    return await read(operator, answer.json()["id"])


async def everything_in(home: Installation, database_url: str) -> str:
    """Every value of every table; on SQLite also every byte of the files."""

    def rows(conn: sa.Connection) -> str:
        return repr([conn.execute(sa.select(table)).all() for table in t.metadata.sorted_tables])

    text = await home.services.storage.read(rows)
    if database_url.startswith("sqlite"):
        file = Path(database_url.partition("///")[2])
        text += "".join(path.read_bytes().decode("latin-1") for path in file.parent.glob(f"{file.name}*"))
    return text


async def delivered(inbox: Inbox, lead_id: str) -> LeadView:
    """The lead once its delivery has arrived."""
    async with asyncio.timeout(60):
        while True:
            found = await inbox.get(lead_id)
            if found is not None and found.deliveries[0].state == "delivered":
                return found
            await asyncio.sleep(0.05)


class TestCustomers:
    async def test_details_as_text(self, operator: Visitor, hook: str) -> None:
        found = await posted(operator, hook, json.loads((CASES / "hook-user-details-as-text.json").read_bytes()))
        assert found["customer"] == ROSA | {"phone": "+55 11 5555-0101", "title": "CIO"}
        assert found["notes"] == []

    async def test_a_row_of_the_table(self, operator: Visitor, hook: str) -> None:
        found = await posted(operator, hook, json.loads((CASES / "hook-table-row.json").read_bytes()))
        assert (found["customer"], found["campaign"]) == (ROSA, "winter")

    async def test_a_lead_without_a_customer_says_so(self, operator: Visitor, hook: str) -> None:
        found = await posted(operator, hook, {"LeadSource": "SPZA", "Who": {"Name": "Rosa"}})
        (note,) = found["notes"]
        assert note["kind"] == "noCustomer"
        assert "Nothing of a customer" in note["text"]
        assert found["extra"] == {"Who": {"Name": "Rosa"}}
        answer = await operator.call("GET", f"/v1/leads/{found['id']}", headers={"Accept-Language": "pt"})
        assert "cliente" in answer.json()["notes"][0]["text"]
        (listed,) = (await operator.get("/v1/leads")).json()["leads"]
        assert [each["kind"] for each in listed["notes"]] == ["noCustomer"]
        (traced,) = (await operator.post("/v1/find", {"text": found["id"]})).json()["leads"]
        assert any("Nothing of a customer" in line for line in traced["message"])

    async def test_receipts_say_so_too(self, database_url: str, authority: Authority) -> None:
        async with market(database_url, authority) as open_market:
            await open_market.catalogue.put_offer(CRM, title="Contoso CRM Pro", live=True, by="test")
            await open_market.connect()
            kept = await open_market.intake.keep(NewLead(CRM, "SPZA", "PLT", extra={"Who": "Rosa"}))
            inbox = Inbox(open_market.storage)
            carrying = asyncio.create_task(open_market.worker.run())
            try:
                found = await delivered(inbox, kept.id)
            finally:
                await open_market.worker.stop(5)
                await carrying
        receipt = found.deliveries[0].receipt
        assert receipt is not None
        assert "Nothing of a customer" in (receipt.note or "")

    async def test_a_lead_with_little_says_nothing(self, operator: Visitor, hook: str) -> None:
        assert (await posted(operator, hook, {"UserDetails": {"Phone": "+55"}}))["notes"] == []

    async def test_an_address_that_is_none_is_noted(self, operator: Visitor, hook: str) -> None:
        found = await posted(operator, hook, {"UserDetails": {"Email": "rosa at northwind", "LastName": "Lima"}})
        assert found["customer"]["email"] == "rosa at northwind"
        assert [each["kind"] for each in found["notes"]] == ["emailNotAnAddress"]


ADDRESSES: Final = (
    " rosa@northwind.example",
    "Rosa Lima <rosa@northwind.example>",
    "\u00a0rosa@northwind.example",
    "rosa@northwind.example\u200b",
    "\ufeffrosa@northwind.example\u00a0",
    "rosa\uff20northwind.example",
    "rosa\ufe6bnorthwind\uff0eexample",
    "Rosa @ Northwind <rosa\uff20northwind.example>",
)


class TestAddresses:
    @pytest.mark.parametrize("came", ADDRESSES)
    async def test_rest_batch_and_hook(self, operator: Visitor, hook: str, came: str) -> None:
        given = lead(customer={"lastName": "Lima", "email": came})
        ids = [
            await hand_in(operator, customer={"lastName": "Lima", "email": came}),
            lines(await batch(operator, json.dumps(given).encode()))[0]["id"],
            (await operator.post(hook, {"UserDetails": {"LastName": "Lima", "Email": came}})).json()["id"],
        ]
        for lead_id in ids:
            found = await read(operator, lead_id)
            assert found["customer"]["email"] == "rosa@northwind.example"
            assert found["extra"]["asReceived"] == {"email": came}
        for text in ("rosa@northwind.example", came):
            traced = (await operator.post("/v1/find", {"text": text})).json()["leads"]
            assert {each["id"] for each in traced} == set(ids), text

    @pytest.mark.parametrize("came", [" rosa@northwind.example", "rosa@northwind.example\u200b"])
    async def test_storefront(self, shop: Installation, came: str) -> None:
        answer = await send_form(shop, ANSWERS | {"email": came})
        assert answer.status == 303, answer.body
        operator = await shop.visitor("operator")
        (found,) = (await operator.get("/v1/leads")).json()["leads"]
        assert found["customer"]["email"] == "rosa@northwind.example"

    async def test_the_same_lead_with_its_key_is_the_same(self, operator: Visitor) -> None:
        given = lead(customer={"email": " rosa@northwind.example"})
        first = await operator.post("/v1/leads", given, Idempotency_Key="k-1")
        again = await operator.post("/v1/leads", given, Idempotency_Key="k-1")
        assert (first.status, again.status) == (202, 200)
        assert first.json()["id"] == again.json()["id"]


async def send_form(shop: Installation, answers: dict[str, str], **headers: str) -> Answer:
    """The storefront's form, filled out."""
    data = urlencode(answers | {"consent": "yes", "formId": "x" * 20})
    sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://leads.example"} | headers
    async with shop.session.post(shop.url + FORM, data=data, headers=sent, allow_redirects=False) as response:
        return Answer(response.status, response.headers, await response.read())


WITHHELD: Final[dict[str, dict[str, Any]]] = {
    "details as text": {"UserDetails": json.dumps(DETAILS), "LeadSource": "SPZA"},
    "a table's row": {"CustomerInfo": json.dumps(DETAILS), "Description": "Campaigns: rosa-winter"},
    "at the top": {**DETAILS, "LeadSource": "SPZA"},
    "an unknown key": {"UserDetails": {**DETAILS, "Email": "x@y.example"}, "WorkEmail": "rosa@mit.edu"},
    "the description": {"UserDetails": {**DETAILS, "Email": ""}, "Description": "rosa@mit.edu"},
    "the campaign": {"UserDetails": {**DETAILS, "Email": ""}, "campaign": "rosa@mit.edu"},
    "the action": {"UserDetails": {**DETAILS, "Email": ""}, "ActionCode": "rosa@mit.edu"},
    "the source": {"UserDetails": {**DETAILS, "Email": ""}, "LeadSource": "rosa@mit.edu|x"},
    "disguised": {"UserDetails": {**DETAILS, "Email": "Rosa <rosa@mit\u200b.\uff45du>"}},
    "text in text": {"raw": json.dumps({"who": "rosa&#64;mit.edu", "name": "Rosa Lima"})},
}


PERSONAL: Final = ("lima", "mit.edu", "northwind", "rosa@", "rosa-", "rosa.", '"rosa', "'rosa")
"""Not her first name alone, which stands in *CRM Pro* and *saas* side by side."""


class TestWithheld:
    @pytest.mark.parametrize("shape", WITHHELD)
    async def test_nothing_is_anywhere(
        self, home: Installation, database_url: str, operator: Visitor, hook: str, shape: str
    ) -> None:
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        answer = await operator.post(hook, WITHHELD[shape], Idempotency_Key="rosa.lima@mit.edu/1")
        found = await read(operator, answer.json()["id"])
        assert found["withheld"]
        assert [each["state"] for each in found["deliveries"]] == ["withheld"]
        kept = (await everything_in(home, database_url)).casefold()
        found = [kept[at - 40 : at + 40] for word in PERSONAL if (at := kept.find(word)) >= 0]
        assert not found

    async def test_the_key_of_a_withheld_lead_is_not_kept(
        self, home: Installation, database_url: str, operator: Visitor
    ) -> None:
        given = lead(customer={"lastName": "Lima", "email": "rosa@mit.edu"}, campaign="rosa-lima")
        first = await operator.post("/v1/leads", given, Idempotency_Key="rosa@mit.edu")
        again = await operator.post("/v1/leads", given, Idempotency_Key="rosa@mit.edu")
        assert (first.status, again.status) == (202, 200)
        assert first.json() == again.json()
        body = json.dumps(given).encode() + b"\n"
        (line,) = lines(await batch(operator, body, **{"Idempotency-Key": "rosa@mit.edu-b"}))
        assert (await read(operator, line["id"]))["withheld"]
        kept = (await everything_in(home, database_url)).casefold()
        found = [kept[at - 40 : at + 40] for word in PERSONAL if (at := kept.find(word)) >= 0]
        assert not found


class TestBytes:
    async def test_a_byte_order_mark(self, operator: Visitor) -> None:
        data = BOM + json.dumps(lead()).encode()
        answer = await operator.call("POST", "/v1/leads", data=data)
        assert answer.status == 202, answer.body
        answer = await batch(operator, data + b"\n" + json.dumps(lead()).encode())
        assert ["id" in line for line in lines(answer)] == [True, True]
        body = BOM + json.dumps({"displayName": "Contoso"}).encode()
        assert (await operator.call("PUT", "/v1/publishers/contoso", data=body)).status == 200

    async def test_a_compressed_body_is_refused_by_its_name(self, shop: Installation) -> None:
        operator = await shop.visitor("operator")
        made = (await operator.post(f"{OFFER}/hooks")).json()
        data = gzip.compress(json.dumps(lead()).encode())
        doors = [
            ("POST", "/v1/leads", "application/json"),
            ("POST", "/v1/leads/batch", "application/x-ndjson"),
            ("POST", f"/hooks/{made['token']}", "application/json"),
            ("PUT", "/v1/publishers/contoso", "application/json"),
            ("PUT", "/api/publishers/contoso/offers/planner?api-version=2017-10-31", "application/json"),
            ("POST", "/tenant/oauth2/token", "application/x-www-form-urlencoded"),
            ("POST", FORM, "application/x-www-form-urlencoded"),
            ("POST", "/portal/sign-in", "application/x-www-form-urlencoded"),
        ]
        for method, path, media_type in doors:
            headers = {"Content-Type": media_type, "Content-Encoding": "gzip", "Origin": "https://leads.example"}
            answer = await operator.call(method, path, data=data, headers=headers)
            assert answer.status == 415, (path, answer.status, answer.body)
            assert b"gzip" in answer.body, (path, answer.body)
        for encoding in ("br", "GZIP", "deflate, gzip", "identity, gzip"):
            answer = await operator.call("POST", "/v1/leads", data=data, headers={"Content-Encoding": encoding})
            assert answer.status == 415
        plain = json.dumps(lead()).encode()
        for encoding in ("identity", "Identity", ""):
            answer = await operator.call("POST", "/v1/leads", data=plain, headers={"Content-Encoding": encoding})
            assert answer.status == 202


class TestHookAddresses:
    @pytest.mark.parametrize("form", ["{}/", "{}//", "/{}", "//hooks//{token}", "/hooks//{token}/"])
    async def test_a_lead_is_not_lost_to_a_slash(self, operator: Visitor, hook: str, form: str) -> None:
        path = form.format(hook, token=hook.rpartition("/")[2])
        answer = await operator.post(path, {"UserDetails": DETAILS | {"Email": "a@b.example"}})
        assert answer.status == 200, answer.body

    async def test_other_addresses_are_not_hooks(self, operator: Visitor, hook: str) -> None:
        for path in (f"{hook}/x", "/hooks/", "/hooks//", f"/x{hook}"):
            assert (await operator.post(path, {"UserDetails": DETAILS})).status in (404, 405)


class TestDepth:
    async def test_a_hook_takes_any_depth_or_refuses_it_in_words(self, operator: Visitor, hook: str) -> None:
        for depth in (200, *range(880, 1_010, 10), 5_000):
            nested = ("[" * depth + "]" * depth).encode()
            answer = await operator.call("POST", hook, data=b'{"x": %b}' % nested)
            assert answer.status in (200, 422), (depth, answer.body)
            if answer.status == 200:
                assert (await operator.get(f"/v1/leads/{answer.json()['id']}")).status == 200
            else:
                assert "nested too deeply" in answer.problem(422, "invalid-request")["detail"]

    async def test_an_offer_s_document_too(self, operator: Visitor) -> None:
        path = "/api/publishers/contoso/offers/deep?api-version=2017-10-31"
        for depth in (50, 120, 190, 250, 5_000):
            nested = ("[" * depth + "]" * depth).encode()
            body = b'{"definition": {"offer": {"x": %b}}, "offerTypeId": "saas"}' % nested
            answer = await operator.call("PUT", path, data=body)
            assert answer.status < 500, (depth, answer.body)
            assert (await operator.get(path)).status < 500


async def test_stored_addresses_are_normal(home: Installation, operator: Visitor) -> None:
    await hand_in(operator, customer={"email": "\u200bRosa@Northwind.example "})
    stored = await home.services.storage.read(lambda conn: conn.scalars(sa.select(t.lead.c.email)).all())
    assert list(stored) == ["rosa@northwind.example"]

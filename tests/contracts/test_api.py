"""What the REST API promises to its callers, over HTTP and both databases."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from leadkeeper.doors.api.app import create_api
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.hooks.route import hook_route
from tests.rooms import Answer, House, Visitor, house, listening
from tests.services.postgres import Postgres

OFFER = "/v1/publishers/contoso/offers/crm-pro"
ENDPOINT = {"httpsEndpointUrl": "https://leads.example/h?code=verysecret"}
DESTINATION = {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": ENDPOINT}
MASK = "*********"
NOWHERE = "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"


def lead(**more: Any) -> dict[str, Any]:
    """A lead as it is handed in."""
    given = {"publisherId": "contoso", "offerId": "crm-pro", "source": "AzureMarketplace", "action": "INS"}
    return given | {"customer": {"lastName": "Lovelace", "email": "ada@contoso.example"}} | more


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    """A house without a worker: deliveries stay as they are."""
    async with house(database_url) as opened:
        yield opened


@pytest.fixture
async def operator(home: House) -> Visitor:
    """May do everything."""
    return await home.visitor("operator")


async def hand_in(visitor: Visitor, **more: Any) -> str:
    """Hand in a lead; its id."""
    answer = await visitor.post("/v1/leads", lead(**more))
    assert answer.status == 202, answer.body
    return str(answer.json()["id"])


async def batch(visitor: Visitor, body: Any, **headers: str) -> Answer:
    """Hand in a batch."""
    return await visitor.call(
        "POST", "/v1/leads/batch", data=body, headers={"Content-Type": "application/x-ndjson"} | headers
    )


def lines(answer: Answer) -> list[dict]:
    """The answers to a batch."""
    assert (answer.status, answer.type) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.body.splitlines()]


class TestPublishersAndOffers:
    async def test_a_publisher_is_made_and_changed(self, operator: Visitor) -> None:
        made = await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        assert made.status == 201
        changed = await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam Ltd"})
        assert changed.status == 200
        read = await operator.get("/v1/publishers/fabrikam")
        assert read.json() == changed.json()
        assert read.json()["displayName"] == "Fabrikam Ltd"
        assert set(read.json()) == {"id", "displayName", "createdTime", "changedTime"}
        listed = (await operator.get("/v1/publishers")).json()
        assert [publisher["id"] for publisher in listed["publishers"]] == ["contoso", "fabrikam"]

    async def test_an_offer_is_made_and_changed(self, operator: Visitor) -> None:
        path = "/v1/publishers/contoso/offers/erp.v2"
        assert (await operator.put(path, {"title": "ERP", "offerType": "saas"})).status == 201
        changed = await operator.put(path, {"title": "ERP 2", "live": False})
        assert changed.status == 200
        assert (await operator.get(path)).json() == changed.json()
        assert changed.json()["title"] == "ERP 2"
        assert changed.json()["live"] is False
        listed = (await operator.get("/v1/publishers/contoso/offers")).json()
        assert [offer["id"] for offer in listed["offers"]] == ["crm-pro", "erp.v2"]
        (await operator.post("/v1/leads", lead(offerId="erp.v2"))).problem(409, "offer-not-live")

    async def test_what_is_not_there(self, operator: Visitor) -> None:
        (await operator.get("/v1/publishers/nobody")).problem(404, "unknown-publisher")
        (await operator.get("/v1/publishers/nobody/offers")).problem(404, "unknown-publisher")
        (await operator.put("/v1/publishers/nobody/offers/x", {"title": "X"})).problem(404, "unknown-publisher")
        for path in ("", "/customer-leads", "/connections", "/connections/a", "/hooks"):
            (await operator.get(f"/v1/publishers/contoso/offers/none{path}")).problem(404, "unknown-offer")

    async def test_a_display_name_that_cannot_be(self, operator: Visitor) -> None:
        for name in (
            "",
            " " * 0,
            "x" * 201,
            "a\x00b",
            "a\x1bb",
        ):
            problem = (await operator.put("/v1/publishers/x", {"displayName": name})).problem(422, "invalid-request")
            assert [error["field"] for error in problem["errors"]] == ["displayName"]

    async def test_ids_that_cannot_be(self, operator: Visitor) -> None:
        for publisher in ("a.b", "-a", "a%00", "x" * 129, "%F0%9F%98%80"):
            answer = await operator.put(f"/v1/publishers/{publisher}", {"displayName": "X"})
            assert answer.problem(422, "invalid-request")["errors"][0]["field"] == "publisherId"


class TestConnections:
    async def test_customer_leads_from_none_to_none(self, operator: Visitor) -> None:
        path = f"{OFFER}/customer-leads"
        assert (await operator.get(path)).json() == {"leadDestination": "none"}
        made = await operator.put(path, DESTINATION)
        assert made.status == 201
        assert made.json()["name"] == "primary"
        read = await operator.get(path)
        assert (await operator.get(f"{OFFER}/connections/primary")).json() == read.json()
        assert (await operator.put(path, read.json())).status == 200
        assert (await operator.put(path, {"leadDestination": "none"})).json() == {"leadDestination": "none"}
        assert (await operator.get(path)).json() == {"leadDestination": "none"}
        assert (await operator.put(path, DESTINATION)).status == 201
        assert (await operator.delete(path)).status == 204
        assert (await operator.delete(path)).status == 204
        assert (await operator.get(path)).json() == {"leadDestination": "none"}

    async def test_secrets_are_masked_and_what_we_made_is_shown_once(self, operator: Visitor) -> None:
        path = f"{OFFER}/customer-leads"
        made = await operator.put(path, DESTINATION)
        secret = made.json()["httpsEndpointLeadConfiguration"]["signingSecret"]
        assert secret.startswith("whsec_")
        assert made.json()["host"] == "leads.example"
        for answer in (
            await operator.get(path),
            await operator.get(f"{OFFER}/connections"),
            await operator.put(path, (await operator.get(path)).json()),
            await operator.post(f"{OFFER}/connections/primary/pause"),
            await operator.post(f"{OFFER}/connections/primary/resume"),
        ):
            assert answer.status == 200
            assert b"verysecret" not in answer.body
            assert secret not in answer.body.decode()
        settings = (await operator.get(path)).json()["httpsEndpointLeadConfiguration"]
        assert settings["httpsEndpointUrl"] == MASK
        assert settings["signingSecret"] == MASK

    async def test_several_connections(self, operator: Visitor) -> None:
        for name in ("b", "a"):
            assert (await operator.put(f"{OFFER}/connections/{name}", DESTINATION)).status == 201
        assert (await operator.put(f"{OFFER}/connections/a", DESTINATION)).status == 200
        listed = (await operator.get(f"{OFFER}/connections")).json()["connections"]
        assert [connection["name"] for connection in listed] == ["a", "b"]
        assert listed[0]["health"] == {"state": "healthy", "diagnosis": None, "closedUntil": None, "probeAt": None}
        answer = await operator.post("/v1/leads", lead())
        assert sorted(d["connection"] for d in answer.json()["deliveries"]) == ["a", "b"]
        assert (await operator.delete(f"{OFFER}/connections/a")).status == 204
        (await operator.delete(f"{OFFER}/connections/a")).problem(404, "unknown-connection")
        (await operator.get(f"{OFFER}/connections/a")).problem(404, "unknown-connection")

    async def test_pausing_holds_leads(self, operator: Visitor) -> None:
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        paused = await operator.post(f"{OFFER}/connections/primary/pause")
        assert paused.json()["health"]["state"] == "paused"
        kept = (await operator.post("/v1/leads", lead())).json()
        assert kept["deliveries"] == [{"connection": "primary", "state": "held"}]
        resumed = await operator.post(f"{OFFER}/connections/primary/resume")
        assert resumed.json()["health"]["state"] == "healthy"
        read = (await operator.get(f"/v1/leads/{kept['id']}")).json()
        assert read["deliveries"][0]["state"] == "pending"

    async def test_acts_on_a_connection_that_is_not_there(self, operator: Visitor) -> None:
        for act in ("validate", "pause", "resume"):
            (await operator.post(f"{OFFER}/connections/x/{act}")).problem(404, "unknown-connection")
        (await operator.post(f"{OFFER}/connections/x/replay", {})).problem(404, "unknown-connection")
        (await operator.post(f"{OFFER}/customer-leads/validate")).problem(404, "unknown-connection")

    async def test_settings_that_cannot_be_taken(self, operator: Visitor) -> None:
        for body, field in (
            ({}, "leadDestination"),
            ({"leadDestination": "pigeon"}, "leadDestination"),
            ({"leadDestination": "httpsEndpoint"}, "httpsEndpointLeadConfiguration"),
            ({"leadDestination": "none", "x": 1}, "x"),
            (
                {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": MASK}},
                "httpsEndpointLeadConfiguration.httpsEndpointUrl",
            ),
            (
                {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": ENDPOINT | {"nope": 1}},
                "httpsEndpointLeadConfiguration.nope",
            ),
        ):
            problem = (await operator.put(f"{OFFER}/customer-leads", body)).problem(422, "invalid-request")
            assert [error["field"] for error in problem["errors"]] == [field]

    async def test_settings_with_half_a_character(self, operator: Visitor) -> None:
        body = json.dumps(DESTINATION).replace("verysecret", "\\ud800").encode()
        answer = await operator.call("PUT", f"{OFFER}/customer-leads", data=body)
        answer.problem(422, "invalid-request")

    async def test_validate_says_what_is_wrong(self, operator: Visitor) -> None:
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        answer = await operator.post(f"{OFFER}/customer-leads/validate")
        assert answer.status == 200
        found = answer.json()
        assert found["ok"] is False
        assert found["diagnosis"]["kind"] in {"addressNotFound", "addressRefused", "connectFailed"}
        assert found["diagnosis"]["steps"]
        assert found["checks"][-1]["ok"] is False


class TestHandingIn:
    async def test_a_lead_is_kept_as_it_was_handed_in(self, operator: Visitor) -> None:
        customer = {
            "firstName": "Ada",
            "lastName": "Lovelace",
            "email": "ada@contoso.example",
            "phone": "+44",
            "country": "GB",
            "company": "Contoso",
            "title": "CTO",
        }
        given = lead(
            source="appsource (spza)", action="plt", customer=customer, description="a\r\n\tb 😀", campaign="c"
        )
        answer = await operator.post("/v1/leads", given)
        assert answer.status == 202
        assert set(answer.json()) == {"id", "deliveries"}
        read = (await operator.get(f"/v1/leads/{answer.json()['id']}")).json()
        assert read["customer"] == customer
        assert (read["description"], read["campaign"], read["extra"]) == ("a\r\n\tb 😀", "c", {})
        assert (read["source"], read["action"]) == ("SPZA", "PLT")
        assert read["leadSource"] == "SPZA-PLT|contoso.crm-pro"

    async def test_little_is_needed(self, operator: Visitor) -> None:
        given = lead(source="Elsewhere", action="Waved", customer={"email": None, "title": ""}, description=None)
        kept = (await operator.post("/v1/leads", given)).json()
        read = (await operator.get(f"/v1/leads/{kept['id']}")).json()
        assert read["unknown"] == ["source", "action"]
        assert set(read["customer"].values()) == {""}
        assert (await operator.post("/v1/leads", {k: v for k, v in lead().items() if k != "customer"})).status == 202

    async def test_what_cannot_be_taken_is_named(self, operator: Visitor) -> None:
        for more, field in (
            ({"source": ""}, "source"),
            ({"source": " "}, "source"),
            ({"source": None}, "source"),
            ({"source": "a-b"}, "source"),
            ({"source": "a|b"}, "source"),
            ({"action": ""}, "action"),
            ({"action": "a|b"}, "action"),
            ({"description": "a\x00b"}, "description"),
            ({"campaign": "\x7f"}, "campaign"),
            ({"customer": {"email": "no address"}}, "customer.email"),
            ({"customer": {"email": "a@b@c"}}, "customer.email"),
            ({"customer": {"email": "a@" + "b" * 319}}, "customer.email"),
            ({"customer": {"phone": 1}}, "customer.phone"),
            ({"customer": {"firstName": "\x85"}}, "customer.firstName"),
            ({"customer": {"mobile": "1"}}, "customer.mobile"),
            ({"customer": "Ada"}, "customer"),
            ({"planId": "x"}, "planId"),
            ({"publisherId": "a\x00"}, "publisherId"),
            ({"offerId": 7}, "offerId"),
        ):
            problem = (await operator.post("/v1/leads", lead(**more))).problem(422, "invalid-request")
            assert [error["field"] for error in problem["errors"]] == [field]
            assert (await operator.get("/v1/leads")).json()["leads"] == []

    async def test_a_problem_repeats_nothing_personal(self, operator: Visitor) -> None:
        given = lead(customer={"email": "secret person", "lastName": "Hidden\x00", "phone": ["0555"]})
        answer = await operator.post("/v1/leads", given)
        answer.problem(422, "invalid-request")
        assert not re.search(rb"secret person|Hidden|0555", answer.body)

    async def test_what_is_no_lead_at_all(self, operator: Visitor) -> None:
        for body in (
            b"",
            b"{",
            b"null",
            b"[]",
            b'"x"',
            b"\xff",
            b'{"source": "\\ud800"}',
            b"[" * 5000,
            b"1e999",
        ):
            answer = await operator.call("POST", "/v1/leads", data=body, headers={"Content-Type": "application/json"})
            answer.problem(422, "invalid-request")

    async def test_other_media_types(self, operator: Visitor) -> None:
        data = json.dumps(lead()).encode()
        for given in ("application/x-www-form-urlencoded", "text/json", "multipart/form-data; boundary=x"):
            answer = await operator.call("POST", "/v1/leads", data=data, headers={"Content-Type": given})
            answer.problem(415, "unsupported-media-type")
        for given in ("application/json; charset=utf-8", "Application/JSON;charset=latin-1", "application/json;"):
            answer = await operator.call("POST", "/v1/leads", data=data, headers={"Content-Type": given})
            assert answer.status == 202

    async def test_a_lead_may_be_64_kib_and_no_more(self, operator: Visitor) -> None:
        least = len(json.dumps(lead(description="")).encode())
        await hand_in(operator, description="x" * (64 * 1024 - least))
        answer = await operator.post("/v1/leads", lead(description="x" * (64 * 1024 - least + 1)))
        answer.problem(413, "too-large")

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 8192

        answer = await operator.call("POST", "/v1/leads", data=chunks())
        answer.problem(413, "too-large")
        answer = await operator.put("/v1/publishers/x", {"displayName": "x" * 70_000})
        answer.problem(413, "too-large")

    async def test_unknown_offers(self, operator: Visitor) -> None:
        (await operator.post("/v1/leads", lead(offerId="other"))).problem(404, "unknown-offer")
        (await operator.post("/v1/leads", lead(publisherId="other"))).problem(404, "unknown-offer")

    async def test_an_idempotency_key_keeps_one(self, operator: Visitor) -> None:
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        first = await operator.post("/v1/leads", lead(), Idempotency_Key="order-1")
        again = await operator.post("/v1/leads", lead(), Idempotency_Key="order-1")
        assert (first.status, again.status) == (202, 200)
        assert again.json() == first.json()
        await operator.post(f"{OFFER}/connections/primary/pause")
        held = (await operator.post("/v1/leads", lead(), Idempotency_Key="order-1")).json()
        assert held["deliveries"] == [{"connection": "primary", "state": "held"}]
        other = await operator.post("/v1/leads", lead(campaign="x"), Idempotency_Key="order-1")
        assert other.problem(422, "idempotency-key-reused")["errors"][0]["field"] == "Idempotency-Key"
        assert (await operator.post("/v1/leads", lead(), Idempotency_Key="order-2")).status == 202
        assert len((await operator.get("/v1/leads")).json()["leads"]) == 2

    async def test_many_at_once_with_one_key_keep_one(self, operator: Visitor) -> None:
        answers = await asyncio.gather(*(operator.post("/v1/leads", lead(), Idempotency_Key="k") for _ in range(20)))
        assert sorted(answer.status for answer in answers) == [200] * 19 + [202]
        assert len({answer.json()["id"] for answer in answers}) == 1

    async def test_an_idempotency_key_that_cannot_be(self, operator: Visitor) -> None:
        for key in (
            "x" * 256,
            "a b",
            "ä",
            " ",
        ):
            answer = await operator.call("POST", "/v1/leads", lead(), headers={"Idempotency-Key": key})
            assert answer.problem(422, "invalid-request")["errors"][0]["field"] == "Idempotency-Key"

    async def test_a_client_that_leaves_harms_nobody(self, home: House, operator: Visitor) -> None:
        host, _, port = home.url.removeprefix("http://").partition(":")
        for path in ("/v1/leads", "/v1/leads/batch", "/hooks/x", "/v1/publishers/x"):
            for content in (b"", b'{"publisherId":'):
                _, writer = await asyncio.open_connection(host, int(port))
                head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {operator.key}\r\n".encode()
                writer.write(head + b"Content-Length: 500\r\nContent-Type: application/json\r\n\r\n" + content)
                await writer.drain()
                writer.transport.abort()
        await hand_in(operator)


class TestBatch:
    async def test_each_line_has_its_answer(self, operator: Visitor) -> None:
        given = [json.dumps(lead(campaign=f"c{n}")).encode() for n in range(4)]
        given[1] = b'{"publisherId": "contoso"}'
        given[2:2] = [b"", b"not json", json.dumps(lead(offerId="none")).encode()]
        found = lines(await batch(operator, b"\r\n".join(given)))
        assert [answer["line"] for answer in found] == [1, 2, 4, 5, 6, 7]
        problems = {
            answer["line"]: answer["problem"]["type"].rpartition(":")[2] for answer in found if "problem" in answer
        }
        assert problems == {2: "invalid-request", 4: "invalid-request", 5: "unknown-offer"}
        for number, campaign in ((1, "c0"), (6, "c2"), (7, "c3")):
            answer = next(answer for answer in found if answer["line"] == number)
            assert answer["deliveries"] == []
            assert (await operator.get(f"/v1/leads/{answer['id']}")).json()["campaign"] == campaign

    async def test_a_batch_sent_again_keeps_each_line_once(self, operator: Visitor) -> None:
        body = b"\n".join(json.dumps(lead(campaign=f"c{n}")).encode() for n in range(10))
        first = lines(await batch(operator, body, **{"Idempotency-Key": "night"}))
        again = lines(await batch(operator, body, **{"Idempotency-Key": "night"}))
        assert again == first
        assert len((await operator.get("/v1/leads")).json()["leads"]) == 10
        (await batch(operator, body, **{"Idempotency-Key": "x" * 241})).problem(422, "invalid-request")

    async def test_large_ones(self, operator: Visitor) -> None:
        body = b"\n".join(json.dumps(lead(campaign=f"c{n}")).encode() for n in range(10_002))
        found = lines(await batch(operator, io.BytesIO(body)))
        assert [answer["line"] for answer in found] == list(range(1, 10_002))
        assert len({answer["id"] for answer in found[:-1]}) == 10_000
        assert found[-1]["problem"]["status"] == 413

    async def test_a_line_that_is_too_long_spoils_no_other(self, operator: Visitor) -> None:
        good = json.dumps(lead()).encode()
        long = json.dumps(lead(description="x" * 300_000)).encode()
        least = json.dumps(lead(description="x" * 65_000)).encode()
        found = lines(await batch(operator, b"\n".join([good, long, good, least, long])))
        assert [answer.get("problem", {}).get("status") for answer in found] == [None, 413, None, None, 413]

    async def test_answers_come_while_it_is_sent(self, operator: Visitor) -> None:
        answered = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield json.dumps(lead()).encode() + b"\n" + json.dumps(lead()).encode()[:20]
            await asyncio.wait_for(answered.wait(), 10)
            yield json.dumps(lead()).encode()[20:]

        headers = {"Authorization": f"Bearer {operator.key}", "Content-Type": "application/x-ndjson"}
        url = f"{operator.url}/v1/leads/batch"
        async with operator.session.post(url, data=body(), headers=headers) as response:
            assert json.loads(await response.content.readline())["line"] == 1
            answered.set()
            assert json.loads(await response.content.readline())["line"] == 2
            assert await response.content.read() == b""

    async def test_an_empty_one(self, operator: Visitor) -> None:
        for body in (b"", b"\n\n"):
            answer = await batch(operator, body)
            assert (answer.status, answer.body) == (200, b"")

    async def test_other_media_types(self, operator: Visitor) -> None:
        answer = await operator.call("POST", "/v1/leads/batch", data=b"{}", headers={"Content-Type": "text/plain"})
        answer.problem(415, "unsupported-media-type")


class TestHooks:
    async def test_from_making_to_ending(self, home: House, operator: Visitor) -> None:
        made = await operator.post(f"{OFFER}/hooks")
        assert made.status == 201
        hook = made.json()
        assert hook["url"] == f"https://leads.example/hooks/{hook['token']}"
        listed = await operator.get(f"{OFFER}/hooks")
        assert [found["id"] for found in listed.json()["hooks"]] == [hook["id"]]
        assert hook["token"] not in listed.body.decode()
        payload = {"userDetails": {"FirstName": "Ada", "Fax": 1}, "LeadSource": "SPZA-PLT|fabrikam.x", "planId": "gold"}
        answer = await home.anyone.post(f"/hooks/{hook['token']}", payload)
        assert answer.status == 200
        assert set(answer.json()) == {"id"}
        read = (await operator.get(f"/v1/leads/{answer.json()['id']}")).json()
        assert (read["offerId"], read["source"], read["action"]) == ("crm-pro", "SPZA", "PLT")
        assert read["extra"] == {"planId": "gold", "userDetails": {"Fax": 1}, "leadSource": "SPZA-PLT|fabrikam.x"}
        assert (await operator.delete(f"{OFFER}/hooks/{hook['id']}")).status == 204
        (await operator.delete(f"{OFFER}/hooks/{hook['id']}")).problem(404, "not-found")
        (await home.anyone.post(f"/hooks/{hook['token']}", payload)).problem(404, "not-found")

    async def test_any_content_type(self, home: House, operator: Visitor) -> None:
        path = f"/hooks/{(await operator.post(f'{OFFER}/hooks')).json()['token']}"
        for given in ("text/plain", "application/x-www-form-urlencoded", "nonsense"):
            answer = await home.anyone.call("POST", path, data=b'{"x": "\xff"}', headers={"Content-Type": given})
            assert answer.status == 200

    async def test_what_holds_no_lead(self, home: House, operator: Visitor) -> None:
        path = f"/hooks/{(await operator.post(f'{OFFER}/hooks')).json()['token']}"
        for body in (b"", b"{}", b"[]", b"x"):
            (await home.anyone.call("POST", path, data=body)).problem(422, "invalid-request")
        (await home.anyone.call("POST", path, data=b" " * 65_537)).problem(413, "too-large")

    async def test_names_of_messages(self, home: House, operator: Visitor) -> None:
        path = f"/hooks/{(await operator.post(f'{OFFER}/hooks')).json()['token']}"
        first = await home.anyone.post(path, {"Description": "a"}, webhook_id="msg 1")
        again = await home.anyone.post(path, {"Description": "a"}, webhook_id="msg 1")
        assert (first.status, again.status) == (200, 200)
        assert first.json() == again.json()
        other = await home.anyone.post(path, {"Description": "b"}, webhook_id="msg 1")
        other.problem(422, "idempotency-key-reused")
        unlike = await home.anyone.post(path, {"Description": "a"}, Idempotency_Key="x" * 999)
        assert unlike.json() != first.json()

    async def test_one_message_for_two_offers_is_two_leads(self, home: House, operator: Visitor) -> None:
        await operator.put("/v1/publishers/contoso/offers/erp", {"title": "ERP"})
        ids = set()
        for offer in ("crm-pro", "erp"):
            hook = (await operator.post(f"/v1/publishers/contoso/offers/{offer}/hooks")).json()
            answer = await home.anyone.post(f"/hooks/{hook['token']}", {"Description": "a"}, webhook_id="m")
            ids.add(answer.json()["id"])
        assert len(ids) == 2

    async def test_of_an_offer_that_is_not_live(self, home: House, operator: Visitor) -> None:
        path = f"/hooks/{(await operator.post(f'{OFFER}/hooks')).json()['token']}"
        await operator.put(OFFER, {"title": "CRM", "live": False})
        (await home.anyone.post(path, {"Description": "a"})).problem(409, "offer-not-live")

    async def test_addresses_that_are_none(self, home: House) -> None:
        for path in ("/hooks/", "/hooks", "/hooks/a/b", "/hooks/nope", "/hooks/%00", "/hooks/%ed%a0%80"):
            (await home.anyone.post(path, {"Description": "a"})).problem(404, "not-found")
        answer = await home.anyone.get("/hooks/nope")
        answer.problem(405, "method-not-allowed")
        assert answer.headers["Allow"] == "POST"


class TestReading:
    async def test_filters(self, operator: Visitor) -> None:
        await operator.put("/v1/publishers/contoso/offers/erp", {"title": "ERP"})
        first = await hand_in(operator, customer={"email": "Ada@Contoso.example"})
        second = await hand_in(
            operator, offerId="erp", source="SPZA", action="PLT", customer={"email": "bob@x.example"}
        )
        marker = "MSFT_TEST_636573304831318844"
        third = await hand_in(operator, source=marker, action=marker, customer={})
        created = (await operator.get(f"/v1/leads/{second}")).json()["createdTime"]

        async def found(query: str) -> list[str]:
            answer = await operator.get(f"/v1/leads?{query}")
            assert answer.status == 200, answer.body
            return [shown["id"] for shown in answer.json()["leads"]]

        assert await found("") == [third, second, first]
        assert await found("publisherId=contoso&offerId=erp") == [second]
        assert await found("publisherId=fabrikam") == []
        assert await found("source=appsource") == [second]
        assert await found("action=plt") == [second]
        assert await found("test=true") == [third]
        assert await found("test=false") == [second, first]
        assert await found("email=ADA@contoso.example") == [first]
        assert await found("since=2000-01-01") == [third, second, first]
        assert await found("until=2000-01-01T00:00:00Z") == []
        assert second in await found(f"since={created}")
        assert second not in await found(f"until={created}")
        assert await found("state=pending") == []
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        assert await found("state=pending") == [third, first]
        await operator.post(f"{OFFER}/connections/primary/pause")
        assert await found("state=held") == [third, first]

    async def test_pages(self, operator: Visitor) -> None:
        ids = [await hand_in(operator) for _ in range(5)]
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await operator.get(f"/v1/leads?limit=2{cursor}")).json()
            seen += [shown["id"] for shown in page["leads"]]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        assert seen == ids[::-1]

    async def test_filters_that_cannot_be(self, operator: Visitor) -> None:
        for query, field in (
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=x", "limit"),
            ("cursor=x", "cursor"),
            ("state=lost", "state"),
            ("since=yesterday", "since"),
            ("test=perhaps", "test"),
            ("email=%00", "email"),
            ("source=%00", "source"),
            ("publisherId=%00", "publisherId"),
            ("publisherID=contoso", "publisherID"),
        ):
            problem = (await operator.get(f"/v1/leads?{query}")).problem(422, "invalid-request")
            assert [error["field"] for error in problem["errors"]] == [field]

    async def test_what_is_not_there(self, operator: Visitor) -> None:
        (await operator.get(f"/v1/leads/{NOWHERE}")).problem(404, "not-found")
        (await operator.get("/v1/leads/x")).problem(422, "invalid-request")
        (await operator.post(f"/v1/deliveries/{NOWHERE}/retry")).problem(404, "unknown-delivery")


class TestAgain:
    async def test_retry_and_replay(self, operator: Visitor) -> None:
        early = await hand_in(operator)
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        late = await hand_in(operator)
        (delivery,) = (await operator.get(f"/v1/leads/{late}")).json()["deliveries"]
        retried = await operator.post(f"/v1/deliveries/{delivery['id']}/retry")
        assert retried.status == 200
        assert retried.json()["state"] in {"pending", "waiting"}
        await operator.put(f"{OFFER}/connections/second", DESTINATION)
        replay = f"{OFFER}/connections/second/replay"
        assert (await operator.post(replay, {"missing": True, "dryRun": True})).json() == {
            "deliveries": 2,
            "dryRun": True,
        }
        assert (await operator.post(replay, {"missing": True})).json() == {"deliveries": 2, "dryRun": False}
        assert (await operator.post(replay, {"missing": True, "until": "2000-01-01T00:00:00Z"})).json()[
            "deliveries"
        ] == 0
        assert (await operator.post(replay, {"states": []})).json()["deliveries"] == 0
        for shown in (early, late):
            deliveries = (await operator.get(f"/v1/leads/{shown}")).json()["deliveries"]
            assert sorted(d["connection"] for d in deliveries) == ["primary", "second"]

    async def test_states_that_cannot_be(self, operator: Visitor) -> None:
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        answer = await operator.post(f"{OFFER}/connections/primary/replay", {"states": ["withheld"]})
        answer.problem(422, "invalid-request")


class TestWhoMay:
    """Every operation against every role: the rows are what each may do, all the rest is forbidden."""

    ROLES = ("operator", "marketplace", "publisher:contoso", "publisher:fabrikam")
    OPEN: tuple[tuple[str, str, object], ...] = (
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("GET", "/metrics", None),
        ("GET", "/openapi.json", None),
    )
    OPERATIONS: tuple[tuple[str, str, object, str], ...] = (
        ("GET", "/v1/publishers", None, "yny+"),
        ("GET", "/v1/publishers/contoso", None, "ynyn"),
        ("PUT", "/v1/publishers/contoso", {"displayName": "Contoso"}, "ynnn"),
        ("GET", "/v1/publishers/contoso/offers", None, "ynyn"),
        ("GET", OFFER, None, "ynyn"),
        ("PUT", OFFER, {"title": "CRM"}, "ynyn"),
        ("GET", f"{OFFER}/customer-leads", None, "ynyn"),
        ("PUT", f"{OFFER}/customer-leads", DESTINATION, "ynyn"),
        ("GET", f"{OFFER}/connections", None, "ynyn"),
        ("GET", f"{OFFER}/connections/primary", None, "ynyn"),
        ("PUT", f"{OFFER}/connections/primary", DESTINATION, "ynyn"),
        ("POST", f"{OFFER}/connections/primary/validate", None, "ynyn"),
        ("POST", f"{OFFER}/customer-leads/validate", None, "ynyn"),
        ("POST", f"{OFFER}/connections/primary/pause", None, "ynyn"),
        ("POST", f"{OFFER}/connections/primary/resume", None, "ynyn"),
        ("POST", f"{OFFER}/connections/primary/replay", {}, "ynyn"),
        ("GET", f"{OFFER}/hooks", None, "ynyn"),
        ("POST", f"{OFFER}/hooks", None, "ynyn"),
        ("POST", "/v1/leads", lead(), "yynn"),
        ("GET", "/v1/leads", None, "ynyy"),
        ("GET", "/v1/leads?publisherId=contoso", None, "ynyn"),
        ("DELETE", f"{OFFER}/customer-leads", None, "ynyn"),
    )

    async def test_roles(self, home: House, operator: Visitor) -> None:
        await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        wrong = []
        for number, role in enumerate(self.ROLES):
            visitor = await home.visitor(role)
            for method, path, body, who in self.OPERATIONS:
                answer = await visitor.call(method, path, body)
                if (answer.status == 403) != (who[number] == "n"):
                    wrong.append((role, method, path, answer.status))
                if answer.status == 403:
                    answer.problem(403, "forbidden")
        assert not wrong

    async def test_nobody_without_a_key(self, home: House, operator: Visitor) -> None:
        revoked = await home.visitor("marketplace")
        await home.rooms.keys.revoke((await home.rooms.keys.list())[-1].id)
        strangers = [
            home.anyone,
            Visitor(home.session, home.url, "lk_wrong"),
            Visitor(home.session, home.url, ""),
            revoked,
        ]
        for stranger in strangers:
            for method, path, body, _ in self.OPERATIONS:
                answer = await stranger.call(method, path, body)
                answer.problem(401, "unauthorized")
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        (await home.anyone.call("POST", "/v1/leads/batch", data=b"x")).problem(401, "unauthorized")
        for method, path, body in self.OPEN:
            assert (await home.anyone.call(method, path, body)).status == 200
        assert (await operator.get("/v1/publishers")).status == 200

    async def test_credentials_that_are_none(self, home: House) -> None:
        for header in (
            "Basic abc",
            "Bearer",
            "Bearer ",
            "lk_x",
            "Bearer \xff",
        ):
            headers = {"Authorization": header.encode("latin-1").decode("utf-8", "surrogateescape")}
            (await home.anyone.call("GET", "/v1/leads", headers=headers)).problem(401, "unauthorized")

    async def test_a_publisher_sees_its_own_leads_only(self, home: House, operator: Visitor) -> None:
        await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        await operator.put("/v1/publishers/fabrikam/offers/erp", {"title": "ERP"})
        await operator.put("/v1/publishers/fabrikam/offers/erp/customer-leads", DESTINATION)
        theirs = await hand_in(operator, publisherId="fabrikam", offerId="erp")
        ours = await hand_in(operator)
        contoso, fabrikam = await home.visitor("publisher:contoso"), await home.visitor("publisher:fabrikam")
        assert [shown["id"] for shown in (await contoso.get("/v1/leads")).json()["leads"]] == [ours]
        (await contoso.get(f"/v1/leads/{theirs}")).problem(404, "not-found")
        (delivery,) = (await fabrikam.get(f"/v1/leads/{theirs}")).json()["deliveries"]
        (await contoso.post(f"/v1/deliveries/{delivery['id']}/retry")).problem(404, "unknown-delivery")
        assert (await fabrikam.post(f"/v1/deliveries/{delivery['id']}/retry")).status == 200
        listed = (await fabrikam.get("/v1/publishers")).json()["publishers"]
        assert [publisher["id"] for publisher in listed] == ["fabrikam"]
        (await (await home.visitor("marketplace")).get(f"/v1/leads/{ours}")).problem(403, "forbidden")
        (await batch(contoso, b"x")).problem(403, "forbidden")


class TestHttp:
    async def test_addresses_and_methods_that_are_none(self, home: House, operator: Visitor) -> None:
        for path in ("/", "/v1", "/v1/", "/v1/nope", "/docs", "/v1/leads/", "/healthz/"):
            (await operator.get(path)).problem(404, "not-found")
        for method, path, allow in (
            ("DELETE", "/v1/leads", "GET, POST"),
            ("GET", "/v1/leads/batch", "POST"),
            ("PATCH", OFFER, "GET, PUT"),
            ("POST", "/healthz", "GET"),
            ("DELETE", f"{OFFER}/hooks", "GET, POST"),
        ):
            answer = await operator.call(method, path)
            answer.problem(405, "method-not-allowed")
            assert answer.headers["Allow"] == allow

    async def test_bodies_that_are_none(self, operator: Visitor) -> None:
        for data in (b"", b"{", b"[]", b'{"displayName": "\\udfff"}', b'{"displayName": NaN}', b"\xff", b"[" * 9999):
            answer = await operator.call(
                "PUT", "/v1/publishers/x", data=data, headers={"Content-Type": "application/json"}
            )
            answer.problem(422, "invalid-request")
        answer = await operator.call("PUT", "/v1/publishers/x", data=b"<x/>", headers={"Content-Type": "text/xml"})
        answer.problem(415, "unsupported-media-type")
        answer = await operator.call("PUT", "/v1/publishers/x", {"displayName": "X", "\ud800": 1})
        answer.problem(422, "invalid-request")

    async def test_a_compressed_body_is_not_understood(self, operator: Visitor) -> None:
        data = gzip.compress(json.dumps(lead()).encode())
        answer = await operator.call("POST", "/v1/leads", data=data, headers={"Content-Encoding": "gzip"})
        answer.problem(422, "invalid-request")

    async def test_measurements(self, home: House, operator: Visitor) -> None:
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        await hand_in(operator)
        await operator.post("/v1/leads", lead(), Idempotency_Key="k")
        await operator.post("/v1/leads", lead(), Idempotency_Key="k")
        await operator.post("/v1/leads", lead(source=""))
        await batch(operator, json.dumps(lead()).encode())
        answer = await home.anyone.get("/metrics")
        assert answer.type == "text/plain"
        text = answer.body.decode()
        for line in (
            'leadkeeper_leads_total{door="api",result="kept"} 2.0',
            'leadkeeper_leads_total{door="api",result="repeat"} 1.0',
            'leadkeeper_leads_total{door="api",result="invalid-request"} 1.0',
            'leadkeeper_leads_total{door="batch",result="kept"} 1.0',
            'leadkeeper_deliveries_waiting{state="pending"} 3.0',
            'leadkeeper_deliveries_waiting{state="held"} 0.0',
            'leadkeeper_request_seconds_count{route="api"} 4.0',
        ):
            assert line in text.splitlines()
        assert "contoso" not in text
        await operator.post(f"{OFFER}/connections/primary/pause")
        assert 'leadkeeper_deliveries_waiting{state="held"} 3.0' in (await home.anyone.get("/metrics")).body.decode()


class TestWhenSomethingIsWrongWithUs:
    async def test_while_the_database_is_away(self, postgres: Postgres) -> None:
        async with house(postgres.create_database()) as home:
            operator = await home.visitor("operator")
            hook = (await operator.post(f"{OFFER}/hooks")).json()
            await home.anyone.post(f"/hooks/{hook['token']}", {"Description": "a"})
            postgres.stop()
            try:
                for answer in (
                    await operator.post("/v1/leads", lead()),
                    await home.anyone.post(f"/hooks/{hook['token']}", {"Description": "b"}),
                    await operator.get("/v1/leads"),
                    await operator.put("/v1/publishers/x", {"displayName": "X"}),
                    await home.anyone.get("/readyz"),
                ):
                    answer.problem(503, "storage-away")
                    assert answer.headers["Retry-After"] == "1"
                found = lines(await batch(operator, json.dumps(lead()).encode() + b"\n{}"))
                assert [answer["problem"]["status"] for answer in found] == [503, 422]
                assert (await home.anyone.get("/healthz")).status == 200
                assert "leadkeeper_leads_total" in (await home.anyone.get("/metrics")).body.decode()
            finally:
                postgres.start()
            await hand_in(operator)
            assert (await home.anyone.get("/readyz")).status == 200

    async def test_a_fault_of_ours_tells_nobody_what_a_customer_wrote(
        self, home: House, operator: Visitor, capsys: pytest.CaptureFixture[str]
    ) -> None:
        class Broken:
            def __getattr__(self, _: str) -> Any:
                raise RuntimeError("ada@contoso.example")

        fault: Any = Broken()
        rooms = replace(home.rooms, catalogue=fault, intake=fault)
        hook = (await operator.post(f"{OFFER}/hooks")).json()
        async with listening(create_api(rooms, Metrics(), hook_route(rooms.hooks, rooms.intake))) as url:
            visitor = Visitor(home.session, url, operator.key)
            for answer in (
                await visitor.post("/v1/leads", lead()),
                await visitor.get("/v1/publishers"),
                await visitor.post(f"/hooks/{hook['token']}", {"Description": "ada"}),
            ):
                answer.problem(500, "internal")
                assert b"ada" not in answer.body
        told = "".join(capsys.readouterr())
        assert told.count("request failed") == 3
        assert "RuntimeError" in told
        assert "ada@contoso" not in told
        assert hook["token"] not in told

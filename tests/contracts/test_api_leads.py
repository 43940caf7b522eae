"""What the REST API and the hooks promise those who hand in leads, over both databases."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator

from tests.in_process import (
    DESTINATION,
    OFFER,
    Installation,
    Visitor,
    batch,
    hand_in,
    lead,
    lines,
)


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
        assert other.problem(409, "idempotency-key-reused")["errors"][0]["field"] == "Idempotency-Key"
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

    async def test_a_client_that_leaves_harms_nobody(self, home: Installation, operator: Visitor) -> None:
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
            answer["line"]: answer["problem"]["type"].rpartition("#")[2] for answer in found if "problem" in answer
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
            await asyncio.wait_for(answered.wait(), 60)
            yield json.dumps(lead()).encode()[20:]

        headers = {"Authorization": f"Bearer {operator.key}", "Content-Type": "application/x-ndjson"}
        url = f"{operator.url}/v1/leads/batch"
        async with operator.session.post(url, data=body(), headers=headers) as response:
            assert json.loads(await response.content.readline())["line"] == 1
            answered.set()
            assert json.loads(await response.content.readline())["line"] == 2
            assert await response.content.read() == b""

    async def test_a_client_that_sends_all_before_it_reads(self, home: Installation, operator: Visitor) -> None:
        wrong = json.dumps({f"key{number}": 1 for number in range(40)}).encode() + b"\n"
        body = wrong * 9_000
        host, _, port = home.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=64)
        head = f"POST /v1/leads/batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        writer.write(
            f"{head}Content-Type: application/x-ndjson\r\nAuthorization: Bearer {operator.key}\r\n\r\n".encode()
        )
        for start in range(0, len(body), 60_000):
            writer.write(body[start : start + 60_000])
            await asyncio.wait_for(writer.drain(), 60)
        answers = (await reader.read(-1)).count(b'{"line":')
        writer.close()
        assert answers == 9_000

    async def test_an_empty_one(self, operator: Visitor) -> None:
        for body in (b"", b"\n\n"):
            answer = await batch(operator, body)
            assert (answer.status, answer.body) == (200, b"")

    async def test_other_media_types(self, operator: Visitor) -> None:
        answer = await operator.call("POST", "/v1/leads/batch", data=b"{}", headers={"Content-Type": "text/plain"})
        answer.problem(415, "unsupported-media-type")


class TestHooks:
    async def test_from_making_to_ending(self, home: Installation, operator: Visitor) -> None:
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

    async def test_any_content_type(self, home: Installation, operator: Visitor) -> None:
        path = f"/hooks/{(await operator.post(f'{OFFER}/hooks')).json()['token']}"
        for given in ("text/plain", "application/x-www-form-urlencoded", "nonsense"):
            answer = await home.anyone.call("POST", path, data=b'{"x": "\xff"}', headers={"Content-Type": given})
            assert answer.status == 200

    async def test_what_holds_no_lead(self, home: Installation, operator: Visitor) -> None:
        path = f"/hooks/{(await operator.post(f'{OFFER}/hooks')).json()['token']}"
        for body in (b"", b"{}", b"[]", b"x"):
            (await home.anyone.call("POST", path, data=body)).problem(422, "invalid-request")
        (await home.anyone.call("POST", path, data=b" " * 65_537)).problem(413, "too-large")

    async def test_names_of_messages(self, home: Installation, operator: Visitor) -> None:
        path = f"/hooks/{(await operator.post(f'{OFFER}/hooks')).json()['token']}"
        first = await home.anyone.post(path, {"Description": "a"}, webhook_id="msg 1")
        again = await home.anyone.post(path, {"Description": "a"}, webhook_id="msg 1")
        assert (first.status, again.status) == (200, 200)
        assert first.json() == again.json()
        other = await home.anyone.post(path, {"Description": "b"}, webhook_id="msg 1")
        other.problem(409, "idempotency-key-reused")
        unlike = await home.anyone.post(path, {"Description": "a"}, Idempotency_Key="x" * 999)
        assert unlike.json() != first.json()

    async def test_one_message_for_two_offers_is_two_leads(self, home: Installation, operator: Visitor) -> None:
        await operator.put("/v1/publishers/contoso/offers/erp", {"title": "ERP"})
        ids = set()
        for offer in ("crm-pro", "erp"):
            hook = (await operator.post(f"/v1/publishers/contoso/offers/{offer}/hooks")).json()
            answer = await home.anyone.post(f"/hooks/{hook['token']}", {"Description": "a"}, webhook_id="m")
            ids.add(answer.json()["id"])
        assert len(ids) == 2

    async def test_of_an_offer_that_is_not_live(self, home: Installation, operator: Visitor) -> None:
        path = f"/hooks/{(await operator.post(f'{OFFER}/hooks')).json()['token']}"
        await operator.put(OFFER, {"title": "CRM", "live": False})
        (await home.anyone.post(path, {"Description": "a"})).problem(409, "offer-not-live")

    async def test_addresses_that_are_none(self, home: Installation) -> None:
        for path in ("/hooks/", "/hooks", "/hooks/a/b", "/hooks/nope", "/hooks/%00", "/hooks/%ed%a0%80"):
            (await home.anyone.post(path, {"Description": "a"})).problem(404, "not-found")
        answer = await home.anyone.get("/hooks/nope")
        answer.problem(405, "method-not-allowed")
        assert answer.headers["Allow"] == "POST"

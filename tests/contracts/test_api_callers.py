"""Who may call what, how requests that are none are answered, and what we say when the fault is ours."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from leadkeeper.doors.api.app import create_api
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.hooks.route import hook_route
from tests.in_process import (
    DESTINATION,
    OFFER,
    Installation,
    Visitor,
    batch,
    hand_in,
    installation,
    lead,
    lines,
    listening,
)
from tests.services.postgres import Postgres


class TestWhoMay:
    """Every operation against every role: the rows are what each may do, all the rest is forbidden."""

    ROLES = ("operator", "marketplace", "publisher:contoso", "publisher:fabrikam")
    OPEN: tuple[tuple[str, str, object], ...] = (
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("GET", "/openapi.json", None),
    )
    OPERATIONS: tuple[tuple[str, str, object, str], ...] = (
        ("GET", "/metrics", None, "ynnn"),
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
        ("POST", f"{OFFER}/connections/primary/preview", {}, "ynyn"),
        ("POST", f"{OFFER}/connections/primary/replay", {}, "ynyn"),
        ("GET", "/v1/explain?q=606", None, "ynyy"),
        ("GET", f"{OFFER}/hooks", None, "ynyn"),
        ("POST", f"{OFFER}/hooks", None, "ynyn"),
        ("POST", "/v1/leads", lead(), "yynn"),
        ("GET", "/v1/leads", None, "ynyy"),
        ("GET", "/v1/leads?publisherId=contoso", None, "ynyn"),
        ("POST", "/v1/leads/find", {"email": "ada@contoso.example"}, "ynyy"),
        ("GET", "/v1/audit", None, "ynyy"),
        ("GET", "/v1/audit?publisherId=contoso", None, "ynyn"),
        ("DELETE", f"{OFFER}/customer-leads", None, "ynyn"),
    )

    async def test_roles(self, home: Installation, operator: Visitor) -> None:
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

    async def test_nobody_without_a_key(self, database_url: str) -> None:
        async with installation(database_url, sign_in_limit="10000/minute") as home:
            await self.nobody(home, await home.visitor("operator"))

    async def nobody(self, home: Installation, operator: Visitor) -> None:
        """Every operation, as somebody without a key or with one that is good for nothing."""
        revoked = await home.visitor("marketplace")
        await home.services.access.keys.revoke((await home.services.access.keys.list())[-1].id)
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

    async def test_credentials_that_are_none(self, home: Installation) -> None:
        for header in (
            "Basic abc",
            "Bearer",
            "Bearer ",
            "lk_x",
            "Bearer \xff",
        ):
            headers = {"Authorization": header.encode("latin-1").decode("utf-8", "surrogateescape")}
            (await home.anyone.call("GET", "/v1/leads", headers=headers)).problem(401, "unauthorized")

    async def test_a_publisher_sees_its_own_leads_only(self, home: Installation, operator: Visitor) -> None:
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


def _matches(form: str, path: str) -> bool:
    """Whether ``path`` is an address of ``form``; a parameter stands for any part."""
    parts, wanted = path.split("/"), form.split("/")
    return len(parts) == len(wanted) and all(
        each == other or other.startswith("{") for each, other in zip(parts, wanted, strict=True)
    )


class TestHttp:
    async def test_addresses_and_methods_that_are_none(self, home: Installation, operator: Visitor) -> None:
        for path in (
            "/",
            "/v1",
            "/v1/",
            "/v1/nope",
            "/v1/nope/",
            "/v1//leads",
            f"{OFFER}%2F",
            "/v1/publishers//offers",
        ):
            (await operator.get(path)).problem(404, "not-found")
        for method, path, allow in (
            ("DELETE", "/v1/leads", "GET, HEAD, POST"),
            ("GET", "/v1/leads/batch", "POST"),
            ("PATCH", OFFER, "GET, HEAD, PUT"),
            ("POST", "/healthz", "GET, HEAD"),
            ("DELETE", f"{OFFER}/hooks", "GET, HEAD, POST"),
        ):
            answer = await operator.call(method, path)
            answer.problem(405, "method-not-allowed")
            assert answer.headers["Allow"] == allow

    async def test_head_is_answered_wherever_get_is(self, operator: Visitor) -> None:
        for path in (
            "/healthz",
            "/readyz",
            "/metrics",
            "/openapi.json",
            "/v1/leads",
            "/v1/publishers",
            OFFER,
            "/v1/nope",
        ):
            head, whole = await operator.call("HEAD", path), await operator.get(path)
            assert (head.status, head.type, head.body) == (whole.status, whole.type, b""), path
            if path != "/metrics":  # which counts what it is asked
                assert head.headers["Content-Length"] == whole.headers["Content-Length"]
        refused = await operator.call("HEAD", "/v1/leads/batch/")
        assert (refused.status, refused.headers["Allow"], refused.body) == (405, "POST", b"")
        for path in ("/healthz", "/v1/leads"):  # the connection goes on with the next request
            assert (await operator.call("HEAD", path)).status == 200

    async def test_head_needs_the_key_that_get_needs(self, home: Installation) -> None:
        for path in ("/v1/leads", "/metrics"):
            assert (await home.anyone.call("HEAD", path)).status == 401
        marketplace = await home.visitor("marketplace")
        assert (await marketplace.call("HEAD", "/v1/publishers")).status == 403

    async def test_a_slash_at_the_end_is_no_matter(self, home: Installation, operator: Visitor) -> None:
        for path in ("/healthz", "/metrics", "/v1/leads", "/v1/publishers", OFFER, f"{OFFER}/hooks"):
            for end in ("/", "//", "/?"):
                answer = await operator.get(path + end)
                assert (answer.status, answer.type) == (200, (await operator.get(path)).type), path + end
        assert (await operator.put("/v1/publishers/fabrikam/", {"displayName": "F"})).status == 201
        for path in ("/metrics/", "/v1/leads/", "/metrics//"):
            (await home.anyone.get(path)).problem(401, "unauthorized")

    async def test_an_id_that_is_left_out_harms_nothing(self, operator: Visitor) -> None:
        """No address with an id at its end may, without it, be one where the same method changes something."""
        paths = (await operator.get("/openapi.json")).json()["paths"]
        known = {(path, method) for path, methods in paths.items() for method in methods if method != "get"}
        left = {(path.rpartition("/{")[0], method) for path, method in known if path.endswith("}")}
        assert [
            (path, form) for path, method in left for form, each in known if each == method and _matches(form, path)
        ] == []

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

    async def test_a_compressed_body_is_not_taken(self, operator: Visitor) -> None:
        data = gzip.compress(json.dumps(lead()).encode())
        answer = await operator.call("POST", "/v1/leads", data=data, headers={"Content-Encoding": "gzip"})
        assert "gzip" in answer.problem(415, "unsupported-media-type")["detail"]

    async def test_measurements(self, home: Installation, operator: Visitor) -> None:
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        await hand_in(operator)
        await operator.post("/v1/leads", lead(), Idempotency_Key="k")
        await operator.post("/v1/leads", lead(), Idempotency_Key="k")
        await operator.post("/v1/leads", lead(source=""))
        await batch(operator, json.dumps(lead()).encode())
        answer = await operator.get("/metrics")
        assert answer.type == "text/plain"
        text = answer.body.decode()
        for line in (
            'leadkeeper_leads_total{door="api",result="kept"} 2.0',
            'leadkeeper_leads_total{door="api",result="repeat"} 1.0',
            'leadkeeper_leads_total{door="api",result="invalid-request"} 1.0',
            'leadkeeper_leads_total{door="batch",result="kept"} 1.0',
            'leadkeeper_deliveries_waiting{state="waiting"} 3.0',
            'leadkeeper_deliveries_waiting{state="held"} 0.0',
            'leadkeeper_request_seconds_count{route="api"} 4.0',
        ):
            assert line in text.splitlines()
        assert "contoso" not in text
        await operator.post(f"{OFFER}/connections/primary/pause")
        # Counted anew a second later at the earliest.
        for _ in range(3_000):
            text = (await operator.get("/metrics")).body.decode()
            if 'leadkeeper_deliveries_waiting{state="held"} 3.0' in text:
                return
            await asyncio.sleep(0.02)
        pytest.fail(text)


class TestWhenSomethingIsWrongWithUs:
    async def test_while_the_database_is_away(self, postgres: Postgres) -> None:
        async with installation(postgres.create_database()) as home:
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
                assert "leadkeeper_leads_total" in (await operator.get("/metrics")).body.decode()
            finally:
                postgres.start()
            await hand_in(operator)
            assert (await home.anyone.get("/readyz")).status == 200

    async def test_a_fault_of_ours_tells_nobody_what_a_customer_wrote(
        self, home: Installation, operator: Visitor, capsys: pytest.CaptureFixture[str]
    ) -> None:
        class Broken:
            def __getattr__(self, _: str) -> Any:
                raise RuntimeError("ada@contoso.example")

        fault: Any = Broken()
        services = replace(home.services, offers=replace(home.services.offers, catalogue=fault), intake=fault)
        hook = (await operator.post(f"{OFFER}/hooks")).json()
        async with listening(
            create_api(services, Metrics(), hook_route(services.access.hooks, services.intake))
        ) as url:
            visitor = Visitor(home.session, url, operator.key)
            for answer in (
                await visitor.post("/v1/leads", lead()),
                await visitor.get("/v1/publishers"),
                await visitor.post(f"/hooks/{hook['token']}", {"Description": "ada@contoso.example"}),
            ):
                answer.problem(500, "internal")
                assert b"ada@" not in answer.body
        summary = "".join(capsys.readouterr())
        assert summary.count("request failed") == 3
        assert "RuntimeError" in summary
        assert "ada@contoso" not in summary
        assert hook["token"] not in summary

"""What the REST API promises those who set things up and look at what became of leads, over both databases."""

from __future__ import annotations

import json

from tests.in_process import (
    DESTINATION,
    ENDPOINT,
    MASK,
    NOWHERE,
    OFFER,
    Visitor,
    hand_in,
    lead,
)


class TestPublishersAndOffers:
    async def test_a_publisher_is_made_and_changed(self, operator: Visitor) -> None:
        made = await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        assert made.status == 201
        changed = await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam Ltd"})
        assert changed.status == 200
        read = await operator.get("/v1/publishers/fabrikam")
        assert read.json() == changed.json()
        assert read.json()["displayName"] == "Fabrikam Ltd"
        times = {"createdTime", "changedTime", "suspendedTime"}
        assert set(read.json()) == times | {"id", "displayName", "contact", "suspendedFor", "quotas", "ownQuotas"}
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

    async def test_what_is_left_out_stays_as_it_is(self, operator: Visitor) -> None:
        for path, name, rule in (
            ("/v1/publishers/fabrikam", "displayName", "a new publisher needs a name"),
            ("/v1/publishers/fabrikam/offers/erp", "title", "a new offer needs a title"),
        ):
            for body in ({}, {name: None}):
                problem = (await operator.put(path, body)).problem(422, "invalid-request")
                assert problem["errors"] == [{"field": name, "message": rule}]
            assert (await operator.get(path)).status == 404, "nothing is made"
            assert (await operator.put(path, {name: "Its name"})).status == 201
        changed = await operator.put("/v1/publishers/fabrikam", {"contact": "me"})
        assert (changed.status, changed.json()["displayName"], changed.json()["contact"]) == (200, "Its name", "me")
        changed = await operator.put("/v1/publishers/fabrikam/offers/erp", {"live": False})
        assert (changed.status, changed.json()["title"], changed.json()["live"]) == (200, "Its name", False)

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
        assert made.json()["host"] == "crm.example"
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
        assert listed[0]["health"] == {
            "state": "notTried",
            "trouble": None,
            "since": None,
            "diagnosis": None,
            "closedUntil": None,
            "probeAt": None,
        }
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
        assert resumed.json()["health"]["state"] == "notTried"
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
            ("email=ada@contoso.example", "email"),
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
    async def test_preview_sends_nothing(self, operator: Visitor) -> None:
        await operator.put(f"{OFFER}/connections/second", DESTINATION)
        preview = f"{OFFER}/connections/second/preview"
        body = {"source": "SPZA", "action": "PLT", "customer": {"firstName": "Ada"}}
        shown = (await operator.post(preview, body)).json()
        assert shown["destination"] == "https_endpoint"
        assert shown["record"]["UserDetails"]["FirstName"] == "Ada"
        assert shown["record"]["LeadSource"] == "SPZA-PLT|contoso.crm-pro"
        assert (await operator.post(preview, {})).json()["record"]["IsTest"] is True
        assert (await operator.get("/v1/leads")).json()["leads"] == []
        (await operator.post(f"{OFFER}/connections/none/preview", {})).problem(404, "unknown-connection")

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

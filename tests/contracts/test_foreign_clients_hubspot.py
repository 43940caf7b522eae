"""The stand-in of HubSpot, called by HubSpot's own client for Python, unchanged, over TLS."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import Clock
from tests.contracts.foreign_calls import Calls, page_differs, python_calls


@pytest.fixture
async def sandbox(authority: Authority) -> AsyncIterator[Sandbox]:
    def accounts(clock: Clock) -> Sequence[HubSpot]:
        return [HubSpot(clock)]

    async with Sandbox(authority.ca_file.parent, accounts) as opened:
        yield opened
        assert opened.mistakes == []


async def test_hubspot_api_client(sandbox: Sandbox) -> None:
    calls = await python_calls(sandbox, "hubspot_calls.py", sandbox.stand_in(HubSpot).account.token)
    works_with_one_contact(calls)
    works_with_batches(calls)
    works_with_leads(calls)
    merges_and_archives(calls)
    assert page_differs("hubspot-api-client", calls) == set()


def refused(calls: Calls, name: str) -> Any:
    """Status and body of a call that was refused."""
    code, _, text = calls.raised(name)[1].partition(" ")
    body = json.loads(text.partition("HTTP response body: ")[2])
    return int(code), body["category"]


def works_with_one_contact(calls: Calls) -> None:
    assert refused(calls, "contacts.basic_api.get_page with a wrong token") == (401, "INVALID_AUTHENTICATION")
    made = calls.message("contacts.basic_api.create")
    assert (made["properties"]["firstname"], made["archived"]) == ("Ada", False)
    assert refused(calls, "contacts.basic_api.create again") == (409, "CONFLICT")
    assert refused(calls, "contacts.basic_api.create wrong") == (400, "VALIDATION_ERROR")
    assert calls.message("contacts.basic_api.get_by_id")["properties"]["city"] is None
    assert calls.message("contacts.basic_api.get_by_id by address")["id"] == made["id"]
    assert refused(calls, "contacts.basic_api.get_by_id of none") == (404, "OBJECT_NOT_FOUND")
    assert calls.message("contacts.basic_api.update")["properties"]["city"] == "London"
    assert [each["id"] for each in calls.message("contacts.basic_api.get_page")["results"]] == [made["id"]]


def works_with_batches(calls: Calls) -> None:
    assert [each["new"] for each in calls.message("contacts.batch_api.upsert")["results"]] == [True, False]
    read = calls.message("contacts.batch_api.read")
    assert [each["properties"]["city"] for each in read["results"]] == ["Paris"]
    assert read["errors"][0]["context"] == {"ids": ["nobody@navy.example"]}
    partly = calls.message("contacts.batch_api.create")
    assert (len(partly["results"]), partly["num_errors"]) == (1, 1)
    assert partly["errors"][0]["context"]["objectWriteTraceId"] == ["two"]
    assert calls.message("contacts.batch_api.update")["results"][0]["properties"]["city"] == "Rome"
    assert calls.message("contacts.search_api.do_search")["total"] == 0


def works_with_leads(calls: Calls) -> None:
    assert calls.message("objects.basic_api.create")["properties"]["hs_lead_name"] == "Ada"
    assert refused(calls, "objects.basic_api.create without a contact") == (400, "VALIDATION_ERROR")
    (tie,) = calls.message("associations.v4.basic_api.get_page")["results"]
    assert tie["association_types"][0]["type_id"] == 578
    names = {each["name"] for each in calls.message("properties.core_api.get_all")["results"]}
    assert names >= {"email", "firstname", "hs_lead_status"}
    assert calls.message("properties.core_api.get_by_name")["label"] == "Lead name"


def merges_and_archives(calls: Calls) -> None:
    merged = calls.message("contacts.basic_api.merge")
    assert merged["properties"]["email"] == "ada@analytical.example"
    assert calls.message("contacts.basic_api.archive") is None
    assert calls.message("contacts.batch_api.archive") is None

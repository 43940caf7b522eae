"""The stand-in of Marketo, called by marketorestpython, unchanged, over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.marketo.leads import Subscription
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import Clock
from tests.contracts.foreign_calls import Calls, page_differs, python_calls


@pytest.fixture
async def sandbox(authority: Authority) -> AsyncIterator[Sandbox]:
    def subscriptions(clock: Clock) -> Sequence[Marketo]:
        return [Marketo(clock, [Subscription()])]

    async with Sandbox(authority.ca_file.parent, subscriptions) as opened:
        yield opened
        assert opened.mistakes == []


async def test_marketorestpython(sandbox: Sandbox) -> None:
    there = sandbox.stand_in(Marketo).subscription
    words = (there.munchkin_id, there.client_id, there.client_secret)
    calls = await python_calls(sandbox, "marketo_calls.py", *words)
    signs_in_and_describes(calls)
    writes(calls)
    reads(calls)
    sends_otherwise(calls)
    tells_what_happened(calls)
    merges_and_deletes(calls)
    reads_forms(calls)
    counts(calls)
    assert page_differs("marketorestpython", calls) == set()


def refused(calls: Calls, name: str) -> str:
    """The code with which a call was refused."""
    text = calls.raised(name)[1]
    return text.partition("'code': '")[2].partition("'")[0]


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [each["reasons"][0]["code"] if each["status"] == "skipped" else each["status"] for each in results]


def signs_in_and_describes(calls: Calls) -> None:
    assert "Bad client credentials" in calls.raised("authenticate with a wrong secret")[1]
    assert calls.message("authenticate") == [None, "bearer", True]
    names = {each["rest"]["name"]: each for each in calls.message("describe") if "rest" in each}
    assert names.keys() >= {"id", "email", "firstName", "createdAt", "updatedAt", "leadSource", "marketplaceLeadId"}
    assert names["id"]["rest"]["readOnly"] is True
    (about,) = calls.message("describe2")
    assert about["name"] == "API Lead"
    assert ["email"] in about["searchableFields"]
    fields = {each["name"]: each for each in about["fields"]}
    assert (fields["email"]["dataType"], fields["email"]["updateable"]) == ("email", True)
    assert fields["id"]["updateable"] is False
    assert [each["name"] for each in calls.message("get_lead_partitions")] == ["Default"]


def writes(calls: Calls) -> None:
    made = calls.message("create_update_leads")
    assert statuses(made) == ["created", "created"]
    assert calls.message("create_update_leads again") == [{"id": made[0]["id"], "status": "updated"}]
    assert statuses(calls.message("create_update_leads createOnly")) == ["1005"]
    assert statuses(calls.message("create_update_leads updateOnly")) == ["1004"]
    assert statuses(calls.message("create_update_leads updateOnly by id")) == ["updated", "1004"]
    assert refused(calls, "create_update_leads createOnly by id") == "1003"
    assert refused(calls, "create_update_leads by an unknown field") == "1006"
    assert statuses(calls.message("create_update_leads with an unknown field")) == ["1006"]


def reads(calls: Calls) -> None:
    usual = {"id", "email", "firstName", "lastName", "createdAt", "updatedAt"}
    (lead,) = calls.message("get_lead_by_id")
    assert (lead.keys(), lead["firstName"]) == (usual, "Ada")
    (some,) = calls.message("get_lead_by_id of some fields")
    assert some.keys() == {"id", "email", "title", "city", "createdAt"}
    assert (some["title"], some["city"]) == ("Countess", "London")
    assert calls.message("get_lead_by_id of none") == []
    for how in ("", " page by page"):
        found = calls.message(f"get_multiple_leads_by_filter_type{how}")
        assert [each["email"] for each in found] == ["ada@analytical.test", "grace@navy.test"]
    (by_id,) = calls.message("get_multiple_leads_by_filter_type by id")
    assert by_id == {"id": lead["id"], "email": "ada@analytical.test"}
    assert refused(calls, "get_multiple_leads_by_filter_type by a field that is not searched") == "1011"
    assert refused(calls, "get_multiple_leads_by_filter_type of an unknown field") == "1006"


def sends_otherwise(calls: Calls) -> None:
    assert statuses(calls.message("submit_form")) == ["created"]
    assert statuses(calls.message("submit_form of a draft")) == ["1013"]
    assert statuses(calls.message("push_lead")) == ["created"]
    assert refused(calls, "push_lead to no program") == "1013"
    assert calls.message("associate_lead") is True
    assert refused(calls, "associate_lead of none") == "1004"
    assert statuses(calls.message("update_leads_partition")) == ["updated", "1008"]


def tells_what_happened(calls: Calls) -> None:
    types = {each["id"]: each["name"] for each in calls.message("get_activity_types")}
    assert (types[12], types[13], types[37]) == ("New Lead", "Change Data Value", "Delete Lead")
    assert isinstance(calls.message("get_paging_token"), str)
    assert refused(calls, "get_paging_token of no date") == "704"
    activities = calls.message("get_lead_activities")
    first = calls.message("create_update_leads")[0]["id"]
    assert [each["activityTypeId"] for each in activities if each["leadId"] == first] == [12, 13, 13]
    assert len(calls.message("get_lead_activities of one lead")) == 1
    assert calls.message("get_lead_activities_yield") == [2, 2]
    changes = [field["name"] for each in calls.message("get_lead_changes") for field in each["fields"]]
    assert changes == ["title", "city"]
    assert calls.message("get_lead_changes_yield") == 1


def merges_and_deletes(calls: Calls) -> None:
    assert statuses(calls.message("create_update_leads createDuplicate")) == ["created"]
    assert statuses(calls.message("create_update_leads of two that match")) == ["1007"]
    assert calls.message("merge_lead") is True
    assert refused(calls, "merge_lead with none") == "1004"
    assert len(calls.message("get_multiple_leads_by_filter_type after the merge")) == 1
    assert statuses(calls.message("delete_lead")) == ["deleted", "1004"]
    assert calls.message("get_lead_by_id after its deletion") == []
    gone = calls.message("get_deleted_leads")
    second = calls.message("create_update_leads")[1]["id"]
    assert [(each["leadId"], each["activityTypeId"]) for each in gone] == [(second, 37)]


def reads_forms(calls: Calls) -> None:
    for how in ("get_form_by_id", "get_form_by_name"):
        (form,) = calls.message(how)
        assert (form["id"], form["name"], form["status"]) == (1179, "MarketplaceLeadBackend", "approved")
    assert [each["id"] for each in calls.message("get_forms")] == [1179, 1180, 1181]
    assert [each["id"] for each in calls.message("get_form_fields") if each["required"]] == ["Email", "LastName"]


def counts(calls: Calls) -> None:
    (today,) = calls.message("get_daily_usage")
    assert today["total"] > 30
    assert sum(each["count"] for each in today["users"]) == today["total"]
    assert len(calls.message("get_last_7_days_usage")) == 7
    (errors,) = calls.message("get_daily_errors")
    assert {each["errorCode"] for each in errors["errors"]} >= {"1003", "704", "1013"}
    assert sum(each["count"] for each in errors["errors"]) == errors["total"]
    assert len(calls.message("get_last_7_days_errors")) == 7
    for out_of_scope in ("get_multiple_leads_by_list_id", "get_smart_campaigns_by_lead_id"):
        assert refused(calls, out_of_scope) == "610"

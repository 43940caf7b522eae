"""The states of the HubSpot stand-in in which its REST API refuses, asked with plain requests."""

from __future__ import annotations

import pytest

from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.hubspot.states import LACKING, REFUSALS, STATES
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.cases import hubspot_states
from tests.contracts.hubspot_caller import (
    ADA,
    CONTACTS,
    HOST,
    LEADS,
    Session,
    accounts,
    hubspot,
    reasons,
    refused,
    rest,
)

__all__ = ["hubspot", "rest"]
stand_ins = accounts


@pytest.mark.parametrize("state", REFUSALS)
async def test_states_that_refuse_every_call(rest: Session, hubspot: HubSpot, state: str) -> None:
    hubspot.choose(state)
    wanted = REFUSALS[state]
    for summary in (
        await rest("GET", f"{HOST}/account-info/v3/details"),
        await rest("POST", CONTACTS, {"properties": ADA}),
    ):
        assert summary.status == wanted.status
        if wanted.page:
            assert summary.headers["Content-Type"].startswith("text/html")
        else:
            assert summary.json.get("category", "") == wanted.category
            assert summary.json.get("policyName", "") == wanted.policy
        assert summary.headers.get("Retry-After") == wanted.headers.get("Retry-After")
    assert hubspot.received() == []


@pytest.mark.parametrize("state", [each for each in LACKING if each != "formsScopeMissing"])
async def test_states_in_which_scopes_are_missing(rest: Session, hubspot: HubSpot, state: str) -> None:
    number = await rest.make()
    hubspot.choose(state)
    calls = {
        "crm.objects.contacts.read": await rest("GET", CONTACTS),
        "crm.objects.contacts.write": await rest("PATCH", f"{CONTACTS}/{number}", {"properties": {"city": "Paris"}}),
        "crm.objects.leads.read": await rest("GET", LEADS),
        "crm.objects.leads.write": await rest.lead(number),
    }
    lacks = {scope for scope, summary in calls.items() if summary.status == 403}
    assert lacks == LACKING[state] - {"crm.schemas.contacts.read"}


async def test_states_that_refuse_what_is_written(rest: Session, hubspot: HubSpot) -> None:
    hubspot.choose("ruleViolated")
    summary = await rest("POST", CONTACTS, {"properties": ADA})
    refused(summary)
    assert summary.json["errors"][0]["context"] == {"propertyName": ["email"]}
    for state, reason in (
        ("emailRefused", ("INVALID_EMAIL", "email")),
        ("propertyGone", ("PROPERTY_DOESNT_EXIST", "company")),
        ("propertyFixed", ("READ_ONLY_VALUE", "company")),
    ):
        hubspot.choose(state)
        assert reasons(await rest("POST", CONTACTS, {"properties": ADA | {"company": "Analytical"}})) == [reason]
    names = [each["name"] for each in (await rest("GET", f"{HOST}/crm/v3/properties/contacts")).json["results"]]
    assert "company" in names
    hubspot.choose("propertyGone")
    refused(await rest("GET", f"{HOST}/crm/v3/properties/contacts/company"), 404, "OBJECT_NOT_FOUND")
    hubspot.choose("emailTaken")
    refused(await rest("POST", CONTACTS, {"properties": ADA}), 409, "CONFLICT")
    assert hubspot.received() == []


async def test_states_of_leads(rest: Session, hubspot: HubSpot) -> None:
    number = await rest.make()
    hubspot.choose("leadsUnknown")
    refused(await rest.lead(number))
    hubspot.choose("leadRefused")
    refused(await rest.lead(number))
    hubspot.choose("leadsLocked")
    assert (await rest.lead(number)).status == 423
    assert (await rest("GET", LEADS)).json["results"] == []


async def test_states_of_batches_and_searches(rest: Session, hubspot: HubSpot, sandbox: Sandbox) -> None:
    number = await rest.make(city="London")
    hubspot.choose("upsertEmpties")
    await rest.batch("upsert", {"id": ADA["email"], "idProperty": "email", "properties": {"lastname": "King"}})
    (record,) = hubspot.account.records["contacts"]
    assert record.values == {"email": ADA["email"], "lastname": "King"}
    hubspot.choose("updateSkips")
    summary = await rest.batch("update", {"id": number, "properties": {"city": "Paris"}})
    assert (summary.status, summary.json["results"]) == (200, [])
    sandbox.clock.advance(60)
    hubspot.choose("searchEmpty")
    assert (await rest("POST", f"{CONTACTS}/search", {})).json["total"] == 0
    hubspot.choose("ok")
    assert (await rest("POST", f"{CONTACTS}/search", {})).json["total"] == 1


def test_every_state_has_an_outcome_that_adapters_are_held_to() -> None:
    named = [each.state for each in (*hubspot_states.REST, *hubspot_states.FORMS)]
    assert sorted(named) == sorted(STATES.keys() - {"ok"})

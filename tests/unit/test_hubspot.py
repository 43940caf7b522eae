"""HubSpot without a network: settings, what is sent, and what its answers mean."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.destinations.hubspot.errors import (
    CODES,
    STATUSES,
    diagnose_hubspot_reply,
    read_fault,
    read_hubspot_error,
    seconds_to_hubspot_midnight,
)
from leadkeeper.destinations.hubspot.records import (
    CONTACT_FIELDS,
    HubSpotContact,
    address_of,
    contact_of,
    lead_properties,
    merged_contact,
    unusable,
)
from leadkeeper.destinations.hubspot.settings import HubSpotConfig
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import AnyKind, Evidence, Kind
from leadkeeper.network.client import Answered
from leadkeeper.network.rest import Reply, read_json
from tests.contracts.faults import LEAD

TOKEN = "pat-na1-7d1f3c52-9d0b-4d0c-a6a5-3b1e5a0c9f24"
GUID = "78c2891f-ebdd-44c0-bd94-15c012bbbfbf"
NOON = 1_795_953_600.0  # 2026-11-29 12:00 UTC


def config(**more: Any) -> HubSpotConfig:
    return HubSpotConfig.model_validate({"accessToken": TOKEN} | more)


def reply(status: int, body: Any, **headers: str) -> Reply:
    answered = Answered(status, headers, json.dumps(body).encode())
    content = read_json(answered)
    return Reply(answered, content, read_hubspot_error(answered, content))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "accessToken"),
        ({"portalId": "48123456"}, "formGuid"),
        ({"formGuid": GUID}, "portalId"),
        ({"accessToken": TOKEN, "portalId": "1", "formGuid": GUID}, "one way"),
        ({"accessToken": "Bearer pat na1"}, "no spaces"),
        ({"portalId": "no", "formGuid": GUID}, "number"),
        ({"portalId": "1", "formGuid": "no"}, "GUID"),
        ({"accessToken": TOKEN, "fields": {"email": "{email}"}}, "email"),
        ({"accessToken": TOKEN, "fields": {"First Name": "x"}}, "internal name"),
        ({"accessToken": TOKEN, "leadFields": {"marketplace_lead_id": "x"}}, "marketplace_lead_id"),
        ({"accessToken": TOKEN, "leadFields": {"hs_lead_name": "{nobody}"}}, "placeholder"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        HubSpotConfig.model_validate(settings)


def test_the_way_follows_from_the_settings() -> None:
    form = HubSpotConfig.model_validate({"portalId": 48123456, "formGuid": GUID.upper(), "region": "eu1"})
    assert (form.rest, form.repeatable, form.host) == (False, False, "api-eu1.hsforms.com")
    assert (form.portal_id, form.form_guid) == ("48123456", GUID)
    assert (config().rest, config().repeatable, config().host) == (True, True, "api.hubapi.com")
    assert TOKEN not in repr(config())


def test_a_contact_and_a_lead_are_made_of_a_lead() -> None:
    contact, _ = contact_of(LEAD, config(fields={"newsletter": True, "numemployees": 5, "phone": None}))
    assert contact["firstname"] == LEAD.customer.first_name
    assert (contact["newsletter"], contact["numemployees"]) == ("true", "5")
    assert "phone" not in contact
    assert "email" not in contact
    assert LEAD.lead_source in contact["message"]
    lead, _ = lead_properties(LEAD, config(leadIdProperty="our_id"))
    assert lead["our_id"] == LEAD.id
    assert LEAD.customer.last_name in lead["hs_lead_name"]
    nameless, _ = lead_properties(LEAD, config(leadFields={"hs_lead_name": None}))
    assert nameless["hs_lead_name"] == LEAD.lead_source


def test_a_text_is_cut_to_what_hubspot_holds() -> None:
    contact, notes = contact_of(replace(LEAD, description="x" * 70_000), config())
    assert len(contact["message"]) == 65_536
    assert any("65,536" in note for note in notes)


@pytest.mark.parametrize("email", ["", "ada", "a@b", "a b@navy.com", '"a"@navy.com', "a@" + "b" * 250 + ".com"])
def test_addresses_that_hubspot_does_not_take(email: str) -> None:
    assert address_of(replace(LEAD, customer=replace(LEAD.customer, email=email))) is None


def test_only_what_is_empty_is_filled_in() -> None:
    there = HubSpotContact(
        "1",
        {"firstname": "Ada", "phone": "", "city": None, "email": "A@x.de", "hs_additional_emails": "b@x.de; C@x.de"},
    )
    assert there.empty_of({"firstname": "Bea", "phone": "1", "city": "Rome"}) == {"phone": "1", "city": "Rome"}
    assert list(there.addresses) == ["a@x.de", "b@x.de", "c@x.de"]
    assert merged_contact([{"a": "1"}, {"a": "2", "b": "2"}]) == {"a": "1", "b": "2"}


def test_properties_that_cannot_be_written() -> None:
    known: dict[str, dict[str, Any]] = {
        name: {"modificationMetadata": {"readOnlyValue": False}} for name in CONTACT_FIELDS
    }
    known["company"] = {"modificationMetadata": {"readOnlyValue": True}}
    known["jobtitle"] = {"calculated": True}
    del known["message"]
    assert unusable(CONTACT_FIELDS, known) == ["company", "jobtitle", "message"]


def _values(*reasons: tuple[str, str]) -> dict[str, Any]:
    summary = [{"isValid": False, "message": "no", "error": error, "name": name} for error, name in reasons]
    return {"category": "VALIDATION_ERROR", "message": f"Property values were not valid: {json.dumps(summary)}"}


@pytest.mark.parametrize(
    ("error", "code", "named"),
    [
        (_values(("PROPERTY_DOESNT_EXIST", "shoe")), "PROPERTY_DOESNT_EXIST", "shoe"),
        (_values(("SOMETHING_NEW", "shoe"), ("INVALID_EMAIL", "email")), "INVALID_EMAIL", "email"),
        (_values(("SOMETHING_NEW", "shoe")), "VALIDATION_ERROR", "shoe"),
        ({"category": "VALIDATION_ERROR", "message": "x: [{broken"}, "VALIDATION_ERROR", ""),
        (
            {
                "category": "VALIDATION_ERROR",
                "message": "m",
                "errors": [{"message": "n", "code": "INVALID_INTEGER", "context": {"propertyName": ["size"]}}],
            },
            "INVALID_INTEGER",
            "size",
        ),
        (
            {
                "category": "MISSING_SCOPES",
                "message": "m",
                "errors": [{"context": {"requiredGranularScopes": ["crm.objects.leads.read"]}}],
            },
            "MISSING_SCOPES",
            "crm.objects.leads.read",
        ),
        ({"errorType": "RATE_LIMIT", "policyName": "DAILY", "message": "m"}, "DAILY", ""),
        ({"errors": [{"errorType": "REQUIRED_FIELD", "message": "lastname is missing"}]}, "REQUIRED_FIELD", "lastname"),
        ({"category": 7, "errors": "no", "message": None, "context": []}, None, ""),
    ],
)
def test_the_most_particular_code_counts(error: dict[str, Any], code: str | None, named: str) -> None:
    fault = read_fault(error)
    assert fault.code == code
    assert named in fault.text


@pytest.mark.parametrize(
    ("body", "headers", "kind", "wait"),
    [
        ({"policyName": "DAILY"}, {}, HubSpotKind.DAILY_LIMIT, 17 * 3_600.0),
        ({"policyName": "DAILY"}, {"Retry-After": "60"}, HubSpotKind.DAILY_LIMIT, 60.0),
        ({"policyName": "TEN_SECONDLY_ROLLING"}, {}, HubSpotKind.RATE_LIMIT, 10.0),
        (
            {"policyName": "SECONDLY"},
            {"X-HubSpot-RateLimit-Interval-Milliseconds": "5000"},
            HubSpotKind.RATE_LIMIT,
            5.0,
        ),
        ({}, {"X-HubSpot-RateLimit-Daily-Remaining": "0"}, HubSpotKind.DAILY_LIMIT, 17 * 3_600.0),
        ({}, {"X-HubSpot-RateLimit-Remaining": "0"}, HubSpotKind.RATE_LIMIT, 10.0),
        ({}, {}, Kind.THROTTLED, None),
    ],
)
def test_a_limit_tells_when_to_come_again(
    body: dict[str, str], headers: dict[str, str], kind: AnyKind, wait: float | None
) -> None:
    found = diagnose_hubspot_reply(reply(429, body, **headers), Evidence(429), NOON, -5 * 3_600.0)
    assert (found.kind, found.retry_after) == (kind, wait)


def test_the_day_ends_at_the_accounts_midnight() -> None:
    assert seconds_to_hubspot_midnight(NOON, 0.0) == 12 * 3_600.0
    assert seconds_to_hubspot_midnight(NOON, 2 * 3_600.0) == 10 * 3_600.0
    assert seconds_to_hubspot_midnight(NOON, None) == 3_600.0


@pytest.mark.parametrize(("status", "wait"), [(423, 2.0), (477, 600.0)])
def test_waits_that_a_status_alone_tells(status: int, wait: float) -> None:
    assert diagnose_hubspot_reply(reply(status, {}), Evidence(status), NOON, None).retry_after == wait


def test_every_code_and_status_has_a_diagnosis_of_its_own_sense() -> None:
    assert {kind for kind in OURS.kinds if kind.value.startswith("hubSpot")} <= {
        *CODES.values(),
        *STATUSES.values(),
        HubSpotKind.TEST_LEAD_NOT_FOUND,
        HubSpotKind.LEADS_UNAVAILABLE,
        HubSpotKind.LEAD_PROPERTY_UNUSABLE,
        HubSpotKind.FORM_NOT_FOUND,
        HubSpotKind.FORM_REJECTED,
    }

"""Every error code of Salesforce's REST API that is known, and the answers without one."""

from __future__ import annotations

import pytest

from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD
from tests.contracts.scripted import message, remote_side
from tests.contracts.scripted_salesforce import (
    GRANTED,
    HOST,
    LOOKUP,
    MANY,
    MISSING,
    ONE,
    RECORD,
    TOKEN,
    answer_to,
    deliver,
    errors,
    leads,
)

CODES = [  # docs/reference/vendors/salesforce.md#rest-api-errors
    *(
        (400, code, SalesforceKind.RULE_REFUSED, Outcome.REFUSED)
        for code in (
            *("REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS"),
            *("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
            *("FIELD_INTEGRITY_EXCEPTION", "NUMBER_OUTSIDE_VALID_RANGE"),
        )
    ),
    (400, "DUPLICATES_DETECTED", SalesforceKind.DUPLICATE_RULE, Outcome.REFUSED),
    (400, "DUPLICATE_VALUE", SalesforceKind.VALUE_TAKEN, Outcome.REFUSED),
    *(
        (400, code, SalesforceKind.AUTOMATION_FAILED, Outcome.REFUSED)
        for code in ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR")
    ),
    (400, "INVALID_FIELD", SalesforceKind.FIELD_UNKNOWN, Outcome.BROKEN),
    (400, "INVALID_FIELD_FOR_INSERT_UPDATE", SalesforceKind.FIELD_UNKNOWN, Outcome.BROKEN),
    (400, "JSON_PARSER_ERROR", SalesforceKind.REQUEST_REJECTED, Outcome.BROKEN),
    (400, "MALFORMED_ID", SalesforceKind.REQUEST_REJECTED, Outcome.BROKEN),
    (400, "UNABLE_TO_LOCK_ROW", SalesforceKind.ROW_LOCKED, Outcome.FAILED),
    (401, "INVALID_SESSION_ID", SalesforceKind.SESSION_REJECTED, Outcome.BROKEN),
    (403, "REQUEST_LIMIT_EXCEEDED", SalesforceKind.API_LIMIT, Outcome.THROTTLED),
    (403, "API_DISABLED_FOR_ORG", SalesforceKind.API_DISABLED, Outcome.BROKEN),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", SalesforceKind.ACCESS_MISSING, Outcome.BROKEN),
    (403, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", SalesforceKind.ACCESS_MISSING, Outcome.BROKEN),
    (403, "STORAGE_LIMIT_EXCEEDED", SalesforceKind.STORAGE_FULL, Outcome.BROKEN),
    *(
        (404, code, SalesforceKind.NOT_FOUND, Outcome.BROKEN)
        for code in ("NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED")
    ),
    (503, "API_CURRENTLY_DISABLED", Kind.SERVER_ERROR, Outcome.FAILED),
    (500, "UNKNOWN_EXCEPTION", Kind.SERVER_ERROR, Outcome.FAILED),
    (503, "SERVER_UNAVAILABLE", Kind.SERVER_ERROR, Outcome.FAILED),
    (400, "SOMETHING_NEW", Kind.LEAD_REFUSED, Outcome.REFUSED),
    (403, "SOMETHING_NEW", SalesforceKind.ACCESS_MISSING, Outcome.BROKEN),
    (500, "SOMETHING_NEW", Kind.SERVER_ERROR, Outcome.FAILED),
]


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), CODES)
async def test_codes_of_a_single_lead(
    authority: Authority, status: int, code: str, kind: AnyKind, outcome: Outcome
) -> None:
    found = await answer_to(authority, {ONE: errors(code, status=status)})
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)
    assert (found.evidence.status, found.evidence.code) == (status, code)


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), [row for row in CODES if row[0] == 400])
async def test_codes_of_one_among_many(
    authority: Authority, status: int, code: str, kind: AnyKind, outcome: Outcome
) -> None:
    good = {"id": RECORD, "success": True, "errors": []}
    bad = {"success": False, "errors": [{"statusCode": code, "message": "No.", "fields": []}]}
    script = {TOKEN: GRANTED, LOOKUP: MISSING, MANY: message([good, bad]), ONE: errors(code, status=status)}
    async with remote_side(authority, script, HOST) as side:
        first, second = await deliver(side, leads(2))
    assert first.outcome is Outcome.DELIVERED
    assert isinstance(second, Diagnosis)
    assert (second.kind, second.outcome) == (kind, outcome)


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), [row for row in CODES if row[3] is not Outcome.REFUSED])
async def test_codes_of_a_whole_request(
    authority: Authority, status: int, code: str, kind: AnyKind, outcome: Outcome
) -> None:
    fault = errors(code, status=status, wording=f"No {LEAD.customer.last_name}.")
    async with remote_side(authority, {TOKEN: GRANTED, MANY: fault}, HOST) as side:
        found = await deliver(side, leads(3))
    assert {(each.kind, each.outcome) for each in found if isinstance(each, Diagnosis)} == {(kind, outcome)}
    assert {each.evidence.text for each in found if isinstance(each, Diagnosis)} == {None}


async def test_a_whole_request_that_is_refused_is_the_settings_fault(authority: Authority) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, MANY: errors("SOMETHING_NEW")}, HOST) as side:
        found = await deliver(side, leads(3))
    assert {each.outcome for each in found} == {Outcome.BROKEN}


@pytest.mark.parametrize(
    ("fault", "kind", "seconds"),
    [
        (
            errors("REQUEST_LIMIT_EXCEEDED", wording="TotalRequests Limit exceeded.", status=403),
            SalesforceKind.API_LIMIT,
            900,
        ),
        (
            errors("REQUEST_LIMIT_EXCEEDED", wording="ConcurrentPerOrgLongTxn Limit exceeded.", status=403),
            SalesforceKind.CONCURRENCY_LIMIT,
            20,
        ),
        (
            message([{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403, sforce_limit_info="api-usage=5000/5000"),
            SalesforceKind.API_LIMIT,
            900,
        ),
        (
            message([{"errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403, sforce_limit_info="api-usage=18/5000"),
            SalesforceKind.CONCURRENCY_LIMIT,
            20,
        ),
    ],
)
async def test_the_two_limits(authority: Authority, fault: Fault, kind: AnyKind, seconds: float) -> None:
    found = await answer_to(authority, {ONE: fault})
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome, found.retry_after) == (kind, Outcome.THROTTLED, seconds)


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        (message(["/services/data/v62.0/sobjects/Lead/00Q1"], 300), SalesforceKind.SEVERAL_MATCH, Outcome.REFUSED),
        (faults.redirect("https://login.salesforce.com/"), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.reset_in_body(201), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.html(403), SalesforceKind.ACCESS_MISSING, Outcome.BROKEN),
        (faults.html(404), SalesforceKind.NOT_FOUND, Outcome.BROKEN),
        (faults.answer(413), Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
        (faults.answer(429, retry_after="7"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.html(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.html(503), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.answer(503, retry_after="7"), Kind.THROTTLED, Outcome.THROTTLED),
        (faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.endless(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.echo(400), Kind.LEAD_REFUSED, Outcome.REFUSED),
        (message({"success": False, "errors": []}), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ],
)
async def test_other_answers(authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome) -> None:
    found = await answer_to(authority, {ONE: fault}, seconds=1.0)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)

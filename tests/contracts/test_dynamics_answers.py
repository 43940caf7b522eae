"""Dynamics 365: what each answer means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.errors import CODES
from leadkeeper.destinations.dynamics.sign_in_diagnoses import DynamicsSignInKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import PASSING, PATIENCE, seconds_for
from tests.contracts.remote_dynamics import (
    ROW,
    Remote,
    deliver,
    dynamics,
    message,
    refused,
    remote_side,
)


@pytest.fixture
async def remote(authority: Authority) -> AsyncIterator[Remote]:
    async with remote_side(authority) as side:
        yield side


ANSWERS = [
    (403, "0x80072560", DynamicsKind.USER_NOT_MEMBER, Outcome.BROKEN),
    (401, "0x80072560", DynamicsKind.USER_NOT_MEMBER, Outcome.BROKEN),
    (403, "0x80042f09", DynamicsKind.NO_SECURITY_ROLE, Outcome.BROKEN),
    (401, "0x80042F09", DynamicsKind.NO_SECURITY_ROLE, Outcome.BROKEN),
    (403, -2147209463, DynamicsKind.NO_SECURITY_ROLE, Outcome.BROKEN),
    (403, "-2147209463", DynamicsKind.NO_SECURITY_ROLE, Outcome.BROKEN),
    (403, "0x80040220", DynamicsKind.CREATE_PRIVILEGE_MISSING, Outcome.BROKEN),
    (403, "0x80048306", DynamicsKind.CREATE_PRIVILEGE_MISSING, Outcome.BROKEN),
    (403, "0x8004F502", DynamicsKind.FIELD_PERMISSION_MISSING, Outcome.BROKEN),
    (403, "0x8004f503", DynamicsKind.FIELD_PERMISSION_MISSING, Outcome.BROKEN),
    (403, "0x8004f504", DynamicsKind.FIELD_PERMISSION_MISSING, Outcome.BROKEN),
    (403, "0x8004f507", DynamicsKind.FIELD_PERMISSION_MISSING, Outcome.BROKEN),
    (403, "0x80040225", DynamicsKind.USER_DISABLED, Outcome.BROKEN),
    (403, "0x8004D24B", DynamicsKind.LICENCE_MISSING, Outcome.BROKEN),
    (403, "0x8004A113", DynamicsKind.ENVIRONMENT_ADMIN_ONLY, Outcome.BROKEN),
    (403, "0x80044507", DynamicsSignInKind.RESOURCE_NOT_IN_TENANT, Outcome.BROKEN),
    (403, "0x80049999", Kind.PERMISSION_MISSING, Outcome.BROKEN),
    (400, "0x80044331", DynamicsKind.FIELD_TOO_LONG, Outcome.REFUSED),
    (400, "0x8004431A", DynamicsKind.PICKLIST_VALUE, Outcome.BROKEN),
    (400, "0x80060888", DynamicsKind.FIELD_NOT_KNOWN, Outcome.BROKEN),
    (400, "0x80048d19", DynamicsKind.FIELD_VALUE_WRONG, Outcome.REFUSED),
    (400, "0x80040203", Kind.LEAD_REFUSED, Outcome.REFUSED),
    (400, "0x80040265", DynamicsKind.ORG_RULE_REFUSED, Outcome.REFUSED),
    (400, "", Kind.LEAD_REFUSED, Outcome.REFUSED),
    (404, "0x80040217", DynamicsKind.LOOKUP_NOT_FOUND, Outcome.BROKEN),
    (404, "0x80060891", DynamicsKind.LOOKUP_NOT_FOUND, Outcome.BROKEN),
    (404, "0x8006088a", DynamicsKind.ADDRESS_WRONG, Outcome.BROKEN),
    (405, "", DynamicsKind.ADDRESS_WRONG, Outcome.BROKEN),
    (501, "", DynamicsKind.ADDRESS_WRONG, Outcome.BROKEN),
    (412, "0x80040333", DynamicsKind.DUPLICATE_REFUSED, Outcome.REFUSED),
    (412, "0x80060882", DynamicsKind.DUPLICATE_REFUSED, Outcome.REFUSED),
    (413, "", Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
    (429, "0x80072322", Kind.THROTTLED, Outcome.THROTTLED),
    (429, "0x80072321", Kind.THROTTLED, Outcome.THROTTLED),
    (429, "0x80072326", Kind.THROTTLED, Outcome.THROTTLED),
    (429, "0x8005F103", Kind.THROTTLED, Outcome.THROTTLED),
    (503, "0x80060308", Kind.THROTTLED, Outcome.THROTTLED),
    (429, "", Kind.THROTTLED, Outcome.THROTTLED),
    (500, "0x80040216", Kind.SERVER_ERROR, Outcome.FAILED),
    (500, "0x80044151", Kind.SERVER_ERROR, Outcome.FAILED),
    (500, "0x80049999", Kind.SERVER_ERROR, Outcome.FAILED),
    (502, "", Kind.SERVER_ERROR, Outcome.FAILED),
    (503, "", Kind.SERVER_ERROR, Outcome.FAILED),
    (504, "", Kind.SERVER_ERROR, Outcome.FAILED),
]


def test_every_known_code_is_met() -> None:
    met = {str(code).lower() for _, code, *_ in ANSWERS} | {"0x80060892", "0x80040237"}  # those under "Once"
    assert set(CODES) <= met


@pytest.mark.parametrize(("status", "code", "kind", "outcome"), ANSWERS)
async def test_answers_go_by_code_then_status(
    remote: Remote, status: int, code: str | int, kind: AnyKind, outcome: Outcome
) -> None:
    message = "Zoltana of Northwind, zoltana@northwind.example: no. User: 7cd5b9a1-1234-4a6b-9a1b-1234567890ab"
    script = [refused(status, code, message, x_ms_service_request_id="abc-1", retry_after="7")]
    if status == 503 and not code:
        script = [refused(status, code, message)]
    remote.answers |= {"PATCH leads(": script, "POST leads": script}
    found = await deliver(dynamics(remote))
    assert isinstance(found, Diagnosis)
    if status in (502, 504):
        kind, outcome = Kind.THROTTLED, Outcome.THROTTLED
    assert (found.kind, found.outcome) == (kind, outcome)
    assert found.retry_after == (7.0 if kind is Kind.THROTTLED else None)
    assert found.evidence.status == status
    if status != 503 or code:
        assert found.evidence.request_id == "abc-1"
    assert found.evidence.text is not None


async def test_older_surfaces_say_it_otherwise(remote: Remote) -> None:
    content = {"Message": "no", "ErrorCode": -2147209463, "ExceptionMessage": "SecLib"}
    remote.answers["PATCH leads("] = [message(403, content)]
    found = await deliver(dynamics(remote))
    assert isinstance(found, Diagnosis)
    assert found.kind is DynamicsKind.NO_SECURITY_ROLE
    assert (found.evidence.code, found.evidence.text) == ("0x80042f09", "no")


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        (faults.html(502, "Bad gateway"), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.html(503, "Zoltana", "Quimby"), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.html(404), DynamicsKind.ADDRESS_WRONG, Outcome.BROKEN),
        (faults.html(403), Kind.PERMISSION_MISSING, Outcome.BROKEN),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.answer(202), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
        (faults.redirect("https://login.microsoftonline.com/"), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.redirect("https://10.0.0.1/", 307), Kind.REDIRECTED, Outcome.BROKEN),
        (faults.answer(400, b'{"error":"odd"}'), Kind.LEAD_REFUSED, Outcome.REFUSED),
        (faults.answer(400, b'{"error":{"code":{},"message":7}}'), Kind.LEAD_REFUSED, Outcome.REFUSED),
        (faults.answer(403, b"\xff\xfe", content_type="image/png"), Kind.PERMISSION_MISSING, Outcome.BROKEN),
        (faults.answer(500, b"[" * 100_000), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.echo(400), Kind.LEAD_REFUSED, Outcome.REFUSED),
        (faults.endless(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (faults.hang_in_headers, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
        (faults.hang_after_headers(500), Kind.SERVER_ERROR, Outcome.FAILED),
        (faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.reset_in_headers(), Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
        (faults.not_http, Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ],
)
async def test_faults(authority: Authority, fault: Fault, kind: AnyKind, outcome: Outcome) -> None:
    seconds = PASSING if "hang" in fault.__qualname__ else seconds_for(kind)
    async with remote_side(authority, total=seconds) as remote:
        remote.answers["PATCH leads("] = [fault]
        async with asyncio.timeout(PATIENCE):
            found = await deliver(dynamics(remote))
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (kind, outcome)


@pytest.mark.parametrize("fault", [faults.answer(204), message(201, {"leadid": ROW}), message(200, {"leadid": ROW})])
async def test_every_way_of_success(remote: Remote, fault: Fault) -> None:
    remote.answers["PATCH leads("] = [fault]
    assert isinstance(await deliver(dynamics(remote)), Receipt)

"""Whatever Azure Table or something in its place may answer, each with its diagnosis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import Azurite
from leadkeeper.sandbox.azure_table.stand_in import (
    creates_table,
    error,
    is_insert,
    is_transaction,
    transaction_error,
    xml_error,
)
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import PASSING, PATIENCE, seconds_for
from tests.contracts.storage_leads import NOON, assert_nothing_private, make_lead, make_leads, refused, results
from tests.contracts.table_line import Line, opened

PROVOKED: list[tuple[str, Fault, AnyKind, Outcome]] = [
    ("401", faults.answer(401), AzureStorageKind.KEY_REJECTED, Outcome.BROKEN),
    ("403", faults.answer(403), AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    ("404", faults.answer(404), Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    ("410", faults.answer(410), Kind.ENDPOINT_GONE, Outcome.BROKEN),
    ("429", faults.answer(429), Kind.THROTTLED, Outcome.THROTTLED),
    ("500", faults.answer(500), Kind.SERVER_ERROR, Outcome.FAILED),
    ("502 page", faults.html(502), Kind.SERVER_ERROR, Outcome.FAILED),
    ("503", faults.answer(503), Kind.SERVER_ERROR, Outcome.FAILED),
    ("503 busy", faults.answer(503, retry_after="7"), Kind.THROTTLED, Outcome.THROTTLED),
    ("page", faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ("202 page", faults.html(202), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ("redirect", faults.redirect("https://169.254.169.254/latest"), Kind.REDIRECTED, Outcome.BROKEN),
    ("307", faults.redirect("https://127.0.0.1:1/x", 307), Kind.REDIRECTED, Outcome.BROKEN),
    ("hang", faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("hang in headers", faults.hang_in_headers, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("hang after headers", faults.hang_after_headers(202), Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("drip", faults.drip(202), Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("reset", faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("reset in headers", faults.reset_in_headers(), Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("reset in body", faults.reset_in_body(202), Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("closed", faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("giant", faults.endless(202), Kind.ANSWER_TOO_LARGE, Outcome.BROKEN),
    ("giant error", faults.endless(500), Kind.ANSWER_TOO_LARGE, Outcome.BROKEN),
    ("not http", faults.not_http, Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ("echo", faults.echo(400), Kind.LEAD_REFUSED, Outcome.REFUSED),
    ("echo 500", faults.echo(500), Kind.SERVER_ERROR, Outcome.FAILED),
    ("xml", xml_error(403, "AccountIsDisabled"), AzureStorageKind.ACCOUNT_DISABLED, Outcome.BROKEN),
    ("header", error(403, "AuthenticationFailed", in_header=True), AzureStorageKind.KEY_REJECTED, Outcome.BROKEN),
]


@pytest.fixture
async def line(azurite: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    async with opened(azurite, authority, storage_account) as made:
        yield made


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(("fault", "kind", "outcome"), [p[1:] for p in PROVOKED], ids=[p[0] for p in PROVOKED])
async def test_whatever_the_far_side_does(
    line: Line, fault: Fault, kind: AnyKind, outcome: Outcome, count: int
) -> None:
    line.service.fail(fault)
    async with asyncio.timeout(PATIENCE):
        answers = await line.open(total_seconds=seconds_for(kind)).deliver(make_leads(range(count)))
    for answer in answers:
        assert isinstance(answer, Diagnosis)
        assert (answer.kind, answer.outcome) == (kind, outcome)
        assert_nothing_private(answer)
    assert line.service.committed == []


def multipart(inner: str, boundary: str = "b") -> tuple[str, str]:
    return f"multipart/mixed; boundary={boundary}", f"--{boundary}\r\n{inner}\r\n--{boundary}--\r\n"


APPLICATION = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
NESTED = "".join(f"Content-Type: multipart/mixed; boundary=n{n}\r\n\r\n--n{n}\r\n" for n in range(1_000))
BOMB = "<!DOCTYPE a [<!ENTITY b0 'bb'>" + "".join(f"<!ENTITY b{n + 1} '&b{n};&b{n};'>" for n in range(40)) + "]>"
HOSTILE = {
    "deep JSON": ("application/json", "[" * 60_000),
    "JSON of another kind": ("application/json", '{"odata.error": ["code"], "value": 7}'),
    "number": ("application/json", "5"),
    "half JSON": ("application/json;odata=minimalmetadata", '{"odata.error":{"code"'),
    "XML bomb": ("application/xml", f"{BOMB}<a>&b40;</a>"),
    "strange charset": ("text/plain; charset=klingon", "hello"),
    "no multipart at all": ("multipart/mixed; boundary=b", "hello"),
    "multipart without boundary": ("multipart/mixed", "--b\r\nhello"),
    "strange part": multipart("Content-Type: text/html\r\n\r\n<p>hello</p>"),
    "no status line": multipart(f"{APPLICATION}hello"),
    "strange status": multipart(f"{APPLICATION}HTTP/1.1 9999 Oh\r\n\r\n"),
    "too few parts": multipart(f"{APPLICATION}HTTP/1.1 204 No Content\r\n\r\n"),
    "nested": ("multipart/mixed; boundary=b", f"--b\r\n{NESTED}"),
    "empty": ("application/json", ""),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("status", [200, 202, 409])
@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
async def test_answers_that_no_storage_service_gives(
    line: Line, answer: tuple[str, str], status: int, count: int
) -> None:
    content_type, body = answer
    adapter = line.open()
    line.service.fail(faults.answer(status, body.encode(), content_type=content_type))
    diagnosis = await refused(adapter, *make_leads(range(count)))
    assert diagnosis.kind in {Kind.ANSWER_NOT_UNDERSTOOD, Kind.SERVER_ERROR}
    check = await adapter.check()
    assert not check.ok or content_type == "application/json"


@pytest.mark.parametrize("when", [is_transaction, creates_table])
async def test_no_answer_at_any_stage_ends_in_time(line: Line, when: Any) -> None:
    line.service.fail(faults.hang, when=when)
    leads = [make_lead(n, created_at=NOON + timedelta(days=n // 2)) for n in range(20)]
    answers = await line.open(total_seconds=PASSING).deliver(leads)
    assert len([each for each in line.service.received if when(each)]) <= 2, "not one after another"
    outcomes = [answer.outcome for answer in answers]
    assert results(answers) == ["noAnswer"] * 20
    sent = 2 if when is is_transaction else 0
    assert outcomes == [Outcome.AMBIGUOUS] * sent + [Outcome.FAILED] * (20 - sent)


async def test_a_slow_service_does_not_hold_a_call_for_ever(line: Line) -> None:
    async def slowly(exchange: faults.Exchange) -> None:
        await asyncio.sleep(PASSING / 2)
        await error(400, "InvalidInput")(exchange)

    line.service.fail(slowly)
    answers = await line.open(total_seconds=PASSING).deliver(make_leads(range(50)))
    assert len(line.service.received) < 50, "not one after another, however long each takes"
    assert set(results(answers)) == {"leadRefused", "noAnswer"} or set(results(answers)) == {"noAnswer"}
    assert all(answer.outcome is not Outcome.AMBIGUOUS for answer in answers)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "fault", [faults.reset_before_answer, faults.hang, faults.html(502)], ids=["reset", "hang", "page"]
)
async def test_a_lost_answer_makes_no_second_row(line: Line, fault: Fault, count: int) -> None:
    adapter = line.open(total_seconds=PASSING if fault is faults.hang else 30.0)
    await adapter.deliver([make_lead(99)])
    line.service.fail(line.service.commit_then(fault), when=is_insert, times=1)
    leads = make_leads(range(count))
    first = await adapter.deliver(leads)
    assert all(isinstance(answer, Diagnosis) for answer in first)
    assert results(await adapter.deliver(leads)) == ["duplicate"] * count
    assert len(await line.rows()) == count + 1


@pytest.mark.parametrize("header", ["120", "date"])
async def test_throttling_says_how_long(line: Line, header: str) -> None:
    text = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True) if header == "date" else header
    line.service.fail(error(503, "ServerBusy", retry_after=text))
    diagnosis = await refused(line.open(), *make_leads(range(3)))
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.THROTTLED, Outcome.THROTTLED)
    assert diagnosis.retry_after == pytest.approx(120, abs=3)


async def test_throttling_that_does_not_say(line: Line) -> None:
    line.service.fail(error(503, "ServerBusy"))
    assert (await refused(line.open())).retry_after is None


CODES: list[tuple[int, str, AnyKind, Outcome]] = [
    (403, "AuthenticationFailed", AzureStorageKind.KEY_REJECTED, Outcome.BROKEN),
    (403, "AuthorizationFailure", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "KeyBasedAuthenticationNotPermitted", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "AccountIsDisabled", AzureStorageKind.ACCOUNT_DISABLED, Outcome.BROKEN),
    (400, "InvalidHeaderValue", AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
    (404, "ResourceNotFound", Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    (409, "TableBeingDeleted", AzureStorageKind.TABLE_BEING_DELETED, Outcome.FAILED),
    (400, "EntityTooLarge", Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
    (413, "RequestBodyTooLarge", Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
    (400, "TooManyProperties", Kind.LEAD_REFUSED, Outcome.REFUSED),
    (412, "UpdateConditionNotSatisfied", Kind.SERVER_ERROR, Outcome.FAILED),
    (503, "ServerBusy", Kind.THROTTLED, Outcome.THROTTLED),
    (500, "OperationTimedOut", Kind.SERVER_ERROR, Outcome.AMBIGUOUS),
    (500, "InternalError", Kind.SERVER_ERROR, Outcome.AMBIGUOUS),
]


@pytest.mark.parametrize("form", ["single", "outer", "inner"])
@pytest.mark.parametrize(("status", "code", "kind", "outcome"), CODES, ids=[c[1] for c in CODES])
async def test_each_code_from_the_wire(
    line: Line, status: int, code: str, kind: AnyKind, outcome: Outcome, form: str
) -> None:
    if form == "inner":
        line.service.fail(transaction_error(0, status, code), when=is_transaction)
    line.service.fail(error(status, code), when=is_insert)
    line.service.fail(error(404, "ResourceNotFound"), when=creates_table)
    diagnosis = await refused(line.open(), *make_leads(range(1 if form == "single" else 2)))
    assert (diagnosis.kind, diagnosis.outcome) == (kind, outcome)
    assert diagnosis.evidence.code == code
    assert diagnosis.evidence.status == status
    assert diagnosis.evidence.request_id

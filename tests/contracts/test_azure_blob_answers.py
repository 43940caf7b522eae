"""Whatever Azure Blob or something in its place may answer, each with its diagnosis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from leadkeeper.destinations.azure_blob.adapter import AT_ONCE
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import creates_container, error, is_write
from leadkeeper.sandbox.azure_storage.azurite import Azurite
from leadkeeper.sandbox.faults import Exchange, Fault
from tests.contracts.blob_line import Line, opened
from tests.contracts.faults import PASSING, PATIENCE, seconds_for
from tests.contracts.storage_leads import assert_nothing_private, make_lead, make_leads, refused, results

PROVOKED: list[tuple[str, Fault, AnyKind, Outcome]] = [
    ("401", faults.answer(401), AzureStorageKind.KEY_REJECTED, Outcome.BROKEN),
    ("403", faults.answer(403), AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    ("404", faults.answer(404), Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    ("410", faults.answer(410), Kind.ENDPOINT_GONE, Outcome.BROKEN),
    ("429", faults.answer(429), Kind.THROTTLED, Outcome.THROTTLED),
    ("429 with time", faults.answer(429, retry_after="7"), Kind.THROTTLED, Outcome.THROTTLED),
    ("500", faults.answer(500), Kind.SERVER_ERROR, Outcome.FAILED),
    ("502 page", faults.html(502), Kind.SERVER_ERROR, Outcome.FAILED),
    ("503", faults.answer(503), Kind.SERVER_ERROR, Outcome.FAILED),
    ("503 busy", faults.answer(503, retry_after="7"), Kind.THROTTLED, Outcome.THROTTLED),
    ("page", faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ("201 page", faults.html(201), Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ("redirect", faults.redirect("https://169.254.169.254/latest"), Kind.REDIRECTED, Outcome.BROKEN),
    ("307", faults.redirect("https://127.0.0.1:1/x", 307), Kind.REDIRECTED, Outcome.BROKEN),
    ("hang", faults.hang, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("hang in headers", faults.hang_in_headers, Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("hang after headers", faults.hang_after_headers(201), Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("drip", faults.drip(201), Kind.NO_ANSWER, Outcome.AMBIGUOUS),
    ("reset", faults.reset_before_answer, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("reset in headers", faults.reset_in_headers(), Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("reset in body", faults.reset_in_body(201), Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("closed", faults.commit_then_drop, Kind.CONNECTION_LOST, Outcome.AMBIGUOUS),
    ("giant", faults.endless(201), Kind.ANSWER_TOO_LARGE, Outcome.BROKEN),
    ("giant error", faults.endless(500), Kind.ANSWER_TOO_LARGE, Outcome.BROKEN),
    ("not http", faults.not_http, Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS),
    ("echo", faults.echo(400), Kind.LEAD_REFUSED, Outcome.REFUSED),
    ("echo 500", faults.echo(500), Kind.SERVER_ERROR, Outcome.FAILED),
]


@pytest.fixture
async def line(azurite_blob: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    async with opened(azurite_blob, authority, storage_account) as made:
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


BOMB = "<!DOCTYPE a [<!ENTITY b0 'bb'>" + "".join(f"<!ENTITY b{n + 1} '&b{n};&b{n};'>" for n in range(40)) + "]>"
HOSTILE = {
    "deep XML": ("application/xml", "<Error>" * 8_000),
    "half XML": ("application/xml", "<Error><Code>"),
    "XML of another kind": ("application/xml", "<a><b>c</b></a>"),
    "XML bomb": ("application/xml", f"{BOMB}<Error><Code>&b40;</Code></Error>"),
    "outside entity": ("application/xml", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"),
    "no code": ("application/xml", "<Error><Message>lead</Message></Error>"),
    "deep JSON": ("application/json", "[" * 60_000),
    "JSON": ("application/json", '{"error": ["code"]}'),
    "JSON text": ("application/json", '"hello"'),
    "strange charset": ("text/plain; charset=klingon", "hello"),
    "strange bytes": ("application/xml; charset=utf-16", "\x00\xff"),
    "empty": ("application/xml", ""),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("status", [200, 201, 409])
@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
async def test_answers_that_no_storage_service_gives(
    line: Line, answer: tuple[str, str], status: int, count: int
) -> None:
    content_type, body = answer
    adapter = line.open()
    line.service.fail(faults.answer(status, body.encode(), content_type=content_type))
    diagnosis = await refused(adapter, *make_leads(range(count)))
    understood = status == 409 and body[:1] != "["  # over deep JSON the SDK forgets the status
    assert diagnosis.kind is (Kind.SERVER_ERROR if understood else Kind.ANSWER_NOT_UNDERSTOOD)
    assert not (await adapter.check()).ok


@pytest.mark.parametrize(
    ("status", "kind"), [(403, AzureStorageKind.ACCESS_BLOCKED), (429, Kind.THROTTLED), (500, Kind.SERVER_ERROR)]
)
async def test_a_page_that_is_xml_counts_by_its_status(line: Line, status: int, kind: AnyKind) -> None:
    page = b"<?xml version='1.0'?><html><head><title>Blocked</title></head><body><p>Ask IT.</p></body></html>"
    line.service.fail(faults.answer(status, page, content_type="application/xhtml+xml"))
    assert (await refused(line.open())).kind is kind


@pytest.mark.parametrize("when", [is_write, creates_container])
async def test_no_answer_at_any_stage_ends_in_time(line: Line, when: Any) -> None:
    line.service.fail(faults.hang, when=when)
    answers = await line.open(total_seconds=PASSING).deliver(make_leads(range(32)))
    assert len([each for each in line.service.received if when(each)]) <= AT_ONCE, "not one after another"
    outcomes = [answer.outcome for answer in answers]
    assert results(answers) == ["noAnswer"] * 32
    sent = AT_ONCE if when is is_write else 0
    assert outcomes == [Outcome.AMBIGUOUS] * sent + [Outcome.FAILED] * (32 - sent)


async def test_trouble_with_the_account_ends_a_call(line: Line) -> None:
    line.service.fail(error(503, "ServerBusy", retry_after="9"))
    diagnosis = await refused(line.open(), *make_leads(range(32)))
    assert (diagnosis.kind, diagnosis.retry_after) == (Kind.THROTTLED, 9)
    assert len(line.service.received) <= AT_ONCE


async def test_a_slow_service_does_not_hold_a_call_for_ever(line: Line) -> None:
    async def slowly(exchange: Exchange) -> None:
        await asyncio.sleep(0.2)
        await exchange.send(await line.service._forward(exchange.request))

    adapter = line.open(total_seconds=PASSING)
    await adapter.deliver([make_lead(999)])
    line.service.fail(slowly)
    answers = await adapter.deliver(make_leads(range(300)))
    assert set(results(answers)) == {"created", "noAnswer"}, "each would be written within its own time"
    assert all(answer.outcome in (Outcome.DELIVERED, Outcome.FAILED) for answer in answers)
    assert len(await line.files()) == results(answers).count("created") + 1


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "fault", [faults.reset_before_answer, faults.hang, faults.html(502), faults.reset_in_body(201)]
)
async def test_a_lost_answer_makes_no_second_file(line: Line, fault: Fault, count: int) -> None:
    adapter = line.open(total_seconds=PASSING if fault is faults.hang else 30.0)
    await adapter.deliver([make_lead(99)])
    line.service.fail(line.service.commit_then(fault), when=is_write)
    leads = make_leads(range(count))
    first = await adapter.deliver(leads)
    assert all(isinstance(answer, Diagnosis) for answer in first)
    line.service.reset()
    written = await line.files()
    assert len(written) == count + 1
    assert results(await adapter.deliver(leads)) == ["duplicate"] * count
    assert await line.files() == written


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("header", ["120", "date"])
async def test_throttling_says_how_long(line: Line, status: int, header: str) -> None:
    text = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True) if header == "date" else header
    line.service.fail(error(status, "TooManyRequests" if status == 429 else "ServerBusy", retry_after=text))
    diagnosis = await refused(line.open(), *make_leads(range(3)))
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.THROTTLED, Outcome.THROTTLED)
    assert diagnosis.retry_after == pytest.approx(120, abs=3)


async def test_throttling_that_does_not_say(line: Line) -> None:
    line.service.fail(error(503, "ServerBusy"))
    assert (await refused(line.open())).retry_after is None


CODES: list[tuple[int, str, AnyKind, Outcome]] = [
    (403, "AuthenticationFailed", AzureStorageKind.KEY_REJECTED, Outcome.BROKEN),
    (401, "NoAuthenticationInformation", AzureStorageKind.KEY_REJECTED, Outcome.BROKEN),
    (400, "InvalidAuthenticationInfo", AzureStorageKind.KEY_REJECTED, Outcome.BROKEN),
    (403, "AuthorizationFailure", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "AuthorizationPermissionMismatch", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "AuthorizationProtocolMismatch", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "AuthorizationSourceIPMismatch", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "AuthorizationResourceTypeMismatch", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "AuthorizationServiceMismatch", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "InsufficientAccountPermissions", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "KeyBasedAuthenticationNotPermitted", AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
    (403, "AccountIsDisabled", AzureStorageKind.ACCOUNT_DISABLED, Outcome.BROKEN),
    (400, "AccountRequiresHttps", AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
    (400, "InvalidHeaderValue", AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
    (400, "InvalidUri", AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
    (400, "InvalidResourceName", AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
    (400, "OutOfRangeInput", AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
    (404, "ContainerNotFound", Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    (404, "ResourceNotFound", Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    (404, "BlobNotFound", Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN),
    (409, "ContainerBeingDeleted", AzureStorageKind.TABLE_BEING_DELETED, Outcome.FAILED),
    (409, "InvalidBlobType", AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
    (409, "AccountBeingCreated", Kind.SERVER_ERROR, Outcome.FAILED),
    (413, "RequestBodyTooLarge", Kind.LEAD_TOO_LARGE, Outcome.REFUSED),
    (400, "InvalidInput", Kind.LEAD_REFUSED, Outcome.REFUSED),
    (503, "ServerBusy", Kind.THROTTLED, Outcome.THROTTLED),
    (500, "OperationTimedOut", Kind.SERVER_ERROR, Outcome.AMBIGUOUS),
    (500, "InternalError", Kind.SERVER_ERROR, Outcome.AMBIGUOUS),
]


@pytest.mark.parametrize("form", ["both", "header", "body"])
@pytest.mark.parametrize(("status", "code", "kind", "outcome"), CODES, ids=[c[1] for c in CODES])
async def test_each_code_from_the_wire(
    line: Line, status: int, code: str, kind: AnyKind, outcome: Outcome, form: str
) -> None:
    line.service.fail(error(status, code, in_header=form != "body", in_body=form != "header"))
    diagnosis = await refused(line.open(), *make_leads(range(2)))
    assert (diagnosis.kind, diagnosis.outcome) == (kind, outcome)
    assert diagnosis.evidence.code == code
    assert diagnosis.evidence.status == status
    assert diagnosis.evidence.request_id

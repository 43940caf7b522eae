"""Azure Blob against real Azurite, behind a proxy that answers as the real service does."""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob import (
    AccountSasPermissions,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_container_sas,
)
from azure.storage.blob.aio import ContainerClient
from pydantic import ValidationError

from leadkeeper.destinations.azure_blob.adapter import AT_ONCE, AzureBlob, blob_name
from leadkeeper.destinations.azure_blob.provider import AZURE_BLOB
from leadkeeper.destinations.azure_blob.settings import AzureBlobConfig
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import AzureBlob as BlobService
from leadkeeper.sandbox.azure_blob.stand_in import creates_container, error, is_write, reads_container
from leadkeeper.sandbox.azure_storage.azurite import KEY, Azurite
from leadkeeper.sandbox.faults import Exchange, Fault
from tests.contracts.faults import PATIENCE, seconds_for
from tests.contracts.storage_leads import (
    ADA,
    ADA_PRIVATE,
    NOON,
    WRONG_KEY,
    assert_nothing_private,
    make_lead,
    make_leads,
    results,
)

CONTAINER = "marketplace-leads"
HOST = "*.blob.core.windows.net"


@dataclass
class Line:
    """An adapter before the stand-in, and a reader that looks at Azurite directly."""

    service: BlobService
    reader: ContainerClient
    ca_file: Path
    account: str
    opened: list[tuple[AzureBlob, Network]] = field(default_factory=list)

    def setting(self, *, key: str = KEY, sas: str | None = None) -> str:
        credential = f"AccountKey={key}" if sas is None else f"SharedAccessSignature={sas}"
        return f"DefaultEndpointsProtocol=https;AccountName={self.account};{credential};EndpointSuffix=core.windows.net"

    def open(self, setting: str | None = None, container: str = CONTAINER, **policy: Any) -> AzureBlob:
        """An adapter with production's host names, which lead to the stand-in."""
        hosts = {HOST: ("127.0.0.1", self.service.port)}
        rules: dict[str, Any] = {"hosts": hosts, "ca_file": self.ca_file, "total_seconds": 5.0} | policy
        network = Network(NetworkPolicy(**rules))
        config = AzureBlobConfig(storage_account_connection_string=setting or self.setting(), container_name=container)
        adapter = AzureBlob(config, network)
        self.opened.append((adapter, network))
        return adapter

    async def files(self) -> dict[str, bytes]:
        """The container's files by name, byte for byte."""
        names = [blob.name async for blob in self.reader.list_blobs()]
        return {name: await (await self.reader.download_blob(name)).readall() for name in names}

    async def rows(self) -> dict[str, dict[str, str]]:
        """What the files say, by lead id, as a reader of CSV files gets it; one row in each."""
        rows: dict[str, dict[str, str]] = {}
        for content in (await self.files()).values():
            [row] = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
            rows[row["LeadId"]] = row
        return rows


@pytest.fixture
async def line(azurite_blob: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    service = BlobService(azurite_blob.url)
    await service.start(authority.server_context("127.0.0.1", HOST))
    async with aiohttp.ClientSession() as session:
        reader = ContainerClient(
            f"{azurite_blob.url}/{storage_account}",
            CONTAINER,
            credential=AzureNamedKeyCredential(storage_account, KEY),
            transport=AioHttpTransport(session=session, session_owner=False, use_env_settings=False),
        )
        made = Line(service, reader, authority.ca_file, storage_account)
        yield made
        for adapter, network in made.opened:
            await adapter.aclose()
            await network.aclose()
        await service.aclose()


async def refused(adapter: AzureBlob, *leads: OutgoingLead) -> Diagnosis:
    """The diagnosis that all leads get; it shows nothing private."""
    answers = await adapter.deliver(leads or [make_lead()])
    diagnoses = [answer for answer in answers if isinstance(answer, Diagnosis)]
    assert len(diagnoses) == len(answers)
    assert len({(diagnosis.kind, diagnosis.outcome) for diagnosis in diagnoses}) == 1
    for diagnosis in diagnoses:
        assert_nothing_private(diagnosis)
    return diagnoses[0]


# What a reader of the container finds


async def test_a_file_is_what_a_reader_of_the_container_expects(line: Line) -> None:
    lead = make_lead(
        id="0199aaaa-0000-7000-8000-000000000001",
        created_at=datetime(2026, 11, 22, 8, 15, 30, 123_456, tzinfo=UTC),
        customer=Customer("Ada", "Lovelace", "ada@contoso.com", "1234567890", "US", 'Contoso, "Engines"', "CTO"),
        description="One\r\ntwo",
        test=True,
    )
    [answer] = await line.open().deliver([lead])
    name = f"2026/11/22/{lead.id}.csv"
    assert answer == Receipt(result="created", remote_id=f"{CONTAINER}/{name}")
    assert await line.files() == {
        name: b"\xef\xbb\xbf"
        b"LeadId,CreatedTime,LeadSource,ActionCode,PublisherDisplayName,OfferDisplayName,ProductId,FirstName,LastName,"
        b"Email,Phone,Country,Company,Title,Description,Campaign,IsTest\r\n"
        b"0199aaaa-0000-7000-8000-000000000001,2026-11-22T08:15:30.123Z,AzureMarketplace-INS|contoso.crm-pro,INS,"
        b'Contoso,Contoso CRM Pro,crm-pro,Ada,Lovelace,ada@contoso.com,1234567890,US,"Contoso, ""Engines""",CTO,'
        b'"One\r\ntwo",spring,true\r\n'
    }
    found = await line.reader.get_blob_client(name).get_blob_properties()
    assert found.content_settings.content_type == "text/csv; charset=utf-8"


async def test_a_day_is_a_day_in_utc(line: Line) -> None:
    late = datetime.fromisoformat("2026-11-22T23:30:00-05:00")
    await line.open().deliver([make_lead(created_at=late)])
    assert list(await line.files()) == [f"2026/11/23/{make_lead().id}.csv"]
    assert [row["CreatedTime"] for row in (await line.rows()).values()] == ["2026-11-23T04:30:00.000Z"]


async def test_texts_of_every_kind_arrive_as_they_are(line: Line) -> None:
    text = "Zoë \"quoted\" 'O''Brien', \\ 東京 😀 <b>&amp;</b>\r\nnext\nlast\rend;\t\x00"
    lead = make_lead(customer=replace(ADA, last_name=text), description=text)
    assert results(await line.open().deliver([lead])) == ["created"]
    [row] = (await line.rows()).values()
    assert row["LastName"] == row["Description"] == text
    assert row["Phone"] == ADA.phone


async def test_formulas_are_made_harmless(line: Line) -> None:
    lead = make_lead(
        customer=replace(ADA, company='=HYPERLINK("https://evil.example","x")'), description="-1+cmd|'x'!A1"
    )
    await line.open().deliver([lead])
    [row] = (await line.rows()).values()
    assert row["Company"] == '\'=HYPERLINK("https://evil.example","x")'
    assert row["Description"] == "'-1+cmd|'x'!A1"


async def test_unpaired_surrogates_do_not_stop_a_lead(line: Line) -> None:
    assert results(await line.open().deliver([make_lead(description="a\ud800b")])) == ["created"]
    assert [row["Description"] for row in (await line.rows()).values()] == ["a?b"]


async def test_a_preview_is_what_is_sent(line: Line) -> None:
    adapter = line.open()
    preview = await adapter.preview(make_lead(campaign="=1"))
    assert line.service.received == []
    await adapter.deliver([make_lead(campaign="=1")])
    [row] = (await line.rows()).values()
    assert preview.record == {"blob": f"{CONTAINER}/{blob_name(make_lead())}", **row}


# Many, and the same again


async def test_a_full_call_makes_the_container_once_and_then_a_file_each(line: Line) -> None:
    adapter = line.open()
    leads = [make_lead(n, created_at=NOON + timedelta(days=n % 2)) for n in range(adapter.batch)]
    answers = await adapter.deliver(leads)
    assert [answer.remote_id for answer in answers if isinstance(answer, Receipt)] == [
        f"{CONTAINER}/{blob_name(lead)}" for lead in leads
    ]
    assert results(answers) == ["created"] * 32
    assert set(await line.files()) == {blob_name(lead) for lead in leads}
    assert len([request for request in line.service.received if creates_container(request)]) == 1
    assert len(line.service.received) <= AT_ONCE + 1 + 32


async def test_only_some_go_at_the_same_time_and_none_may_overwrite(line: Line) -> None:
    busy = most = 0

    async def counted(exchange: Exchange) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.1)
        busy -= 1
        await exchange.send(await line.service._forward(exchange.request))

    adapter = line.open()
    await adapter.deliver([make_lead(99)])
    line.service.fail(counted, when=is_write)
    assert results(await adapter.deliver(make_leads(range(32)))) == ["created"] * 32
    assert 1 < most <= AT_ONCE
    assert {r.headers.get("if-none-match") for r in line.service.received if is_write(r)} == {"*"}


async def test_the_same_lead_again_is_a_duplicate(line: Line) -> None:
    adapter = line.open()
    assert results(await adapter.deliver([make_lead()])) == ["created"]
    [answer] = await adapter.deliver([make_lead()])
    assert answer == Receipt(result="duplicate", remote_id=f"{CONTAINER}/{blob_name(make_lead())}")
    assert len(await line.files()) == 1


async def test_the_same_lead_twice_in_one_call_is_one_file(line: Line) -> None:
    leads = [make_lead(1), make_lead(2), make_lead(1)]
    assert results(await line.open().deliver(leads)) == ["created"] * 3
    assert len(await line.files()) == 2


async def test_a_batch_that_is_there_in_part_is_completed(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver(make_leads(range(0, 32, 3)))
    expected = ["duplicate" if n % 3 == 0 else "created" for n in range(32)]
    assert results(await adapter.deliver(make_leads(range(32)))) == expected
    assert len(await line.files()) == 32


async def test_what_people_wrote_into_a_file_is_kept(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver(make_leads(range(3)))
    await line.reader.upload_blob(blob_name(make_lead(1)), b"called back", overwrite=True)
    assert results(await adapter.deliver(make_leads(range(3)))) == ["duplicate"] * 3
    assert (await line.files())[blob_name(make_lead(1))] == b"called back"


async def test_many_calls_at_once_make_one_container(line: Line) -> None:
    adapter = line.open()
    calls = [adapter.deliver(make_leads(range(start, start + 10))) for start in range(0, 80, 10)]
    answers = [answer for part in await asyncio.gather(*calls) for answer in part]
    assert results(answers) == ["created"] * 80
    assert len(await line.files()) == 80


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "BlobAlreadyExists"),
        (412, "ConditionNotMet"),
        (403, "UnauthorizedBlobOverwrite"),
        (409, "BlobImmutableDueToPolicy"),
        (409, "BlobImmutableDueToLegalHold"),
        (412, "LeaseIdMissing"),
        (409, "BlobArchived"),
    ],
)
async def test_every_way_of_saying_that_the_file_is_there(line: Line, status: int, code: str) -> None:
    line.service.fail(error(status, code), when=is_write)
    assert results(await line.open().deliver(make_leads(range(10)))) == ["duplicate"] * 10


async def test_a_conflict_of_another_kind_is_no_duplicate(line: Line) -> None:
    for fault in (faults.answer(409), faults.html(409), error(409, "SomethingNew"), error(409, "AccountBeingCreated")):
        line.service.reset()
        line.service.fail(fault)
        diagnosis = await refused(line.open())
        assert (diagnosis.kind, diagnosis.outcome) == (Kind.SERVER_ERROR, Outcome.FAILED)


# Refused leads


async def test_one_refused_lead_does_not_hold_up_the_others(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead(99)])
    bad = [blob_name(make_lead(n)) for n in (2, 11)]
    line.service.fail(error(413, "RequestBodyTooLarge"), when=lambda request: request.target.endswith(tuple(bad)))
    answers = await adapter.deliver(make_leads(range(20)))
    assert results(answers) == ["leadTooLarge" if n in (2, 11) else "created" for n in range(20)]
    for answer in answers:
        if isinstance(answer, Diagnosis):
            assert answer.outcome is Outcome.REFUSED
            assert_nothing_private(answer)


# The container


async def test_a_container_deleted_between_two_leads_is_made_again(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead(1)])
    await line.reader.delete_container()
    assert results(await adapter.deliver(make_leads(range(2, 4)))) == ["created"] * 2
    assert set(await line.rows()) == {make_lead(2).id, make_lead(3).id}


@pytest.mark.parametrize("count", [1, 20])
async def test_a_container_being_deleted_is_waited_for(line: Line, count: int) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead(100)])
    await adapter._client.delete_container()
    diagnosis = await refused(adapter, *make_leads(range(count)))
    assert (diagnosis.kind, diagnosis.outcome) == (AzureStorageKind.TABLE_BEING_DELETED, Outcome.FAILED)
    assert diagnosis.evidence.code == "ContainerBeingDeleted"
    assert diagnosis.retry_after is not None
    assert diagnosis.retry_after >= 40
    line.service.end_deletions()
    assert results(await adapter.deliver(make_leads(range(count)))) == ["created"] * count


@pytest.mark.parametrize(
    ("code", "status", "kind", "outcome"),
    [
        ("ContainerBeingDeleted", 409, AzureStorageKind.TABLE_BEING_DELETED, Outcome.FAILED),
        ("ContainerDisabled", 409, AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
        ("AuthorizationPermissionMismatch", 403, AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
        ("AuthorizationResourceTypeMismatch", 403, AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
        ("InvalidResourceName", 400, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("OutOfRangeInput", 400, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("SomethingNew", 400, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("BlobAlreadyExists", 409, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("OperationTimedOut", 500, Kind.SERVER_ERROR, Outcome.FAILED),
    ],
)
async def test_a_container_that_cannot_be_made(
    line: Line, code: str, status: int, kind: AnyKind, outcome: Outcome
) -> None:
    line.service.fail(error(status, code), when=creates_container)
    diagnosis = await refused(line.open(), *make_leads(range(3)))
    assert (diagnosis.kind, diagnosis.outcome) == (kind, outcome)


async def test_a_container_that_another_makes_meanwhile(line: Line) -> None:
    line.service.fail(line.service.commit_then(error(409, "ContainerAlreadyExists")), when=creates_container, times=1)
    assert results(await line.open().deliver(make_leads(range(3)))) == ["created"] * 3


async def test_a_container_that_vanishes_again_at_once(line: Line) -> None:
    line.service.fail(error(404, "ContainerNotFound"), when=is_write)
    diagnosis = await refused(line.open())
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN)
    assert len(line.service.received) == 3


@pytest.mark.parametrize("name", ["abc", "a1-b2-c3", "0" * 63, "2026-leads"])
async def test_names_that_azure_takes(line: Line, name: str) -> None:
    assert results(await line.open(container=name).deliver([make_lead()])) == ["created"]


@pytest.mark.parametrize(
    "name",
    ["ab", "a" * 64, "Leads", "a--b", "-ab", "ab-", "a_b", "a.b", "a/b", "$root", "$web", "lêads", "a b", "", "abc/.."],
)
def test_names_that_azure_does_not_take(name: str) -> None:
    with pytest.raises(ValidationError, match="3 to 63 lower-case letters"):
        AzureBlobConfig(storage_account_connection_string=f"AccountName=abc;AccountKey={KEY}", container_name=name)


async def test_a_name_that_slips_through_is_the_settings_fault(line: Line) -> None:
    adapter = line.open()
    adapter._client.container_name = "a--b"
    assert (await refused(adapter)).kind is AzureStorageKind.SETTING_INVALID


# What the remote system can do

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
    answers = await line.open(total_seconds=1.0).deliver(make_leads(range(32)))
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

    adapter = line.open(total_seconds=1.5)
    await adapter.deliver([make_lead(999)])
    line.service.fail(slowly)
    async with asyncio.timeout(PATIENCE):  # one after another, each within its time, they would take 60 s
        answers = await adapter.deliver(make_leads(range(300)))
    assert set(results(answers)) == {"created", "noAnswer"}
    assert all(answer.outcome in (Outcome.DELIVERED, Outcome.FAILED) for answer in answers)
    assert len(await line.files()) == results(answers).count("created") + 1


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "fault", [faults.reset_before_answer, faults.hang, faults.html(502), faults.reset_in_body(201)]
)
async def test_a_lost_answer_makes_no_second_file(line: Line, fault: Fault, count: int) -> None:
    adapter = line.open(total_seconds=3.0 if fault is faults.hang else 30.0)
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


# Settings and credentials


async def test_a_wrong_key(line: Line) -> None:
    adapter = line.open(line.setting(key=WRONG_KEY))
    diagnosis = await refused(adapter, *make_leads(range(2)))
    assert (diagnosis.kind, diagnosis.evidence.code) == (AzureStorageKind.KEY_REJECTED, "AuthenticationFailed")
    check = await adapter.check()
    assert not check.ok
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.KEY_REJECTED
    assert [(step.name, step.ok) for step in check.steps][-1] == ("credentials", False)


async def test_an_account_that_does_not_exist(line: Line) -> None:
    async def nobody(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    network = Network(NetworkPolicy(total_seconds=5.0), resolve=nobody)
    config = AzureBlobConfig(storage_account_connection_string=line.setting(), container_name=CONTAINER)
    lost = AzureBlob(config, network)
    line.opened.append((lost, network))
    assert (await refused(lost)).kind is AzureStorageKind.ACCOUNT_NOT_FOUND
    check = await lost.check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.ACCOUNT_NOT_FOUND
    assert check.steps[-1].name == "name"


@pytest.mark.parametrize(
    "setting",
    [
        "UseDevelopmentStorage=true",
        f"AccountName=aaa;AccountKey={KEY};BlobEndpoint=https://leads.example",
        f"AccountName=aaa;AccountKey={KEY};BlobEndpoint=https://127.0.0.1:10000/aaa",
        f"AccountName=aaa;AccountKey={KEY};BlobEndpoint=https://169.254.169.254/aaa",
    ],
)
async def test_hosts_that_nobody_allowed(line: Line, setting: str) -> None:
    adapter = line.open(setting)
    diagnosis = await refused(adapter)
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.ADDRESS_REFUSED, Outcome.BROKEN)
    check = await adapter.check()
    assert [(step.name, step.ok) for step in check.steps] == [("settings", False)]
    assert check.diagnosis == diagnosis


async def test_the_account_in_the_path_where_the_operator_allows_it(line: Line) -> None:
    endpoint = f"https://127.0.0.1:{line.service.port}/{line.account}"
    adapter = line.open(
        f"AccountName={line.account};AccountKey={KEY};BlobEndpoint={endpoint}",
        hosts={},
        allow_addresses=(ip_network("127.0.0.0/8"),),
    )
    assert (await adapter.check()).ok
    assert results(await adapter.deliver(make_leads(range(3)))) == ["created"] * 3
    assert results(await adapter.deliver([make_lead(1)])) == ["duplicate"]
    assert len(await line.files()) == 3


async def test_the_emulator_without_tls_where_the_operator_allows_it(line: Line, azurite_blob: Azurite) -> None:
    endpoint = f"{azurite_blob.url}/{line.account}"
    adapter = line.open(
        f"AccountName={line.account};AccountKey={KEY};BlobEndpoint={endpoint}",
        hosts={},
        allow_addresses=(ip_network("127.0.0.0/8"),),
    )
    check = await adapter.check()
    assert check.ok
    assert ("tls", None) in [(step.name, step.ok) for step in check.steps]
    assert results(await adapter.deliver(make_leads(range(2)))) == ["created"] * 2


def test_settings_that_cannot_be_used_name_the_part_and_no_secret() -> None:
    with pytest.raises(ValidationError) as raised:
        AzureBlobConfig.model_validate(
            {"storageAccountConnectionString": f"AccountName=contoso;AccountKey={KEY[:-3]}", "containerName": "leads"}
        )
    assert "AccountKey is not complete base64" in str(raised.value)
    assert KEY[:12] not in str(raised.value)
    config = AzureBlobConfig.model_validate(
        {"storageAccountConnectionString": f"AccountName=Abc;AccountKey={KEY}", "containerName": " leads "}
    )
    assert (config.host, config.container_name) == ("abc.blob.core.windows.net", "leads")
    assert KEY[:12] not in repr(config)


# Signatures


def signature(account: str, *, service: bool = False, object: bool = True, container: bool = True, **may: bool) -> str:
    return generate_account_sas(
        account,
        KEY,
        resource_types=ResourceTypes(service=service, object=object, container=container),
        permission=AccountSasPermissions(**may),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )


def signature_for_container(account: str, **may: bool) -> str:
    expiry = datetime.now(UTC) + timedelta(hours=1)
    return generate_container_sas(
        account, CONTAINER, account_key=KEY, permission=ContainerSasPermissions(**may), expiry=expiry
    )


async def test_a_signature_that_may_only_create(line: Line) -> None:
    adapter = line.open(line.setting(sas=signature(line.account, create=True)))
    assert results(await adapter.deliver(make_leads(range(10)))) == ["created"] * 10
    assert results(await adapter.deliver(make_leads(range(12)))) == ["duplicate"] * 10 + ["created"] * 2
    check = await adapter.check()
    assert check.ok
    assert (check.steps[-1].name, check.steps[-1].ok) == ("credentials", None)


async def test_a_signature_for_objects_only_needs_the_container(line: Line) -> None:
    adapter = line.open(line.setting(sas=signature(line.account, container=False, create=True, read=True)))
    assert (await adapter.check()).steps[-1].ok is None
    diagnosis = await refused(adapter)
    assert (diagnosis.kind, diagnosis.evidence.code) == (
        AzureStorageKind.ACCESS_BLOCKED,
        "AuthorizationResourceTypeMismatch",
    )
    await line.reader.create_container()
    assert results(await adapter.deliver([make_lead()])) == ["created"]


async def test_a_signature_for_the_container_alone(line: Line) -> None:
    await line.reader.create_container()
    sas = signature_for_container(line.account, create=True)
    adapter = line.open(f"BlobEndpoint=https://{line.account}.blob.core.windows.net/;SharedAccessSignature={sas}")
    line.service.fail(error(403, "AuthorizationFailure"), when=reads_container)  # as the real service says it
    assert (await adapter.check()).steps[-1].ok is None
    assert results(await adapter.deliver(make_leads(range(3)))) == ["created"] * 3
    assert results(await adapter.deliver([make_lead(1)])) == ["duplicate"]


@pytest.mark.parametrize(
    ("may", "text"),
    [
        ({"read": True, "list": True}, "neither Create nor Write"),
        ({"create": True, "object": False}, "not for objects"),
    ],
)
async def test_a_signature_that_cannot_do(line: Line, may: dict[str, bool], text: str) -> None:
    await line.reader.create_container()
    adapter = line.open(line.setting(sas=signature(line.account, **may)))
    check = await adapter.check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.ACCESS_BLOCKED
    assert text in check.steps[-1].detail
    assert line.service.received == []
    assert (await refused(adapter)).kind is AzureStorageKind.ACCESS_BLOCKED


async def test_a_firewall_is_not_mistaken_for_a_narrow_signature(line: Line) -> None:
    line.service.fail(error(403, "AuthorizationFailure"))
    check = await line.open(line.setting(sas=signature(line.account, read=True, create=True))).check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.ACCESS_BLOCKED


async def test_a_forged_signature(line: Line) -> None:
    sas = signature(line.account, read=True, create=True).replace("sig=", "sig=AAAA")
    adapter = line.open(line.setting(sas=sas))
    assert (await refused(adapter)).kind is AzureStorageKind.KEY_REJECTED
    check = await adapter.check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.KEY_REJECTED


# Checks


async def test_a_check_proves_the_credentials_and_writes_nothing(line: Line) -> None:
    adapter = line.open()
    check = await adapter.check()
    assert check.ok
    assert [(step.name, step.ok) for step in check.steps] == [
        (name, True) for name in ("settings", "address", "name", "network", "tls", "credentials")
    ]
    assert "will be made with the first lead" in check.steps[-1].detail
    assert [request.method for request in line.service.received] == ["GET"]
    await adapter.deliver([make_lead()])
    again = await adapter.check()
    assert again.ok
    assert "is there" in again.steps[-1].detail


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.hang, Kind.NO_ANSWER),
        (faults.html(200), Kind.ANSWER_NOT_UNDERSTOOD),
        (faults.endless(200), Kind.ANSWER_TOO_LARGE),
        (faults.reset_in_body(200), Kind.CONNECTION_LOST),
        (faults.redirect("https://10.0.0.1/"), Kind.REDIRECTED),
        (error(400, "SomethingNew"), AzureStorageKind.SETTING_INVALID),
        (error(503, "ServerBusy"), Kind.THROTTLED),
    ],
    ids=["hang", "page", "giant", "reset", "redirect", "new", "busy"],
)
async def test_a_check_of_what_misbehaves(line: Line, fault: Fault, kind: AnyKind) -> None:
    line.service.fail(fault)
    async with asyncio.timeout(PATIENCE):
        check = await line.open(total_seconds=seconds_for(kind)).check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is kind
    assert check.diagnosis.outcome is not Outcome.AMBIGUOUS
    assert check.steps[-1].name == "credentials"
    assert not check.ok


async def test_a_certificate_of_another_authority(line: Line) -> None:
    check = await line.open(ca_file=None).check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is Kind.TLS_FAILED
    assert (await refused(line.open(ca_file=None))).kind is Kind.TLS_FAILED


async def test_nothing_is_there(line: Line) -> None:
    await line.service.aclose()
    diagnosis = await refused(line.open())
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.CONNECTION_FAILED, Outcome.FAILED)


# What is written down


async def test_nothing_private_is_logged(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    adapter = line.open(line.setting(sas=signature(line.account, read=True, create=True)))
    await adapter.deliver(make_leads(range(2)))
    for fault in (faults.echo(400), faults.html(409), error(403, "AuthenticationFailed")):
        line.service.reset()
        line.service.fail(fault)
        await adapter.deliver([make_lead(5)])
        await adapter.check()
    logged = caplog.text.lower()
    for text in (*ADA_PRIVATE, "sig=", "x-ms-", line.account, "contentdecodepolicy"):
        assert text.lower() not in logged


async def test_evidence_names_code_and_request(line: Line) -> None:
    line.service.fail(error(403, "AuthenticationFailed", f"The MAC signature 'abc' for {ADA.email} is not right."))
    evidence = (await refused(line.open())).evidence
    assert (evidence.status, evidence.code) == (403, "AuthenticationFailed")
    assert evidence.request_id
    assert evidence.text
    assert "MAC signature" in evidence.text


async def test_an_instance_closes_without_closing_the_network(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead()])
    await adapter.aclose()
    assert not line.opened[0][1].session.closed


def test_the_adapter_says_what_it_is() -> None:
    facts: Mapping[str, object] = {
        "name": "azure_blob",
        "lead_destination": "blob",
        "config_key": "blobLeadConfiguration",
    }
    assert {name: getattr(AZURE_BLOB, name) for name in facts} == facts
    assert (AzureBlob.batch, AzureBlob.repeatable) == (32, True)

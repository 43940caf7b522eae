"""Azure Blob against real Azurite: files, many at once, repeats, and refused leads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadkeeper.destinations.azure_blob.adapter import AT_ONCE, AzureBlob, blob_name
from leadkeeper.destinations.azure_blob.provider import AZURE_BLOB
from leadkeeper.diagnosis import Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import creates_container, error, is_write
from leadkeeper.sandbox.azure_storage.azurite import Azurite
from leadkeeper.sandbox.faults import Exchange
from tests.contracts.blob_line import CONTAINER, Line, opened
from tests.contracts.storage_leads import ADA, NOON, assert_nothing_private, make_lead, make_leads, refused, results


@pytest.fixture
async def line(azurite_blob: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    async with opened(azurite_blob, authority, storage_account) as made:
        yield made


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
    together = asyncio.Event()

    async def counted(exchange: Exchange) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        if busy > 1:
            together.set()
        await together.wait()
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


def test_the_adapter_says_what_it_is() -> None:
    facts: Mapping[str, object] = {
        "name": "azure_blob",
        "lead_destination": "blob",
        "config_key": "blobLeadConfiguration",
    }
    assert {name: getattr(AZURE_BLOB, name) for name in facts} == facts
    assert (AzureBlob.batch, AzureBlob.repeatable) == (32, True)

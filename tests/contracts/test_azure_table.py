"""Azure Table against real Azurite: rows, batches, repeats, refused leads, and the table that is made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_table.adapter import TEXT_LIMIT, AzureTable, make_row, transactions
from leadkeeper.destinations.azure_table.provider import AZURE_TABLE
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import Azurite
from leadkeeper.sandbox.azure_table.stand_in import creates_table, error, is_insert, is_transaction, transaction_error
from tests.contracts.storage_leads import ADA, NOON, assert_nothing_private, make_lead, make_leads, refused, results
from tests.contracts.table_line import Line, opened, signature


@pytest.fixture
async def line(azurite: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    async with opened(azurite, authority, storage_account) as made:
        yield made


# What a reader of the table finds


async def test_a_row_is_what_a_reader_of_the_table_expects(line: Line) -> None:
    lead = make_lead(
        id="0199aaaa-0000-7000-8000-000000000001",
        created_at=datetime(2026, 11, 22, 8, 15, 30, 123_456, tzinfo=UTC),
        customer=Customer("Ada", "Lovelace", "ada@contoso.com", "1234567890", "US", "Contoso", "CTO"),
        description="",
    )
    [answer] = await line.open().deliver([lead])
    assert answer == Receipt(result="created", remote_id=f"2026-11-22/{lead.id}")
    customer = {"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@contoso.com", "Phone": "1234567890"}
    customer |= {"Country": "US", "Company": "Contoso", "Title": "CTO"}
    [row] = (await line.rows()).values()
    assert row == customer | {
        "PartitionKey": "2026-11-22",
        "RowKey": lead.id,
        "ActionCode": "INS",
        "CreatedTime": "2026-11-22T08:15:30.123Z",
        "CustomerInfo": json.dumps(customer, separators=(",", ":")),
        "Description": "",
        "LeadSource": "AzureMarketplace-INS|contoso.crm-pro",
        "OfferDisplayName": "Contoso CRM Pro",
        "ProductId": "crm-pro",
        "PublisherDisplayName": "Contoso",
        "Campaign": "spring",
        "IsTest": False,
    }


async def test_a_day_is_a_day_in_utc(line: Line) -> None:
    late = datetime.fromisoformat("2026-11-22T23:30:00-05:00")
    [answer] = await line.open().deliver([make_lead(created_at=late)])
    assert isinstance(answer, Receipt)
    [row] = (await line.rows()).values()
    assert (row["PartitionKey"], row["CreatedTime"]) == ("2026-11-23", "2026-11-23T04:30:00.000Z")


async def test_texts_of_every_kind_arrive_as_they_are(line: Line) -> None:
    text = "Zoë \"quoted\" 'O''Brien' \\ 東京 😀 <b>&amp;</b>\r\n--batch_1\r\n\tend"
    leads = [make_lead(n, customer=replace(ADA, last_name=text), description=text) for n in range(2)]
    assert results(await line.open().deliver(leads)) == ["created", "created"]
    for row in (await line.rows()).values():
        assert row["LastName"] == row["Description"] == json.loads(row["CustomerInfo"])["LastName"] == text


async def test_too_long_texts_are_cut_and_the_receipt_says_so(line: Line) -> None:
    lead = make_lead(customer=replace(ADA, company="\x01😀" * TEXT_LIMIT), description="😀x" * TEXT_LIMIT)
    [answer] = await line.open().deliver([lead])
    assert isinstance(answer, Receipt)
    assert answer.note == "Cut to 32768 characters, the most that a column holds: Description, Company, CustomerInfo."
    [row] = (await line.rows()).values()
    assert lead.description.startswith(row["Description"])
    assert TEXT_LIMIT - 2 < len(row["Description"].encode("utf-16-le")) / 2 <= TEXT_LIMIT
    info = json.loads(row["CustomerInfo"])
    assert (info["FirstName"], info["Company"][:2]) == ("Augusta", "\x01😀")
    assert len(row["CustomerInfo"].encode("utf-16-le")) / 2 <= TEXT_LIMIT


async def test_unpaired_surrogates_do_not_stop_a_lead(line: Line) -> None:
    [answer] = await line.open().deliver([make_lead(description="a\ud800b")])
    assert isinstance(answer, Receipt)
    assert [row["Description"] for row in (await line.rows()).values()] == ["a?b"]


# Batches and repeats


async def test_a_hundred_leads_of_two_days_are_few_calls(line: Line) -> None:
    leads = [make_lead(n, created_at=NOON + timedelta(days=n % 2)) for n in range(100)]
    adapter = line.open()
    assert results(await adapter.deliver(leads)) == ["created"] * 100
    rows = await line.rows()
    assert set(rows) == {lead.id for lead in leads}
    assert {row["PartitionKey"] for row in rows.values()} == {"2026-11-22", "2026-11-23"}
    assert len(line.service.received) == 4  # no table yet, make it, two days


async def test_a_transaction_s_answer_fits_the_network_s_limit(line: Line) -> None:
    small, large = line.open(answer_limit=65_536), line.open(answer_limit=131_072)
    assert results(await small.deliver(make_leads(range(100)))) == ["created"] * 100
    line.service.reset()
    assert results(await large.deliver(make_leads(range(100, 200)))) == ["created"] * 100
    assert len(line.service.received) == 1


def test_transactions_are_of_one_day_and_not_too_large() -> None:
    big = [make_row(make_lead(n, description="é" * TEXT_LIMIT)) for n in range(60)]
    groups = list(transactions(big, 100))
    assert [row for group in groups for row in group] == big
    assert all(sum(row.size for row in group) < 1024 * 1024 for group in groups)
    assert len(groups) > 1


async def test_large_leads_make_several_transactions(line: Line) -> None:
    leads = [make_lead(n, description="é" * TEXT_LIMIT) for n in range(30)]
    assert results(await line.open().deliver(leads)) == ["created"] * 30
    assert all(len(request.body) < 1024 * 1024 for request in line.service.received)


async def test_the_same_lead_again_is_a_duplicate(line: Line) -> None:
    adapter = line.open()
    assert results(await adapter.deliver([make_lead()])) == ["created"]
    [answer] = await adapter.deliver([make_lead()])
    assert answer == Receipt(result="duplicate", remote_id=f"2026-11-22/{make_lead().id}")
    assert len(await line.rows()) == 1


async def test_the_same_lead_twice_in_one_call_is_one_row(line: Line) -> None:
    leads = [make_lead(1), make_lead(2), make_lead(1)]
    assert results(await line.open().deliver(leads)) == ["created"] * 3
    assert len(await line.rows()) == 2


async def test_a_batch_that_is_there_already_takes_two_calls(line: Line) -> None:
    adapter = line.open(answer_limit=200_000)
    leads = make_leads(range(100))
    await adapter.deliver(leads)
    line.service.reset()
    assert results(await adapter.deliver(leads)) == ["duplicate"] * 100
    assert len(line.service.received) == 2


async def test_a_batch_that_is_there_in_part_is_completed(line: Line) -> None:
    adapter = line.open(answer_limit=200_000)
    await adapter.deliver(make_leads(range(0, 100, 3)))
    line.service.reset()
    leads = make_leads(range(100))
    expected = ["duplicate" if n % 3 == 0 else "created" for n in range(100)]
    assert results(await adapter.deliver(leads)) == expected
    assert len(await line.rows()) == 100
    assert len(line.service.received) == 3


async def test_rows_between_the_leads_of_a_batch_do_not_matter(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver(make_leads(range(100)))
    for start in range(100, 700, 100):
        await adapter.deliver(make_leads(range(start, start + 100)))
    remote = [make_lead(0), make_lead(650), make_lead(9_999)]
    assert results(await adapter.deliver(remote)) == ["duplicate", "duplicate", "created"]


async def test_a_very_full_day_costs_a_few_pages_and_then_one_call_per_lead(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadkeeper.destinations.azure_table.adapter._PAGE", 5)
    adapter = line.open(answer_limit=200_000)
    await adapter.deliver(make_leads(range(100)))
    line.service.reset()
    remote = [make_lead(0), make_lead(20), make_lead(98), make_lead(101)]
    assert results(await adapter.deliver(remote)) == ["duplicate"] * 3 + ["created"]
    assert len(line.service.received) == 1 + 8 + 2


async def test_what_people_wrote_into_a_row_is_kept(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver(make_leads(range(3)))
    edited = {"PartitionKey": "2026-11-22", "RowKey": make_lead(1).id, "Description": "called back", "Owner": "Bob"}
    await line.reader.upsert_entity(edited)
    await adapter.deliver(make_leads(range(4)))
    await adapter.deliver([make_lead(1)])
    rows = await line.rows()
    assert len(rows) == 4
    assert (rows[make_lead(1).id]["Description"], rows[make_lead(1).id]["Owner"]) == ("called back", "Bob")


async def test_a_signature_that_may_only_add_repeats_one_by_one(line: Line) -> None:
    adapter = line.open(line.setting(sas=signature(line.account, create=True, add=True)))
    await adapter.deliver(make_leads(range(5)))
    assert results(await adapter.deliver(make_leads(range(6)))) == ["duplicate"] * 5 + ["created"]


async def test_many_calls_at_once_make_the_table_once(line: Line) -> None:
    adapter = line.open()
    calls = [adapter.deliver(make_leads(range(start, start + 10))) for start in range(0, 80, 10)]
    answers = [answer for part in await asyncio.gather(*calls) for answer in part]
    assert results(answers) == ["created"] * 80
    assert len(await line.rows()) == 80


# Refused leads


async def test_one_refused_lead_does_not_hold_up_the_others(line: Line) -> None:
    line.service.fail(transaction_error(2, 400, "PropertyValueTooLarge"), when=is_transaction, times=1)
    line.service.fail(transaction_error(0, 400, "InvalidInput"), when=is_transaction, times=1)
    answers = await line.open().deliver(make_leads(range(5)))
    assert results(answers) == ["leadRefused", "created", "leadTooLarge", "created", "created"]
    assert len(await line.rows()) == 3
    for answer in answers:
        if isinstance(answer, Diagnosis):
            assert answer.outcome is Outcome.REFUSED
            assert_nothing_private(answer)


async def test_a_transaction_refused_without_saying_why_is_cut_in_two(line: Line) -> None:
    line.service.fail(transaction_error(None, 400, "InvalidInput"), when=is_transaction, times=1)
    line.service.fail(error(413, "RequestBodyTooLarge"), when=is_transaction, times=1)
    assert results(await line.open().deliver(make_leads(range(8)))) == ["created"] * 8


async def test_a_transaction_that_names_an_operation_which_it_does_not_have(line: Line) -> None:
    line.service.fail(transaction_error(77, 409, "EntityAlreadyExists"), when=is_transaction)
    line.service.fail(error(400, "InvalidInput"), when=is_insert)
    answers = await line.open().deliver(make_leads(range(4)))
    assert results(answers) == ["leadRefused"] * 4


async def test_all_refused_are_answered_each(line: Line) -> None:
    line.service.fail(transaction_error(0, 400, "InvalidInput"), when=is_transaction)
    line.service.fail(error(400, "InvalidInput"), when=is_insert)
    assert results(await line.open().deliver(make_leads(range(100)))) == ["leadRefused"] * 100


# The table


async def test_a_table_deleted_between_two_leads_is_made_again(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead(1)])
    await line.reader.delete_table()
    assert results(await adapter.deliver(make_leads(range(2, 4)))) == ["created"] * 2
    await line.reader.delete_table()
    assert results(await adapter.deliver([make_lead(5)])) == ["created"]
    assert set(await line.rows()) == {make_lead(5).id}


@pytest.mark.parametrize("count", [1, 3])
async def test_a_table_being_deleted_is_waited_for(line: Line, count: int) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead(100)])
    await adapter._client.delete_table()
    diagnosis = await refused(adapter, *make_leads(range(count)))
    assert (diagnosis.kind, diagnosis.outcome) == (AzureStorageKind.TABLE_BEING_DELETED, Outcome.FAILED)
    assert diagnosis.retry_after is not None
    assert diagnosis.retry_after >= 40
    line.service.end_deletions()
    assert results(await adapter.deliver(make_leads(range(count)))) == ["created"] * count


@pytest.mark.parametrize(
    ("code", "status", "kind", "outcome"),
    [
        ("TableBeingDeleted", 409, AzureStorageKind.TABLE_BEING_DELETED, Outcome.FAILED),
        ("AuthorizationPermissionMismatch", 403, AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
        ("InvalidResourceName", 400, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("SomethingNew", 400, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("EntityAlreadyExists", 409, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("OperationTimedOut", 500, Kind.SERVER_ERROR, Outcome.FAILED),
    ],
)
async def test_a_table_that_cannot_be_made(line: Line, code: str, status: int, kind: AnyKind, outcome: Outcome) -> None:
    line.service.fail(error(status, code), when=creates_table)
    diagnosis = await refused(line.open(), *make_leads(range(3)))
    assert (diagnosis.kind, diagnosis.outcome) == (kind, outcome)


async def test_a_table_that_vanishes_again_at_once(line: Line) -> None:
    line.service.fail(error(404, "TableNotFound"), when=is_insert)
    diagnosis = await refused(line.open())
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN)
    assert len(line.service.received) == 3


def test_the_adapter_says_what_it_is() -> None:
    facts: Mapping[str, object] = {
        "name": "azure_table",
        "lead_destination": "table",
        "config_key": "tableLeadConfiguration",
        "least_batch": 100,
    }
    assert {name: getattr(AZURE_TABLE, name) for name in facts} == facts
    assert (AzureTable.batch, AzureTable.repeatable) == (100, True)

"""Azure Table against real Azurite, behind a proxy that answers as the real service does."""

from __future__ import annotations

import asyncio
import json
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
from azure.data.tables import AccountSasPermissions, ResourceTypes, generate_account_sas
from azure.data.tables.aio import TableClient
from pydantic import ValidationError

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_table.adapter import TEXT_LIMIT, AzureTable, make_row, transactions
from leadkeeper.destinations.azure_table.provider import AZURE_TABLE
from leadkeeper.destinations.azure_table.settings import AzureTableConfig
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import KEY, Azurite
from leadkeeper.sandbox.azure_table.stand_in import AzureTable as TableService
from leadkeeper.sandbox.azure_table.stand_in import (
    creates_table,
    error,
    is_insert,
    is_transaction,
    transaction_error,
    xml_error,
)
from leadkeeper.sandbox.faults import Fault
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

TABLE = "MarketplaceLeads"


@dataclass
class Line:
    """An adapter before the stand-in, and a reader that looks at Azurite directly."""

    service: TableService
    reader: TableClient
    ca_file: Path
    account: str
    opened: list[tuple[AzureTable, Network]] = field(default_factory=list)

    def setting(self, *, key: str = KEY, sas: str | None = None) -> str:
        credential = f"AccountKey={key}" if sas is None else f"SharedAccessSignature={sas}"
        return f"DefaultEndpointsProtocol=https;AccountName={self.account};{credential};EndpointSuffix=core.windows.net"

    def open(self, setting: str | None = None, **policy: Any) -> AzureTable:
        """An adapter with production's host names, which lead to the stand-in."""
        hosts = {"*.table.core.windows.net": ("127.0.0.1", self.service.port)}
        rules: dict[str, Any] = {"hosts": hosts, "ca_file": self.ca_file, "total_seconds": 5.0} | policy
        network = Network(NetworkPolicy(**rules))
        config = AzureTableConfig(storage_account_connection_string=setting or self.setting())
        adapter = AzureTable(config, network)
        self.opened.append((adapter, network))
        return adapter

    async def rows(self) -> dict[str, dict[str, Any]]:
        """The table's rows by row key, as a reader gets them."""
        return {row["RowKey"]: dict(row) async for row in self.reader.list_entities()}


@pytest.fixture
async def line(azurite: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    service = TableService(azurite.url)
    await service.start(authority.server_context("127.0.0.1", "*.table.core.windows.net"))
    async with aiohttp.ClientSession() as session:
        reader = TableClient(
            f"{azurite.url}/{storage_account}",
            TABLE,
            credential=AzureNamedKeyCredential(storage_account, KEY),
            transport=AioHttpTransport(session=session, session_owner=False, use_env_settings=False),
        )
        made = Line(service, reader, authority.ca_file, storage_account)
        yield made
        for adapter, network in made.opened:
            await adapter.aclose()
            await network.aclose()
        await service.aclose()


async def refused(adapter: AzureTable, *leads: OutgoingLead) -> Diagnosis:
    """The diagnosis that all leads get; it shows nothing private."""
    answers = await adapter.deliver(leads or [make_lead()])
    diagnoses = [answer for answer in answers if isinstance(answer, Diagnosis)]
    assert len(diagnoses) == len(answers)
    assert len({(diagnosis.kind, diagnosis.outcome) for diagnosis in diagnoses}) == 1
    for diagnosis in diagnoses:
        assert_nothing_private(diagnosis)
    return diagnoses[0]


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


# What the remote system can do

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
    answers = await line.open(total_seconds=1.0).deliver(leads)
    assert len([each for each in line.service.received if when(each)]) <= 2, "not one after another"
    outcomes = [answer.outcome for answer in answers]
    assert results(answers) == ["noAnswer"] * 20
    sent = 2 if when is is_transaction else 0
    assert outcomes == [Outcome.AMBIGUOUS] * sent + [Outcome.FAILED] * (20 - sent)


async def test_a_slow_service_does_not_hold_a_call_for_ever(line: Line) -> None:
    async def slowly(exchange: faults.Exchange) -> None:
        await asyncio.sleep(0.75)
        await error(400, "InvalidInput")(exchange)

    line.service.fail(slowly)
    answers = await line.open(total_seconds=1.5).deliver(make_leads(range(50)))
    assert len(line.service.received) < 50, "not one after another, however long each takes"
    assert set(results(answers)) == {"leadRefused", "noAnswer"} or set(results(answers)) == {"noAnswer"}
    assert all(answer.outcome is not Outcome.AMBIGUOUS for answer in answers)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "fault", [faults.reset_before_answer, faults.hang, faults.html(502)], ids=["reset", "hang", "page"]
)
async def test_a_lost_answer_makes_no_second_row(line: Line, fault: Fault, count: int) -> None:
    adapter = line.open(total_seconds=3.0 if fault is faults.hang else 30.0)
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
    lost = AzureTable(AzureTableConfig(storage_account_connection_string=line.setting()), network)
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
        f"AccountName=a;AccountKey={KEY};TableEndpoint=https://leads.example",
        f"AccountName=aaa;AccountKey={KEY};TableEndpoint=https://127.0.0.1:10002/aaa",
        f"AccountName=aaa;AccountKey={KEY};TableEndpoint=https://169.254.169.254/aaa",
    ],
)
async def test_hosts_that_nobody_allowed(line: Line, setting: str) -> None:
    adapter = line.open(setting.replace("AccountName=a;", "AccountName=abc;"))
    diagnosis = await refused(adapter)
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.ADDRESS_REFUSED, Outcome.BROKEN)
    check = await adapter.check()
    assert [(step.name, step.ok) for step in check.steps] == [("settings", False)]
    assert check.diagnosis == diagnosis


async def test_the_account_in_the_path_where_the_operator_allows_it(line: Line) -> None:
    endpoint = f"https://127.0.0.1:{line.service.port}/{line.account}"
    adapter = line.open(
        f"AccountName={line.account};AccountKey={KEY};TableEndpoint={endpoint}",
        hosts={},
        allow_addresses=(ip_network("127.0.0.0/8"),),
    )
    assert (await adapter.check()).ok
    assert results(await adapter.deliver(make_leads(range(3)))) == ["created"] * 3
    assert results(await adapter.deliver([make_lead(1)])) == ["duplicate"]
    assert len(await line.rows()) == 3


async def test_the_emulator_without_tls_where_the_operator_allows_it(line: Line, azurite: Azurite) -> None:
    endpoint = f"{azurite.url}/{line.account}"
    adapter = line.open(
        f"AccountName={line.account};AccountKey={KEY};TableEndpoint={endpoint}",
        hosts={},
        allow_addresses=(ip_network("127.0.0.0/8"),),
    )
    check = await adapter.check()
    assert check.ok
    assert ("tls", None) in [(step.name, step.ok) for step in check.steps]
    assert results(await adapter.deliver(make_leads(range(2)))) == ["created"] * 2


def test_settings_that_cannot_be_used_name_the_part_and_no_secret() -> None:
    with pytest.raises(ValidationError) as raised:
        AzureTableConfig.model_validate(
            {"storageAccountConnectionString": f"AccountName=contoso;AccountKey={KEY[:-3]}"}
        )
    assert "AccountKey is not complete base64" in str(raised.value)
    assert KEY[:12] not in str(raised.value)
    config = AzureTableConfig.model_validate({"storageAccountConnectionString": f"AccountName=Abc;AccountKey={KEY}"})
    assert config.host == "abc.table.core.windows.net"
    assert KEY[:12] not in repr(config)


# Checks


def signature(account: str, **permissions: bool) -> str:
    return generate_account_sas(
        AzureNamedKeyCredential(account, KEY),
        resource_types=ResourceTypes(service=True, object=True, container=True),
        permission=AccountSasPermissions(**permissions),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )


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
    ("permissions", "ok"),
    [
        ({"read": True, "add": True, "create": True}, True),
        ({"add": True, "create": True}, None),
        ({"read": True}, False),
    ],
)
async def test_a_check_of_a_signature(line: Line, permissions: dict[str, bool], ok: bool | None) -> None:
    await line.open().deliver([make_lead()])
    adapter = line.open(line.setting(sas=signature(line.account, **permissions)))
    check = await adapter.check()
    assert check.steps[-1].name == "credentials"
    assert check.steps[-1].ok is ok
    assert check.ok is (ok is not False)
    if ok is False:
        assert check.diagnosis is not None
        assert check.diagnosis.kind is AzureStorageKind.ACCESS_BLOCKED
        assert (await refused(adapter)).kind is AzureStorageKind.ACCESS_BLOCKED
    else:
        assert results(await adapter.deliver([make_lead(1)])) == ["created"]


async def test_a_forged_signature(line: Line) -> None:
    sas = signature(line.account, read=True, add=True).replace("sig=", "sig=AAAA")
    adapter = line.open(line.setting(sas=sas))
    assert (await refused(adapter)).kind is AzureStorageKind.KEY_REJECTED
    check = await adapter.check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.KEY_REJECTED


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
    adapter = line.open(line.setting(sas=signature(line.account, read=True, add=True, create=True)))
    await adapter.deliver(make_leads(range(2)))
    line.service.fail(faults.echo(400))
    await adapter.deliver([make_lead(5)])
    logged = caplog.text.lower()
    for text in (*ADA_PRIVATE, "sig=", "x-ms-", line.account):
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
        "name": "azure_table",
        "lead_destination": "table",
        "config_key": "tableLeadConfiguration",
        "least_batch": 100,
    }
    assert {name: getattr(AZURE_TABLE, name) for name in facts} == facts
    assert (AzureTable.batch, AzureTable.repeatable) == (100, True)

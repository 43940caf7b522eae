"""Azure Table: one row per lead in the table ``MarketplaceLeads``, as Microsoft's marketplace wrote it.

Rows are only ever created: what people later change in a row is never overwritten. Row key is the lead's id, so that
a lead sent twice is one row. Sources: ``docs/reference/vendors/azure_storage.md#tables``,
``docs/reference/vendors/marketplace.md#azure-table-row``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import ClassVar, Final

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.data.tables.aio import TableClient

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep
from leadkeeper.destinations.azure_storage.account import (
    Service,
    StorageAccount,
    is_account_permitted,
    parse_connection_string,
)
from leadkeeper.destinations.azure_storage.calls import FOREIGN_HOST, StorageCalls, about_account, sdk_options
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.errors import TABLE_MISSING, Failure
from leadkeeper.destinations.azure_table.batch import Batch
from leadkeeper.destinations.azure_table.read_back import FIND_BATCH, find_entities
from leadkeeper.destinations.azure_table.settings import AzureTableConfig
from leadkeeper.destinations.interface import Presence, Preview, SentRecord
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network
from leadkeeper.texts import _, lazy_gettext

UNSEEN: Final = Unseen(
    _("The check wrote nothing: it did not look at whether a row can be added, nor at who reads the table.")
)
"""What a check that passes did not look at."""

TABLE: Final = "MarketplaceLeads"
"""The table's name, Microsoft's; upper and lower case count as the same in Azure."""

CUSTOMER_COLUMNS: Final = ("FirstName", "LastName", "Email", "Phone", "Country", "Company", "Title")
TEXT_LIMIT: Final = 32_768
"""The most UTF-16 units in one column."""

TRANSACTION_OPERATIONS: Final = 100
TRANSACTION_BYTES: Final = 1_000_000
"""Below the service's 4 MiB, and what one process sends at a stretch."""

_OPERATION_OVERHEAD: Final = 1_500
"""Bytes that an operation adds to its row in a transaction's body, at most."""

_OPERATION_ANSWER: Final = 420
"""Bytes that the service answers per operation, besides the row's address twice."""

_PATIENCE: Final = 2
"""How many times the network's total time one call of ``deliver`` may take before it sends nothing more."""

_QUIET: Final[dict[str, str]] = {"response_preference": "return-no-content"}
_PAGE: Final = 250
_PAGES: Final = 8
"""Where more rows than these lie between the first and the last of a batch, leads are sent one at a time instead."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A lead as a row of the table. ``note`` says what had to be cut; ``size`` is its bytes in a transaction."""

    lead: OutgoingLead
    entity: Mapping[str, str | bool]
    note: str | None
    size: int

    @property
    def partition(self) -> str:
        """The lead's day in UTC, ``yyyy-MM-dd``."""
        return str(self.entity["PartitionKey"])

    def receipt(self, result: str) -> Receipt:
        """The receipt for the row; its remote id is ``<partition key>/<row key>``."""
        return Receipt(result=result, remote_id=f"{self.partition}/{self.lead.id}", note=self.note)


def make_row(lead: OutgoingLead) -> TableRow:
    """The row of a lead: Microsoft's columns, the customer's fields as columns of their own, ``Campaign``, ``IsTest``.

    Texts longer than :data:`TEXT_LIMIT` are cut, since Azure would refuse the row; ``CustomerInfo`` stays JSON.
    """
    created = lead.created_at.astimezone(UTC)
    c = lead.customer
    values = (c.first_name, c.last_name, c.email, c.phone, c.country, c.company, c.title)
    person = dict(zip(CUSTOMER_COLUMNS, values, strict=True))
    texts = {
        "ActionCode": lead.action,
        "CreatedTime": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "CustomerInfo": _customer_info(person),
        "Description": lead.description,
        "LeadSource": lead.lead_source,
        "OfferDisplayName": lead.offer_title,
        "ProductId": lead.offer_id,
        "PublisherDisplayName": lead.publisher_name,
        **person,
        "Campaign": lead.campaign,
    }
    fitting = {name: fit_row(text) for name, text in texts.items()}
    cut = [name for name, text in fitting.items() if len(text) < len(texts[name])]
    if len(fitting["CustomerInfo"]) < len(_json(person)):
        cut.append("CustomerInfo")
    keys = {"PartitionKey": f"{created:%Y-%m-%d}", "RowKey": lead.id}
    entity: dict[str, str | bool] = {**keys, **fitting, "IsTest": lead.test}
    note = f"Cut to {TEXT_LIMIT} characters, the most that a column holds: {', '.join(cut)}." if cut else None
    return TableRow(lead, entity, note, len(json.dumps(entity)) + _OPERATION_OVERHEAD)


def fit_row(text: str, limit: int = TEXT_LIMIT) -> str:
    """``text`` cut to ``limit`` UTF-16 units, never inside a character; unpaired surrogates become ``?``."""
    if text.isascii():
        return text[:limit]
    return text.encode("utf-16-le", "replace")[: 2 * limit].decode("utf-16-le", "ignore")


def _customer_info(person: Mapping[str, str]) -> str:
    info, limit = _json(person), TEXT_LIMIT
    while len(info.encode("utf-16-le", "replace")) > 2 * TEXT_LIMIT:
        limit //= 2
        info = _json({name: fit_row(text, limit) for name, text in person.items()})
    return info


def _json(value: Mapping[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class AzureTable:
    """A line to one storage account's table ``MarketplaceLeads``, which is made when it is missing."""

    batch: ClassVar[int] = TRANSACTION_OPERATIONS
    repeatable: ClassVar[bool] = True
    find_batch: ClassVar[int] = FIND_BATCH

    def __init__(self, config: AzureTableConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        text = config.storage_account_connection_string.get_secret_value()
        self._network = network
        self._now = now
        self._account = parse_connection_string(text, Service.TABLE)
        self._refusal = None if is_account_permitted(self._account, network.policy) else FOREIGN_HOST
        self._client = _client(self._account, network)
        self._calls = StorageCalls(self._account, network, now)
        self._batch = Batch(self._account, TABLE, network, now)
        address = len(self._account.endpoint) + len(TABLE) + 75
        answers = network.policy.answer_limit // (_OPERATION_ANSWER + 2 * address)
        self._operations = max(1, min(TRANSACTION_OPERATIONS, answers))

    async def check(self) -> Check:
        """Steps ``settings``, those of reaching the host, and ``credentials`` (reads one row key, writes nothing)."""
        if self._refusal is not None:
            return Check((CheckStep("settings", False, self._refusal.evidence.text or ""),), self._refusal)
        settings = CheckStep("settings", True, lazy_gettext("The connection string is complete."))
        reach = await self._network.check_reach(self._account.endpoint)
        if reach.diagnosis is not None:
            return Check((settings, *reach.steps), about_account(reach.diagnosis))
        step, diagnosis = await self._check_credentials()
        return Check((settings, *reach.steps, step), diagnosis, UNSEEN)

    async def _check_credentials(self) -> tuple[CheckStep, Diagnosis | None]:
        permissions = self._account.permissions
        if permissions is not None and "a" not in permissions:
            text = "The shared access signature does not allow Add (sp)."
            return CheckStep("credentials", False, text), diagnose(AzureStorageKind.ACCESS_BLOCKED, Evidence(text=text))
        failure = await self._calls.do(self._read_one)
        if failure is None or failure.code == "TableNotFound":
            table = (
                lazy_gettext("the table %(table)s is there", table=TABLE)
                if failure is None
                else lazy_gettext("%(table)s will be made with the first lead", table=TABLE)
            )
            return CheckStep(
                "credentials", True, lazy_gettext("Azure accepts the credentials; %(table)s.", table=table)
            ), None
        blind = permissions is not None and "r" not in permissions
        if failure.code in TABLE_MISSING or (blind and failure.diagnosis.kind is AzureStorageKind.ACCESS_BLOCKED):
            return CheckStep("credentials", None, lazy_gettext("They cannot be proven without writing.")), None
        return CheckStep("credentials", False, failure.unsent.summary), failure.unsent

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Create a row per lead: one transaction per day and at most 100 of them, a lone lead by itself.

        A row that is there already is answered ``duplicate`` and stays as it is. Trouble with the account or the
        service ends the call, as does slowness: leads not sent by then get its diagnosis, never as ambiguous.
        """
        if self._refusal is not None:
            return [self._refusal] * len(leads)
        answers: dict[str, Answer] = {}
        rows = {lead.id: make_row(lead) for lead in leads}
        deadline = asyncio.get_running_loop().time() + _PATIENCE * self._network.policy.total_seconds
        for transaction in transactions(rows.values(), self._operations):
            failure = await self._deliver(transaction, answers, deadline)
            if failure is not None:
                unsent = failure.unsent
                return [answers.get(lead.id, unsent) for lead in leads]
        return [answers[lead.id] for lead in leads]

    async def _deliver(self, rows: list[TableRow], answers: dict[str, Answer], deadline: float) -> Failure | None:
        """Create rows of one partition, all that can be; the failure that ended it early, if one did."""
        waiting = deque([rows])
        asked = False
        while waiting:
            if asyncio.get_running_loop().time() > deadline:
                return Failure(diagnose(Kind.NO_ANSWER))
            some = waiting.popleft()
            failure = await self._create(some)
            if failure is None:
                answers.update({row.lead.id: row.receipt("created") for row in some})
            elif not failure.concerns_lead:
                answers.update({row.lead.id: failure.diagnosis for row in some})
                return failure
            elif failure.is_duplicate and len(some) > 1 and not asked:
                asked = True
                waiting.extendleft(reversed(await self._without_present(some, answers)))
            else:
                waiting.extendleft(reversed(_without_culprit(some, failure, answers)))
        return None

    async def _create(self, rows: list[TableRow]) -> Failure | None:
        """Create the rows, all or none; makes the table when it is missing, once."""
        leads = [row.lead for row in rows]
        failure = await self._calls.do(lambda: self._insert(rows), leads)
        if failure is None or failure.code not in TABLE_MISSING:
            return failure
        made = await self._calls.do(self._client.create_table)
        if made is None or made.code == "TableAlreadyExists":
            return await self._calls.do(lambda: self._insert(rows), leads)
        return Failure(made.unsent)

    async def _insert(self, rows: list[TableRow]) -> None:
        if len(rows) == 1:
            await self._client.create_entity(rows[0].entity, **_QUIET)
            return
        await self._batch.create([row.entity for row in rows])

    async def _without_present(self, rows: list[TableRow], answers: dict[str, Answer]) -> list[list[TableRow]]:
        """What is left to create when some of the rows are there: one by one where that is not known."""
        pages: list[set[str]] = []
        if await self._calls.do(lambda: self._read_keys(rows, pages)) is not None:
            return [[row] for row in rows]
        present = set().union(*pages)
        answers.update({row.lead.id: row.receipt("duplicate") for row in rows if row.lead.id in present})
        rest = [row for row in rows if row.lead.id not in present]
        if len(pages) < _PAGES:
            return [rest] if rest else []
        return [[row] for row in rest]

    async def _read_keys(self, rows: list[TableRow], pages: list[set[str]]) -> None:
        """Add to ``pages`` the row keys that are there from the first to the last of ``rows``, at most a few pages."""
        keys = [row.lead.id for row in rows]
        found = self._client.query_entities(
            "PartitionKey eq @day and RowKey ge @first and RowKey le @last",
            parameters={"day": rows[0].partition, "first": min(keys), "last": max(keys)},
            select=["RowKey"],
            results_per_page=_PAGE,
        )
        async for page in found.by_page():
            pages.append({str(entity["RowKey"]) async for entity in page})
            if len(pages) == _PAGES:
                return

    async def _read_one(self) -> None:
        async for _page in self._client.list_entities(select=["RowKey"], results_per_page=1).by_page():
            return

    async def find(self, sent: Sequence[SentRecord]) -> Sequence[Presence] | Diagnosis:
        """Which rows are there; see :class:`~leadkeeper.destinations.interface.ReadsBack`."""
        return self._refusal or await find_entities(self._client, self._calls, sent)

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The row for ``lead``."""
        row = make_row(lead)
        return Preview(row.entity, () if row.note is None else (row.note,))

    async def aclose(self) -> None:
        """Let go of the SDK's client; the network session stays open."""
        await self._client.close()


def transactions(rows: Iterable[TableRow], operations: int) -> Iterator[list[TableRow]]:
    """The rows in order, in groups that one transaction takes: of one day, at most ``operations``, not too large."""
    days: dict[str, list[TableRow]] = {}
    for row in rows:
        days.setdefault(row.partition, []).append(row)
    for day in days.values():
        group: list[TableRow] = []
        size = 0
        for row in day:
            if group and (len(group) == operations or size + row.size > TRANSACTION_BYTES):
                yield group
                group, size = [], 0
            group.append(row)
            size += row.size
        yield group


def _without_culprit(rows: list[TableRow], failure: Failure, answers: dict[str, Answer]) -> list[list[TableRow]]:
    """Answer the row that the failure names and leave the others, or cut the transaction in two when it names none."""
    index = 0 if len(rows) == 1 else failure.index
    if index is None or index >= len(rows):
        return [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
    culprit, rest = rows[index], [*rows[:index], *rows[index + 1 :]]
    answers[culprit.lead.id] = culprit.receipt("duplicate") if failure.is_duplicate else failure.diagnosis
    return [rest] if rest else []


def _client(account: StorageAccount, network: Network) -> TableClient:
    credential: AzureNamedKeyCredential | AzureSasCredential = AzureSasCredential(account.sas or "-")
    if account.key is not None:
        credential = AzureNamedKeyCredential(account.name or "", account.key)
    return TableClient(
        account.endpoint,
        TABLE,
        credential=credential,
        **sdk_options(network),
    )

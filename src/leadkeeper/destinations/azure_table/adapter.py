"""Azure Table: one row per lead in the table ``MarketplaceLeads``, as Microsoft's marketplace wrote it.

Rows are only ever created: what people later change in a row is never overwritten. Row key is the lead's id, so that
a lead sent twice is one row. Sources: ``docs/reference/vendors/azure_storage.md#tables``,
``docs/reference/vendors/marketplace.md#azure-table-row``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import ClassVar, Final

from azure.data.tables.aio import TableClient

from leadkeeper.destinations.azure_storage.account import Service
from leadkeeper.destinations.azure_storage.adapter import StorageAdapter
from leadkeeper.destinations.azure_storage.calls import sdk_credential, sdk_options
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.errors import TABLE_MISSING, Failure
from leadkeeper.destinations.azure_table.batch import Batch
from leadkeeper.destinations.azure_table.read_back import FIND_BATCH, find_entities
from leadkeeper.destinations.azure_table.settings import AzureTableConfig
from leadkeeper.destinations.interface import Presence, Preview, SentRecord
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Receipt
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

_QUIET: Final[dict[str, str]] = {"response_preference": "return-no-content"}
_PAGE: Final = 250
_PAGES: Final = 8
"""Where more rows than these lie between the first and the last of a batch, leads are sent one at a time instead."""


_CUT: Final = _("Cut to %(limit)s characters, the most that a column holds: %(columns)s.")


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
    note = lazy_gettext(_CUT, limit=TEXT_LIMIT, columns=", ".join(cut)) if cut else None
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


@dataclass(frozen=True, slots=True)
class Transaction:
    """Rows of one day that are created together, all or none. ``asked``: those that were there are left out."""

    rows: list[TableRow]
    asked: bool = False

    @property
    def leads(self) -> list[OutgoingLead]:
        """The leads of the rows."""
        return [row.lead for row in self.rows]


class AzureTable(StorageAdapter[Transaction]):
    """A line to one storage account's table ``MarketplaceLeads``, which is made when it is missing.

    One transaction per day and at most 100 of its rows, a lone lead by itself; one after the other.
    """

    service: ClassVar[Service] = Service.TABLE
    unseen: ClassVar[Unseen] = UNSEEN
    missing: ClassVar[frozenset[str]] = TABLE_MISSING
    made_already: ClassVar[str] = "TableAlreadyExists"
    batch: ClassVar[int] = TRANSACTION_OPERATIONS
    find_batch: ClassVar[int] = FIND_BATCH

    def __init__(self, config: AzureTableConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        super().__init__(config.storage_account_connection_string, network, now)
        self._client = TableClient(
            self._account.endpoint, TABLE, credential=sdk_credential(self._account), **sdk_options(network)
        )
        self._batch = Batch(self._account, TABLE, network, now)
        address = len(self._account.endpoint) + len(TABLE) + 75
        answers = network.policy.answer_limit // (_OPERATION_ANSWER + 2 * address)
        self._operations = max(1, min(TRANSACTION_OPERATIONS, answers))

    def _lacking(self) -> str | None:
        permissions = self._account.permissions
        lacks = permissions is not None and "a" not in permissions
        return lazy_gettext("The shared access signature does not allow Add (sp).") if lacks else None

    async def _read(self) -> None:
        async for _page in self._client.list_entities(select=["RowKey"], results_per_page=1).by_page():
            return

    def _proof(self, failure: Failure | None) -> str | None:
        if failure is not None and failure.code != "TableNotFound":
            return None
        table = (
            lazy_gettext("the table %(table)s is there", table=TABLE)
            if failure is None
            else lazy_gettext("%(table)s will be made with the first lead", table=TABLE)
        )
        return lazy_gettext("Azure accepts the credentials; %(table)s.", table=table)

    def _is_blind(self, failure: Failure) -> bool:
        permissions = self._account.permissions
        unreadable = permissions is not None and "r" not in permissions
        return failure.code in TABLE_MISSING or (
            unreadable and failure.diagnosis.kind is AzureStorageKind.ACCESS_BLOCKED
        )

    async def _make(self) -> None:
        await self._client.create_table()

    def _parts(self, leads: Sequence[OutgoingLead]) -> Iterable[Transaction]:
        rows = {lead.id: make_row(lead) for lead in leads}
        return map(Transaction, transactions(rows.values(), self._operations))

    async def _create(self, part: Transaction, answers: dict[str, Answer]) -> Failure | Sequence[Transaction]:
        rows = part.rows
        failure = await self._calls.do(lambda: self._insert(rows), part.leads)
        if failure is None:
            answers.update({row.lead.id: row.receipt("created") for row in rows})
            return ()
        if not failure.concerns_lead:
            return failure
        if failure.is_duplicate and len(rows) > 1 and not part.asked:
            return [Transaction(rest, asked=True) for rest in await self._without_present(rows, answers)]
        return [Transaction(rest, part.asked) for rest in _without_culprit(rows, failure, answers)]

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

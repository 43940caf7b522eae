"""Which rows are still there: the row keys of a day, from the first to the last that is asked for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

from azure.data.tables.aio import TableClient

from leadkeeper.destinations.azure_storage.calls import StorageCalls
from leadkeeper.destinations.azure_storage.errors import TABLE_MISSING
from leadkeeper.destinations.interface import Presence, SentRecord
from leadkeeper.diagnosis import Diagnosis

FIND_BATCH: Final = 1_000
"""Rows in one page of an answer."""

Keys = set[tuple[str, str]]


async def find_entities(
    client: TableClient, calls: StorageCalls, sent: Sequence[SentRecord]
) -> Sequence[Presence] | Diagnosis:
    """What became of each row, in order. A table that is gone has no row any more."""
    wanted = [_key(each) for each in sent]
    there: Keys = set()
    for day in dict.fromkeys(day for day, _ in wanted):
        rows = [row for at, row in wanted if at == day]
        failure = await calls.do(functools.partial(_read, client, day, rows, there))
        if failure is not None and failure.code in TABLE_MISSING:
            break
        if failure is not None:
            return failure.unsent
    return [Presence.THERE if key in there else Presence.MISSING for key in wanted]


def _key(sent: SentRecord) -> tuple[str, str]:
    """Partition and row, as the receipt names them."""
    day, _, row = (sent.receipt.remote_id or "").partition("/")
    return day, row or sent.lead.id


async def _read(client: TableClient, day: str, rows: Sequence[str], there: Keys) -> None:
    found = client.query_entities(
        "PartitionKey eq @day and RowKey ge @first and RowKey le @last",
        parameters={"day": day, "first": min(rows), "last": max(rows)},
        select=["RowKey"],
        results_per_page=FIND_BATCH,
    )
    async for page in found.by_page():
        async for entity in page:
            there.add((day, str(entity["RowKey"])))

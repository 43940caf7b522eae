"""Which files are still there: the names in a day's folder, up to 5,000 in one answer."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

from azure.storage.blob.aio import ContainerClient

from leadkeeper.destinations.azure_storage.calls import StorageCalls
from leadkeeper.destinations.azure_storage.errors import CONTAINER_MISSING
from leadkeeper.destinations.interface import Presence
from leadkeeper.diagnosis import Diagnosis

FIND_BATCH: Final = 5_000
"""Names in one page of an answer."""


async def find_files(
    client: ContainerClient, calls: StorageCalls, names: Sequence[str]
) -> Sequence[Presence] | Diagnosis:
    """What became of each file, in order. A container that is gone has no file any more."""
    there: set[str] = set()
    for day in dict.fromkeys(name.rpartition("/")[0] for name in names):
        prefix = _beginning([name for name in names if name.startswith(f"{day}/")])
        failure = await calls.do(functools.partial(_read, client, prefix, there))
        if failure is not None and failure.code in CONTAINER_MISSING:
            break
        if failure is not None:
            return failure.unsent
    return [Presence.THERE if name in there else Presence.MISSING for name in names]


def _beginning(names: Sequence[str]) -> str:
    """What all names begin with: ids that were made at about the same time begin alike."""
    first, last = min(names), max(names)
    alike = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:alike]


async def _read(client: ContainerClient, prefix: str, there: set[str]) -> None:
    async for page in client.list_blobs(name_starts_with=prefix, results_per_page=FIND_BATCH).by_page():
        there.update([blob.name async for blob in page])

"""Azure Blob: one CSV file per lead, ``yyyy/MM/dd/<lead id>.csv``, in a container of the publisher's.

Files are only ever created: one that is there is never overwritten, so that a lead sent twice is one file. Microsoft's
marketplace has given this destination up; here it works. Sources:
``docs/reference/vendors/azure_storage.md#blobs``, ``docs/reference/vendors/marketplace.md#azure-blob-file``.
"""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import ClassVar, Final
from urllib.parse import parse_qs

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import ContainerClient

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep
from leadkeeper.destinations.azure_blob.read_back import FIND_BATCH, find_files
from leadkeeper.destinations.azure_blob.settings import AzureBlobConfig
from leadkeeper.destinations.azure_storage.account import (
    Service,
    StorageAccount,
    is_account_permitted,
    parse_connection_string,
)
from leadkeeper.destinations.azure_storage.calls import FOREIGN_HOST, StorageCalls, about_account, sdk_options
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.errors import CONTAINER_MISSING, THERE_ALREADY, Failure
from leadkeeper.destinations.interface import Presence, Preview, SentRecord
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network
from leadkeeper.spreadsheet import cell
from leadkeeper.texts import _, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at whether a blob can be made, nor at rules "
        "that lock, move or delete blobs."
    )
)
"""What a check that passes did not look at."""

AT_ONCE: Final = 8
"""How many files of one call are written at the same time."""

API_VERSION: Final = "2021-12-02"
"""What we speak: not the SDK's newest, which clouds other than the public one and emulators learn months later."""

_PATIENCE: Final = 2
"""How many times the network's total time one call of ``deliver`` may take before it sends nothing more."""

_CSV: Final = ContentSettings(content_type="text/csv; charset=utf-8")
_NEEDED: Final = {
    "sp": ("cw", "The shared access signature allows neither Create nor Write (sp)."),
    "srt": ("o", "The shared access signature is not for objects (srt)."),
    "ss": ("b", "The shared access signature is not for the Blob service (ss)."),
}
_UNREADABLE: Final = frozenset({"AuthorizationPermissionMismatch", "AuthorizationResourceTypeMismatch"})


def make_record(lead: OutgoingLead) -> dict[str, str]:
    """The columns of a lead's file and their values, in order and as they are written (see :func:`cell`)."""
    c = lead.customer
    values = {
        "LeadId": lead.id,
        "CreatedTime": lead.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "LeadSource": lead.lead_source,
        "ActionCode": lead.action,
        "PublisherDisplayName": lead.publisher_name,
        "OfferDisplayName": lead.offer_title,
        "ProductId": lead.offer_id,
        "FirstName": c.first_name,
        "LastName": c.last_name,
        "Email": c.email,
        "Phone": c.phone,
        "Country": c.country,
        "Company": c.company,
        "Title": c.title,
        "Description": lead.description,
        "Campaign": lead.campaign,
        "IsTest": "true" if lead.test else "false",
    }
    return {name: cell(value) for name, value in values.items()}


def encode_csv(record: Mapping[str, str]) -> bytes:
    """A header row and one row (RFC 4180), UTF-8 with a byte order mark: without it Excel reads another encoding."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(record)
    writer.writerow(record.values())
    return out.getvalue().encode("utf-8-sig")


def blob_name(lead: OutgoingLead) -> str:
    """Where the lead's file stands in the container: ``yyyy/MM/dd/<lead id>.csv``, by the lead's day in UTC."""
    return f"{lead.created_at.astimezone(UTC):%Y/%m/%d}/{lead.id}.csv"


class AzureBlob:
    """A line to one container, which is made when it is missing. ``now`` gives the time in seconds since 1970."""

    batch: ClassVar[int] = 32
    repeatable: ClassVar[bool] = True
    find_batch: ClassVar[int] = FIND_BATCH

    def __init__(self, config: AzureBlobConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        self._account = parse_connection_string(
            config.storage_account_connection_string.get_secret_value(), Service.BLOB
        )
        self._container = config.container_name
        self._network = network
        self._refusal = None if is_account_permitted(self._account, network.policy) else FOREIGN_HOST
        self._client = _client(self._account, self._container, network)
        self._calls = StorageCalls(self._account, network, now)

    async def check(self) -> Check:
        """Steps ``settings``, those of reaching the host, and ``credentials`` (reads, writes nothing)."""
        if self._refusal is not None:
            return Check((CheckStep("settings", False, self._refusal.evidence.text or ""),), self._refusal)
        settings = CheckStep("settings", True, lazy_gettext("The connection string is complete."))
        reach = await self._network.check_reach(self._account.endpoint)
        if reach.diagnosis is not None:
            return Check((settings, *reach.steps), about_account(reach.diagnosis))
        step, diagnosis = await self._check_credentials()
        return Check((settings, *reach.steps, step), diagnosis, UNSEEN)

    async def _check_credentials(self) -> tuple[CheckStep, Diagnosis | None]:
        text = _lacking(self._account)
        if text is not None:
            return CheckStep("credentials", False, text), diagnose(AzureStorageKind.ACCESS_BLOCKED, Evidence(text=text))
        failure = await self._calls.do(self._read_container)
        if failure is None or failure.code in CONTAINER_MISSING:
            there = lazy_gettext("is there") if failure is None else lazy_gettext("will be made with the first lead")
            return CheckStep(
                "credentials",
                True,
                lazy_gettext("Azure accepts the credentials; the container %(there)s.", there=there),
            ), None
        if _cannot_read(self._account, failure):
            return CheckStep("credentials", None, lazy_gettext("They cannot be proven without writing.")), None
        return CheckStep("credentials", False, failure.unsent.summary), failure.unsent

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Create a file per lead, some at a time; the container is made when it is missing, once.

        A file that is there already is answered ``duplicate`` and stays as it is. Trouble with the account or the
        service ends the call, as does slowness: leads not sent by then get its diagnosis, never as ambiguous.
        """
        if self._refusal is not None:
            return [self._refusal] * len(leads)
        deadline = asyncio.get_running_loop().time() + _PATIENCE * self._network.policy.total_seconds
        failures = await self._write_all({lead.id: lead for lead in leads}, deadline)
        missing = [lead for lead in leads if _is_missing(failures[lead.id])]
        if missing:
            made = await self._calls.do(self._client.create_container)
            if made is None or made.code == "ContainerAlreadyExists":
                failures |= await self._write_all({lead.id: lead for lead in missing}, deadline)
            else:
                failures |= {lead.id: Failure(made.unsent) for lead in missing}
        return [self._answer(lead, failures[lead.id]) for lead in leads]

    async def _write_all(self, leads: Mapping[str, OutgoingLead], deadline: float) -> dict[str, Failure | None]:
        """Write the files until one fails for a reason that is not its own; why each failed, or ``None``."""
        waiting = deque(leads.values())
        failures: dict[str, Failure | None] = {}
        trouble: list[Failure] = []

        async def work() -> None:
            while waiting and not trouble:
                if asyncio.get_running_loop().time() > deadline:
                    trouble.append(Failure(diagnose(Kind.NO_ANSWER)))
                    return
                lead = waiting.popleft()
                failure = failures[lead.id] = await self._write(lead)
                if failure is not None and not (failure.code in THERE_ALREADY or failure.concerns_lead):
                    trouble.append(failure)

        await asyncio.gather(*(work() for _ in range(min(AT_ONCE, len(waiting)))))
        return failures | {lead.id: Failure(trouble[0].unsent, trouble[0].code) for lead in waiting}

    def _answer(self, lead: OutgoingLead, failure: Failure | None) -> Answer:
        remote_id = f"{self._container}/{blob_name(lead)}"
        if failure is None:
            return Receipt(remote_id=remote_id)
        if failure.code in THERE_ALREADY:
            return Receipt(result="duplicate", remote_id=remote_id)
        return failure.diagnosis

    async def _write(self, lead: OutgoingLead) -> Failure | None:
        blob = self._client.get_blob_client(blob_name(lead))
        data = encode_csv(make_record(lead))

        async def put() -> None:
            done = await blob.upload_blob(data, overwrite=False, content_settings=_CSV, max_concurrency=1)
            if not done.get("etag"):
                raise ValueError("the answer names no version of the file")

        return await self._calls.do(put, [lead])

    async def _read_container(self) -> None:
        found = await self._client.get_container_properties()
        if not found.etag:
            raise ValueError("the answer names no version of the container")

    async def find(self, sent: Sequence[SentRecord]) -> Sequence[Presence] | Diagnosis:
        """Which files are there; see :class:`~leadkeeper.destinations.interface.ReadsBack`."""
        names = [blob_name(each.lead) for each in sent]
        return self._refusal or await find_files(self._client, self._calls, names)

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The columns of the file for ``lead``."""
        return Preview({"blob": f"{self._container}/{blob_name(lead)}", **make_record(lead)})

    async def aclose(self) -> None:
        """Let go of the SDK's client; the network session stays open."""
        await self._client.close()


def _client(account: StorageAccount, container: str, network: Network) -> ContainerClient:
    credential: AzureNamedKeyCredential | AzureSasCredential = AzureSasCredential(account.sas or "-")
    if account.key is not None:
        credential = AzureNamedKeyCredential(account.name or "", account.key)
    return ContainerClient(
        account.endpoint, container, credential=credential, api_version=API_VERSION, **sdk_options(network)
    )


def _is_missing(failure: Failure | None) -> bool:
    return failure is not None and failure.code in CONTAINER_MISSING


def _lacking(account: StorageAccount) -> str | None:
    """What a shared access signature says of itself that makes it useless for writing files."""
    granted = parse_qs(account.sas or "")
    for part, (letters, text) in _NEEDED.items():
        if part in granted and not set(granted[part][0]) & set(letters):
            return text
    return None


def _cannot_read(account: StorageAccount, failure: Failure) -> bool:
    """A signature that may not read the container may write to it all the same; one for a container never reads it."""
    granted = parse_qs(account.sas or "")
    narrow = "sr" in granted or "r" not in granted.get("sp", ["r"])[0]
    return account.sas is not None and (
        failure.code in _UNREADABLE or (narrow and failure.code == "AuthorizationFailure")
    )

"""Azure Blob: one CSV file per lead, ``yyyy/MM/dd/<lead id>.csv``, in a container of the publisher's.

Files are only ever created: one that is there is never overwritten, so that a lead sent twice is one file. Microsoft's
marketplace has given this destination up; here it works. Sources:
``docs/reference/vendors/azure_storage.md#blobs``, ``docs/reference/vendors/marketplace.md#azure-blob-file``.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import ClassVar, Final
from urllib.parse import parse_qs

from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import ContainerClient

from leadkeeper.destinations.azure_blob.read_back import FIND_BATCH, find_files
from leadkeeper.destinations.azure_blob.settings import AzureBlobConfig
from leadkeeper.destinations.azure_storage.account import Service
from leadkeeper.destinations.azure_storage.adapter import StorageAdapter
from leadkeeper.destinations.azure_storage.calls import sdk_credential, sdk_options
from leadkeeper.destinations.azure_storage.errors import CONTAINER_MISSING, THERE_ALREADY, Failure
from leadkeeper.destinations.interface import Presence, Preview, SentRecord
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Receipt
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

_CSV: Final = ContentSettings(content_type="text/csv; charset=utf-8")
_NEEDED: Final = {
    "sp": ("cw", lazy_gettext("The shared access signature allows neither Create nor Write (sp).")),
    "srt": ("o", lazy_gettext("The shared access signature is not for objects (srt).")),
    "ss": ("b", lazy_gettext("The shared access signature is not for the Blob service (ss).")),
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


@dataclass(frozen=True, slots=True)
class File:
    """The file of one lead."""

    lead: OutgoingLead

    @property
    def leads(self) -> tuple[OutgoingLead]:
        """The lead alone."""
        return (self.lead,)


class AzureBlob(StorageAdapter[File]):
    """A line to one container, which is made when it is missing: a file per lead, :data:`AT_ONCE` at the same time."""

    service: ClassVar[Service] = Service.BLOB
    unseen: ClassVar[Unseen] = UNSEEN
    missing: ClassVar[frozenset[str]] = CONTAINER_MISSING
    made_already: ClassVar[str] = "ContainerAlreadyExists"
    at_once: ClassVar[int] = AT_ONCE
    batch: ClassVar[int] = 32
    find_batch: ClassVar[int] = FIND_BATCH

    def __init__(self, config: AzureBlobConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        super().__init__(config.storage_account_connection_string, network, now)
        self._container = config.container_name
        self._client = ContainerClient(
            self._account.endpoint,
            self._container,
            credential=sdk_credential(self._account),
            api_version=API_VERSION,
            **sdk_options(network),
        )

    def _lacking(self) -> str | None:
        granted = parse_qs(self._account.sas or "")
        for part, (letters, text) in _NEEDED.items():
            if part in granted and not set(granted[part][0]) & set(letters):
                return text
        return None

    async def _read(self) -> None:
        found = await self._client.get_container_properties()
        if not found.etag:
            raise ValueError("the answer names no version of the container")

    def _proof(self, failure: Failure | None) -> str | None:
        if failure is not None and failure.code not in CONTAINER_MISSING:
            return None
        there = lazy_gettext("is there") if failure is None else lazy_gettext("will be made with the first lead")
        return lazy_gettext("Azure accepts the credentials; the container %(there)s.", there=there)

    def _is_blind(self, failure: Failure) -> bool:
        """A signature may write without reading; one for the container never reads the container itself."""
        granted = parse_qs(self._account.sas or "")
        narrow = "sr" in granted or "r" not in granted.get("sp", ["r"])[0]
        return self._account.sas is not None and (
            failure.code in _UNREADABLE or (narrow and failure.code == "AuthorizationFailure")
        )

    async def _make(self) -> None:
        await self._client.create_container()

    def _parts(self, leads: Sequence[OutgoingLead]) -> Iterable[File]:
        return map(File, {lead.id: lead for lead in leads}.values())

    async def _create(self, part: File, answers: dict[str, Answer]) -> Failure | Sequence[File]:
        lead = part.lead
        failure = await self._calls.do(lambda: self._upload(lead), part.leads)
        remote_id = f"{self._container}/{blob_name(lead)}"
        if failure is None:
            answers[lead.id] = Receipt(remote_id=remote_id)
        elif failure.code in THERE_ALREADY:
            answers[lead.id] = Receipt(result="duplicate", remote_id=remote_id)
        elif failure.concerns_lead:
            answers[lead.id] = failure.diagnosis
        else:
            return failure
        return ()

    async def _upload(self, lead: OutgoingLead) -> None:
        blob = self._client.get_blob_client(blob_name(lead))
        data = encode_csv(make_record(lead))
        done = await blob.upload_blob(data, overwrite=False, content_settings=_CSV, max_concurrency=1)
        if not done.get("etag"):
            raise ValueError("the answer names no version of the file")

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

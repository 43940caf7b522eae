"""Azure Blob: one CSV file per lead, ``yyyy/MM/dd/<lead id>.csv``, in a container of the publisher's.

Files are only ever created: one that is there is never overwritten, so that a lead sent twice is one file. Microsoft's
marketplace has given this destination up (facts: Microsoft leads 2.3); here it works.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import ClassVar, Final

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import ContainerClient
from pydantic import Field, SecretStr, field_validator

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.azure_calls import FOREIGN_HOST, StorageCalls, about_account, sdk_options
from leadkeeper.destinations.azure_errors import Failure
from leadkeeper.destinations.azure_storage import Service, StorageAccount, is_permitted, parse_connection_string
from leadkeeper.destinations.destination import Check, CheckStep, Config, OutgoingLead, Preview
from leadkeeper.destinations.http import Network
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Receipt

AT_ONCE: Final = 8
"""How many files of one call are written at the same time."""

_CONTAINER: Final = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]")
_CONTAINER_MISSING: Final = frozenset({"ContainerNotFound", "ResourceNotFound"})
_CSV: Final = ContentSettings(content_type="text/csv; charset=utf-8")


class AzureBlobConfig(Config):
    """Microsoft's ``blobLeadConfiguration``."""

    storage_account_connection_string: SecretStr = Field(
        title="Storage account connection string",
        description="From the storage account's page in the Azure portal: 'Security + networking', 'Access keys', "
        "'Connection string'. One with a shared access signature for the Blob service works too.",
    )
    container_name: str = Field(
        title="Container",
        description="3 to 63 lower-case letters, digits and single dashes; it is made when it is missing.",
    )

    @field_validator("storage_account_connection_string")
    @classmethod
    def _usable(cls, value: SecretStr) -> SecretStr:
        parse_connection_string(value.get_secret_value(), Service.BLOB)
        return value

    @field_validator("container_name")
    @classmethod
    def _container(cls, value: str) -> str:
        if not _CONTAINER.fullmatch(value.strip()):
            raise ValueError(
                "A container's name is 3 to 63 lower-case letters, digits and single dashes, a letter or digit first "
                "and last."
            )
        return value.strip()

    @property
    def host(self) -> str:
        """The host of the Blob service."""
        return parse_connection_string(self.storage_account_connection_string.get_secret_value(), Service.BLOB).host


def make_record(lead: OutgoingLead) -> dict[str, str]:
    """The columns of a lead's file and their values, in order."""
    c = lead.customer
    created = lead.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "LeadId": lead.id,
        "CreatedTime": created,
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


def encode(record: Mapping[str, str]) -> bytes:
    """A header row and one row (RFC 4180), UTF-8 with a byte order mark, which spreadsheets need to see that it is.

    A value that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(record)
    writer.writerow([_harmless(value) for value in record.values()])
    return out.getvalue().encode("utf-8-sig", "replace")


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) and not _PHONE.fullmatch(value) else value


_PHONE: Final = re.compile(r"[+-][\d ()./-]+")


def blob_name(lead: OutgoingLead) -> str:
    """Where the lead's file stands in the container: ``yyyy/MM/dd/<lead id>.csv``, by the lead's day in UTC."""
    return f"{lead.created_at.astimezone(UTC):%Y/%m/%d}/{lead.id}.csv"


class AzureBlob:
    """A line to one container, which is made when it is missing. ``now`` gives the time in seconds since 1970."""

    name: ClassVar[str] = "azure_blob"
    title: ClassVar[str] = "Azure Blob (deprecated by Microsoft)"
    lead_destination: ClassVar[str] = "blob"
    config_key: ClassVar[str] = "blobLeadConfiguration"
    config: ClassVar[type[Config]] = AzureBlobConfig
    batch: ClassVar[int] = 32
    repeatable: ClassVar[bool] = True

    def __init__(self, config: AzureBlobConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        self._account = parse_connection_string(
            config.storage_account_connection_string.get_secret_value(), Service.BLOB
        )
        self._container = config.container_name
        self._network = network
        self._refusal = None if is_permitted(self._account, network.policy) else FOREIGN_HOST
        self._client = _client(self._account, self._container, network)
        self._calls = StorageCalls(self._account, network, now)

    async def check(self) -> Check:
        """Steps ``settings``, those of reaching the host, and ``credentials`` (reads, writes nothing)."""
        if self._refusal is not None:
            return Check((CheckStep("settings", False, self._refusal.evidence.text or ""),), self._refusal)
        settings = CheckStep("settings", True, "The connection string is complete.")
        reach = await self._network.check_reach(self._account.endpoint)
        if reach.diagnosis is not None:
            return Check((settings, *reach.steps), about_account(reach.diagnosis))
        step, diagnosis = await self._check_credentials()
        return Check((settings, *reach.steps, step), diagnosis)

    async def _check_credentials(self) -> tuple[CheckStep, Diagnosis | None]:
        permissions = self._account.permissions
        if permissions is not None and not set(permissions) & {"c", "w"}:
            text = "The shared access signature allows neither Create nor Write (sp)."
            return CheckStep("credentials", False, text), diagnose(Kind.STORAGE_ACCESS_BLOCKED, Evidence(text=text))
        failure = await self._calls.do(self._client.get_container_properties)
        if failure is None or failure.code in _CONTAINER_MISSING:
            there = "is there" if failure is None else "will be made with the first lead"
            return CheckStep("credentials", True, f"Azure accepts the credentials; the container {there}."), None
        if permissions is not None and failure.diagnosis.kind is Kind.STORAGE_ACCESS_BLOCKED:
            return CheckStep("credentials", None, "They cannot be proven without writing."), None
        return CheckStep("credentials", False, failure.unsent.summary), failure.unsent

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """A file for each lead; see :class:`~leadkeeper.destinations.destination.Destination`."""
        if self._refusal is not None:
            return [self._refusal] * len(leads)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(lead: OutgoingLead) -> Answer:
            async with gate:
                return await self._create(lead)

        return await asyncio.gather(*(one(lead) for lead in leads))

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The columns of the file for ``lead``."""
        return Preview({"blob": f"{self._container}/{blob_name(lead)}", **make_record(lead)})

    async def _create(self, lead: OutgoingLead) -> Answer:
        failure = await self._write(lead)
        if failure is not None and failure.code in _CONTAINER_MISSING:
            made = await self._calls.do(self._client.create_container)
            if made is not None and made.code != "ContainerAlreadyExists":
                return made.unsent
            failure = await self._write(lead)
        remote_id = f"{self._container}/{blob_name(lead)}"
        if failure is None:
            return Receipt(remote_id=remote_id)
        if failure.code in ("BlobAlreadyExists", "BlobImmutableDueToPolicy"):
            return Receipt(result="duplicate", remote_id=remote_id)
        return failure.diagnosis

    async def _write(self, lead: OutgoingLead) -> Failure | None:
        blob = self._client.get_blob_client(blob_name(lead))
        data = encode(make_record(lead))
        return await self._calls.do(
            lambda: blob.upload_blob(data, overwrite=False, content_settings=_CSV, max_concurrency=1), [lead]
        )

    async def aclose(self) -> None:
        """Let go of the SDK's client; the network session stays open."""
        await self._client.close()


def _client(account: StorageAccount, container: str, network: Network) -> ContainerClient:
    credential: AzureNamedKeyCredential | AzureSasCredential = AzureSasCredential(account.sas or "-")
    if account.key is not None:
        credential = AzureNamedKeyCredential(account.name or "", account.key)
    return ContainerClient(account.endpoint, container, credential=credential, **sdk_options(network))

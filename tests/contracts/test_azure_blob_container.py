"""The container of Azure Blob is made, is waited for, cannot be made; which names it may have."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError

from leadkeeper.destinations.azure_blob.settings import AzureBlobConfig
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import AnyKind, Kind, Outcome
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import creates_container, error, is_write
from leadkeeper.sandbox.azure_storage.azurite import KEY, Azurite
from tests.contracts.blob_line import Line, opened
from tests.contracts.storage_leads import make_lead, make_leads, refused, results


@pytest.fixture
async def line(azurite_blob: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    async with opened(azurite_blob, authority, storage_account) as made:
        yield made


async def test_a_container_deleted_between_two_leads_is_made_again(line: Line) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead(1)])
    await line.reader.delete_container()
    assert results(await adapter.deliver(make_leads(range(2, 4)))) == ["created"] * 2
    assert set(await line.rows()) == {make_lead(2).id, make_lead(3).id}


@pytest.mark.parametrize("count", [1, 20])
async def test_a_container_being_deleted_is_waited_for(line: Line, count: int) -> None:
    adapter = line.open()
    await adapter.deliver([make_lead(100)])
    await adapter._client.delete_container()
    diagnosis = await refused(adapter, *make_leads(range(count)))
    assert (diagnosis.kind, diagnosis.outcome) == (AzureStorageKind.TABLE_BEING_DELETED, Outcome.FAILED)
    assert diagnosis.evidence.code == "ContainerBeingDeleted"
    assert diagnosis.retry_after is not None
    assert diagnosis.retry_after >= 40
    line.service.end_deletions()
    assert results(await adapter.deliver(make_leads(range(count)))) == ["created"] * count


@pytest.mark.parametrize(
    ("code", "status", "kind", "outcome"),
    [
        ("ContainerBeingDeleted", 409, AzureStorageKind.TABLE_BEING_DELETED, Outcome.FAILED),
        ("ContainerDisabled", 409, AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
        ("AuthorizationPermissionMismatch", 403, AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
        ("AuthorizationResourceTypeMismatch", 403, AzureStorageKind.ACCESS_BLOCKED, Outcome.BROKEN),
        ("InvalidResourceName", 400, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("OutOfRangeInput", 400, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("SomethingNew", 400, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("BlobAlreadyExists", 409, AzureStorageKind.SETTING_INVALID, Outcome.BROKEN),
        ("OperationTimedOut", 500, Kind.SERVER_ERROR, Outcome.FAILED),
    ],
)
async def test_a_container_that_cannot_be_made(
    line: Line, code: str, status: int, kind: AnyKind, outcome: Outcome
) -> None:
    line.service.fail(error(status, code), when=creates_container)
    diagnosis = await refused(line.open(), *make_leads(range(3)))
    assert (diagnosis.kind, diagnosis.outcome) == (kind, outcome)


async def test_a_container_that_another_makes_meanwhile(line: Line) -> None:
    line.service.fail(line.service.commit_then(error(409, "ContainerAlreadyExists")), when=creates_container, times=1)
    assert results(await line.open().deliver(make_leads(range(3)))) == ["created"] * 3


async def test_a_container_that_vanishes_again_at_once(line: Line) -> None:
    line.service.fail(error(404, "ContainerNotFound"), when=is_write)
    diagnosis = await refused(line.open())
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.ENDPOINT_NOT_FOUND, Outcome.BROKEN)
    assert len(line.service.received) == 3


@pytest.mark.parametrize("name", ["abc", "a1-b2-c3", "0" * 63, "2026-leads"])
async def test_names_that_azure_takes(line: Line, name: str) -> None:
    assert results(await line.open(container=name).deliver([make_lead()])) == ["created"]


@pytest.mark.parametrize(
    "name",
    ["ab", "a" * 64, "Leads", "a--b", "-ab", "ab-", "a_b", "a.b", "a/b", "$root", "$web", "lêads", "a b", "", "abc/.."],
)
def test_names_that_azure_does_not_take(name: str) -> None:
    with pytest.raises(ValidationError, match="3 to 63 lower-case letters"):
        AzureBlobConfig(storage_account_connection_string=f"AccountName=abc;AccountKey={KEY}", container_name=name)


async def test_a_name_that_slips_through_is_the_settings_fault(line: Line) -> None:
    adapter = line.open()
    adapter._client.container_name = "a--b"
    assert (await refused(adapter)).kind is AzureStorageKind.SETTING_INVALID

"""Shared access signatures of Azure Blob: what each must allow, and what is said where it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import error, reads_container
from leadkeeper.sandbox.azure_storage.azurite import KEY, Azurite
from tests.contracts.blob_line import CONTAINER, Line, opened, signature
from tests.contracts.storage_leads import make_lead, make_leads, refused, results


@pytest.fixture
async def line(azurite_blob: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    async with opened(azurite_blob, authority, storage_account) as made:
        yield made


def signature_for_container(account: str, **may: bool) -> str:
    expiry = datetime.now(UTC) + timedelta(hours=1)
    return generate_container_sas(
        account, CONTAINER, account_key=KEY, permission=ContainerSasPermissions(**may), expiry=expiry
    )


async def test_a_signature_that_may_only_create(line: Line) -> None:
    adapter = line.open(line.setting(sas=signature(line.account, create=True)))
    assert results(await adapter.deliver(make_leads(range(10)))) == ["created"] * 10
    assert results(await adapter.deliver(make_leads(range(12)))) == ["duplicate"] * 10 + ["created"] * 2
    check = await adapter.check()
    assert check.ok
    assert (check.steps[-1].name, check.steps[-1].ok) == ("credentials", None)


async def test_a_signature_for_objects_only_needs_the_container(line: Line) -> None:
    adapter = line.open(line.setting(sas=signature(line.account, container=False, create=True, read=True)))
    assert (await adapter.check()).steps[-1].ok is None
    diagnosis = await refused(adapter)
    assert (diagnosis.kind, diagnosis.evidence.code) == (
        AzureStorageKind.ACCESS_BLOCKED,
        "AuthorizationResourceTypeMismatch",
    )
    await line.reader.create_container()
    assert results(await adapter.deliver([make_lead()])) == ["created"]


async def test_a_signature_for_the_container_alone(line: Line) -> None:
    await line.reader.create_container()
    sas = signature_for_container(line.account, create=True)
    adapter = line.open(f"BlobEndpoint=https://{line.account}.blob.core.windows.net/;SharedAccessSignature={sas}")
    line.service.fail(error(403, "AuthorizationFailure"), when=reads_container)  # as the real service says it
    assert (await adapter.check()).steps[-1].ok is None
    assert results(await adapter.deliver(make_leads(range(3)))) == ["created"] * 3
    assert results(await adapter.deliver([make_lead(1)])) == ["duplicate"]


@pytest.mark.parametrize(
    ("may", "text"),
    [
        ({"read": True, "list": True}, "neither Create nor Write"),
        ({"create": True, "object": False}, "not for objects"),
    ],
)
async def test_a_signature_that_cannot_do(line: Line, may: dict[str, bool], text: str) -> None:
    await line.reader.create_container()
    adapter = line.open(line.setting(sas=signature(line.account, **may)))
    check = await adapter.check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.ACCESS_BLOCKED
    assert text in check.steps[-1].detail
    assert line.service.received == []
    assert (await refused(adapter)).kind is AzureStorageKind.ACCESS_BLOCKED


async def test_a_firewall_is_not_mistaken_for_a_narrow_signature(line: Line) -> None:
    line.service.fail(error(403, "AuthorizationFailure"))
    check = await line.open(line.setting(sas=signature(line.account, read=True, create=True))).check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.ACCESS_BLOCKED


async def test_a_forged_signature(line: Line) -> None:
    sas = signature(line.account, read=True, create=True).replace("sig=", "sig=AAAA")
    adapter = line.open(line.setting(sas=sas))
    assert (await refused(adapter)).kind is AzureStorageKind.KEY_REJECTED
    check = await adapter.check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is AzureStorageKind.KEY_REJECTED

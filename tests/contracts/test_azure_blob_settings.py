"""Settings and credentials of Azure Blob: wrong keys, accounts that are not there, hosts that nobody allowed."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from leadkeeper.destinations.azure_blob.adapter import AzureBlob
from leadkeeper.destinations.azure_blob.settings import AzureBlobConfig
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import Kind, Outcome
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import KEY, Azurite
from tests.contracts.blob_line import CONTAINER, Line, opened
from tests.contracts.storage_leads import WRONG_KEY, make_lead, make_leads, refused, results


@pytest.fixture
async def line(azurite_blob: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    async with opened(azurite_blob, authority, storage_account) as made:
        yield made


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
    config = AzureBlobConfig(storage_account_connection_string=line.setting(), container_name=CONTAINER)
    lost = AzureBlob(config, network)
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
        f"AccountName=aaa;AccountKey={KEY};BlobEndpoint=https://leads.example",
        f"AccountName=aaa;AccountKey={KEY};BlobEndpoint=https://127.0.0.1:10000/aaa",
        f"AccountName=aaa;AccountKey={KEY};BlobEndpoint=https://169.254.169.254/aaa",
    ],
)
async def test_hosts_that_nobody_allowed(line: Line, setting: str) -> None:
    adapter = line.open(setting)
    diagnosis = await refused(adapter)
    assert (diagnosis.kind, diagnosis.outcome) == (Kind.ADDRESS_REFUSED, Outcome.BROKEN)
    check = await adapter.check()
    assert [(step.name, step.ok) for step in check.steps] == [("settings", False)]
    assert check.diagnosis == diagnosis


async def test_the_account_in_the_path_where_the_operator_allows_it(line: Line) -> None:
    endpoint = f"https://127.0.0.1:{line.service.port}/{line.account}"
    adapter = line.open(
        f"AccountName={line.account};AccountKey={KEY};BlobEndpoint={endpoint}",
        hosts={},
        allow_addresses=(ip_network("127.0.0.0/8"),),
    )
    assert (await adapter.check()).ok
    assert results(await adapter.deliver(make_leads(range(3)))) == ["created"] * 3
    assert results(await adapter.deliver([make_lead(1)])) == ["duplicate"]
    assert len(await line.files()) == 3


async def test_the_emulator_without_tls_where_the_operator_allows_it(line: Line, azurite_blob: Azurite) -> None:
    endpoint = f"{azurite_blob.url}/{line.account}"
    adapter = line.open(
        f"AccountName={line.account};AccountKey={KEY};BlobEndpoint={endpoint}",
        hosts={},
        allow_addresses=(ip_network("127.0.0.0/8"),),
    )
    check = await adapter.check()
    assert check.ok
    assert ("tls", None) in [(step.name, step.ok) for step in check.steps]
    assert results(await adapter.deliver(make_leads(range(2)))) == ["created"] * 2


def test_settings_that_cannot_be_used_name_the_part_and_no_secret() -> None:
    with pytest.raises(ValidationError) as raised:
        AzureBlobConfig.model_validate(
            {"storageAccountConnectionString": f"AccountName=contoso;AccountKey={KEY[:-3]}", "containerName": "leads"}
        )
    assert "AccountKey is not complete base64" in str(raised.value)
    assert KEY[:12] not in str(raised.value)
    config = AzureBlobConfig.model_validate(
        {"storageAccountConnectionString": f"AccountName=Abc;AccountKey={KEY}", "containerName": " leads "}
    )
    assert (config.host, config.container_name) == ("abc.blob.core.windows.net", "leads")
    assert KEY[:12] not in repr(config)

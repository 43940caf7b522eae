"""What the stories share: an authority, remote systems, and hubs that never outlive their test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import AzuriteMissing
from tests.conftest import missing_service
from tests.contracts.mailbox import Mailbox, mailbox
from tests.journeys.hub import Hub, running
from tests.journeys.places import Endpoint, StorageAccount

ROOT = Path(__file__).parents[2]

MakeHub = Callable[..., Awaitable[Hub]]
MakeEndpoint = Callable[[], Awaitable[Endpoint]]


@pytest.fixture(scope="session")
def authority_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the authority that signed every remote system's certificate."""
    folder = tmp_path_factory.mktemp("authority")
    Authority(folder)
    return folder


@pytest.fixture
def storage_account(tmp_path: Path, authority_folder: Path) -> Iterator[StorageAccount]:
    """A new storage account; Azurite runs."""
    try:
        account = StorageAccount(tmp_path / "azurite", authority_folder, ROOT / "node_modules")
    except AzuriteMissing as error:
        missing_service(str(error))
    with account.azurite:
        yield account


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """The operator's mail server."""
    with mailbox() as made:
        yield made


@pytest.fixture
async def make_endpoint(authority_folder: Path) -> AsyncIterator[MakeEndpoint]:
    """Makes endpoints that listen."""
    authority = Authority(authority_folder)
    made: list[Endpoint] = []

    async def make() -> Endpoint:
        endpoint = Endpoint(authority.server_context("127.0.0.1"))
        made.append(endpoint)
        await endpoint.start()
        return endpoint

    yield make
    for endpoint in made:
        await endpoint.stop()


@pytest.fixture
async def endpoint(make_endpoint: MakeEndpoint) -> Endpoint:
    """A publisher's endpoint that takes every lead."""
    return await make_endpoint()


@pytest.fixture
async def make_hub(tmp_path: Path, authority_folder: Path) -> AsyncIterator[MakeHub]:
    """Makes hubs on a database; their processes are killed after the test."""
    numbers = count(1)
    async with AsyncExitStack() as stack:

        async def make(database_url: str, **settings: object) -> Hub:
            hub = Hub(tmp_path / f"hub-{next(numbers)}", database_url, authority_folder / "ca.pem", **settings)
            return await stack.enter_async_context(running(hub))

        yield make

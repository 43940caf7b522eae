"""What the contract tests share: a certificate authority, Azurite with many accounts, the sandbox, an installation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import KEY, Azurite, AzuriteMissing, Service
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_ins import every
from tests.conftest import missing_service
from tests.contexts_once import make_contexts_once
from tests.contracts.sandbox_caller import Caller, calling
from tests.in_process import Installation, Visitor, installation

make_contexts_once()

ROOT: Final = Path(__file__).parents[2]
ACCOUNTS: Final = 900
"""Each test takes a storage account of its own, so that none sees another's rows."""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that signed every stand-in's certificate."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A running Azurite table service with accounts ``test0``, ``test1``..., one for each worker of pytest-xdist."""
    with _emulator("table") as running:
        yield running


@pytest.fixture(scope="session")
def azurite_blob() -> Iterator[Azurite]:
    """The same for its blob service."""
    with _emulator("blob") as running:
        yield running


def _emulator(service: Service) -> Azurite:
    accounts = {f"test{number}": KEY for number in range(ACCOUNTS)}
    try:
        return Azurite(ROOT / "node_modules", service=service, accounts=accounts)
    except AzuriteMissing as error:
        missing_service(str(error))


@pytest.fixture(scope="session")
def _account_numbers() -> Iterator[int]:
    return iter(count())


@pytest.fixture
def storage_account(_account_numbers: Iterator[int]) -> str:
    """The name of a storage account that no other test has used; its key is the emulator's."""
    return f"test{next(_account_numbers)}"


@pytest.fixture
async def sandbox(authority: Authority, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """A sandbox with every stand-in, as it should be, or with those that the module's ``stand_ins`` makes."""
    async with Sandbox(authority.ca_file.parent, getattr(request.module, "stand_ins", every)) as opened:
        yield opened
        assert opened.mistakes == [], "a stand-in made a mistake of its own"


@pytest.fixture
async def call(sandbox: Sandbox) -> AsyncIterator[Caller]:
    """Sends plain requests to it, by production host names."""
    async with calling(sandbox) as made:
        yield made


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation without a worker: deliveries stay as they are."""
    async with installation(database_url) as opened:
        yield opened


@pytest.fixture
async def operator(home: Installation) -> Visitor:
    """May do everything."""
    return await home.visitor("operator")


@pytest.fixture(scope="session")
def filled() -> dict[str, str]:
    """Where databases lie that are filled already, by kind: a file, or the name of a template."""
    return {}

"""The remote systems that the demo and the sandbox carry leads to: every destination's stand-in, and what shows it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from leadkeeper.doors.cli.demo.guard import Guard
from leadkeeper.doors.cli.demo.shown import Endpoints, MoodyEndpoint, ShownRecords
from leadkeeper.doors.cli.demo.storage import DemoAccount
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import Service
from leadkeeper.sandbox.email.stand_in import Email
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.sandbox.place import HOST, Scene
from leadkeeper.sandbox.server import Sandbox

_SECONDS: Final = 2.0
"""How old the page's copy of rows and files may be."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen: any free port where nothing is said.

    ``services`` is that of the one server of many names; ``storage`` those under which the account's production host
    names are reached, ``azurite`` those of the emulators behind.
    """

    endpoint: int = 0
    services: int = 0
    mail: int = 0
    azurite: Mapping[Service, int] = field(default_factory=dict)
    storage: Mapping[Service, int] = field(default_factory=dict)


class Stage:
    """All stand-ins in one folder. Use :func:`open_stage`."""

    def __init__(self, folder: Path, guard: Guard, ports: Ports, *, keep: bool) -> None:
        self._authority = Authority(folder / "authority")
        self._ports = ports
        self._tables = ShownRecords("azure_table")
        self._files = ShownRecords("azure_blob")
        self._endpoints = Endpoints()
        self.storage = DemoAccount(self._authority, guard, folder if keep else None, ports.azurite)
        self.sandbox = Sandbox(folder / "authority", host=HOST, port=ports.services)
        self.mail = Email(self._authority.server_context(HOST, "localhost"))
        for shown in (self._tables, self._files, self._endpoints, self.mail):
            self.sandbox.stand_ins[shown.name] = shown

    async def start(self) -> None:
        """Start everything. Raises ``AzuriteFailed``, :class:`OSError`."""
        await self.sandbox.start()
        await self.mail.start(HOST, self._ports.mail)
        await self.storage.start(self._ports.storage)

    async def aclose(self) -> None:
        """End every stand-in, and drop the connections to them."""
        for endpoint in self._endpoints.all:
            await endpoint.aclose()
        await self.mail.aclose()
        await self.sandbox.aclose()
        await self.storage.aclose()

    async def endpoint(self, secret: str | None = None, port: int = 0) -> MoodyEndpoint:
        """Start a receiving endpoint; with a ``secret`` it demands signatures."""
        endpoint = MoodyEndpoint(secret=secret)
        await endpoint.start(self._authority.server_context(HOST, "localhost"), HOST, port)
        self._endpoints.all.append(endpoint)
        return endpoint

    def scene(self, endpoint: ReceivingEndpoint, secret: str) -> Scene:
        """What destinations make their places of; ``endpoint`` demands signatures made with ``secret``."""
        return Scene(self.sandbox, self.storage, self.mail, endpoint, secret)

    async def keep_page_fresh(self) -> None:
        """Until cancelled, let the page show the rows and files that are there."""
        from azure.core.exceptions import AzureError

        while True:
            with contextlib.suppress(AzureError):  # whoever runs the stage hears of Azurite's end
                self._tables.refresh({row["RowKey"]: row for row in await self.storage.rows()})
                files = await self.storage.files()
                self._files.refresh({name: {"file": name} | dict(row) for name, row in files.items()})
            await asyncio.sleep(_SECONDS)

    @property
    def services(self) -> dict[str, tuple[str, ...]]:
        """The production host names of each service: those of the one server, and the storage account's."""
        own = {each.name: each.hosts for each in self.sandbox.stand_ins.values() if each.hosts}
        return own | {"azure storage": tuple(self.storage.hosts())}

    @property
    def settings(self) -> dict[str, str]:
        """What ``leadkeeper serve`` needs so that production host names lead here."""
        hosts = [self.sandbox.hosts_setting(), *(f"{name}={there}" for name, there in self.storage.hosts().items())]
        return {
            "LEADKEEPER_HOSTS": ",".join(hosts),
            "LEADKEEPER_ALLOW_ADDRESSES": "127.0.0.0/8",
            "LEADKEEPER_CA_FILE": str(self._authority.ca_file),
            "LEADKEEPER_SMTP_URL": f"smtp://{self.mail.username}:{quote(self.mail.password)}@{HOST}:{self.mail.port}",
            "LEADKEEPER_MAIL_FROM": "leadkeeper@marketplace.example",
        }


@contextlib.asynccontextmanager
async def open_stage(
    folder: Path, guard: Guard, ports: Ports | None = None, *, keep: bool = False
) -> AsyncIterator[Stage]:
    """A stage with everything running; ``keep`` keeps rows and files in ``folder``.

    Raises ``AzuriteMissing``, ``AzuriteFailed``.
    """
    stage = Stage(folder, guard, ports or Ports(), keep=keep)
    try:
        await stage.start()
        yield stage
    finally:
        await stage.aclose()


def free_port(wanted: Sequence[int]) -> int:
    """The first of ``wanted`` that nobody listens on, else any."""
    for port in (*wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise AssertionError("the system gives out no port")

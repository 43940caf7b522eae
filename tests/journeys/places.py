"""Where leads go in the stories: a publisher's HTTPS endpoint and a storage account, both behind real TLS."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import trustme
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

from leadkeeper.sandbox.azure_storage.azurite import ACCOUNT, KEY, Azurite
from leadkeeper.sandbox.faults import Exchange, Fault, FaultServer
from leadkeeper.sandbox.https_endpoint.stand_in import EndpointRequest, ReceivingEndpoint

TABLE: Final = "MarketplaceLeads"
SECRET: Final = "whsec_" + base64.b64encode(b"a secret that two sides share...").decode()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that the endpoint took: the lead's id as the header says it, whose lead it is, when (monotonic)."""

    id: str
    email: str
    at: float
    port: int
    test: bool


class Endpoint:
    """A strict receiver whose manner can be changed. The same port over stops and starts."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.arrivals: list[Arrival] = []
        self.asked = 0
        self.received = b""
        self.manner: Fault | None = None
        self.before_answer: Callable[[Arrival], Awaitable[None]] | None = None
        self._context = context
        self._receiver = ReceivingEndpoint(secret=SECRET)
        self._server = FaultServer(self._act)
        self.port = 0

    async def start(self) -> None:
        """Listen (again)."""
        await self._server.start(self._context, port=self.port)
        self.port = self._server.port

    async def stop(self) -> None:
        """Listen no more, and break every connection."""
        await self._server.aclose()

    @property
    def settings(self) -> dict[str, Any]:
        """The connection's settings as a publisher enters them."""
        return self.settings_for("/leads")

    def settings_for(self, path: str) -> dict[str, Any]:
        """The same with another path."""
        url = f"https://127.0.0.1:{self.port}{path}"
        return {
            "leadDestination": "httpsEndpoint",
            "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": url, "signingSecret": SECRET},
        }

    @property
    def refused(self) -> list[str]:
        """The codes of requests that were not as documented."""
        return self._receiver.refused

    async def _act(self, exchange: Exchange) -> None:
        self.asked += 1
        if self.manner is not None:
            await self.manner(exchange)
            return
        await self.take(exchange)

    async def take(self, exchange: Exchange) -> None:
        """Take the lead, as a good endpoint does."""
        seen = exchange.request
        self.received += seen.body
        before = len(self.refused)
        answer = self._receiver.answer(EndpointRequest(seen.method, seen.target, seen.headers, seen.body))
        if len(self.refused) == before:
            body = json.loads(seen.body)
            port = exchange.writer.get_extra_info("peername")[1]
            arrival = Arrival(
                seen.headers["webhook-id"], body["UserDetails"]["Email"], time.monotonic(), port, body["IsTest"]
            )
            self.arrivals.append(arrival)
            if self.before_answer is not None:
                await self.before_answer(arrival)
        await exchange.send(answer)

    def emails(self) -> list[str]:
        """Whose leads arrived, in the order of their first arrival, test leads aside."""
        return list(dict.fromkeys(arrival.email for arrival in self.arrivals if not arrival.test))

    def times(self) -> Counter[str]:
        """How often each customer's lead arrived."""
        return Counter(arrival.email for arrival in self.arrivals if not arrival.test)

    def check(self) -> None:
        """Nothing malformed came; a lead always had the same id, and no two leads shared one."""
        assert not self.refused, Counter(self.refused)
        ids, owners = defaultdict(set), defaultdict(set)
        for arrival in self.arrivals:
            ids[arrival.email].add(arrival.id)
            owners[arrival.id].add(arrival.email)
        assert not {email: found for email, found in ids.items() if len(found) > 1}
        assert not {lead_id: found for lead_id, found in owners.items() if len(found) > 1}


class StorageAccount:
    """Azurite behind TLS with its rows on disk; Azure's own client reads them."""

    def __init__(
        self,
        folder: Path,
        authority_folder: Path,
        node_modules: Path,
        service: Literal["table", "blob"] = "table",
    ) -> None:
        folder.mkdir(parents=True)
        self.ca_file = authority_folder / "ca.pem"
        authority = trustme.CA.from_pem(self.ca_file.read_bytes(), (authority_folder / "ca-key.pem").read_bytes())
        issued = authority.issue_cert("127.0.0.1")
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        self.azurite = Azurite(node_modules, service=service, folder=folder / "rows", certificate=certificate, key=key)

    @property
    def connection_string(self) -> str:
        """As the Azure portal shows it."""
        place = f"{self.azurite.url}/{ACCOUNT}"
        endpoint = f"{self.azurite.service.title()}Endpoint={place}"
        return f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};AccountKey={KEY};{endpoint};"

    @property
    def settings(self) -> dict[str, Any]:
        """The connection's settings as a publisher enters them."""
        return {
            "leadDestination": "table",
            "tableLeadConfiguration": {"storageAccountConnectionString": self.connection_string},
        }

    async def rows(self) -> list[tuple[str, str]]:
        """Row key and customer's address of every row, test leads aside; none as long as nobody made the table."""
        return await asyncio.to_thread(self._rows)

    def _rows(self) -> list[tuple[str, str]]:
        with TableClient.from_connection_string(
            self.connection_string, TABLE, connection_verify=str(self.ca_file)
        ) as table:
            found = table.list_entities(select=["RowKey", "Email", "IsTest"])
            try:
                return [(row["RowKey"], row["Email"]) for row in found if not row["IsTest"]]
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", "") != "TableNotFound":
                    raise
                return []

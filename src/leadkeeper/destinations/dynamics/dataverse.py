"""A Dynamics 365 environment's Web API, as one credential sees it: requests, and what it says of its leads.

Source: ``docs/reference/vendors/dynamics.md``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.errors import CODES, diagnose_dataverse_reply, own_code
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.lead import OutgoingLead
from leadkeeper.network import rest
from leadkeeper.network.answer import RemoteMessage
from leadkeeper.network.client import Answered, Network
from leadkeeper.network.entra.tokens import Credential, CredentialToken, EntraTokens
from leadkeeper.network.rest import DESCRIPTION_LIMIT, Dialect, Reply, RestClient

USUAL_LENGTHS: Final[Mapping[str, int]] = {
    "subject": 300,
    "firstname": 50,
    "lastname": 50,
    "emailaddress1": 100,
    "telephone1": 50,
    "mobilephone": 20,
    "companyname": 100,
    "jobtitle": 100,
    "address1_line1": 250,
    "address1_line2": 250,
    "address1_line3": 250,
    "address1_city": 80,
    "address1_stateorprovince": 50,
    "address1_postalcode": 20,
    "address1_country": 80,
    "websiteurl": 200,
    "description": 2_000,
}
"""The lengths that a new environment has; administrators change them."""

FRESH_SECONDS: Final = 3_600.0
"""How long the environment's lengths are believed."""

_AGAIN_SECONDS: Final = 300.0
_PATIENCE_SECONDS: Final = 10.0
_LEAD: Final = "EntityDefinitions(LogicalName='lead')/Attributes"
_RELATIONS: Final = "EntityDefinitions(LogicalName='lead')/ManyToOneRelationships"
_LENGTHS: Final = tuple(
    f"{_LEAD}/Microsoft.Dynamics.CRM.{kind}AttributeMetadata?$select=LogicalName,MaxLength"
    for kind in ("String", "Memo")
)
_CREATE: Final = "prvCreateLead"


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """The most UTF-16 units that each text field takes; ``certain`` when the environment itself said so."""

    of: Mapping[str, int]
    certain: bool = False


def read_dataverse_error(answered: Answered, content: Any) -> RemoteMessage:
    """What the Web API says of an error; the code in one spelling where it is the Web API's own."""
    code = None if answered.status < 400 else own_code(content)
    message = rest.read_words(answered, content)
    return RemoteMessage(code or message.code, message.text)


DIALECT: Final = Dialect(
    read=read_dataverse_error,
    token_over=lambda reply: reply.status == 401 and reply.code not in CODES,
    known=CODES,
    request_ids=("x-ms-service-request-id", "req_id", "x-ms-request-id"),
    host_missing=DynamicsKind.ADDRESS_WRONG,  # each environment has its own host
    headers={"odata-version": "4.0", "odata-maxversion": "4.0"},
)


class Environment:
    """One environment at ``origin`` (``https://contoso.crm4.dynamics.com``). ``clock`` counts seconds from anywhere."""

    def __init__(
        self,
        origin: str,
        credential: Credential,
        network: Network,
        tokens: EntraTokens,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = CredentialToken(tokens, credential)
        self._client = RestClient(
            network, f"{origin}/api/data/v9.2/", self._tokens, DIALECT, secrets=credential.private
        )
        self._network = network
        self._clock = clock
        self._lengths = Lengths(USUAL_LENGTHS)
        self._ask_lengths_at = clock()
        self._asking_lengths = asyncio.Lock()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Reply | Diagnosis:
        """One request that may be repeated; its answer, or why there is none; see :class:`RestClient`."""
        return await self._client.call(method, path, body, headers=headers, limit=limit)

    def diagnose(self, reply: Reply, lead: OutgoingLead | None, now: float) -> Diagnosis:
        """The diagnosis of an answer that is no success; it shows nothing of ``lead``."""
        return diagnose_dataverse_reply(reply, self._client.evidence(reply, self._client.private(lead)), now)

    async def prove_sign_in(self) -> Diagnosis | None:
        """Why there is no token for this environment, asked anew; ``None`` when there is."""
        return await self._tokens.prove()

    async def lengths(self, beyond: Lengths | None = None) -> Lengths:
        """How long the texts of a lead may be, read once an hour; the usual lengths while that cannot be read.

        ``beyond`` are lengths that proved wrong: others are read, once for all who say so.
        """
        if self._clock() < self._ask_lengths_at and self._lengths is not beyond:
            return self._lengths
        async with self._asking_lengths:
            if self._clock() < self._ask_lengths_at and self._lengths is not beyond:
                return self._lengths
            found = await self._read_lengths()
            if found:
                self._lengths = Lengths({**USUAL_LENGTHS, **found}, certain=True)
            self._ask_lengths_at = self._clock() + (FRESH_SECONDS if found else _AGAIN_SECONDS)
            return self._lengths

    async def _read_lengths(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for path in _LENGTHS:
            rows = await self._rows(path)
            if rows is None:
                break
            found |= {row["LogicalName"]: row["MaxLength"] for row in rows if _has_length(row)}
        return found

    async def columns(self) -> frozenset[str] | None:
        """The logical names of all fields of a lead, or ``None`` when they cannot be read."""
        rows = await self._rows(f"{_LEAD}?$select=LogicalName")
        return None if not rows else frozenset(str(row.get("LogicalName")) for row in rows)

    async def lookups(self) -> frozenset[str] | None:
        """The navigation properties of a lead, by which lookups are filled in; ``None`` when they cannot be read."""
        rows = await self._rows(f"{_RELATIONS}?$select=ReferencingEntityNavigationPropertyName")
        return (
            None if rows is None else frozenset(str(row.get("ReferencingEntityNavigationPropertyName")) for row in rows)
        )

    async def options(self, column: str) -> frozenset[int] | None:
        """The numbers of the options of a choice field, or ``None`` when they cannot be read."""
        path = (
            f"{_LEAD}(LogicalName='{column}')/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
            "?$select=LogicalName&$expand=OptionSet($select=Options)"
        )
        content = await self._read(path)
        options = (content or {}).get("OptionSet")
        rows = options.get("Options") if isinstance(options, dict) else None
        if not isinstance(rows, list) or not rows:
            return None
        return frozenset(row["Value"] for row in rows if isinstance(row, dict) and isinstance(row.get("Value"), int))

    async def may_create(self, user: str) -> bool | None:
        """Whether the roles of the user and its teams allow it to create leads; ``None`` when that is not told."""
        bound = f"systemusers({user})/Microsoft.Dynamics.CRM."
        content = await self._read(f"{bound}RetrieveUserPrivilegeByPrivilegeName(PrivilegeName='{_CREATE}')")
        if content is not None and isinstance(content.get("RolePrivileges"), list):
            return bool(content["RolePrivileges"])
        content = await self._read(f"{bound}RetrieveUserPrivileges")
        rows = (content or {}).get("RolePrivileges")
        if not isinstance(rows, list):
            return None
        # This list may leave out what comes from teams: only what stands in it proves something.
        return any(isinstance(row, dict) and row.get("PrivilegeName") == _CREATE for row in rows) or None

    async def _rows(self, path: str) -> list[dict[str, Any]] | None:
        rows = (await self._read(path) or {}).get("value")
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None

    async def _read(self, path: str) -> dict[str, Any] | None:
        """The content at ``path``, or ``None`` when it cannot be had in a few seconds."""
        try:
            async with asyncio.timeout(min(_PATIENCE_SECONDS, self._network.policy.total_seconds)):
                reply = await self.ask("GET", path, limit=DESCRIPTION_LIMIT)
        except TimeoutError:
            return None
        if isinstance(reply, Diagnosis) or reply.status != 200 or not isinstance(reply.content, dict):
            return None
        return reply.content


def _has_length(row: Mapping[str, Any]) -> bool:
    length = row.get("MaxLength")
    return isinstance(row.get("LogicalName"), str) and type(length) is int and length > 0

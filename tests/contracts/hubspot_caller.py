"""Plain requests to the HubSpot stand-in, for its own tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import Clock
from tests.contracts.sandbox_caller import Caller, Reply

HOST = "https://api.hubapi.com"
CONTACTS = f"{HOST}/crm/v3/objects/contacts"
LEADS = f"{HOST}/crm/v3/objects/leads"
ADA = {"email": "ada@analytical.example", "firstname": "Ada", "lastname": "Lovelace"}


def accounts(clock: Clock) -> list[HubSpot]:
    """HubSpot alone, with the accounts that it has from the start."""
    return [HubSpot(clock)]


@pytest.fixture
def hubspot(sandbox: Sandbox) -> HubSpot:
    """The stand-in."""
    return sandbox.stand_in(HubSpot)


class Session:
    """The REST API with the first account's token."""

    def __init__(self, call: Caller, token: str) -> None:
        self._call = call
        self.headers = {"Authorization": f"Bearer {token}"}

    async def __call__(self, method: str, url: str, body: object = None, **options: Any) -> Reply:
        if body is not None:
            options["json"] = body
        return await self._call(method, url, headers=self.headers, **options)

    async def batch(self, call: str, *inputs: object, at: str = CONTACTS, **more: object) -> Reply:
        return await self("POST", f"{at}/batch/{call}", {"inputs": list(inputs)} | more)

    async def make(self, **values: str) -> str:
        made = await self("POST", CONTACTS, {"properties": ADA | values})
        assert made.status == 201
        return str(made.json["id"])

    async def lead(self, contact: str, kind: int = 578, **values: str) -> Reply:
        return await self("POST", LEADS, lead(contact, kind, **values))


@pytest.fixture
def rest(call: Caller, hubspot: HubSpot) -> Session:
    """The REST API with the first account's token."""
    return Session(call, hubspot.account.token)


def lead(contact: str, kind: int = 578, **values: str) -> dict[str, object]:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}]
    properties = {name: value for name, value in ({"hs_lead_name": "Ada"} | values).items() if value}
    return {"properties": properties, "associations": [{"to": {"id": contact}, "types": types}]}


def refused(reply: Reply, status: int = 400, category: str = "VALIDATION_ERROR") -> str:
    """The message of a refusal that is as it should be."""
    assert (reply.status, reply.json["status"], reply.json["category"]) == (status, "error", category)
    assert reply.json["correlationId"]
    return str(reply.json["message"])


def reasons(reply: Reply) -> list[tuple[str, str]]:
    """The reasons inside the message about values."""
    begin, _, summary = refused(reply).partition(": ")
    assert begin == "Property values were not valid"
    return [(each["error"], each["name"]) for each in json.loads(summary)]

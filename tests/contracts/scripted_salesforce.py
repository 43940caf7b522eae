"""Salesforce's REST API with answers that a test writes, and an adapter that asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from leadkeeper.destinations.interface import Context
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.destinations.salesforce.rest import SalesforceRestApi
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.destinations.salesforce.web import WebToLead
from leadkeeper.diagnosis import Answer
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.faults import LEAD, PERSONAL
from tests.contracts.scripted import Remote, Script, message, remote_side

HOST = "contoso.my.salesforce.com"
TOKEN = "POST /services/oauth2/token"
ONE = "POST /services/data/v62.0/sobjects/Lead"
MANY = "POST /services/data/v62.0/composite/sobjects"
LOOKUP = "GET /services/data/v62.0/sobjects/Lead/LeadkeeperId__c/"
WRITES = "POST /services/data/"
DESCRIBE = "GET /services/data/v62.0/sobjects/Lead/describe"
LIMITS = "GET /services/data/v62.0/limits"
RECORD = "00Q58000003abcdEAA"
SESSION = "00D58000000JmlM!AQEAQFakeSessionToken.0123456789"
GRANTED = message({"access_token": SESSION, "instance_url": f"https://{HOST}", "token_type": "Bearer"})
CREATED = message({"id": RECORD, "success": True, "errors": []}, 201)
MISSING = message([{"message": "No.", "errorCode": "NOT_FOUND"}], 404)
SETTINGS = {
    "objectIdentifier": "00D58000000JmlM",
    "myDomainUrl": f"https://{HOST}",
    "clientId": "3MVG9contosokey",
    "clientSecret": "AF00DSECRETAF00D",
    "externalIdField": "LeadkeeperId__c",
}
HIDDEN = (*PERSONAL, "af00dsecret", "3mvg9contosokey", "fakesessiontoken")


def line(network: Network, **settings: Any) -> WebToLead | SalesforceRestApi:
    opened = SALESFORCE.open(SalesforceConfig.model_validate(SETTINGS | settings), Context(network))
    assert isinstance(opened, WebToLead | SalesforceRestApi)
    return opened


def leads(number: int) -> list[OutgoingLead]:
    return [replace(LEAD, id=f"0198c2a4-7d10-7c3e-8a55-{n:012x}") for n in range(number)]


def errors(*codes: str, wording: str = "No.", status: int = 400) -> Fault:
    return message([{"message": wording, "errorCode": code, "fields": ["Country"]} for code in codes], status)


async def deliver(side: Remote, some: Sequence[OutgoingLead] = (LEAD,), **settings: Any) -> Sequence[Answer]:
    salesforce = line(side.network, **settings)
    found = await salesforce.deliver(some)
    await salesforce.aclose()
    assert len(found) == len(some)
    assert not [text for text in HIDDEN if text in repr(found).casefold()]
    return found


async def answer_to(authority: Authority, script: Script, seconds: float = 30.0) -> Answer:
    async with remote_side(
        authority, {TOKEN: GRANTED, LOOKUP: MISSING} | dict(script), HOST, total_seconds=seconds
    ) as side:
        (found,) = await deliver(side)
    return found

"""Plain requests to the Salesforce stand-in, for its own tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.org import Org
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import Clock
from tests.contracts.sandbox_caller import Caller, Reply

WEB = "https://webto.salesforce.com/servlet/servlet.WebToLead?encoding=UTF-8"
HOST = "https://contoso.my.salesforce.com"
DATA = f"{HOST}/services/data/v62.0"
LEAD = f"{DATA}/sobjects/Lead"
PERSON: dict[str, object] = {"LastName": "Lovelace", "Company": "Analytical", "Email": "ada@analytical.test"}


def two_orgs(clock: Clock) -> list[Salesforce]:
    """A production org and a sandbox org of the same company."""
    return [Salesforce(clock, [Org(), Org("00D0Q000000TeSt", "contoso--uat", is_sandbox=True)])]


@pytest.fixture
def salesforce(sandbox: Sandbox) -> Salesforce:
    """The stand-in."""
    return sandbox.stand_in(Salesforce)


def web_form(**changes: str) -> dict[str, str]:
    form = {
        "oid": "00D5e000000HjKL",
        "encoding": "UTF-8",
        "first_name": "Zoë",
        "last_name": "Lovelace",
        "company": "Analytical",
        "email": "ada@analytical.test",
        "country": "PT",
        "lead_source": "AzureMarketplace-INS|contoso.engine",
    }
    return {name: value for name, value in (form | changes).items() if value}


def outcome(salesforce: Salesforce) -> tuple[object, object]:
    """Status and reason of the last lead."""
    last = salesforce.received()[-1]
    return last["status"], last["reason"]


class Session:
    """The REST API with a token; a new one with :meth:`renew`."""

    def __init__(self, call: Caller) -> None:
        self._call = call
        self.headers: dict[str, str] = {}

    async def renew(self) -> None:
        given = (await token(self._call)).json
        self.headers = {"Authorization": f"Bearer {given['access_token']}"}

    async def __call__(self, method: str, url: str, **options: Any) -> Reply:
        headers = self.headers | options.pop("headers", {})
        return await self._call(method, url, headers=headers, **options)

    async def upsert(self, value: str = "lead-1", **changes: Any) -> Reply:
        return await self("PATCH", f"{LEAD}/{EXTERNAL_ID}/{value}", json=PERSON | changes)

    async def collection(self, *records: Mapping[str, object], all_or_none: bool = False) -> Reply:
        typed = [{"attributes": {"type": "Lead"}} | dict(record) for record in records]
        body = {"allOrNone": all_or_none, "records": typed}
        return await self("PATCH", f"{DATA}/composite/sobjects/Lead/{EXTERNAL_ID}", json=body)


async def token(call: Caller, host: str = HOST, **changes: str) -> Reply:
    org = Org()
    form = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    return await call("POST", f"{host}/services/oauth2/token", data=form | changes)


async def signed_in(call: Caller) -> Session:
    """The REST API with its first token."""
    session = Session(call)
    await session.renew()
    return session


@pytest.fixture
async def rest(call: Caller) -> Session:
    """The REST API with its first token."""
    return await signed_in(call)


def code(reply: Reply) -> str:
    (error,) = reply.json
    return str(error["errorCode"])

"""Plain requests to the Marketo stand-in, for its own tests."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from leadkeeper.sandbox.marketo.leads import Subscription
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import Clock
from tests.contracts.sandbox_caller import Caller, Reply

POD = "https://app-ys12.marketo.com"
SAVE = f"{POD}/index.php/leadCapture/save2"
HOST = "https://123-PQR-789.mktorest.com"
IDENTITY = f"{HOST}/identity/oauth/token"
SUBMIT = f"{HOST}/rest/v1/leads/submitForm.json"
SYNC = f"{HOST}/rest/v1/leads.json"
DESCRIBE = f"{HOST}/rest/v1/leads/describe.json"
PERSON: dict[str, object] = {"email": "ada@analytical.test", "firstName": "Ada", "lastName": "Lovelace"}


def two_subscriptions(clock: Clock) -> list[Marketo]:
    """Two subscriptions, each on a pod of its own."""
    return [Marketo(clock, [Subscription(), Subscription("456-XYZ-012", "sj01", "other", "other-secret")])]


@pytest.fixture
def marketo(sandbox: Sandbox) -> Marketo:
    """The stand-in."""
    return sandbox.stand_in(Marketo)


def form_post(**changes: str) -> dict[str, str]:
    form = {
        "munchkinId": "123-PQR-789",
        "formid": "1179",
        "formVid": "1179",
        "FirstName": "Zoë",
        "LastName": "Lovelace",
        "Email": "ada@analytical.test",
        "LeadSource": "AzureMarketplace-INS|contoso.engine",
    }
    return {name: value for name, value in (form | changes).items() if value}


def credentials(**changes: str) -> dict[str, str]:
    there = Subscription()
    wanted = {
        "grant_type": "client_credentials",
        "client_id": there.client_id,
        "client_secret": there.client_secret,
    }
    return wanted | changes


class Session:
    """The REST API with a token; a new one with :meth:`renew`."""

    def __init__(self, call: Caller) -> None:
        self._call = call
        self.headers: dict[str, str] = {}

    async def renew(self) -> None:
        given = (await self._call("GET", f"{IDENTITY}?{urlencode(credentials())}")).json
        self.headers = {"Authorization": f"Bearer {given['access_token']}"}

    async def __call__(self, method: str, url: str, **options: Any) -> Reply:
        headers = self.headers | options.pop("headers", {})
        return await self._call(method, url, headers=headers, **options)

    async def submit(self, form: object = 1179, **changes: object) -> Reply:
        return await self("POST", SUBMIT, json={"formId": form, "input": [{"leadFormFields": PERSON | changes}]})

    async def sync(self, *people: dict[str, object], **options: object) -> Reply:
        return await self("POST", SYNC, json=options | {"input": list(people or [PERSON])})


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
    """The code of a refused call."""
    assert reply.status == 200
    assert reply.json["success"] is False
    assert reply.json["requestId"]
    (error,) = reply.json["errors"]
    assert error["message"]
    assert isinstance(error["code"], str)
    return error["code"]


def outcomes(reply: Reply) -> list[str]:
    """Each record's status, or the code for which it was skipped."""
    assert reply.status == 200
    assert reply.json["success"] is True
    return [
        each["reasons"][0]["code"] if each["status"] == "skipped" else each["status"] for each in reply.json["result"]
    ]


def lost(marketo: Marketo) -> list[object]:
    return [each["reason"] for each in marketo.received() if each["status"] == "lost"]

"""Requests to the stand-ins of Entra and Dynamics 365, as their documentation shows them."""

from __future__ import annotations

from typing import Any

import pytest

from leadkeeper.sandbox.dynamics.organization import Member, Organization
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import APPLICATION, PASSWORD, SECRET, TENANT, USER
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.sandbox_caller import Caller, Reply

ENTRA = "https://login.microsoftonline.com"
ORG = "https://org.crm4.dynamics.com"
API = f"{ORG}/api/data/v9.2/"
LEAD = "5a1d6f0e-0c58-5b3e-9a77-3d0c5e2b8f41"
NEW = {"subject": "Offer", "firstname": "Ada", "lastname": "King", "emailaddress1": "ada@example.com"}

CLIENT = {
    "grant_type": "client_credentials",
    "client_id": APPLICATION,
    "client_secret": SECRET,
    "scope": f"{ORG}/.default",
}
LOGIN = CLIENT | {"grant_type": "password", "username": USER, "password": PASSWORD}


async def ask_token(
    caller: Caller,
    usual: dict[str, str] = CLIENT,
    *,
    tenant: str = TENANT,
    path: str = "/oauth2/v2.0/token",
    **form: Any,
) -> Reply:
    """Ask Entra for a token with the fields ``usual``; ``form`` replaces some, None leaves one out."""
    fields = {name: value for name, value in (usual | form).items() if value is not None}
    return await caller("POST", f"{ENTRA}/{tenant}{path}", data=fields)


class WebApi:
    """Calls of the Dataverse Web API with the headers that its documentation asks for."""

    def __init__(self, caller: Caller, token: str, base: str = API) -> None:
        self._caller = caller
        self.base = base
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "OData-Version": "4.0",
            "OData-MaxVersion": "4.0",
        }

    async def __call__(self, method: str, path: str, body: object = None, **headers: str | None) -> Reply:
        """One call; keyword ``if_none_match`` becomes the header ``if-none-match``, None leaves a header out."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        usual = {name: value for name, value in self.headers.items() if name.lower() not in {*given}}
        sent = usual | {name: value for name, value in given.items() if value is not None}
        options: dict[str, Any] = {} if body is None else {"json": body}
        return await self._caller(method, self.base + path, headers=sent, **options)


@pytest.fixture
def dynamics(sandbox: Sandbox) -> Dynamics:
    """The stand-in."""
    return sandbox.stand_in(Dynamics)


@pytest.fixture
def organization(sandbox: Sandbox) -> Organization:
    """Its environment at :data:`ORG`."""
    return sandbox.stand_in(Dynamics).organizations[ORG.removeprefix("https://")]


@pytest.fixture
def member(organization: Organization) -> Member:
    """The application as a user of the environment."""
    return organization.members[APPLICATION]


@pytest.fixture
async def api(call: Caller) -> WebApi:
    """The Web API with the application's token."""
    return WebApi(call, (await ask_token(call)).json["access_token"])


def check_error(reply: Reply, status: int, code: str, text: str = "") -> None:
    """The answer is an error of the Web API with this status and code, and ``text`` in its message."""
    error = reply.json["error"]
    assert (reply.status, error["code"]) == (status, code)
    assert text in error["message"]
    assert reply.headers["OData-Version"] == "4.0"

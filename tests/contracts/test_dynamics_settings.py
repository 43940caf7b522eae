"""Dynamics 365: the settings, and where they may lead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from leadkeeper.destinations.dynamics.adapter import DEFAULTS, Dynamics
from leadkeeper.destinations.dynamics.diagnoses import ENTRIES, DynamicsKind
from leadkeeper.destinations.dynamics.settings import DynamicsConfig
from leadkeeper.destinations.mapping import PLACEHOLDERS
from leadkeeper.diagnosis import Diagnosis, Outcome, Receipt
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox.authority import Authority
from tests.contracts.faults import LEAD
from tests.contracts.remote_dynamics import (
    SETTINGS,
    Remote,
    deliver,
    dynamics,
    remote_side,
)


@pytest.fixture
async def remote(authority: Authority) -> AsyncIterator[Remote]:
    async with remote_side(authority) as side:
        yield side


def invalid(**changes: Any) -> str:
    given = {name: value for name, value in (SETTINGS | changes).items() if value is not ...}
    with pytest.raises(ValidationError) as caught:
        DynamicsConfig.model_validate(given)
    assert "secret.value" not in str(caught.value)
    return "; ".join(error["msg"] for error in caught.value.errors(include_input=False))


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://contoso.crm4.dynamics.com/", "https://contoso.crm4.dynamics.com"),
        (" https://Contoso.CRM4.dynamics.com/main.aspx?appid=1#x ", "https://contoso.crm4.dynamics.com"),
        ("https://contoso.api.crm4.dynamics.com/api/data/v9.2/", "https://contoso.crm4.dynamics.com"),
        ("https://contoso.crm.dynamics.com:443", "https://contoso.crm.dynamics.com"),
        ("https://contoso.crm.microsoftdynamics.us", "https://contoso.crm.microsoftdynamics.us"),
        ("https://crm.fabrikam.example:8443/x", "https://crm.fabrikam.example:8443"),
    ],
)
def test_the_instance_url_is_reduced_to_its_origin(given: str, origin: str) -> None:
    config = DynamicsConfig.model_validate(SETTINGS | {"instanceUrl": given})
    assert config.instance_url == origin
    assert DynamicsConfig.model_validate(SETTINGS | {"instanceUrl": origin}).instance_url == origin
    assert config.host == origin.removeprefix("https://").split(":")[0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"instanceUrl": "http://contoso.crm4.dynamics.com"}, "https"),
        ({"instanceUrl": "contoso.crm4.dynamics.com"}, "https"),
        ({"instanceUrl": "https://user:word@contoso.crm4.dynamics.com"}, "user name"),
        ({"instanceUrl": "https://"}, "host"),
        ({"authentication": "oauth"}, "azureAD"),
        ({"applicationId": ...}, "authentication azureAD needs applicationId"),
        ({"applicationKey": ..., "directoryId": ...}, "needs applicationKey, directoryId"),
        ({"applicationId": "not-a-uuid"}, "UUID"),
        ({"directoryId": "contoso.onmicrosoft.com"}, "UUID"),
        ({"applicationKey": ""}, "at least 1"),
        ({"applicationKey": "x" * 2049}, "at most 2048"),
        ({"applicationKey": "*********"}, "send the secret itself"),
        ({"username": "ada"}, "username does not belong to authentication azureAD"),
        ({"publicClientId": SETTINGS["applicationId"]}, "publicClientId does not belong"),
        ({"authentication": "office365"}, "needs username, password"),
        (
            {"authentication": "office365", "username": "a", "password": "b"},
            "applicationId, applicationKey, directoryId",
        ),
        ({"fields": {"Bad Name": "x"}}, "logical name"),
        ({"fields": {"leadid": "x"}}, "filled in by Leadkeeper"),
        ({"fields": {"subject": "{surname}"}}, "{lastName}"),
        ({"leadSourceCode": -1}, "greater"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_taken(changes: dict[str, Any], text: str) -> None:
    assert text in invalid(**changes)


def test_settings_survive_being_stored() -> None:
    config = DynamicsConfig.model_validate(SETTINGS | {"fields": {"jobtitle": None, "n": 1, "b": True}})
    dumped = config.model_dump(mode="json", by_alias=True, exclude_none=True)
    again = DynamicsConfig.model_validate(dumped | {"applicationKey": SETTINGS["applicationKey"]})
    assert again == config


@pytest.mark.parametrize("host", ["crm.fabrikam.example", "dynamics.com.evil.example", "evildynamics.com"])
async def test_other_hosts_get_neither_secret_nor_lead(host: str) -> None:
    network = Network(NetworkPolicy())
    config = DynamicsConfig.model_validate(SETTINGS | {"instanceUrl": f"https://{host}"})
    destination = Dynamics(config, network)
    found = await deliver(destination)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (DynamicsKind.ADDRESS_WRONG, Outcome.BROKEN)
    assert (await destination.check()).diagnosis == found
    assert (await destination.preview(LEAD)).notes == (found.summary,)
    await network.aclose()


async def test_hosts_that_the_operator_names_are_taken(authority: Authority) -> None:
    async with remote_side(authority, more_hosts=("crm.fabrikam.example",)) as remote:
        found = await deliver(dynamics(remote, instanceUrl="https://crm.fabrikam.example"))
    assert isinstance(found, Receipt)
    assert found.link is not None
    assert found.link.startswith("https://crm.fabrikam.example/main.aspx")
    assert remote.forms[0]["scope"] == "https://crm.fabrikam.example/.default"


async def test_a_host_name_that_does_not_exist_is_a_wrong_instance() -> None:
    import socket

    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "")

    network = Network(NetworkPolicy(), resolve=resolve)
    check = await Dynamics(DynamicsConfig.model_validate(SETTINGS), network).check()
    await network.aclose()
    assert [(step.name, step.ok) for step in check.steps] == [("address", True), ("name", False)]
    assert check.diagnosis is not None
    assert (check.diagnosis.kind, check.diagnosis.outcome) == (DynamicsKind.ADDRESS_WRONG, Outcome.BROKEN)


def test_every_setting_and_every_diagnosis_stands_on_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs/destinations/dynamics.md").read_text(encoding="utf-8")
    settings = [field.alias or name for name, field in DynamicsConfig.model_fields.items()]
    assert not [name for name in settings if f"`{name}`" not in page]
    assert not [kind.value for kind in ENTRIES if f"`{kind.value}`" not in page]
    assert not [name for name in PLACEHOLDERS if f"`{{{name}}}`" not in page]
    assert not [name for name in DEFAULTS if f"`{name}`" not in page]

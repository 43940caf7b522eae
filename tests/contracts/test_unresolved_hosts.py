"""A host that is not found: the publisher's to correct where a setting names it, else the operator's."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from leadkeeper.check import Check
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.interface import Context
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome, Who
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.network.names import Resolve
from leadkeeper.texts import ENGLISH
from tests.contracts.cases import LINES
from tests.contracts.cases.case import Line
from tests.contracts.faults import LEAD
from tests.house.test_outcomes import filled

OF_SETTINGS: Final[Mapping[str, AnyKind]] = {
    "azure_table": AzureStorageKind.ACCOUNT_NOT_FOUND,
    "azure_blob": AzureStorageKind.ACCOUNT_NOT_FOUND,
    "https_endpoint": Kind.ADDRESS_NOT_FOUND,
    "marketo, Forms2": MarketoKind.SERVER_NOT_FOUND,
    "marketo, REST": MarketoKind.ACCOUNT_NOT_FOUND,
    "salesforce, REST": SalesforceKind.DOMAIN_NOT_FOUND,
}
FIXED: Final[Mapping[str, str]] = {
    "dynamics, azureAD": "login.microsoftonline.com",
    "dynamics, office365": "login.microsoftonline.com",
    "hubspot, leads": "api.hubapi.com",
    "hubspot, contacts": "api.hubapi.com",
    "hubspot, form": "api.hsforms.com",
    "salesforce, Web-to-Lead": "webto.salesforce.com",
}
BY_NAME: Final[Mapping[str, Line]] = {line.name: line for line in LINES if line.speaks_http}


async def met(line: Line, resolve: Resolve, **changes: Any) -> tuple[Diagnosis, Check]:
    """What comes of a lead, and of a check, where names are looked up by ``resolve``."""
    network = Network(NetworkPolicy(), resolve=resolve)
    config = line.destination.config.model_validate({**filled(line), **changes})
    adapter = line.destination.open(config, Context(network))
    (answer,) = await adapter.deliver([LEAD])
    check = await adapter.check()
    await adapter.aclose()
    await network.aclose()
    assert isinstance(answer, Diagnosis)
    return answer, check


async def unresolved(line: Line, code: int = socket.EAI_NONAME, **changes: Any) -> tuple[Diagnosis, Check]:
    """The same where the resolver answers each name with ``code``."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(code, "")

    return await met(line, resolve, **changes)


def test_of_each_line_it_is_known_who_names_its_host() -> None:
    assert {*OF_SETTINGS, *FIXED} == set(BY_NAME)
    assert not {*OF_SETTINGS} & {*FIXED}


@pytest.mark.parametrize("name", OF_SETTINGS)
async def test_a_host_that_a_setting_names_is_the_publishers_to_correct(name: str) -> None:
    answer, check = await unresolved(BY_NAME[name])
    for found in (answer, check.diagnosis):
        assert found is not None
        assert (found.kind, found.outcome, found.who) == (OF_SETTINGS[name], Outcome.BROKEN, Who.PUBLISHER)
    assert (check.steps[-1].ok, check.steps[-1].detail) == (False, answer.summary)


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
@pytest.mark.parametrize("name", FIXED)
async def test_a_host_that_no_setting_names_is_the_operators_and_the_lead_is_sent_again(name: str, code: int) -> None:
    answer, check = await unresolved(BY_NAME[name], code)
    missing = f"No address could be found for {FIXED[name]}."
    assert (answer.kind, answer.outcome, answer.who) == (Kind.HOST_NOT_RESOLVED, Outcome.FAILED, Who.OPERATOR)
    assert ENGLISH.tell(answer.evidence.text or "").endswith(missing)
    assert answer.evidence.code is not None
    assert getattr(socket, answer.evidence.code) == code
    if name.startswith("dynamics"):  # a check looks for the environment first, and that is named by a setting
        return
    assert check.diagnosis == answer
    assert (check.steps[-1].name, check.steps[-1].ok) == ("name", False)
    assert ENGLISH.tell(check.steps[-1].detail) == missing


@pytest.mark.parametrize("host", ["contoso.my.salesforce.com", "contoso--dev.sandbox.my.salesforce.com"])
async def test_an_organizations_own_host_for_web_to_lead_is_the_publishers(host: str) -> None:
    answer, check = await unresolved(BY_NAME["salesforce, Web-to-Lead"], webToLeadHost=host)
    assert (answer.kind, answer.outcome) == (Kind.ADDRESS_NOT_FOUND, Outcome.BROKEN)
    assert check.diagnosis == answer


async def test_a_host_that_a_choice_of_settings_names_is_the_operators() -> None:
    shared, _ = await unresolved(BY_NAME["salesforce, Web-to-Lead"], webToLeadHost="test.salesforce.com")
    region, _ = await unresolved(BY_NAME["hubspot, form"], region="eu1")
    assert [each.kind for each in (shared, region)] == [Kind.HOST_NOT_RESOLVED] * 2
    assert "api-eu1.hsforms.com" in (region.evidence.text or "")


@pytest.mark.parametrize("name", FIXED)
async def test_other_trouble_on_the_way_is_told_as_before(name: str) -> None:
    async def inside(host: str, port: int) -> Sequence[str]:
        return ["10.0.0.1"]

    answer, _ = await met(BY_NAME[name], inside)
    assert answer.kind is Kind.ADDRESS_REFUSED

"""The seed's question "I configured Salesforce as my lead destination, why can't I find the leads?", as tests.

Web-to-Lead answers the same to leads that it keeps and to those that it drops. So nothing about it is ever called
received, and what a publisher reads of a test lead that nobody has found yet names the usual causes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leadkeeper.catalogue import text_of
from leadkeeper.destinations.interface import Context
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.destinations.salesforce.rest import SalesforceRestApi
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.destinations.salesforce.web import WebToLead
from leadkeeper.diagnosis import Outcome, Receipt
from leadkeeper.lead import test_customer as customer_of
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.salesforce.stand_in import Salesforce as StandIn
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.texts import ENGLISH, Language
from tests.contracts.cases.salesforce import REST_SETTINGS, WEB_SETTINGS
from tests.contracts.faults import LEAD
from tests.contracts.honest import claims
from tests.in_process import OFFER, hand_in, installation
from tests.languages import LANGUAGES

MARKER = "MSFT_TEST_639000000000000000"
TEST_LEAD = replace(LEAD, customer=customer_of(MARKER), description=MARKER, test=True)
DROPPING = (
    *("picklistMandatory", "reCaptchaRequired", "webToLeadDisabled", "noDefaultLeadCreator", "requiredCustomField"),
    *("validationRule", "webToLeadQueueFull", "countryPicklist"),
)
CAUSES = ("mandatory", "picklist", "reCAPTCHA", "Default Lead Creator", "object identifier")


@pytest.fixture
async def sandbox(authority: Authority) -> AsyncIterator[Sandbox]:
    async with Sandbox(authority.ca_file.parent, lambda clock: [StandIn(clock)]) as there:
        yield there
        assert there.mistakes == []


@pytest.fixture
async def network(sandbox: Sandbox) -> AsyncIterator[Network]:
    names = (part.partition("=")[0] for part in sandbox.hosts_setting().split(","))
    hosts: dict[str, tuple[str, int | None]] = dict.fromkeys(names, ("127.0.0.1", sandbox.port))
    there = Network(NetworkPolicy(hosts=hosts, ca_file=sandbox.ca_file, total_seconds=30))
    yield there
    await there.aclose()


def web(network: Network) -> WebToLead | SalesforceRestApi:
    """Web-to-Lead."""
    opened = SALESFORCE.open(SalesforceConfig.model_validate(WEB_SETTINGS), Context(network))
    assert isinstance(opened, WebToLead | SalesforceRestApi)
    return opened


@pytest.mark.parametrize("state", ["ok", *DROPPING])
async def test_nothing_is_ever_called_received(sandbox: Sandbox, network: Network, state: str) -> None:
    sandbox.stand_in(StandIn).choose(state)
    for lead in (LEAD, TEST_LEAD):
        (found,) = await web(network).deliver([lead])
        assert isinstance(found, Receipt)
        assert (found.confirmed, found.outcome) == (False, Outcome.UNCONFIRMED)
        assert found.remote_id is None


@pytest.mark.parametrize("state", ["ok", "picklistMandatory"])
async def test_an_unconfirmed_test_lead_names_the_usual_causes(sandbox: Sandbox, network: Network, state: str) -> None:
    sandbox.stand_in(StandIn).choose(state)
    (found,) = await web(network).deliver([TEST_LEAD])
    assert isinstance(found, Receipt)
    assert found.note is not None
    assert "MSFT_TEST" in found.note, "what to search for"
    for cause in CAUSES:
        assert cause in found.note


async def test_other_leads_have_a_short_note(network: Network) -> None:
    (found,) = await web(network).deliver([LEAD])
    assert isinstance(found, Receipt)
    assert found.note is not None
    assert "reCAPTCHA" not in found.note


@pytest.mark.parametrize("state", ["ok", *DROPPING])
async def test_the_check_says_that_it_cannot_know(sandbox: Sandbox, network: Network, state: str) -> None:
    sandbox.stand_in(StandIn).choose(state)
    check = await web(network).check()
    assert check.ok
    (lead,) = [step for step in check.steps if step.name == "lead"]
    assert lead.ok is None, "neither green nor red"
    for cause in CAUSES:
        assert cause in lead.detail


async def test_over_rest_a_mandatory_picklist_is_named(sandbox: Sandbox, network: Network) -> None:
    """Where the organization can be asked, what it demands is known before a lead is lost."""
    sandbox.stand_in(StandIn).choose("picklistMandatory")
    salesforce = SALESFORCE.open(SalesforceConfig.model_validate(REST_SETTINGS), Context(network))
    check = await salesforce.check()
    (rules,) = [step for step in check.steps if step.name == "rules"]
    assert rules.ok is None
    assert "LeadSource" in rules.detail
    (found,) = await salesforce.deliver([TEST_LEAD])
    await salesforce.aclose()
    assert found.outcome is Outcome.REFUSED


@pytest.mark.parametrize("state", ["ok", *DROPPING])
async def test_no_door_calls_it_received(sandbox: Sandbox, tmp_path: Path, state: str) -> None:
    """What a publisher reads of a test lead and of a customer's, in both languages: sent, and unconfirmed."""
    sandbox.stand_in(StandIn).choose(state)
    settings: dict[str, Any] = {
        "hosts": sandbox.hosts_setting(),
        "ca_file": sandbox.ca_file,
        "public_url": "http://leads.example",
    }
    async with installation(f"sqlite+aiosqlite:///{tmp_path}/leads.db", worker=True, **settings) as home:
        owner, operator = await home.visitor("publisher:contoso"), await home.visitor("operator")
        assert (await operator.put(OFFER, {"title": "CRM Pro", "offerType": "saas", "live": True})).status == 200
        body = {"leadDestination": "salesforce", "salesforceLeadConfiguration": WEB_SETTINGS}
        assert (await owner.put(f"{OFFER}/customer-leads", body)).status == 201
        lead_id = await hand_in(operator)
        for language, unconfirmed in (("en", "unconfirmed"), ("pt", "sem confirmação")):
            asked = {"Accept-Language": language}
            validated = await owner.call("POST", f"{OFFER}/customer-leads/validate", headers=asked)
            assert unconfirmed in validated.json()["message"]
            shown = await owner.call("GET", f"{OFFER}/customer-leads", headers=asked)
            assert shown.json()["health"]["state"] == "unconfirmed"
            ids = (validated.json()["testLead"]["id"], lead_id)
            for each in ids:
                found = await owner.call("POST", "/v1/find", {"text": each}, headers=asked)
                (traced,) = found.json()["leads"]
                assert any(unconfirmed in line for line in traced["message"]), traced
                assert any("reCAPTCHA" in step for step in traced["steps"])
                lead = await owner.call("GET", f"/v1/leads/{each}", headers=asked)
                for summary in (validated, shown, found, lead):
                    assert claims(summary.body.decode()) == []


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_not_found_names_what_the_seed_names(language: Language) -> None:
    text = text_of(SalesforceKind.TEST_LEAD_NOT_FOUND, language)
    steps = " ".join(text.steps)
    for word in (
        "reCAPTCHA",
        "Default Lead Creator",
        "(oid)",
        "picklist" if language is ENGLISH else "lista de seleção",
    ):
        assert word in steps


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_diagnosis_names_the_remedy_of_the_seed(language: Language) -> None:
    steps = " ".join(text_of(SalesforceKind.FORM_REJECTED, language).steps)
    for word in (
        "reCAPTCHA",
        "Default Lead Creator",
        "picklist" if language is ENGLISH else "lista de seleção",
    ):
        assert word in steps

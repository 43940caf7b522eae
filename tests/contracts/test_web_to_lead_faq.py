"""The seed's question "I configured Salesforce as my lead destination, why can't I find the leads?", as tests.

Web-to-Lead answers the same to leads that it keeps and to those that it drops. So nothing about it is ever called
received, and what a publisher reads of a test lead that nobody has found yet names the usual causes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from leadkeeper.catalogue import text_of
from leadkeeper.destinations.http import Network, NetworkPolicy
from leadkeeper.destinations.salesforce import Salesforce, SalesforceConfig
from leadkeeper.diagnoses.text import Language
from leadkeeper.diagnosis import Kind, Outcome, Receipt
from leadkeeper.lead import test_customer as customer_of
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.salesforce import Salesforce as StandIn
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.cases.salesforce import REST_SETTINGS, WEB_SETTINGS
from tests.contracts.faults import LEAD

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
    there = Network(NetworkPolicy(hosts=hosts, ca_file=sandbox.ca_file, total_seconds=5))
    yield there
    await there.aclose()


def web(network: Network) -> Salesforce:
    """Web-to-Lead."""
    return Salesforce(SalesforceConfig.model_validate(WEB_SETTINGS), network)


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
    salesforce = Salesforce(SalesforceConfig.model_validate(REST_SETTINGS), network)
    check = await salesforce.check()
    (rules,) = [step for step in check.steps if step.name == "rules"]
    assert rules.ok is None
    assert "LeadSource" in rules.detail
    (found,) = await salesforce.deliver([TEST_LEAD])
    await salesforce.aclose()
    assert found.outcome is Outcome.REFUSED


@pytest.mark.parametrize("language", list(Language))
def test_the_diagnosis_names_the_remedy_of_the_seed(language: Language) -> None:
    steps = " ".join(text_of(Kind.SALESFORCE_FORM_REJECTED, language).steps)
    for word in (
        "reCAPTCHA",
        "Default Lead Creator",
        "picklist" if language is Language.ENGLISH else "lista de seleção",
    ):
        assert word in steps

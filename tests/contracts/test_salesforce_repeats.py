"""Salesforce over REST, sent twice: what is there already is delivered, and nothing that people did is undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from leadkeeper.destinations.interface import Context
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.destinations.salesforce.rest import SalesforceRestApi
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.destinations.salesforce.web import WebToLead
from leadkeeper.diagnosis import Answer, Diagnosis, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.mishaps import Match, commit_then_drop
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID, UNIQUE
from leadkeeper.sandbox.salesforce.org import Org, StoredLead
from leadkeeper.sandbox.salesforce.stand_in import Salesforce as StandIn
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.cases.salesforce import REST_SETTINGS
from tests.contracts.faults import LEAD

QUEUE = "0055e000001QueueAAA"
SELLER = "0055e000001SellerAA"


@dataclass
class Line:
    """The adapter before its stand-in."""

    sandbox: Sandbox
    network: Network

    @property
    def stand_in(self) -> StandIn:
        """The organization's remote system."""
        return self.sandbox.stand_in(StandIn)

    @property
    def org(self) -> Org:
        """The organization."""
        return self.stand_in.org

    def adapter(self, **settings: Any) -> WebToLead | SalesforceRestApi:
        """A line with these settings."""
        opened = SALESFORCE.open(SalesforceConfig.model_validate(REST_SETTINGS | settings), Context(self.network))
        assert isinstance(opened, WebToLead | SalesforceRestApi)
        return opened

    async def send(self, *leads: OutgoingLead, **settings: Any) -> Sequence[Answer]:
        """Deliver over a line of its own, as another process would."""
        adapter = self.adapter(**settings)
        try:
            return await adapter.deliver(leads)
        finally:
            await adapter.aclose()

    def of(self, lead: OutgoingLead) -> StoredLead:
        """What the organization has of the lead; there must be one."""
        (found,) = self.org.find(EXTERNAL_ID, lead.id)
        return found

    def arrival(self, lead: OutgoingLead) -> Any:
        """How the lead came."""
        return self.org.arrived[self.of(lead).id]


@pytest.fixture
async def line(authority: Authority) -> AsyncIterator[Line]:
    org = Org(users=("0055e000001UserAAA", QUEUE, SELLER), assigns_to=QUEUE)
    async with Sandbox(authority.ca_file.parent, lambda clock: [StandIn(clock, [org])]) as sandbox:
        names = (part.partition("=")[0] for part in sandbox.hosts_setting().split(","))
        hosts: dict[str, tuple[str, int | None]] = dict.fromkeys(names, ("127.0.0.1", sandbox.port))
        network = Network(NetworkPolicy(hosts=hosts, ca_file=sandbox.ca_file, total_seconds=30))
        yield Line(sandbox, network)
        await network.aclose()
        assert sandbox.mistakes == []


def leads(number: int) -> list[OutgoingLead]:
    """Leads of different people."""
    return [
        replace(
            LEAD,
            id=f"0198c2a4-7d10-7c3e-8a55-{n:012x}",
            customer=replace(LEAD.customer, email=f"zoltana.{n}@northwind.example"),
        )
        for n in range(number)
    ]


async def test_a_converted_lead_is_there(line: Line) -> None:
    (first,) = await line.send(LEAD)
    line.of(LEAD).converted = True
    (again,) = await line.send(LEAD)
    assert isinstance(first, Receipt)
    assert isinstance(again, Receipt), again
    assert (again.result, again.outcome, again.remote_id) == ("duplicate", Outcome.DELIVERED, first.remote_id)


async def test_converted_leads_among_many_are_there(line: Line) -> None:
    some = leads(3)
    await line.send(*some[:2])
    line.of(some[0]).converted = True
    found = await line.send(*some)
    assert [each.result for each in found if isinstance(each, Receipt)] == ["duplicate", "duplicate", "created"]


@pytest.mark.parametrize("number", [1, 3])
async def test_nothing_that_people_changed_is_overwritten(line: Line, number: int) -> None:
    some = leads(number)
    await line.send(*some)
    for each in some:
        line.org.store({"Title": "Treasurer of the year", "OwnerId": SELLER, "Rating": "Hot"}, line.of(each))
    before = [dict(line.of(each).values) for each in some]
    again = await line.send(*some)
    assert [each.result for each in again if isinstance(each, Receipt)] == ["duplicate"] * number
    assert [line.of(each).values for each in some] == before


@pytest.mark.parametrize("number", [1, 3])
async def test_assignment_rules_run_once(line: Line, number: int) -> None:
    some = leads(number)
    for _ in range(3):
        await line.send(*some)
    for each in some:
        assert line.of(each).values["OwnerId"] == QUEUE, "the organization's rules route a new lead"
        assert (line.arrival(each).assigned, line.arrival(each).times) == (1, 1)


async def test_a_lost_answer_is_made_good_without_a_second_write(line: Line) -> None:
    line.sandbox.fail(commit_then_drop, Match("*.my.salesforce.com", path="*Lead*"), times=2)
    await line.send(LEAD)
    (again,) = await line.send(LEAD)
    assert isinstance(again, Receipt)
    assert again.result == "duplicate"
    assert line.arrival(LEAD).assigned == 1


@pytest.mark.parametrize("state", ["duplicateRuleBlock", "duplicateRuleAlert"])
@pytest.mark.parametrize("number", [1, 3])
async def test_our_own_lead_is_no_duplicate_of_itself(line: Line, state: str, number: int) -> None:
    some = leads(number)
    first = await line.send(*some)
    line.stand_in.choose(state)
    again = await line.send(*some)
    assert [each.result for each in again if isinstance(each, Receipt)] == ["duplicate"] * number
    assert [each.remote_id for each in again if isinstance(each, Receipt)] == [
        each.remote_id for each in first if isinstance(each, Receipt)
    ]


async def test_another_lead_of_the_same_person_is_what_the_rule_is_about(line: Line) -> None:
    await line.send(LEAD)
    line.stand_in.choose("duplicateRuleBlock")
    other = replace(LEAD, id="0198c2a4-7d10-7c3e-8a55-000000000001")
    (found,) = await line.send(other)
    assert isinstance(found, Diagnosis)
    assert (found.kind, found.outcome) == (SalesforceKind.DUPLICATE_RULE, Outcome.REFUSED)


@pytest.mark.parametrize("number", [1, 3])
async def test_another_unique_field_is_not_our_id(line: Line, number: int) -> None:
    line.org.store({"LastName": "Else", "Company": "Else", UNIQUE: "taken"})
    found = await line.send(*leads(number), fields={UNIQUE: "taken"})
    assert {(each.kind, each.outcome) for each in found if isinstance(each, Diagnosis)} == {
        (SalesforceKind.VALUE_TAKEN, Outcome.REFUSED)
    }
    assert len(found) == number


async def test_two_at_a_time_make_one(line: Line) -> None:
    line.stand_in.work_seconds = 0.05
    found = await asyncio.gather(line.send(LEAD), line.send(LEAD))
    assert sorted(each.result for (each,) in found if isinstance(each, Receipt)) == ["created", "duplicate"]
    assert line.arrival(LEAD).times == 1


async def test_a_partial_failure_is_told_for_each_lead(line: Line) -> None:
    some = leads(4)
    await line.send(some[1])
    odd = replace(some[2], customer=replace(some[2].customer, email="no address"))
    found = await line.send(some[0], some[1], odd, some[3])
    assert [each.outcome for each in found] == [
        Outcome.DELIVERED,
        Outcome.DELIVERED,
        Outcome.REFUSED,
        Outcome.DELIVERED,
    ]
    assert [each.result for each in found if isinstance(each, Receipt)] == ["created", "duplicate", "created"]
    assert isinstance(found[2], Diagnosis)
    assert found[2].evidence.code == "INVALID_EMAIL_ADDRESS"


async def test_a_field_that_is_no_longer_unique_stops_the_connection(line: Line) -> None:
    """Creating relies on it: without it a repeat would make a second lead."""
    line.stand_in.choose("externalIdAmbiguous")
    found = await line.send(*leads(2))
    assert {(each.kind, each.outcome) for each in found if isinstance(each, Diagnosis)} == {
        (SalesforceKind.EXTERNAL_ID_UNUSABLE, Outcome.BROKEN)
    }
    assert not line.org.leads


async def test_basic_signs_in(line: Line) -> None:
    (found,) = await line.send(LEAD, tokenEndpointAuthMethod="client_secret_basic")
    assert isinstance(found, Receipt)


async def test_the_check_sees_a_mandatory_field_that_no_lead_has(line: Line) -> None:
    line.stand_in.choose("requiredCustomField")
    adapter = line.adapter()
    check = await adapter.check()
    await adapter.aclose()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is SalesforceKind.RULE_REFUSED
    assert "Region__c" in (check.diagnosis.evidence.text or "")


async def test_a_green_check_names_what_it_did_not_look_at(line: Line) -> None:
    adapter = line.adapter()
    check = await adapter.check()
    await adapter.aclose()
    assert check.ok
    (rules,) = [step for step in check.steps if step.name == "rules"]
    assert rules.ok is None
    for word in ("validation rules", "duplicate rules", "flows"):
        assert word in rules.detail

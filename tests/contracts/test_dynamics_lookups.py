"""Lookups that a mapping fills in are compared with the navigation properties, or the check says they were not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.diagnosis import Diagnosis, Kind, Outcome
from leadkeeper.sandbox.authority import Authority
from tests.contracts.faults import LEAD
from tests.contracts.remote_dynamics import Remote, dynamics, message, refused, remote_side

COLUMNS = "GET EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName"
RELATIONS = "GET EntityDefinitions(LogicalName='lead')/ManyToOneRelationships"
NAMES = [
    "subject",
    "firstname",
    "lastname",
    "emailaddress1",
    "telephone1",
    "companyname",
    "jobtitle",
    "address1_country",
    "description",
    "leadsourcecode",
]
MISSPELT = {"new_regionid@odata.bind": "/new_regions(6a5b4c3d-1111-2222-3333-444444444444)"}
SPELT = {"new_RegionId@odata.bind": "/new_regions(6a5b4c3d-1111-2222-3333-444444444444)"}


@pytest.fixture
async def remote(authority: Authority) -> AsyncIterator[Remote]:
    """A remote system that tells its columns and relations."""
    async with remote_side(authority) as remote:
        relations = [{"ReferencingEntityNavigationPropertyName": name} for name in ("new_RegionId", "campaignid")]
        remote.answers |= {
            COLUMNS: [message(200, {"value": [{"LogicalName": name} for name in NAMES]})],
            RELATIONS: [message(200, {"value": relations})],
        }
        yield remote


async def test_a_misspelt_lookup_is_found_by_the_check(remote: Remote) -> None:
    adapter = dynamics(remote, fields=MISSPELT)
    check = await adapter.check()
    assert check.diagnosis is not None
    assert check.diagnosis.kind is DynamicsKind.FIELD_NOT_KNOWN
    assert "new_regionid" in check.steps[-1].detail


async def test_a_lookup_that_is_there_is_proven(remote: Remote) -> None:
    adapter = dynamics(remote, fields=SPELT)
    check = await adapter.check()
    assert check.ok
    assert check.steps[-1].ok is True
    assert "navigation properties" in check.steps[-1].detail


async def test_lookups_that_cannot_be_compared_are_said_so(remote: Remote) -> None:
    remote.answers[RELATIONS] = [refused(403, "0x80040220")]
    adapter = dynamics(remote, fields=SPELT)
    check = await adapter.check()
    assert check.ok
    assert check.steps[-1].ok is None
    assert "new_RegionId@odata.bind" in check.steps[-1].detail
    assert "not compared" in check.steps[-1].detail


async def test_without_lookups_nothing_is_said_of_them(remote: Remote) -> None:
    adapter = dynamics(remote)
    check = await adapter.check()
    assert check.steps[-1].ok is True
    assert not remote.seen("GET EntityDefinitions(LogicalName='lead')/ManyToOne")


@pytest.mark.parametrize("code", ["0x0", "", None])
async def test_a_lead_refused_for_a_misspelt_lookup_holds_the_connection(remote: Remote, code: str | None) -> None:
    error = {"message": "An undeclared property 'new_regionid' which only has property annotations was found."}
    remote.answers["PATCH leads("] = [message(400, {"error": error if code is None else error | {"code": code}})]
    adapter = dynamics(remote, fields=MISSPELT)
    (answer,) = await adapter.deliver([LEAD])
    assert isinstance(answer, Diagnosis)
    assert (answer.kind, answer.outcome) == (DynamicsKind.FIELD_NOT_KNOWN, Outcome.BROKEN)


async def test_with_good_fields_such_a_refusal_is_the_lead_s(remote: Remote) -> None:
    remote.answers["PATCH leads("] = [message(400, {"error": {"code": "0x0", "message": "No."}})]
    adapter = dynamics(remote, fields=SPELT)
    (answer,) = await adapter.deliver([LEAD])
    assert isinstance(answer, Diagnosis)
    assert answer.kind is Kind.LEAD_REFUSED

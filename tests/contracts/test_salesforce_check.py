"""The check of Salesforce's REST API: signing in, the fields of a lead, the day's calls; it writes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import AnyKind
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault
from tests.contracts.scripted import message, remote_side
from tests.contracts.scripted_salesforce import DESCRIBE, GRANTED, HOST, LIMITS, TOKEN, WRITES, errors, line


def described(**fields: dict[str, Any]) -> Fault:
    names = ("FirstName", "LastName", "Email", "Company", "Country", "Phone", "Title", "Description", "LeadSource")
    usual = {name: {"createable": True, "updateable": True, "length": 255} for name in names}
    own = {"createable": True, "updateable": True, "externalId": True, "unique": True, "length": 36}
    every = usual | {"LeadkeeperId__c": own} | fields
    listed = [{"name": name} | each for name, each in every.items() if each]
    filler = [{"name": f"Filler{n}__c", "label": "x" * 1_000} for n in range(400)]
    return message({"name": "Lead", "createable": True, "updateable": True, "fields": listed + filler})


OWN = {"createable": True, "updateable": True, "externalId": True, "unique": True, "length": 36}
USED = message({"DailyApiRequests": {"Max": 15_000, "Remaining": 14_000}})


@pytest.mark.parametrize(
    ("describe", "limits", "settings", "kind", "step"),
    [
        (described(), USED, {}, None, "limits"),
        (described(), errors("INSUFFICIENT_ACCESS", status=403), {}, None, "limits"),
        (described(Phone={}), USED, {}, SalesforceKind.FIELD_UNKNOWN, "fields"),
        (described(Phone={"createable": False}), USED, {}, SalesforceKind.FIELD_UNKNOWN, "fields"),
        (described(Phone={}), USED, {"fields": {"Phone": None}}, None, "limits"),
        (described(), USED, {"fields": {"Region__c": "x"}}, SalesforceKind.FIELD_UNKNOWN, "fields"),
        (described(LeadkeeperId__c={}), USED, {}, SalesforceKind.EXTERNAL_ID_UNUSABLE, "fields"),
        (described(LeadkeeperId__c=OWN | {"unique": False}), USED, {}, SalesforceKind.EXTERNAL_ID_UNUSABLE, "fields"),
        (
            described(LeadkeeperId__c=OWN | {"externalId": False}),
            USED,
            {},
            SalesforceKind.EXTERNAL_ID_UNUSABLE,
            "fields",
        ),
        (described(LeadkeeperId__c=OWN | {"length": 18}), USED, {}, SalesforceKind.EXTERNAL_ID_UNUSABLE, "fields"),
        (errors("NOT_FOUND", status=404), USED, {}, SalesforceKind.NOT_FOUND, "fields"),
        (message({"createable": False, "fields": []}), USED, {}, SalesforceKind.ACCESS_MISSING, "fields"),
        (
            described(),
            message({"DailyApiRequests": {"Max": 15_000, "Remaining": 0}}),
            {},
            SalesforceKind.API_LIMIT,
            "limits",
        ),
    ],
)
async def test_the_check(
    authority: Authority, describe: Fault, limits: Fault, settings: Any, kind: AnyKind | None, step: str
) -> None:
    async with remote_side(authority, {TOKEN: GRANTED, DESCRIBE: describe, LIMITS: limits}, HOST) as side:
        check = await line(side.network, **settings).check()
        assert side.requests(WRITES) == []
    assert (check.diagnosis and check.diagnosis.kind) == kind
    assert check.ok is (kind is None)
    assert check.steps[-1].name == step

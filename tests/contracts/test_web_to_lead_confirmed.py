"""Web-to-Lead with REST credentials beside it: what Salesforce took without a word is confirmed afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from pydantic import ValidationError

from leadkeeper.destinations.interface import Confirms, LookedUp, Presence, SentRecord
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.destinations.salesforce.sought import AFTER, match, query_for, sought
from leadkeeper.diagnosis import Outcome, Receipt
from leadkeeper.network import rest
from leadkeeper.network.client import Answered, Network
from leadkeeper.network.rest import request
from leadkeeper.reconciliation.runs import DAY_MS
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.org import Arrival
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.stand_in import OK
from tests.contracts.cases.case import Line, State
from tests.contracts.cases.salesforce import LINES, REST_SETTINGS
from tests.contracts.faults import LEAD
from tests.contracts.reconciling import ONE, Scene, opened
from tests.contracts.stages import SandboxStage
from tests.contracts.test_destinations import Meet, meet

__all__ = ["meet"]

PLAIN: Final = {name: value for name, value in REST_SETTINGS.items() if name != "externalIdField"}
LOOKED_UP: Final = {**PLAIN, "sendOver": "webToLead"}
BY_FIELD: Final = {**LOOKED_UP, "leadIdField": "00N5e0000001abc", "externalIdField": EXTERNAL_ID}
UNMARKED: Final = {**LOOKED_UP, "fields": {"description": None, "00N5e0000002abc": "{leadId}"}}
WEB: Final = LINES[0]
AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(settings: Mapping[str, Any]) -> Line:
    return replace(WEB, settings=settings, taken=Outcome.UNCONFIRMED)


@pytest.fixture
async def scene(meet: Meet, database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async with opened(meet, line(getattr(request, "param", LOOKED_UP)), database_url) as found:
        yield found


def salesforce(scene: Scene) -> Salesforce:
    assert isinstance(scene.meeting.stage, SandboxStage)
    return scene.meeting.stage.sandbox.stand_in(Salesforce)


def arrivals(scene: Scene) -> list[Arrival]:
    return [each for each in salesforce(scene).org.arrivals if each.status == "created"]


async def delivery(scene: Scene, lead_id: str) -> dict[str, Any]:
    found = (await scene.operator.get(f"/v1/leads/{lead_id}")).json()
    (only,) = found["deliveries"]
    return dict(only)


async def state(scene: Scene) -> str:
    return str((await scene.operator.get(ONE)).json()["health"]["state"])


@pytest.mark.parametrize("scene", [LOOKED_UP, UNMARKED], ids=["by its mark", "by address and time"], indirect=True)
async def test_what_is_found_is_delivered_and_proves_the_connection(scene: Scene) -> None:
    await scene.hand_in(4)
    leads = await scene.carry()
    assert {(await delivery(scene, each))["state"] for each in leads} == {"unconfirmed"}

    report = await scene.reconcile()
    assert (report["state"], report["looked"], report["missing"], report["unknown"]) == ("completed", 4, 0, 0)
    links = set()
    for each in leads:
        found = await delivery(scene, each)
        assert (found["state"], found["receipt"]["confirmed"]) == ("delivered", True)
        links.add(found["receipt"]["link"])
        events = (await scene.operator.get(f"/v1/leads/{each}")).json()["events"]
        assert [(event["kind"], event["by"]) for event in events] == [("confirmed", "reconciliation")]
    assert links == {f"{REST_SETTINGS['myDomainUrl']}/{each.id}" for each in arrivals(scene)}
    assert await state(scene) == "working"


async def test_what_salesforce_lost_is_missing_after_a_day_and_not_before(scene: Scene) -> None:
    await scene.hand_in(3)
    kept = await scene.carry()
    scene.meeting.stage.choose(State("validationRule", "", Outcome.UNCONFIRMED))
    await scene.hand_in(2)
    lost = await scene.carry()
    scene.meeting.stage.choose(State(OK, "", Outcome.UNCONFIRMED))

    report = await scene.reconcile()
    assert (report["missing"], report["unknown"]) == (0, 2)
    assert await scene.missing() == set()
    assert {(await delivery(scene, each))["state"] for each in lost} == {"unconfirmed"}

    scene.later += DAY_MS + 60_000
    report = await scene.reconcile()
    assert (report["missing"], report["unknown"]) == (2, 0)
    assert await scene.missing() == lost
    assert {(await delivery(scene, each))["state"] for each in kept} == {"delivered"}

    again = await scene.operator.post(f"{ONE}/missing-leads/send-again", {})
    assert (again.status, again.json()) == (200, {"leads": 2})
    assert await scene.carry() == lost
    report = await scene.reconcile()
    assert (report["missing"], report["open"], report["looked"]) == (0, 0, 5)
    assert len(arrivals(scene)) == 5


async def test_a_record_that_was_found_is_known_by_its_id_whatever_people_change(scene: Scene) -> None:
    await scene.hand_in(2)
    changed, deleted = sorted(await scene.carry())
    await scene.reconcile()
    ids = {each: (await delivery(scene, each))["receipt"]["remoteId"] for each in (changed, deleted)}
    values = {"Email": "other@northwind.example", "Description": ""}
    salesforce(scene).by_hand({"do": "change", "id": ids[changed], "values": values})
    salesforce(scene).by_hand({"do": "delete", "id": ids[deleted]})
    await scene.reconcile()
    assert await scene.missing() == {deleted}


async def test_nothing_is_confirmed_where_nobody_could_be_asked(scene: Scene) -> None:
    await scene.hand_in(1)
    (lead_id,) = await scene.carry()
    scene.meeting.stage.choose(State("clientSecretWrong", "", Outcome.BROKEN))
    report = await scene.reconcile()
    assert (report["state"], report["missing"]) == ("failed", 0)
    assert report["diagnosis"]["kind"] == "salesforceAppRejected"
    assert (await delivery(scene, lead_id))["state"] == "unconfirmed"
    assert await state(scene) != "working"


async def test_an_address_stands_in_no_address(meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def spy(network: Network, method: str, url: str, **more: Any) -> Answered:
        asked.append(url)
        return await request(network, method, url, **more)

    monkeypatch.setattr(rest, "request", spy)
    meeting = await meet(line(LOOKED_UP))
    (receipt,) = await meeting.send(LEAD)
    assert isinstance(receipt, Receipt)
    assert isinstance(meeting.adapter, Confirms)
    assert await meeting.adapter.find([SentRecord(LEAD, receipt, datetime.now(UTC))]) == [Presence.THERE]
    assert len(asked) == 1
    assert LEAD.customer.email.split("@")[0] not in asked[0]


async def test_a_check_says_whether_leads_can_be_looked_up(meet: Meet) -> None:
    meeting = await meet(line(LOOKED_UP))
    steps = {each.name: each.ok for each in (await meeting.adapter.check()).steps}
    assert (steps["lead"], steps["confirm"]) == (None, True)
    refused = await (await meet(line(LOOKED_UP), State("clientSecretWrong", "", Outcome.BROKEN))).adapter.check()
    assert refused.diagnosis is None, "leads go out all the same"
    assert {each.name: each.ok for each in refused.steps}["confirm"] is None


def looked(
    config: Mapping[str, Any], rows: list[dict[str, Any]], *sent: SentRecord, whole: bool = True
) -> list[LookedUp]:
    read = SalesforceConfig.model_validate(config)
    wanted = [sought(each, read) for each in sent]
    return match(wanted, rows, read.external_id_field, "https://contoso.my.salesforce.com", whole=whole)


def row(number: int, made: datetime = AT, **more: Any) -> dict[str, Any]:
    own = {"Id": f"00Q00000000000{number}AAA", "Email": LEAD.customer.email, "CreatedDate": made.isoformat()}
    return {**own, "Description": None, "IsDeleted": False, "IsConverted": False, "MasterRecordId": None, **more}


SENT: Final = SentRecord(LEAD, Receipt(confirmed=False), AT)
OTHER: Final = SentRecord(replace(LEAD, id="01890000-0000-7000-8000-00000000abcd"), Receipt(confirmed=False), AT)


@pytest.mark.parametrize(
    ("settings", "rows", "expected"),
    [
        (LOOKED_UP, [], Presence.MISSING),
        (LOOKED_UP, [row(1, Description=f"Words.\n\nLead id: {LEAD.id}")], Presence.THERE),
        (LOOKED_UP, [row(1)], Presence.UNKNOWN),
        (LOOKED_UP, [row(1, Description=f"Lead id: {OTHER.lead.id}")], Presence.MISSING),
        (LOOKED_UP, [row(1, Description=LEAD.id, IsDeleted=True)], Presence.MISSING),
        (LOOKED_UP, [row(1, Description=LEAD.id, IsDeleted=True, MasterRecordId="00Q")], Presence.MERGED),
        (LOOKED_UP, [row(1, Description=LEAD.id, IsConverted=True)], Presence.CONVERTED),
        (BY_FIELD, [row(1, Email="other@x.example", MarketplaceLeadId__c=LEAD.id)], Presence.THERE),
        (UNMARKED, [row(1)], Presence.THERE),
        (UNMARKED, [row(1, made=AT + AFTER + timedelta(minutes=1))], Presence.MISSING),
        (UNMARKED, [row(1, made=AT - timedelta(hours=1))], Presence.MISSING),
        (UNMARKED, [row(1, Email="other@northwind.example")], Presence.MISSING),
    ],
)
def test_a_lead_is_known_again(settings: Mapping[str, Any], rows: list[dict[str, Any]], expected: Presence) -> None:
    (found,) = looked(settings, rows, SENT)
    assert found.presence is expected
    assert (found.receipt is not None) is (expected in (Presence.THERE, Presence.CONVERTED, Presence.MERGED))


def test_one_record_is_not_two_leads() -> None:
    found = looked(UNMARKED, [row(1)], SENT, OTHER)
    assert [each.presence for each in found] == [Presence.THERE, Presence.MISSING]
    both = looked(UNMARKED, [row(1), row(2)], SENT, OTHER)
    assert [each.presence for each in both] == [Presence.THERE, Presence.THERE]


def test_of_an_answer_that_was_cut_nothing_is_called_missing() -> None:
    (found,) = looked(LOOKED_UP, [], SENT, whole=False)
    assert found.presence is Presence.UNKNOWN


def test_an_address_cannot_end_the_text_that_it_stands_in() -> None:
    hostile = replace(LEAD, customer=replace(LEAD.customer, email="o'hara\\@x.example"))
    read = SalesforceConfig.model_validate(LOOKED_UP)
    query = query_for([sought(SentRecord(hostile, Receipt(confirmed=False), AT), read)], None)
    assert "Email IN ('o\\'hara\\\\@x.example') AND CreatedDate >= 2026-03-01T11:50:00Z" in query


def test_the_two_names_of_the_field_are_given_together() -> None:
    config = SalesforceConfig.model_validate(BY_FIELD)
    assert (config.rest, config.confirms, config.repeatable) == (False, True, False)
    assert config.host == "webto.salesforce.com"
    for left_out in ("leadIdField", "externalIdField"):
        with pytest.raises(ValidationError, match="both, or neither"):
            SalesforceConfig.model_validate({key: value for key, value in BY_FIELD.items() if key != left_out})
    with pytest.raises(ValidationError, match="missing clientSecret"):
        SalesforceConfig.model_validate({key: value for key, value in LOOKED_UP.items() if key != "clientSecret"})

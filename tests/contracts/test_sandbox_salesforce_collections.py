"""Many leads in one request to the Salesforce stand-in, answered each."""

from __future__ import annotations

import pytest

from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from tests.contracts.salesforce_caller import DATA, LEAD, PERSON, Session, code, rest, salesforce, two_orgs

__all__ = ["rest", "salesforce"]
stand_ins = two_orgs


def record(key: str, **changes: object) -> dict[str, object]:
    return PERSON | {EXTERNAL_ID: key} | changes


async def test_a_collection_answers_for_each_record(rest: Session, salesforce: Salesforce) -> None:
    await rest.upsert("b")
    reply = await rest.collection(record("a"), record("b"), record("c", Company=""), record("A"), PERSON)
    assert reply.status == 200
    assert [each["success"] for each in reply.json] == [True, True, False, False, False]
    assert [each.get("created") for each in reply.json] == [True, False, None, None, None]
    assert [each["errors"][0]["statusCode"] for each in reply.json[2:]] == [
        *("REQUIRED_FIELD_MISSING", "DUPLICATE_VALUE", "MISSING_ARGUMENT"),
    ]
    assert reply.json[2]["errors"][0]["fields"] == ["Company"]
    assert len(salesforce.org.leads) == 2


async def test_all_or_none_takes_everything_back(rest: Session, salesforce: Salesforce) -> None:
    await rest.upsert("b")
    records = [record("a"), record("b", Title="CTO"), record("c", Email="nonsense")]
    reply = await rest.collection(*records, all_or_none=True)
    assert reply.status == 200
    codes = [each["errors"][0]["statusCode"] for each in reply.json]
    assert codes == [*["ALL_OR_NONE_OPERATION_ROLLED_BACK"] * 2, "INVALID_EMAIL_ADDRESS"]
    (lead,) = salesforce.received()
    assert (lead["times"], "Title" in lead["fields"]) == (1, False)  # type: ignore[operator]
    assert "Title" not in next(iter(salesforce.org.leads.values())).values
    assert all(each["success"] for each in (await rest.collection(*records[:2], all_or_none=True)).json)


async def test_a_collection_has_two_hundred_records_at_most(rest: Session, salesforce: Salesforce) -> None:
    reply = await rest.collection(*(record(f"{number}") for number in range(201)))
    assert (reply.status, code(reply)) == (400, "EXCEEDED_ID_LIMIT")
    reply = await rest.collection(*(record(f"{number}") for number in range(200)))
    assert len([each for each in reply.json if each["success"]]) == 200
    assert len(salesforce.org.leads) == 200


@pytest.mark.parametrize("body", [{}, {"records": {}}, {"records": [{"LastName": "x"}]}, {"records": ["x"]}])
async def test_a_collection_that_is_none(rest: Session, body: dict[str, object]) -> None:
    reply = await rest("PATCH", f"{DATA}/composite/sobjects/Lead/{EXTERNAL_ID}", json=body)
    assert reply.status == 400


async def test_an_id_is_no_key_of_a_collection(rest: Session) -> None:
    (result,) = (await rest.collection(record("a", Id="00Q5e0000000000"))).json
    assert result["errors"][0]["statusCode"] == "INVALID_FIELD"


async def test_several_leads_match_in_a_collection(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("externalIdAmbiguous")
    for _ in range(2):
        await rest("POST", LEAD, json=record("a"))
    (result,) = (await rest.collection(record("a"))).json
    assert result["success"] is False

"""What a destination got of a lead is shown to whoever works on leads, and to nobody else. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.inbox.as_sent import masked_deep
from leadkeeper.storage import tables as t
from tests.in_process import DESTINATION, ENDPOINT, MASK, NOWHERE, OFFER, Installation, Visitor, connected, hand_in
from tests.people import signed_in

ADA = {"firstName": "Ada", "lastName": "Lovelace", "email": "ada@contoso.example", "company": "Analytical Engines"}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With an offer that is connected to an HTTPS endpoint."""
    async with connected(database_url) as opened:
        yield opened


def _run(conn: sa.Connection, act: sa.Update) -> None:
    conn.execute(act)


async def delivery_of(operator: Visitor, lead_id: str, connection: str = "primary") -> str:
    """The lead's delivery over that connection."""
    found = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"]
    return next(str(each["id"]) for each in found if each["connection"] == connection)


async def record_of(operator: Visitor, lead_id: str, connection: str = "primary") -> dict[str, Any]:
    """What the API says the destination gets."""
    answer = await operator.get(f"/v1/deliveries/{await delivery_of(operator, lead_id, connection)}/record")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


async def test_the_record_is_the_adapter_s_and_each_reading_stands_in_the_audit(operator: Visitor) -> None:
    lead_id = await hand_in(operator, customer=ADA, description="Two licences")
    found = await record_of(operator, lead_id)
    assert (found["leadId"], found["destination"], found["sent"]) == (lead_id, "https_endpoint", False)
    assert found["record"]["UserDetails"]["Company"] == "Analytical Engines"
    assert (found["record"]["Description"], found["record"]["LeadId"]) == ("Two licences", lead_id)
    (line,) = (await operator.get("/v1/audit?act=lead.record")).json()["entries"]
    assert (line["subject"], line["publisherId"]) == (lead_id, "contoso")
    assert not [word for word in ("ada@", "Lovelace", "Analytical") if word in str(line)]


async def test_it_follows_the_mapping_in_force_and_says_that_it_changed_since(
    home: Installation, operator: Visitor
) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    delivery_id = await delivery_of(operator, lead_id)
    at = home.services.clock() - 60_000
    attempt = {"id": NOWHERE, "delivery_id": delivery_id, "at": at, "took_ms": 1, "outcome": "refused"}

    def sent(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.connection).values(settings_since=at - 1))
        conn.execute(sa.insert(t.attempt).values(attempt | {"late": False, "answer": "{}"}))

    await home.services.storage.write(sent)
    found = await record_of(operator, lead_id)
    assert (found["sent"], found["settingsChanged"], "UserDetails" in found["record"]) == (True, False, True)
    body = DESTINATION | {"httpsEndpointLeadConfiguration": ENDPOINT | {"keyCasing": "camel"}}
    assert (await operator.put(f"{OFFER}/customer-leads", body)).status == 200
    found = await record_of(operator, lead_id)
    assert (found["settingsChanged"], "userDetails" in found["record"]) == (True, True)


async def test_what_is_there_no_more_or_was_never_sent_has_no_record(home: Installation, operator: Visitor) -> None:
    (await operator.get(f"/v1/deliveries/{NOWHERE}/record")).problem(404, "unknown-delivery")
    lead_id = await hand_in(operator, customer=ADA)
    at = f"/v1/deliveries/{await delivery_of(operator, lead_id)}/record"
    for values, status, kind in (
        ({"withheld": True}, 409, "not-possible-now"),
        ({"withheld": False, "expired_at": 1}, 409, "lead-expired"),
        ({"expired_at": None, "body": '{"customer": 1}'}, 500, "record-damaged"),
    ):
        await home.services.storage.write(_run, sa.update(t.lead).values(values))
        (await operator.get(at)).problem(status, kind)


async def test_only_whoever_works_on_leads_of_the_publisher_sees_it(home: Installation, operator: Visitor) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    delivery_id = await delivery_of(operator, lead_id)
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    fabrikam = await home.visitor("publisher:fabrikam")
    (await fabrikam.get(f"/v1/deliveries/{delivery_id}/record")).problem(404, "unknown-delivery")
    marketplace = await home.visitor("marketplace")
    assert (await marketplace.get(f"/v1/deliveries/{delivery_id}/record")).status in (403, 404)
    at = f"/portal/deliveries/{delivery_id}/record"
    async with signed_in(home, Role.OWNER, "fabrikam") as stranger:
        assert (await stranger.open(at)).status == 404
    async with signed_in(home, Role.READER) as reader:
        assert at not in (await reader.open(f"/portal/leads/{lead_id}")).html
        page = await reader.open(at)
        assert (page.status, "Lovelace" in page.html) == (403, False)
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        page = await seller.open(f"/portal/leads/{lead_id}")
        assert at in page.html
        page = await seller.open(at)
        assert page.status == 200
        for word in ("UserDetails", "Lovelace", "as they are now", "is going to get"):
            assert word in page.text, word
        assert "verysecret" not in page.html


def test_a_secret_is_masked_wherever_it_stands() -> None:
    record = {"a": "x s3cret y", "b": ["s3cret", {"c": "s3cret"}], "n": 3, "z": None}
    assert masked_deep(record, ["s3cret"]) == {"a": f"x {MASK} y", "b": [MASK, {"c": MASK}], "n": 3, "z": None}

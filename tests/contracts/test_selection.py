"""One act on many leads, over REST and on the pages. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.storage import tables as t
from tests.contracts.test_lead_pages import ADA, BOB, LIST, _run
from tests.in_process import NOWHERE, Installation, Visitor, connected, hand_in
from tests.people import signed_in

BULK = "/v1/leads/bulk"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


async def stand(home: Installation, lead_id: str, state: str, reason: str | None = None) -> None:
    """Put the lead's delivery into a state."""
    values = {"state": state, "set_aside_for": reason, "due_at": 2**60}
    await home.services.storage.write(_run, sa.update(t.delivery).where(t.delivery.c.lead_id == lead_id).values(values))


async def states(operator: Visitor, ids: list[str]) -> list[str]:
    """How the leads' deliveries stand."""
    found = [(await operator.get(f"/v1/leads/{each}")).json() for each in ids]
    return [each["deliveries"][0]["state"] for each in found]


async def test_sent_again_each_lead_is_answered(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=ADA) for _ in range(4)]
    for lead_id, how in zip(
        ids, (("setAside", "refused"), ("setAside", "mayHaveArrived"), ("delivered",)), strict=False
    ):
        await stand(home, lead_id, *how)
    body: dict[str, Any] = {"leadIds": [*ids, NOWHERE], "act": "again", "dryRun": True}
    dry = await operator.post(BULK, body)
    assert dry.status == 200, dry.body
    wanted = [(True, None), (False, "mayHaveArrived"), (False, "nothingToSend"), (False, "nothingToSend")]
    wanted += [(False, "unknown")]
    assert [(each["done"], each["reason"]) for each in dry.json()["outcomes"]] == wanted
    assert await states(operator, ids) == ["setAside", "setAside", "delivered", "pending"]
    done = (await operator.post(BULK, body | {"dryRun": False})).json()
    assert done["dryRun"] is False
    assert done["outcomes"] == dry.json()["outcomes"]
    assert await states(operator, ids) == ["waiting", "setAside", "delivered", "pending"]
    events = (await operator.get(f"/v1/leads/{ids[0]}")).json()["events"]
    assert [each["kind"] for each in events] == ["again"]
    looked = (await operator.post(BULK, {"leadIds": [ids[1]], "act": "again", "uncertain": True})).json()
    assert looked["outcomes"][0]["done"] is True


async def test_followed_up_by_many(home: Installation, operator: Visitor) -> None:
    async with signed_in(home, Role.CONTRIBUTOR):
        owner = (await home.services.accounts.people.members("contoso"))[0].id
    ids = [await hand_in(operator, customer=ADA), await hand_in(operator, customer=BOB, action="DNC")]
    given = (await operator.post(BULK, {"leadIds": ids, "act": "owner", "owner": owner})).json()["outcomes"]
    assert [(each["done"], each["reason"]) for each in given] == [(True, None), (False, "notFollowed")]
    assert given[1]["detail"].startswith("Nobody follows this lead up")
    again = (await operator.post(BULK, {"leadIds": ids[:1], "act": "owner", "owner": owner})).json()["outcomes"]
    assert again[0]["reason"] == "unchanged"
    stranger = (await operator.post(BULK, {"leadIds": ids[:1], "act": "owner", "owner": NOWHERE})).json()["outcomes"]
    assert stranger[0]["reason"] == "ownerMayNot"
    lost = {"leadIds": ids[:1], "act": "state", "state": "lost"}
    assert (await operator.post(BULK, lost)).problem(422, "invalid-request")["errors"][0]["field"] == "reason"
    assert (await operator.post(BULK, lost | {"reason": "too dear"})).json()["outcomes"][0]["done"] is True
    follow = (await operator.get(f"/v1/leads/{ids[0]}")).json()["followUp"]
    assert (follow["state"], follow["reason"], follow["ownerId"]) == ("lost", "too dear", owner)
    assert follow["touchedAt"] is not None


async def test_another_publishers_lead_is_as_one_that_is_not_there(home: Installation, operator: Visitor) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    assert (await operator.put("/v1/publishers/fabrikam", {"displayName": "F"})).status == 201
    other = await home.visitor("publisher:fabrikam")
    for act in ({"act": "again"}, {"act": "owner"}, {"act": "state", "state": "won"}):
        for dry in (True, False):
            found = (await other.post(BULK, {"leadIds": [lead_id, NOWHERE], "dryRun": dry} | act)).json()["outcomes"]
            assert {(each["done"], each["reason"], each["detail"]) for each in found} == {
                (False, "unknown", "There is no such lead.")
            }
    assert (await operator.get(f"/v1/leads/{lead_id}")).json()["followUp"]["state"] == "new"


async def test_too_many_and_readers_are_refused(home: Installation, operator: Visitor) -> None:
    many = {"leadIds": [NOWHERE] * 201, "act": "again"}
    assert (await operator.post(BULK, many)).problem(422, "invalid-request")["errors"][0]["field"] == "leadIds"
    reader = await home.visitor("reader:contoso")
    (await reader.post(BULK, {"leadIds": [NOWHERE], "act": "again"})).problem(403, "forbidden")


async def test_on_the_pages_what_will_be_done_is_said_first(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=each) for each in (ADA, BOB, ADA)]
    await stand(home, ids[0], "setAside", "refused")
    await stand(home, ids[1], "setAside", "mayHaveArrived")
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        page = await seller.open(f"{LIST}?state=setAside")
        form = page.form(f"pick-{ids[0]}")
        form.values["act"] = "again"
        page = await seller.send(form, {}, f"pick-{ids[0]}", f"pick-{ids[1]}")
        assert page.status == 200, page.text
        assert "1 delivery goes out again at once" in page.text
        assert "1 lead is left: It may have arrived. Look for it there first." in page.text
        assert "Ada Lovelace" in page.text
        assert await states(operator, ids[:1]) == ["setAside"]
        page = await seller.send(page.form("sure"), {})
        assert "1 delivery is on the way again." in page.text
        assert page.links["Back to the list"].endswith("?state=setAside")
        assert await states(operator, ids) == ["waiting", "setAside", "pending"]


async def test_on_the_pages_all_that_fit_are_assigned(home: Installation, operator: Visitor) -> None:
    ids = [await hand_in(operator, customer=each) for each in (ADA, BOB, ADA)]
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        owner = (await home.services.accounts.people.members("contoso"))[0].id
        page = await seller.open(LIST)
        page = await seller.send(page.form("text", "country", "since"), {"text": "lovelace"})
        form = page.form(f"pick-{ids[0]}")
        form.values["act"] = "owner"
        page = await seller.send(form, {"to-owner": owner}, "every")
        assert "2 leads go to Ada Contributor." in page.text
        assert "lovelace" not in "".join(page.links.values())
        page = await seller.send(page.form("sure"), {})
        assert "2 leads were changed." in page.text
    found = [(await operator.get(f"/v1/leads/{each}")).json()["followUp"]["ownerId"] for each in ids]
    assert found == [owner, None, owner]


async def test_on_the_pages_nothing_ticked_is_told(home: Installation, operator: Visitor) -> None:
    lead_id = await hand_in(operator, customer=ADA)
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        form = (await seller.open(LIST)).form(f"pick-{lead_id}")
        form.values["act"] = "again"
        page = await seller.send(form, {})
        assert (page.status, "No lead is ticked." in page.text) == (422, True)
        page = await seller.send(form, {"to-state": "lost"} | {"act": "state"}, f"pick-{lead_id}")
        assert (page.status, "Say why" in page.text) == (422, True)

"""Leads that are made to cost much, or to break what reads them: each is kept, costs what it holds, harms no other."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from leadkeeper.access.payloads import KEPT
from leadkeeper.access.uses import Uses
from leadkeeper.intake import keep
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.normal import normalised
from leadkeeper.storage import tables as t
from tests.contracts.test_hooks import made
from tests.in_process import Installation, Visitor, batch, lead, lines

LONG = 60_000
FACTOR = 3
"""How much longer than it came a lead may be kept."""


@pytest.fixture
async def owner(home: Installation) -> Visitor:
    """A program with a key of contoso."""
    return await home.visitor("publisher:contoso")


def spellings(word: str) -> Iterator[str]:
    """Keys that all mean the same."""
    for cases in itertools.product((str.lower, str.upper), repeat=len(word)):
        yield "".join(case(letter) for case, letter in zip(cases, word, strict=True))


def details(**more: object) -> dict[str, object]:
    return {"UserDetails": {"LastName": "Lovelace", "Email": "ada@contoso.example"}, "LeadSource": "SPZA"} | more


COSTLY: dict[str, object] = {
    "a key in thousands of spellings": dict.fromkeys(itertools.islice(spellings("userdetails"), 2_000), 1),
    "marks on one letter": details(Description="e" + "\u0301" * (LONG // 2)),
    "marks in an address": details(UserDetails={"Email": "ada@e" + "\u0301" * (LONG // 2)}),
    "a label without end": details(Description="x@xn--" + "9" * LONG),
    "the number of no character": details(Description="&#" + "1" * LONG + ";"),
    "line breaks": details(Description="\n" * (LONG // 2)),
    "a long source": details(LeadSource="s" * 3_000),
    "a long action": details(ActionCode="a" * 3_000),
}


@pytest.mark.parametrize("payload", COSTLY.values(), ids=COSTLY)
async def test_a_costly_lead_is_kept_as_any_other(home: Installation, owner: Visitor, payload: object) -> None:
    _, path = await made(owner)
    sent = json.dumps(payload, ensure_ascii=False).encode()
    answer = await home.anyone.call("POST", path, data=sent)
    assert answer.status == 200, answer.body
    body = await home.services.storage.read(lambda conn: conn.scalar(sa.select(t.lead.c.body)))
    assert body is not None
    assert len(body.encode()) < FACTOR * len(sent)
    found = await owner.get(f"/v1/leads/{answer.json()['id']}")
    assert found.status == 200


@pytest.mark.parametrize("field", ["LeadSource", "ActionCode"])
async def test_a_name_that_is_cut_is_kept_whole_beside(home: Installation, owner: Visitor, field: str) -> None:
    _, path = await made(owner)
    given = "".join(chr(97 + (number * 7) % 26) for number in range(3_000))
    answer = await home.anyone.call("POST", path, data=json.dumps(details(**{field: given})).encode())
    shown = (await owner.get(f"/v1/leads/{answer.json()['id']}")).json()
    assert given in json.dumps(shown)
    assert {"LeadSource": shown["source"], "ActionCode": shown["action"]}[field] == given[:200]


async def test_a_lead_that_cannot_be_read_is_the_only_one_that_is_not_kept(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(given: NewLead) -> NewLead:
        if given.customer.last_name == "Breaks":
            raise ArithmeticError("a fault of ours")
        return normalised(given)

    monkeypatch.setattr(keep, "normalised", failing)
    marketplace = await home.visitor("marketplace")
    leads = [lead(), lead(customer={"lastName": "Breaks"}), lead()]
    answered = lines(await batch(marketplace, "\n".join(map(json.dumps, leads)).encode()))
    assert ["id" in each for each in answered] == [True, False, True]
    assert answered[1]["problem"]["type"].endswith("#internal")


async def test_what_a_hook_s_payloads_had_is_remembered_in_bounds(home: Installation) -> None:
    uses = Uses(home.services.storage)
    for number in range(1_000):
        uses.took("one", (f"key{number}", "x" * 3_000))
    uses.took("other", ("key",))
    assert sum(len(each) for each in uses._taken.values()) <= 4 * KEPT + 1
    assert {id: len(each) for id, each in uses._payloads.items()} == {"one": KEPT, "other": 1}
    await uses.aclose()

"""How the body of a lead is stored, and that bodies of older versions are read."""

from __future__ import annotations

import pytest
from pydantic_core import to_json

from leadkeeper.inbox.content import content_of
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.lead import Customer
from leadkeeper.lead_body import from_body
from leadkeeper.offer import OfferRef

ADA = Customer("Ada", "Lovelace", "ada@fabrikam.example", "+44 20 7946 0958", "GB", "Fabrikam", "Head of Analysis")
LEAD = NewLead(OfferRef("contoso", "crm"), "SPZA", "INS", ADA, "Two offices", "spring", {"seats": 40, "ünder": ["x"]})


def test_a_body_reads_as_it_was_written_and_as_older_versions_wrote_it() -> None:
    assert from_body(LEAD.body()) == from_body(to_json(LEAD.content()).decode()) == LEAD.content()


def test_keys_take_no_room() -> None:
    assert len(LEAD.body()) <= len(to_json(LEAD.content())) - 100
    assert "firstName" not in LEAD.body()


@pytest.mark.parametrize(
    "body", ["", "[]", "7", "null", '{"customer": {"firstName": "A', '[["A"],"","",{}]', "[[],1,2]"]
)
def test_what_is_no_body_is_damaged(body: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        from_body(body)["customer"]
    assert content_of(body).damaged


def test_a_body_whose_texts_are_none_is_damaged() -> None:
    assert content_of('[[1,"","","","","",""],"","",{}]').damaged
    assert content_of('[["","","","","","",""],"","",[]]').damaged

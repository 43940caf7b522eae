"""A withheld domain is recognised wherever it stands and however it is disguised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.lead import Customer
from leadkeeper.offer import OfferRef
from leadkeeper.privacy.withholding import NOTHING_WITHHELD, Withholding

EDU: Final = Withholding.parse(".edu, contoso.org, .münchen.de, straße.example")
LEAD: Final = NewLead(
    OfferRef("northwind", "planner"),
    "SPZA",
    "PLT",
    Customer("Rosa", "Lima", "rosa@northwind.example", "+55 11 5555-0101", "BR", "Northwind", "CIO"),
    description="Please call.",
    campaign="winter",
    extra={"plan": 7, "list": [{"a": "b"}]},
    idempotency_key="order-1",
)
WHEREVER: Final[dict[str, dict[str, Any]]] = {
    "e-mail": {"customer": Customer(email="rosa@mit.edu")},
    "name": {"customer": Customer(last_name="Lima <rosa@mit.edu>")},
    "company": {"customer": Customer(company="rosa@mit.edu")},
    "description": {"description": "Write to rosa@mit.edu, please."},
    "campaign": {"campaign": "rosa@mit.edu"},
    "source": {"source": "rosa@mit.edu"},
    "action": {"action": "rosa@mit.edu"},
    "key": {"idempotency_key": "rosa@mit.edu/1"},
    "extra": {"extra": {"Work": "rosa@mit.edu"}},
    "key of extra": {"extra": {"rosa@mit.edu": 1}},
    "deep in extra": {"extra": {"a": [1, {"b": ["x", {"c": "rosa@mit.edu"}]}]}},
    "text in extra": {"extra": {"raw": '{"Email":"rosa\\u0040mit.edu"}'}},
}
DISGUISED: Final = (
    "rosa@mit\u200b.edu",
    "rosa@mit.e\u200ddu",
    "rosa@\u2060mit.edu",
    "rosa\u00ad@mit.e\u00addu",
    "rosa@mit.edu\ufeff",
    "rosa@mit\ufe0f.edu",
    "rosa@mit.e\U000e0064du",
    "rosa\ufe6bmit.edu",
    "rosa@mit.\U0001d41e\U0001d41d\U0001d42e",
    "rosa@mit.\u24d4\u24d3\u24e4",
    "rosa@mit\uff61edu",
    "rosa@mit\ufe52edu",
    "rosa@mit.edu\u3002",
    "rosa@mit.edu..",
    "rosa+news@mit.edu",
    "Rosa Lima <rosa@mit.edu>",
    '"rosa@mit.edu" <rosa@northwind.example>',
    '"rosa@mit.edu"@relay.example',
    "rosa%mit.edu@relay.example",
    "rosa=mit.edu@relay.example",
    "mit.edu!rosa@relay.example",
    "@mit.edu:rosa@relay.example",
    "rosa@mit.edu(a comment)",
    "rosa@(a comment)mit.edu",
    "rosa@mit(a (nested) comment).edu",
    "rosa@ mit.edu",
    "rosa @ mit.edu",
    "rosa%40mit.edu",
    "rosa%40mit%2Eedu",
    "rosa%2540mit.edu",
    "rosa&#64;mit.edu",
    "rosa&#x40;mit&period;edu",
    "rosa&commat;mit.edu",
    "rosa&amp;#64;mit.edu",
    "rosa\\u0040mit.edu",
    "mailto:rosa@mit.edu?subject=x",
    "rosa@CS.MIT.EDU",
    "rosa@sub.xn--mnchen-3ya.de",
    "rosa@sub.mu\u0308nchen.de",
    "rosa@SUB.MÜNCHEN.DE",
    "rosa@xn--strae-oqa.example",
    "rosa@STRASSE.example",
)
ADDRESS_ONLY: Final = ("rosa@mit .edu", "rosa@mit. edu", 'rosa@"mit.edu"', "rosa@mit.\nedu")
PASSED_ON: Final = (
    "",
    "rosa@northwind.example",
    "I studied at mit.edu",
    "See https://www.mit.edu/about",
    "rosa@northwind.example. Edu is my nickname",
    "rosa@northwind.example, mit.edu",
    "mit.edu@northwind.example",
    "rosa@mit.edu.example",
    "rosa@medu",
    "100% edu@x.example",
    "rosa@mit.еdu",  # a Cyrillic letter makes another domain
)


@pytest.mark.parametrize("where", WHEREVER)
def test_wherever_it_stands(where: str) -> None:
    assert EDU.withholds_any(replace(LEAD, **WHEREVER[where]).texts())
    assert not EDU.withholds_any(LEAD.texts())
    assert not NOTHING_WITHHELD.withholds_any(replace(LEAD, **WHEREVER[where]).texts())


@pytest.mark.parametrize("text", DISGUISED)
def test_however_it_is_disguised(text: str) -> None:
    assert EDU.withholds(text)
    assert EDU.withholds_any([f"Write to {text} or call."])


@pytest.mark.parametrize("text", ADDRESS_ONLY)
def test_spaces_and_quotes_within_an_address(text: str) -> None:
    assert EDU.withholds(text)


@pytest.mark.parametrize("text", PASSED_ON)
def test_others_are_passed_on(text: str) -> None:
    assert not EDU.withholds_any([text])


def test_a_long_text_costs_little() -> None:
    """Doubling the text at most about doubles the work: what a stranger sends is searched at every door."""
    for hostile in (
        "@",
        "@a.",
        "%40",
        "(",
        "a@(",
        "&amp;",
        "x=",
        "!a.b",
        "@ ",
        "\\u0040",
        "a.b%",
        "a",
        "a.",
        "é",
        "xn--",
    ):
        text = hostile * (64 * 1024 // len(hostile))
        for whole in (text, f"{text}@x.example", f"rosa@{text}", f"({text}%40x"):
            assert not EDU.withholds_any([whole])
            assert not EDU.withholds(whole)

"""Payloads of Microsoft's HTTPS endpoint are understood in every shape, or refused in plain words; nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.payload import read_payload
from leadkeeper.intake.texts import UNCLEAN
from leadkeeper.lead import Customer, is_test
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType

CRM = OfferRef("contoso", "crm-pro")
MARKER = "MSFT_TEST_636573304831318844"


def read(payload: object, **options: Any) -> NewLead:
    """The lead in ``payload``, written as JSON."""
    return read_payload(json.dumps(payload, **options).encode("utf-8", "surrogatepass"), CRM)


def refused(body: bytes) -> str:
    """Why ``body`` is refused."""
    with pytest.raises(Problem) as caught:
        read_payload(body, CRM)
    assert caught.value.type is ProblemType.INVALID_REQUEST
    return caught.value.detail


class TestSeenInTheWild:
    """Bodies that Microsoft's marketplace or its imitators post."""

    def test_pascal_case_with_a_bare_source(self) -> None:
        lead = read(
            {
                "UserDetails": {
                    "FirstName": "Ada",
                    "LastName": "Lovelace",
                    "Email": "ada@contoso.com",
                    "Phone": "+44 20 7946 0958",
                    "Country": "GB",
                    "Company": "Contoso",
                    "Title": "CTO",
                },
                "LeadSource": "AzureMarketplace",
                "ActionCode": "INS",
                "OfferTitle": "Contoso CRM Pro",
                "Description": "Campaigns: spring-26",
            }
        )
        ada = Customer("Ada", "Lovelace", "ada@contoso.com", "+44 20 7946 0958", "GB", "Contoso", "CTO")
        assert lead == NewLead(
            CRM,
            "AzureMarketplace",
            "INS",
            ada,
            "Campaigns: spring-26",
            "spring-26",
            {"offerTitle": "Contoso CRM Pro"},
        )

    def test_camel_case_with_a_whole_source_and_empty_values(self) -> None:
        lead = read(
            {
                "userDetails": {
                    "firstName": "João",
                    "lastName": "Conceição",
                    "email": "joao@exemplo.pt",
                    "phone": "",
                    "country": "PT",
                    "company": "Exemplo, Lda.",
                    "title": None,
                },
                "leadSource": "SPZA-PLT|contoso.crm-pro",
                "actionCode": "PLT",
                "offerTitle": "Contoso CRM Pro",
                "description": "Gostaria de uma demonstração",
                "mktcmpid": "spring-26",
            },
            ensure_ascii=False,
        )
        assert (lead.source, lead.action, lead.campaign) == ("SPZA", "PLT", "spring-26")
        assert lead.customer == Customer("João", "Conceição", "joao@exemplo.pt", "", "PT", "Exemplo, Lda.", "")
        assert lead.description == "Gostaria de uma demonstração"
        assert lead.extra == {"offerTitle": "Contoso CRM Pro"}

    def test_almost_nothing(self) -> None:
        lead = read(
            {
                "UserDetails": {"Email": "x@y.example"},
                "LeadSource": "AzurePortal",
                "ActionCode": "Create",
                "OfferTitle": "Contoso CRM Pro",
            }
        )
        assert (lead.source, lead.action, lead.customer) == ("AzurePortal", "Create", Customer(email="x@y.example"))
        assert (lead.description, lead.campaign) == ("", "")

    def test_a_test_lead_in_mixed_case(self) -> None:
        lead = read(
            {
                "userDetails": {
                    "FirstName": MARKER,
                    "LastName": MARKER,
                    "Email": f"{MARKER}@test.com",
                    "Phone": "1234567890",
                    "Country": "US",
                    "Company": MARKER,
                    "Title": MARKER,
                },
                "LeadSource": f"{MARKER}-{MARKER}|Contoso CRM Pro",
                "ActionCode": "INS",
                "OfferTitle": "Contoso CRM Pro",
                "Description": MARKER,
            }
        )
        assert is_test(lead.customer, lead.source)
        assert (lead.source, lead.action, lead.description) == (MARKER, "INS", MARKER)
        assert lead.extra == {"offerTitle": "Contoso CRM Pro"}


class TestFields:
    """One field at a time."""

    @pytest.mark.parametrize("key", ["USERDETAILS", "userdetails", "UserDetails", "uSERdETAILS"])
    def test_keys_in_any_case(self, key: str) -> None:
        lead = read({key: {"EMAIL": "a@b.example", "lastname": "B"}, "LEADSOURCE": "azuremarketplace"})
        assert lead.customer == Customer(last_name="B", email="a@b.example")
        assert lead.source == "AzureMarketplace"

    def test_numbers_and_truth_values_become_text(self) -> None:
        lead = read({"UserDetails": {"Phone": 15550100, "Title": True, "Company": 3.5}, "Description": 0})
        assert lead.customer == Customer(phone="15550100", company="3.5", title="true")
        assert lead.description == "0"

    def test_a_number_longer_than_any_integer_keeps_its_digits(self) -> None:
        digits = "9" * 5000
        lead = read_payload(f'{{"UserDetails": {{"Phone": {digits}}}, "x": [{digits}, 1e999, NaN]}}'.encode(), CRM)
        assert lead.customer.phone == digits
        assert lead.extra == {"x": [digits, "1e999", "NaN"]}

    def test_what_is_unknown_is_kept_where_it_stood(self) -> None:
        lead = read({"planId": 7, "Who": {"a": [1, None]}, "UserDetails": {"Email": "a@b.example", "Fax": "1"}})
        assert lead.extra == {"planId": 7, "Who": {"a": [1, None]}, "userDetails": {"Fax": "1"}}

    def test_what_is_no_text_is_kept_beside(self) -> None:
        lead = read({"Description": ["a", "b"], "UserDetails": {"Email": {"x": 1}, "LastName": "B"}})
        assert (lead.description, lead.customer) == ("", Customer(last_name="B"))
        assert lead.extra == {"Description": ["a", "b"], "userDetails": {"Email": {"x": 1}}}

    @pytest.mark.parametrize("details", ["Ada", 7, ["Ada"], True])
    def test_details_that_are_no_object_are_kept_beside(self, details: object) -> None:
        lead = read({"UserDetails": details})
        assert (lead.customer, lead.extra) == (Customer(), {"userDetails": details})

    def test_a_key_given_twice_loses_neither(self) -> None:
        lead = read(
            {"Description": "a", "description": "b", "UserDetails": {"Email": "a@x"}, "userDetails": {"Email": "b@x"}}
        )
        assert (lead.description, lead.customer.email) == ("a", "a@x")
        assert lead.extra == {"description": "b", "userDetails": {"Email": "b@x"}}

    @pytest.mark.parametrize(
        ("given", "source", "action"),
        [
            ("AppSource (SPZA)", "SPZA", ""),
            ("appsource-plt|contoso.crm-pro", "SPZA", "PLT"),
            ("AzureMarketplace-INS|contoso.crm-pro", "AzureMarketplace", "INS"),
            ("Somewhere-Else", "Somewhere", "Else"),
            ("", "", ""),
            (None, "", ""),
        ],
    )
    def test_lead_source(self, given: str | None, source: str, action: str) -> None:
        lead = read({"LeadSource": given})
        assert (lead.source, lead.action, lead.extra) == (source, action, {})

    def test_the_action_code_wins(self) -> None:
        assert read({"LeadSource": "SPZA-PLT|contoso.crm-pro", "ActionCode": "dnc"}).action == "DNC"
        assert read({"LeadSource": "SPZA-PLT|contoso.crm-pro", "ActionCode": ""}).action == "PLT"

    def test_an_action_code_that_would_end_the_action_is_kept_whole_beside(self) -> None:
        lead = read({"ActionCode": "INS|x"})
        assert (lead.action, lead.extra) == ("INS", {"actionCode": "INS|x"})

    def test_another_offer_in_the_source_is_kept_beside(self) -> None:
        lead = read({"LeadSource": "SPZA-PLT|fabrikam.erp"})
        assert (lead.offer, lead.source, lead.extra) == (CRM, "SPZA", {"leadSource": "SPZA-PLT|fabrikam.erp"})

    @pytest.mark.parametrize(
        ("payload", "campaign"),
        [
            ({"mktcmpid": "a", "Description": "Campaigns: b"}, "a"),
            ({"Campaign": "a"}, "a"),
            ({"Description": "Call me. Campaigns: spring-26, summer \nThanks"}, "spring-26, summer"),
            ({"Description": "Campaigns: "}, ""),
            ({"Description": " "}, ""),
            ({"mktcmpid": None, "Description": "campaigns:x"}, "x"),
        ],
    )
    def test_campaign(self, payload: dict, campaign: str) -> None:
        lead = read(payload)
        assert lead.campaign == campaign
        assert lead.description == payload.get("Description", "")

    def test_two_campaigns_lose_neither(self) -> None:
        lead = read({"mktcmpid": "a", "campaign": "b"})
        assert (lead.campaign, lead.extra) == ("a", {"campaign": "b"})


class TestBytes:
    """How the body is written."""

    def test_control_characters_go_and_half_characters_are_replaced(self) -> None:
        body = b'{"Description": "a\\u0000b\\ud800c\td\ne\x01", "k\\u0000\\udfff": ["\\ud83d\\ude00\\ud83d"]}'
        lead = read_payload(body, CRM)
        assert lead.description == "ab\ufffdc\td\ne"
        assert lead.extra == {"k\ufffd": ["😀\ufffd"]}

    def test_encodings(self) -> None:
        text = '{"Description": "ção"}'
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
            assert read_payload(text.encode(encoding), CRM).description == "ção"
        assert read_payload(text.encode("latin-1"), CRM).description == "\ufffd\ufffdo"

    def test_what_is_nested_deeply_is_kept_as_text(self) -> None:
        deep = "[" * 300 + "]" * 300
        lead = read_payload(f'{{"x": {deep}}}'.encode(), CRM)
        assert deep[32:-32] in to_json(lead.content()).decode().replace("\\", "")
        assert "nested too deeply" in refused(b"[" * 60_000)

    @pytest.mark.parametrize(
        ("body", "word"),
        [
            (b"", "empty"),
            (b" \r\n", "empty"),
            (b"{}", "empty"),
            (b"\xef\xbb\xbf", "not JSON"),
            (b"<lead/>", "not JSON"),
            (b'{"a": 1', "not JSON"),
            (b"UserDetails=x", "not JSON"),
            (b"[]", "not an object"),
            (b'"x"', "not an object"),
            (b"null", "not an object"),
            (b"\x00", "not JSON"),
        ],
    )
    def test_only_what_holds_no_lead_is_refused(self, body: bytes, word: str) -> None:
        assert word in refused(body)


KEYS = st.sampled_from(
    ["UserDetails", "userDetails", "LeadSource", "leadsource", "ActionCode", "OfferTitle", "Description", "mktcmpid"]
)
DETAIL_KEYS = st.sampled_from(["FirstName", "lastname", "Email", "Phone", "Country", "Company", "Title", "userDetails"])
TEXTS = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(
    ["A-B|c.d", f"{MARKER}-{MARKER}|x", "Campaigns: y"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | DETAIL_KEYS, inner, max_size=4),
    max_leaves=8,
)


def all_texts(value: object) -> list[str]:
    """Every text in ``value``, keys too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in all_texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in all_texts(item)]
    return []


@given(st.dictionaries(KEYS | TEXTS, VALUES, min_size=1, max_size=6))
@example({"LeadSource": "x|y.z", "leadSource": "q", "leadsource": "r"})
@example({"userDetails": {"userDetails": {"a": 1}}, "UserDetails": None})
def test_any_object_is_a_lead_that_can_be_kept(payload: dict[str, object]) -> None:
    lead = read(payload)
    stored = to_json(lead.content())
    assert lead.offer == CRM
    assert "|" not in lead.source + lead.action
    assert "-" not in lead.source
    assert not [text for text in all_texts(from_json(stored)) if UNCLEAN.search(text)]
    assert not UNCLEAN.search(lead.source + lead.action)


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_lead_or_refused_in_words(body: bytes) -> None:
    try:
        to_json(read_payload(body, CRM).content())
    except Problem as problem:
        summary = problem
    else:
        return
    assert (summary.status, bool(summary.detail)) == (422, True)


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=8), st.text("xyz", max_size=5), min_size=1, max_size=5))
def test_nothing_unknown_is_lost(payload: dict[str, str]) -> None:
    assert read(payload).extra == payload

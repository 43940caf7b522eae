"""Who acts in the demo: publishers, offers, customers, and what Microsoft's marketplace posts. All made up."""

from __future__ import annotations

from itertools import cycle
from typing import Any, Final

PUBLISHERS: Final = {"contoso": "Contoso", "fabrikam": "Fabrikam"}
OFFERS: Final = {
    "contoso.crm-pro": "Contoso CRM Pro",
    "contoso.crm-trial": "Contoso CRM Test Drive",
    "fabrikam.helpdesk": "Fabrikam Helpdesk",
    "fabrikam.insights": "Fabrikam Insights",
}
REST_LEADS: Final = (
    ("contoso.crm-pro", "AzureMarketplace", "INS"),
    ("contoso.crm-pro", "AzureMarketplace", "PLT"),
    ("contoso.crm-pro", "AzureMarketplace", "DNC"),
    ("contoso.crm-pro", "AzurePortal", "Create"),
    ("contoso.crm-pro", "SPZA", "PLT"),
    ("contoso.crm-trial", "TestDrive", "StartTestDrive"),
    ("fabrikam.insights", "SPZA", "INS"),
)
"""Offer, source and action: every source and every action is there."""

_PEOPLE: Final = (
    ("Ada", "Lovelace", "ada.lovelace@example.com", "+44 20 7946 0958", "GB", "Analytical Engines", "CTO"),
    ("João", "Conceição", "joao@exemplo.example", "+351 21 000 0000", "PT", "Exemplo, Lda.", "Diretor"),
    ("美咲", "佐藤", "misaki.sato@example.jp", "+81 3-0000-0000", "JP", "例株式会社", "部長"),
    ("Grace", "O'Neil-Hopper", "grace@example.org", "+1 555 0100", "US", 'Ships & "Boats"', "Rear Admiral"),
)
_NAMES: Final = ("firstName", "lastName", "email", "phone", "country", "company", "title")
_customers = cycle(_PEOPLE)


def lead(offer: str, source: str, action: str) -> dict[str, Any]:
    """A lead as ``POST /v1/leads`` takes it, of the next customer in turn."""
    publisher_id, _, offer_id = offer.partition(".")
    return {
        "publisherId": publisher_id,
        "offerId": offer_id,
        "source": source,
        "action": action,
        "customer": dict(zip(_NAMES, next(_customers), strict=True)),
        "description": "Please call me in the morning.",
        "campaign": "spring-26",
    }


_MARKER: Final = "MSFT_TEST_636573304831318844"

HOOK_LEADS: Final[tuple[tuple[str, dict[str, Any], str, str], ...]] = (
    (
        "PascalCase keys, bare lead source",
        {
            "UserDetails": {
                "FirstName": "Ada",
                "LastName": "Lovelace",
                "Email": "ada.lovelace@example.com",
                "Phone": "+44 20 7946 0958",
                "Country": "GB",
                "Company": "Analytical Engines",
                "Title": "CTO",
            },
            "LeadSource": "AzureMarketplace",
            "ActionCode": "INS",
            "OfferTitle": "Contoso CRM Pro",
            "Description": "Campaigns: spring-26",
        },
        "AzureMarketplace-INS|contoso.crm-pro",
        "ada.lovelace@example.com",
    ),
    (
        "camelCase keys, whole lead source, an empty and a null field",
        {
            "userDetails": {
                "firstName": "João",
                "lastName": "Conceição",
                "email": "joao@exemplo.example",
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
        "SPZA-PLT|contoso.crm-pro",
        "joao@exemplo.example",
    ),
    (
        "almost nothing filled in",
        {
            "UserDetails": {"Email": "somebody@example.net"},
            "LeadSource": "AzurePortal",
            "ActionCode": "Create",
            "OfferTitle": "Contoso CRM Pro",
        },
        "AzurePortal-Create|contoso.crm-pro",
        "somebody@example.net",
    ),
    (
        "the marketplace's own test lead",
        {
            "userDetails": {
                "FirstName": _MARKER,
                "LastName": _MARKER,
                "Email": f"{_MARKER}@test.com",
                "Phone": "1234567890",
                "Country": "US",
                "Company": _MARKER,
                "Title": _MARKER,
            },
            "LeadSource": f"{_MARKER}-{_MARKER}|Contoso CRM Pro",
            "ActionCode": "INS",
            "OfferTitle": "Contoso CRM Pro",
            "Description": _MARKER,
        },
        f"{_MARKER}-{_MARKER}|Contoso CRM Pro",
        f"{_MARKER}@test.com",
    ),
)
"""What it shows, the payload, and the lead source and e-mail that every destination must receive."""

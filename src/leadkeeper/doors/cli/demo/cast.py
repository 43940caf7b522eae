"""Who acts in the demo: publishers, offers, customers, and what Microsoft's marketplace posts. All made up."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, cycle
from typing import Any, Final

from leadkeeper.texts import lazy_gettext as _

PUBLISHERS: Final = {"contoso": "Contoso", "fabrikam": "Fabrikam"}
OFFERS: Final = {
    "contoso.crm-pro": "Contoso CRM Pro",
    "contoso.crm-trial": "Contoso CRM Test Drive",
    "fabrikam.insights": "Fabrikam Insights",
}
EVERYWHERE: Final = "contoso.crm-pro"
"""The offer with a connection to every kind of destination."""
PUBLISHED: Final[Mapping[str, Mapping[str, Any]]] = {
    "contoso.crm-trial": {
        "summary": _("Customers, quotes and calls of a small sales team in one place."),
        "description": _(
            "Contoso CRM keeps what a sales team needs to know of its customers.\n\n"
            "- Quotes and orders beside every call\n- A view of the week for each seller\n"
            "- Import from spreadsheets\n\nThe test drive comes with the data of a made-up company."
        ),
        "category": _("Sales"),
        "price": _("25 EUR for each user and month"),
        "callsToAction": ["testDrive", "contactMe"],
    },
    "fabrikam.insights": {
        "summary": _("Reports on stock and deliveries that a warehouse reads in the morning."),
        "description": _(
            "Fabrikam Insights reads the figures of your warehouse every night.\n\n"
            "- What runs out this week\n- Which deliveries are late, and why\n- Reports by mail, before work begins"
        ),
        "category": _("Analytics"),
        "price": _("From 400 EUR a month"),
        "callsToAction": ["contactMe", "getItNow"],
    },
}
"""The offers that customers see in the end, and what they read of them, in the language of the command."""
ACCOUNTS: Final = (
    (_("operator"), "Teresa Almeida", "teresa.almeida@marketplace.example", None, "operator"),
    (_("publisher (an owner at Contoso)"), "Daniel Whitfield", "daniel.whitfield@contoso.example", "contoso", "owner"),
    (_("reader (at Contoso)"), "Ines Carvalho", "ines.carvalho@contoso.example", "contoso", "reader"),
)
"""Who can sign in to the portal: what they are in words, name, address, publisher, role."""
EVERY_ACTION: Final = (
    ("AzureMarketplace", "INS"),
    ("AzureMarketplace", "PLT"),
    ("AzureMarketplace", "DNC"),
    ("AzurePortal", "Create"),
    ("TestDrive", "StartTestDrive"),
    ("SPZA", "PLT"),
)
"""Every source and every action."""

_PEOPLE: Final = (
    ("Eleanor", "Whitcombe", "eleanor.whitcombe@example.com", "+44 20 7946 0958", "GB", "Northgate Tools", "CTO"),
    ("João", "Conceição", "joao@exemplo.example", "+351 21 000 0000", "PT", "Exemplo, Lda.", "Diretor"),
    ("美咲", "佐藤", "misaki.sato@reikabu.example", "+81 3-0000-0000", "JP", "例株式会社", "部長"),
    ("Maeve", "O'Neil-Garrison", "maeve@example.org", "+1 206 555 0100", "US", 'Ships & "Boats"', "Head of Purchasing"),
)
_NAMES: Final = ("firstName", "lastName", "email", "phone", "country", "company", "title")
_customers = zip(cycle(_PEOPLE), count(1), strict=False)


def lead(offer: str, source: str, action: str) -> dict[str, Any]:
    """A lead as ``POST /v1/leads`` takes it, of the next customer in turn; no two have the same e-mail address."""
    publisher_id, _dot, offer_id = offer.partition(".")
    person, number = next(_customers)
    customer = dict(zip(_NAMES, person, strict=True))
    mailbox, _at, domain = customer["email"].partition("@")
    return {
        "publisherId": publisher_id,
        "offerId": offer_id,
        "source": source,
        "action": action,
        "customer": customer | {"email": f"{mailbox}.{number}@{domain}"},
        "description": "Please call me in the morning.",
        "campaign": "spring-26",
    }


_MARKER: Final = "MSFT_TEST_636573304831318844"

HOOKED: Final = "contoso.crm-trial"
"""The offer that Microsoft's marketplace posts leads of."""
HOOK_LEADS: Final[tuple[tuple[str, dict[str, Any], str, str], ...]] = (
    (
        _("PascalCase keys, bare lead source"),
        {
            "UserDetails": {
                "FirstName": "Eleanor",
                "LastName": "Whitcombe",
                "Email": "eleanor.whitcombe@example.com",
                "Phone": "+44 20 7946 0958",
                "Country": "GB",
                "Company": "Northgate Tools",
                "Title": "CTO",
            },
            "LeadSource": "AzureMarketplace",
            "ActionCode": "INS",
            "OfferTitle": "Contoso CRM Test Drive",
            "Description": "Campaigns: spring-26",
        },
        "AzureMarketplace-INS|contoso.crm-trial",
        "eleanor.whitcombe@example.com",
    ),
    (
        _("camelCase keys, whole lead source, an empty and a null field"),
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
            "leadSource": "SPZA-PLT|contoso.crm-trial",
            "actionCode": "PLT",
            "offerTitle": "Contoso CRM Test Drive",
            "description": "Gostaria de uma demonstração",
            "mktcmpid": "spring-26",
        },
        "SPZA-PLT|contoso.crm-trial",
        "joao@exemplo.example",
    ),
    (
        _("almost nothing filled in"),
        {
            "UserDetails": {"Email": "somebody@example.net"},
            "LeadSource": "AzurePortal",
            "ActionCode": "Create",
            "OfferTitle": "Contoso CRM Test Drive",
        },
        "AzurePortal-Create|contoso.crm-trial",
        "somebody@example.net",
    ),
    (
        _("the marketplace's own test lead"),
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
            "LeadSource": f"{_MARKER}-{_MARKER}|Contoso CRM Test Drive",
            "ActionCode": "INS",
            "OfferTitle": "Contoso CRM Test Drive",
            "Description": _MARKER,
        },
        f"{_MARKER}-{_MARKER}|Contoso CRM Test Drive",
        f"{_MARKER}@test.com",
    ),
)
"""What it shows, the payload, and the lead source and e-mail that every destination must receive."""

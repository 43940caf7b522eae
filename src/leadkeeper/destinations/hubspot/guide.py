"""What a publisher is told who connects HubSpot: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.texts import lazy_gettext as _

_HUBSPOT_FORM: Final = (
    _("In HubSpot open Marketing, Forms, and make a form for these leads, without CAPTCHA and without consent fields."),
    _(
        "Give it the contact properties Email, First name, Last name, Phone number, Company name, Job title, "
        "Country/Region and Message; only Email is required."
    ),
    _("Publish it and open its embed code: it holds region, portalId and formId."),
)
_HUBSPOT_TOKEN: Final = (
    _("In HubSpot open Settings, Integrations, Private Apps (or Development, Keys, Service keys), and make one."),
    _(
        "Under Scopes add crm.objects.contacts.read and crm.objects.contacts.write; where leads are wanted, "
        "crm.objects.leads.read and crm.objects.leads.write."
    ),
    _("Copy the access token whole."),
    _(
        "Where leads are wanted: Settings, Data Management, Properties, Lead properties, Create property: a "
        "single-line text with unique values and the internal name marketplace_lead_id."
    ),
)
_TOKEN: Final = ("accessToken",)
_FORM_IDS: Final = ("portalId", "formGuid", "region")

GUIDE: Final = Guide(
    "rocket",
    _("Your people work in HubSpot: each customer becomes a contact, with a lead where your account has leads."),
    (
        Way(
            "rest",
            _("Access token"),
            _("Advised: every lead is confirmed, with a link to it."),
            ("accessToken",),
            _HUBSPOT_TOKEN,
            more=("secretExpires", "leads", "leadIdProperty"),
            tells="accessToken",
            needed=("accessToken",),
        ),
        Way(
            "form",
            _("Web form"),
            _("Quick: two ids from the form's embed code. HubSpot never says whether it kept a lead."),
            ("portalId", "formGuid", "region"),
            _HUBSPOT_FORM,
            needed=("portalId", "formGuid"),
        ),
    ),
    help={
        "accessToken": _("The access token of a private app or a service key, with the scopes named beside."),
        "leads": _("Whether a lead tied to the contact is made besides."),
        "leadIdProperty": _("The unique property of leads that holds our id."),
        "portalId": _("The account's number: portalId in the embed code."),
        "formGuid": _("The form's id: formId in the embed code."),
        "region": _("The region in the embed code."),
    },
    examples={
        "leadIdProperty": "marketplace_lead_id",
        "portalId": "48123456",
        "formGuid": "78c2891f-ebdd-44c0-bd94-15c012bbbfbf",
    },
    choices={
        ("leads", "whereAvailable"): _("Where the account has them"),
        ("leads", "always"): _("Always: without them it is an error"),
        ("leads", "never"): _("Never: contacts only"),
        ("region", "na1"): _("Anywhere but in the European Union"),
        ("region", "eu1"): _("European Union"),
    },
    secret=_TOKEN,
    marks={
        HubSpotKind.TOKEN_REJECTED: _TOKEN,
        HubSpotKind.TOKEN_EXPIRED: _TOKEN,
        HubSpotKind.SCOPE_MISSING: _TOKEN,
        HubSpotKind.CREATOR_GONE: _TOKEN,
        HubSpotKind.APP_BLOCKED: _TOKEN,
        HubSpotKind.LEADS_UNAVAILABLE: ("leads",),
        HubSpotKind.LEAD_PROPERTY_UNUSABLE: ("leadIdProperty",),
        HubSpotKind.PROPERTY_UNUSABLE: ("fields",),
        HubSpotKind.FORM_FIELD_UNKNOWN: ("fields",),
        HubSpotKind.FORM_NOT_FOUND: _FORM_IDS,
        HubSpotKind.TEST_LEAD_NOT_FOUND: _FORM_IDS,
    },
    place=30,
)

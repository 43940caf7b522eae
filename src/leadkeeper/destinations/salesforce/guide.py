"""What a publisher is told who connects Salesforce: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.texts import lazy_gettext as _

_WEB_TO_LEAD: Final = (
    _("In Salesforce open Setup, Web-to-Lead, Edit: tick Web-to-Lead Enabled and choose a Default Lead Creator."),
    _("Untick Require reCAPTCHA Verification: with it Salesforce drops every lead without a word."),
    _("Open Setup, Company Information, and copy Salesforce.com Organization ID: it begins with 00D."),
    _("Under Object Manager, Lead, Fields & Relationships make sure that nothing is mandatory which is not sent."),
)
_SALESFORCE_REST: Final = (
    _(
        "Object Manager, Lead, Fields & Relationships, New: a Text of 36 characters, Unique, External ID. Copy its "
        "API name."
    ),
    _("Setup, External Client App Manager, New: tick Enable OAuth, the scope api, Enable Client Credentials Flow."),
    _("On the app's Policies tick Enable Client Credentials Flow, and enter a user who may make leads as Run As."),
    _("On its Settings, OAuth Settings, Consumer Key and Secret: copy both. A new app takes ten minutes to work."),
    _("Setup, My Domain: copy Current My Domain URL. Setup, Company Information: copy the Organization ID."),
)

GUIDE: Final = Guide(
    "cloud",
    _("Your sales people work in Salesforce: each lead becomes a Lead there."),
    (
        Way(
            "rest",
            _("REST API"),
            _("Advised: every lead is confirmed, with a link to it. Needs an edition with the API."),
            ("objectIdentifier", "myDomainUrl", "clientId", "clientSecret", "externalIdField"),
            _SALESFORCE_REST,
            more=("apiVersion", "tokenEndpointAuthMethod"),
            tells="myDomainUrl",
            needed=("myDomainUrl", "clientId", "clientSecret", "externalIdField"),
        ),
        Way(
            "web",
            _("Web-to-Lead"),
            _("Quick: the organization's ID alone. Salesforce never says whether it kept a lead."),
            ("objectIdentifier",),
            _WEB_TO_LEAD,
            more=("leadIdField", "webToLeadHost", "webToLeadDailyLimit"),
        ),
    ),
    place=20,
)

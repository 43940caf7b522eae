"""What a publisher is told who connects Salesforce: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Guide, Question, Topic, Way
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
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
_LOOK_UP: Final = (
    _("Setup, External Client App Manager, New: tick Enable OAuth, the scope api, Enable Client Credentials Flow."),
    _("On the app's Policies enter a user as Run As who may read leads, and nothing else."),
    _("On its Settings, OAuth Settings, Consumer Key and Secret: copy both. A new app takes ten minutes to work."),
    _("Setup, My Domain: copy Current My Domain URL."),
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
            more=("secretExpires", "apiVersion", "tokenEndpointAuthMethod"),
            tells="myDomainUrl",
            needed=("myDomainUrl", "clientId", "clientSecret", "externalIdField"),
        ),
        Way(
            "confirmed",
            _("Web-to-Lead, looked up"),
            _("Leads go over Web-to-Lead; the REST API, for reading alone, tells afterwards which of them arrived."),
            ("objectIdentifier", "myDomainUrl", "clientId", "clientSecret"),
            (*_WEB_TO_LEAD, *_LOOK_UP),
            more=(
                "leadIdField",
                "externalIdField",
                "webToLeadHost",
                "webToLeadDailyLimit",
                "secretExpires",
                "apiVersion",
                "tokenEndpointAuthMethod",
            ),
            fixed={"sendOver": "webToLead"},
            needed=("myDomainUrl", "clientId", "clientSecret"),
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
    help={
        "tokenEndpointAuthMethod": _("An endpoint that demands HTTP Basic gets it without this setting."),
        "objectIdentifier": _("The organization's ID: 15 characters (or 18) beginning with 00D."),
    },
    examples={
        "objectIdentifier": "00D3z000001abcd",
        "myDomainUrl": "https://contoso.my.salesforce.com",
        "externalIdField": "LeadkeeperId__c",
    },
    choices={
        ("sendOver", "webToLead"): _("Web-to-Lead"),
        ("sendOver", "rest"): _("the REST API"),
        ("tokenEndpointAuthMethod", "client_secret_post"): _("In the form"),
        ("tokenEndpointAuthMethod", "client_secret_basic"): _("By HTTP Basic"),
    },
    address=("myDomainUrl",),
    secret=("clientSecret",),
    marks={
        SalesforceKind.DOMAIN_NOT_FOUND: ("myDomainUrl",),
        SalesforceKind.APP_REJECTED: ("clientId", "clientSecret"),
        SalesforceKind.APP_NOT_ALLOWED: ("clientId", "clientSecret"),
        SalesforceKind.EXTERNAL_ID_UNUSABLE: ("externalIdField",),
        SalesforceKind.TEST_LEAD_NOT_FOUND: ("objectIdentifier",),
        SalesforceKind.FORM_REJECTED: ("objectIdentifier",),
        SalesforceKind.FORM_NOT_THERE: ("webToLeadHost",),
        SalesforceKind.FIELD_UNKNOWN: ("fields",),
    },
    questions=(
        Question(
            "salesforce",
            _("Leads go to Salesforce, and I cannot find them. Why?"),
            (
                _(
                    "Web-to-Lead drops leads without a word where a required field takes its value from a picklist: "
                    "make it a text field that is not required. It does the same where reCAPTCHA is required or no "
                    "default creator of leads is set."
                ),
            ),
            (Topic.CONNECTION, Topic.LEADS),
        ),
    ),
    place=20,
)

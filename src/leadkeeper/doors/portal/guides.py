"""What a publisher is told of each kind of destination: when to choose it, its ways, where to find each value.

A way is one manner of connecting that a destination's settings allow, with the settings that it needs. What a guide
does not name (a setting that was added, a destination that was added) has a place in the form all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from leadkeeper.destinations.interface import Config, Provider
from leadkeeper.doors.portal.form_fields import json_names
from leadkeeper.texts import lazy_gettext as _

COMMON: Final = ("contactEmail", "notice")
"""Settings that every destination has, and that stand together at the end of its form."""


@dataclass(frozen=True, slots=True)
class Way:
    """One manner of connecting. ``tells`` is the setting by which one that is stored is known again."""

    id: str
    title: str
    said: str
    fields: tuple[str, ...]
    steps: tuple[str, ...]
    more: tuple[str, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    tells: str = ""
    needed: tuple[str, ...] = ()
    """What this way cannot do without though the settings can."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A destination as its card and its form tell it."""

    icon: str
    choose: str
    ways: tuple[Way, ...]
    instead: str = ""
    """The name of the destination to choose instead of this one."""


_STORAGE: Final = (
    _("Sign in to portal.azure.com and open your storage account, or make one: Create a resource, Storage account."),
    _("In its menu open Security + networking, then Access keys."),
    _("At key1 press Show beside Connection string, and copy it whole."),
    _(
        "With less power: Security + networking, Shared access signature. Choose the service, the resource types "
        "Container and Object, the permissions Read, Add, Create and Write, an end date, then copy the connection "
        "string that it makes."
    ),
)
_ENTRA: Final = (
    _("Open Dynamics in the browser: the beginning of the address, as far as .dynamics.com, is the instance URL."),
    _("In portal.azure.com open Microsoft Entra ID, Properties, and copy the Tenant ID: the directory ID."),
    _("Open App registrations, New registration, and register one. Its Overview shows the Application (client) ID."),
    _("Under API permissions add Dynamics CRM, user_impersonation, and press Grant admin consent."),
    _("Under Certificates & secrets make a client secret, and copy its Value at once (not the Secret ID)."),
    _(
        "In the Power Platform admin center open your environment, Settings, Users + permissions, Application users, "
        "New app user: choose the application, and give it a security role that may create, read and write leads."
    ),
)
_PERSON: Final = (
    _("Open Dynamics in the browser: the beginning of the address, as far as .dynamics.com, is the instance URL."),
    _("In the Microsoft 365 admin center add a user with a licence for Dynamics 365, without multi-factor sign-in."),
    _("In Dynamics open Settings, Security, Users, choose the user, Manage roles, and tick a role that writes leads."),
    _("Note the day on which the password ends, often 90 days from now: enter the new one here on that day."),
)
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
_FORM: Final = (
    _("In Marketo open Design Studio and make a form for these leads: only Email Address required, no CAPTCHA."),
    _(
        "Approve it, then open Form Actions, Embed Code. It holds a line such as "
        'loadForm("//app-ys12.marketo.com", "123-PQR-789", 1179).'
    ),
    _("Here ys12 is the server id, 123-PQR-789 the Munchkin id, 1179 the form id."),
    _("Where it names a domain of yours instead, the address of Marketo in the browser has the server id."),
)

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

GUIDES: Final[Mapping[str, Guide]] = {
    "dynamics": Guide(
        "users",
        _("Your sales people work in Dynamics 365 Sales: each lead becomes a row of the table Lead."),
        (
            Way(
                "app",
                _("An application signs in"),
                _("Advised: it needs no licence, and works with multi-factor sign-in."),
                ("instanceUrl", "applicationId", "applicationKey", "directoryId"),
                _ENTRA,
                fixed={"authentication": "azureAD"},
                needed=("applicationId", "applicationKey", "directoryId"),
            ),
            Way(
                "user",
                _("A user signs in"),
                _("Only where an application is not possible: it stops on the day the password ends."),
                ("instanceUrl", "username", "password"),
                _PERSON,
                more=("publicClientId",),
                fixed={"authentication": "office365"},
                needed=("username", "password"),
            ),
        ),
    ),
    "salesforce": Guide(
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
    ),
    "hubspot": Guide(
        "rocket",
        _("Your people work in HubSpot: each customer becomes a contact, with a lead where your account has leads."),
        (
            Way(
                "rest",
                _("Access token"),
                _("Advised: every lead is confirmed, with a link to it."),
                ("accessToken",),
                _HUBSPOT_TOKEN,
                more=("leads", "leadIdProperty"),
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
    ),
    "marketo": Guide(
        "target-arrow",
        _("Your marketing people nurture leads in Marketo Engage: each lead fills out a form of yours."),
        (
            Way(
                "rest",
                _("REST API"),
                _("Advised: every lead is confirmed, with a link to the person."),
                ("serverId", "munchkinId", "formId", "clientId", "clientSecret"),
                (
                    *_FORM,
                    _(
                        "Admin, Users & Roles: a role with Read-Write Person and Read-Only Assets, and an "
                        "API Only user in it."
                    ),
                    _("Admin, LaunchPoint, New Service, Custom: View Details shows the client id and secret."),
                ),
                more=("programId",),
                tells="clientId",
                needed=("clientId", "clientSecret"),
            ),
            Way(
                "form",
                _("Web form"),
                _("Quick: three ids from the form's embed code. Marketo never says whether it kept a lead."),
                ("serverId", "munchkinId", "formId"),
                _FORM,
            ),
        ),
    ),
    "azure_table": Guide(
        "table",
        _("You have no CRM that is named here: the simplest place to keep leads, readable by flows and spreadsheets."),
        (Way("key", _("Connection string"), "", ("storageAccountConnectionString",), _STORAGE),),
    ),
    "https_endpoint": Guide(
        "webhook",
        _("You have a Power Automate flow, a Logic App or a service of your own that takes leads by POST."),
        (
            Way(
                "url",
                _("HTTPS address"),
                "",
                ("httpsEndpointUrl",),
                (
                    _("Power Automate: Create, Instant cloud flow, When an HTTP request is received."),
                    _("Set Who can trigger the flow to Anyone: the signature in the address protects it."),
                    _("Save the flow, then copy the HTTP URL of the trigger whole: it ends in sig=…"),
                    _("Your own service: take POST over HTTPS, answer 200 once the lead is stored."),
                    _("A signing secret is made for you and shown once, unless you enter one."),
                ),
                more=("signingSecret", "previousSigningSecret", "keyCasing", "leadSourceForm"),
            ),
        ),
    ),
    "email": Guide(
        "mail",
        _("You have no system for leads yet: people are told by mail that one came, and read it here."),
        (
            Way(
                "mail",
                _("E-mail notice"),
                "",
                ("contactEmail",),
                (
                    _("Enter the mailboxes of those who answer leads, one on a line."),
                    _("Each is asked once whether it wants these mails, and gets none before it says yes."),
                    _("The mail names the offer and links to the lead here: it holds no personal data."),
                ),
                needed=("contactEmail",),
            ),
        ),
    ),
    "azure_blob": Guide(
        "archive",
        _("Microsoft retired this destination: choose Azure Table, unless something of yours reads CSV files."),
        (
            Way(
                "key",
                _("Connection string"),
                "",
                ("storageAccountConnectionString", "containerName"),
                (*_STORAGE, _("Think of a name for the container: it is made when it is missing.")),
            ),
        ),
        instead="azure_table",
    ),
}

CHOICES: Final[Mapping[tuple[str, str], str]] = {
    ("notice", "each"): _("At once, for each lead"),
    ("notice", "daily"): _("Once a day"),
    ("notice", "none"): _("Only of trouble"),
    ("keyCasing", "pascal"): _("As Microsoft writes them: UserDetails.FirstName"),
    ("keyCasing", "userDetailsCamel"): _("As some of Microsoft's samples: userDetails.FirstName"),
    ("keyCasing", "camel"): _("All in camel case: userDetails.firstName"),
    ("leadSourceForm", "combined"): _("Whole: AzureMarketplace-INS|publisher.offer"),
    ("leadSourceForm", "bare"): _("The source alone: AzureMarketplace"),
    ("leads", "whereAvailable"): _("Where the account has them"),
    ("leads", "always"): _("Always: without them it is an error"),
    ("leads", "never"): _("Never: contacts only"),
    ("region", "na1"): _("Anywhere but in the European Union"),
    ("region", "eu1"): _("European Union"),
    ("tokenEndpointAuthMethod", "client_secret_post"): _("In the form"),
    ("tokenEndpointAuthMethod", "client_secret_basic"): _("By HTTP Basic"),
}
"""How the choices of a setting read, by its JSON name and the choice; one that is not here reads as itself."""


HELP: Final[Mapping[str, str]] = {
    "notice": _("When the contact e-mails hear of leads. Of trouble they hear at once in any case."),
    "keyCasing": _("How the keys of the JSON are written."),
    "leadSourceForm": _("What stands in LeadSource."),
    "tokenEndpointAuthMethod": _("An endpoint that demands HTTP Basic gets it without this setting."),
    "instanceUrl": _("The address of your Dynamics 365 environment."),
    "applicationId": _("The application (client) ID in Microsoft Entra ID."),
    "applicationKey": _("The value (not the ID) of a client secret of that application."),
    "directoryId": _("The tenant ID of the directory that owns Dynamics."),
    "username": _("A user of Dynamics with a licence, without multi-factor authentication."),
    "password": _("That user's password. Enter the new one whenever it changes, usually every 90 days."),
    "publicClientId": _("An application of your own that allows public client flows, in place of Microsoft's."),
    "accessToken": _("Of a private app or a service key, with the scopes named beside."),
    "leads": _("Whether a lead tied to the contact is made besides."),
    "leadIdProperty": _("The unique property of leads that holds our id."),
    "portalId": _("The account's number: portalId in the embed code."),
    "formGuid": _("The form's id: formId in the embed code."),
    "region": _("The region in the embed code."),
    "serverId": _("The part between app- and .marketo.com."),
    "munchkinId": _("Three groups of three letters and digits."),
    "formId": _("A number: the last value in the embed code."),
    "secretExpires": _(
        "When it stops working, as the other system told you when it was made. You are reminded 30, 7 and 1 days "
        "before."
    ),
    "objectIdentifier": _("The organization's ID: 15 characters (or 18) beginning with 00D."),
}
"""What stands below a field where the settings' own text is written for all ways and doors at once."""

EXAMPLES: Final[Mapping[str, str]] = {
    "instanceUrl": "https://contoso.crm4.dynamics.com",
    "applicationId": "00000000-0000-0000-0000-000000000000",
    "directoryId": "00000000-0000-0000-0000-000000000000",
    "username": "marketplace@contoso.com",
    "objectIdentifier": "00D3z000001abcd",
    "myDomainUrl": "https://contoso.my.salesforce.com",
    "externalIdField": "LeadkeeperId__c",
    "leadIdProperty": "marketplace_lead_id",
    "portalId": "48123456",
    "formGuid": "78c2891f-ebdd-44c0-bd94-15c012bbbfbf",
    "serverId": "ys12",
    "munchkinId": "123-PQR-789",
    "formId": "1179",
    "containerName": "marketplace-leads",
    "contactEmail": "sales@contoso.com",
}
"""What a value looks like."""


def guide_of(destination: Provider) -> Guide:
    """The guide of a destination; a plain one where nobody wrote any."""
    found = GUIDES.get(destination.name)
    if found is not None:
        return found
    names = tuple(info.alias or name for name, info in destination.config.model_fields.items() if info.is_required())
    return Guide("plug-connected", destination.title, (Way("settings", destination.title, "", names, ()),))


def ordered(destinations: tuple[Provider, ...]) -> tuple[Provider, ...]:
    """The destinations as their cards stand: as the guides do, what was added behind them, what is retired last."""
    order = list(GUIDES)
    places = {each: order.index(each.name) if each.name in order else len(order) - 1.5 for each in destinations}
    return tuple(sorted(destinations, key=lambda each: (places[each], each.title)))


def way_of(guide: Guide, settings: Mapping[str, Any]) -> Way:
    """The way of stored settings."""
    for way in guide.ways:
        if way.fixed and all(settings.get(name) == value for name, value in way.fixed.items()):
            return way
        if way.tells and settings.get(way.tells):
            return way
    return guide.ways[-1]


def more_fields(config: type[Config], guide: Guide, way: Way) -> tuple[str, ...]:
    """The settings behind *More settings*: those of the way, and those that no way names; a mapping is not one."""
    named = {name for each in guide.ways for name in (*each.fields, *each.more, *each.fixed)}
    rest = (name for name in json_names(config) if name not in named and name not in (*COMMON, "fields"))
    return (*way.more, *rest)


def all_fields(config: type[Config], guide: Guide, way: Way) -> tuple[str, ...]:
    """Every setting that the form of ``way`` has."""
    there = json_names(config)
    wanted = (*way.fields, *more_fields(config, guide, way), "fields", *COMMON)
    return tuple(dict.fromkeys(name for name in wanted if name in there and name not in way.fixed))

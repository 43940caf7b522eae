"""What the forms of connections say of settings, and how they show the guides of the destinations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.destinations.interface import Config, Provider
from leadkeeper.doors.portal.form_fields import json_names
from leadkeeper.texts import lazy_gettext as _

COMMON: Final = ("contactEmail", "notice")
"""Settings that every destination has, and that stand together at the end of its form."""

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
    if destination.guide is not None:
        return destination.guide
    names = tuple(info.alias or name for name, info in destination.config.model_fields.items() if info.is_required())
    return Guide("plug-connected", destination.title, (Way("settings", destination.title, "", names, ()),))


def ordered(destinations: tuple[Provider, ...]) -> tuple[Provider, ...]:
    """The destinations as their cards stand: by the places of their guides, what is retired last."""

    def place(destination: Provider) -> tuple[bool, int, str]:
        guide = guide_of(destination)
        return bool(guide.instead), guide.place, destination.title

    return tuple(sorted(destinations, key=place))


def way_of(guide: Guide, settings: Mapping[str, Any], secrets: Collection[str] = ()) -> Way:
    """The way of stored ``settings``, and of the names of ``secrets`` that are stored besides."""
    for way in guide.ways:
        if way.fixed and all(settings.get(name) == value for name, value in way.fixed.items()):
            return way
        if way.tells and (settings.get(way.tells) or way.tells in secrets):
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

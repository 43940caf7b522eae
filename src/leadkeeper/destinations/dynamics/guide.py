"""What a publisher is told who connects Dynamics 365: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.sign_in_diagnoses import DynamicsSignInKind
from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.texts import lazy_gettext as _

_ENTRA: Final = (
    _("Open Dynamics in the browser: the beginning of the address, as far as .dynamics.com, is the instance URL."),
    _("In portal.azure.com open Microsoft Entra ID, Properties, and copy the Tenant ID: the directory ID."),
    _("Open App registrations, New registration, and register one. Its Overview shows the Application (client) ID."),
    _("Under API permissions add Dynamics CRM, user_impersonation, and press Grant admin consent."),
    _("Under Certificates & secrets make a client secret, and copy its Value at once (not the Secret ID)."),
    _("Note the day under Expires beside it: on that day Dynamics takes no more leads unless you enter a new secret."),
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
_SECRET: Final = ("applicationKey", "password")
_APPLICATION: Final = ("applicationId", "directoryId")
_USER: Final = ("username", "password")

GUIDE: Final = Guide(
    "users",
    _("Your sales people work in Dynamics 365 Sales: each lead becomes a row of the table Lead."),
    (
        Way(
            "app",
            _("An application signs in"),
            _("Advised: it needs no licence, and works with multi-factor sign-in."),
            ("instanceUrl", "applicationId", "directoryId", "applicationKey", "secretExpires"),
            _ENTRA,
            fixed={"authentication": "azureAD"},
            needed=("applicationId", "applicationKey", "directoryId"),
        ),
        Way(
            "user",
            _("A user signs in"),
            _("Only where an application is not possible: it stops on the day the password ends."),
            ("instanceUrl", "username", "password", "secretExpires"),
            _PERSON,
            more=("publicClientId",),
            fixed={"authentication": "office365"},
            needed=("username", "password"),
        ),
    ),
    help={
        "instanceUrl": _("The address of your Dynamics 365 environment."),
        "applicationId": _("The application (client) ID in Microsoft Entra ID."),
        "applicationKey": _("The value (not the ID) of a client secret of that application."),
        "directoryId": _("The tenant ID of the directory that owns Dynamics."),
        "username": _("A user of Dynamics with a licence, without multi-factor authentication."),
        "password": _("That user's password. Enter the new one whenever it changes, usually every 90 days."),
        "secretExpires": _(
            "The day on which the secret or password stops working, so that you are reminded 30, 7 and 1 days before. "
            "Entra shows a secret's beside it, under Expires; a password often ends 90 days after it was set."
        ),
        "publicClientId": _("An application of your own that allows public client flows, in place of Microsoft's."),
    },
    examples={
        "instanceUrl": "https://contoso.crm4.dynamics.com",
        "applicationId": "00000000-0000-0000-0000-000000000000",
        "directoryId": "00000000-0000-0000-0000-000000000000",
        "username": "marketplace@contoso.com",
    },
    address=("instanceUrl",),
    secret=_SECRET,
    marks={
        DynamicsKind.ADDRESS_WRONG: ("instanceUrl",),
        DynamicsSignInKind.RESOURCE_NOT_IN_TENANT: ("instanceUrl",),
        EntraKind.CLIENT_SECRET_WRONG: _SECRET,
        EntraKind.CLIENT_SECRET_EXPIRED: _SECRET,
        EntraKind.APPLICATION_NOT_FOUND: _APPLICATION,
        EntraKind.APPLICATION_SINGLE_TENANT: _APPLICATION,
        EntraKind.APPLICATION_DISABLED: _APPLICATION,
        EntraKind.TENANT_NOT_FOUND: ("directoryId",),
        EntraKind.TENANT_INVALID: ("directoryId",),
        DynamicsSignInKind.TENANT_IN_ANOTHER_CLOUD: ("directoryId",),
        EntraKind.SIGN_IN_REJECTED: _USER,
        EntraKind.PASSWORD_EXPIRED: _USER,
        EntraKind.ACCOUNT_LOCKED: _USER,
        EntraKind.MULTI_FACTOR_REQUIRED: _USER,
        EntraKind.DIRECTORY_PASSWORD_EXPIRED: _USER,
        EntraKind.PUBLIC_CLIENT_REFUSED: ("publicClientId",),
        DynamicsSignInKind.PUBLIC_CLIENT_MISSING: ("publicClientId",),
        EntraKind.PUBLIC_CLIENT_NOT_FOUND: ("publicClientId",),
        DynamicsKind.FIELD_NOT_KNOWN: ("fields",),
        DynamicsKind.FIELD_VALUE_WRONG: ("fields",),
        DynamicsKind.PICKLIST_VALUE: ("fields",),
        DynamicsKind.LOOKUP_NOT_FOUND: ("fields",),
    },
    place=10,
)

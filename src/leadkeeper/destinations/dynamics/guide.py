"""What a publisher is told who connects Dynamics 365: when to choose it, its ways, where to find each value."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.texts import lazy_gettext as _

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

GUIDE: Final = Guide(
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
    place=10,
)

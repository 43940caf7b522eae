"""Where a publisher finds the connection string of a storage account."""

from __future__ import annotations

from typing import Final

from leadkeeper.texts import lazy_gettext as _

STEPS: Final = (
    _("Sign in to portal.azure.com and open your storage account, or make one: Create a resource, Storage account."),
    _("In its menu open Security + networking, then Access keys."),
    _("At key1 press Show beside Connection string, and copy it whole."),
    _(
        "With less power: Security + networking, Shared access signature. Choose the service, the resource types "
        "Container and Object, the permissions Read, Add, Create and Write, an end date, then copy the connection "
        "string that it makes."
    ),
)

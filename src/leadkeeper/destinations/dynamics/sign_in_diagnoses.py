"""What Microsoft Entra ID may have against a sign-in to Dynamics 365 that other systems would tell in other words."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import declare
from leadkeeper.diagnoses.entry import RESUME, VALIDATE, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.network.entra.applications import APPLICATION_INSTEAD
from leadkeeper.network.entra.system import SystemKinds
from leadkeeper.texts import _


class DynamicsSignInKind(AnyKind):
    """Causes of a sign-in to Dynamics 365 that name its environment or its permissions."""

    CONSENT_MISSING = "consentMissing"
    RESOURCE_NOT_IN_TENANT = "resourceNotInTenant"
    TOKEN_REQUEST_INVALID = "tokenRequestInvalid"
    TENANT_IN_ANOTHER_CLOUD = "tenantInAnotherCloud"
    PUBLIC_CLIENT_MISSING = "publicClientMissing"


SIGNED_IN_TO: Final = SystemKinds(
    consent_missing=DynamicsSignInKind.CONSENT_MISSING,
    not_in_tenant=DynamicsSignInKind.RESOURCE_NOT_IN_TENANT,
    request_invalid=DynamicsSignInKind.TOKEN_REQUEST_INVALID,
    in_another_cloud=DynamicsSignInKind.TENANT_IN_ANOTHER_CLOUD,
    public_client_missing=DynamicsSignInKind.PUBLIC_CLIENT_MISSING,
)
"""What Dynamics 365 calls the causes that concern the system signed in to."""

OPEN_INSTANCE: Final = _(
    "Open Dynamics in the browser and copy the beginning of its address, such as https://contoso.crm4.dynamics.com, "
    "into 'instanceUrl'."
)

_ENTRIES: Final[dict[AnyKind, Entry]] = {
    DynamicsSignInKind.CONSENT_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("Nobody has consented that the application may use Dynamics in the users' name."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'App registrations', the application, 'API "
                "permissions', add 'Dynamics CRM', 'Delegated permissions', 'user_impersonation', and press 'Grant "
                "admin consent'."
            ),
            VALIDATE,
        ),
    ),
    DynamicsSignInKind.RESOURCE_NOT_IN_TENANT: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The directory that was signed in to does not know this Dynamics environment."),
        (
            OPEN_INSTANCE,
            _(
                "With azureAD: check that 'directoryId' is the directory of the organisation that owns this "
                "environment, not that of the publisher's own: the Azure portal shows it under 'Microsoft Entra ID', "
                "'Properties', 'Tenant ID'."
            ),
            RESUME,
        ),
    ),
    DynamicsSignInKind.TOKEN_REQUEST_INVALID: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("Microsoft Entra ID does not understand how we asked for a token: the fault is ours, or the instance URL's."),
        (OPEN_INSTANCE, _("If the URL is right, report the evidence to Leadkeeper's maintainers."), VALIDATE),
    ),
    DynamicsSignInKind.TENANT_IN_ANOTHER_CLOUD: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "The directory belongs to another of Microsoft's clouds (such as that of the US government or of China) "
            "than the one that was asked."
        ),
        (
            OPEN_INSTANCE,
            _(
                "It decides which cloud is asked: its end must be that of the cloud in which the directory is, such as "
                "crm.dynamics.com, crm.microsoftdynamics.us or crm.dynamics.cn."
            ),
            RESUME,
        ),
    ),
    DynamicsSignInKind.PUBLIC_CLIENT_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _(
            "The user's organisation does not let the application by which Microsoft's own tools sign in to Dynamics "
            "sign this user in, and no other is named."
        ),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'App registrations', 'New registration', for accounts "
                "in any organizational directory; in its 'Authentication' set 'Allow public client flows' to 'Yes'."
            ),
            _(
                "In its 'API permissions' add 'Dynamics CRM', 'Delegated permissions', 'user_impersonation', and press "
                "'Grant admin consent'."
            ),
            (_("Copy 'Application (client) ID' from its 'Overview', and enter it as 'publicClientId'."), RESUME),
            APPLICATION_INSTEAD,
        ),
    ),
}

declare(DynamicsSignInKind, _ENTRIES)

"""What can go wrong with signing in to Microsoft Entra ID, whatever system is signed in to.

The steps name settings as Microsoft's customer-leads resource does: a destination that signs in calls its own the same.
"""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.entry import RESUME, VALIDATE, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.network.entra.kinds import EntraKind
from leadkeeper.texts import _

_TENANT: Final = _(
    "Sign in to the Azure portal with an account of the organisation whose system gets the leads, open 'Microsoft "
    "Entra ID', 'Properties' (or 'Overview'), and copy 'Tenant ID'."
)
_APPLICATION: Final = _(
    "In the Azure portal open 'Microsoft Entra ID', 'App registrations', the application for leads, 'Overview', and "
    "copy 'Application (client) ID'."
)
_SECRET: Final = _(
    "In the same application open 'Certificates & secrets', 'Client secrets', 'New client secret', and copy its "
    "'Value' at once: it is shown only this once. The 'Secret ID' beside it is not the secret."
)
APPLICATION_INSTEAD: Final = _(
    "Or change 'authentication' to azureAD: an application signs in without a person, and its secret lasts up to two "
    "years."
)
ENTRIES: Final[dict[AnyKind, Entry]] = {
    EntraKind.TENANT_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Microsoft Entra ID has no directory with this Directory ID, or none with an active subscription."),
        (_TENANT, (_("Enter it as 'directoryId'."), RESUME)),
    ),
    EntraKind.TENANT_INVALID: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The Directory ID is not one that Microsoft Entra ID can read."),
        (_TENANT, (_("Enter it whole as 'directoryId', 36 characters with four dashes."), RESUME)),
    ),
    EntraKind.APPLICATION_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("There is no application with this Application ID in the directory."),
        (
            _APPLICATION,
            _(
                "Compare 'Directory (tenant) ID' on the same page with 'directoryId': the application must be "
                "registered in, or admitted to, that directory."
            ),
            (_("Enter both in the settings."), RESUME),
        ),
    ),
    EntraKind.APPLICATION_DISABLED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application is disabled in the directory."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'Enterprise applications', the application, "
                "'Properties', and set 'Enabled for users to sign-in?' to 'Yes'."
            ),
            VALIDATE,
        ),
    ),
    EntraKind.APPLICATION_NOT_ASSIGNED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The user is not assigned to the application, and the application demands it."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'Enterprise applications', the application, 'Users and "
                "groups', and add the user; or set 'Assignment required?' in 'Properties' to 'No'."
            ),
            VALIDATE,
        ),
    ),
    EntraKind.CLIENT_SECRET_WRONG: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The application's secret is not the right one."),
        (_APPLICATION, _SECRET, (_("Enter it as 'applicationKey'."), RESUME)),
    ),
    EntraKind.CLIENT_SECRET_EXPIRED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The application's secret has expired."),
        (_SECRET, (_("Enter it as 'applicationKey', and note the day on which it will expire."), RESUME)),
    ),
    EntraKind.PUBLIC_CLIENT_REFUSED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application named as 'publicClientId' does not let people sign in without its own secret."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'App registrations', the application, "
                "'Authentication', and set 'Allow public client flows' to 'Yes'."
            ),
            APPLICATION_INSTEAD,
            VALIDATE,
        ),
    ),
    EntraKind.SIGN_IN_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Microsoft Entra ID does not accept this sign-in."),
        (
            _(
                "With office365: sign in at https://portal.office.com with the same user name and password; correct "
                "them in the settings. The user also needs access to the system that gets the leads, and a licence "
                "for it."
            ),
            _(
                "With azureAD: compare 'directoryId' and 'applicationId' with 'Microsoft Entra ID', 'App "
                "registrations', the application, 'Overview', and make a new secret under 'Certificates & secrets'."
            ),
            RESUME,
        ),
    ),
    EntraKind.SIGN_IN_BLOCKED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The user account is disabled in Microsoft Entra ID."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'Users', the user, 'Properties', 'Settings', and tick "
                "'Account enabled'."
            ),
            APPLICATION_INSTEAD,
            VALIDATE,
        ),
    ),
    EntraKind.PASSWORD_EXPIRED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The user's password has expired; many organisations let one last for 90 days."),
        (
            (
                _(
                    "Sign in at https://portal.office.com as this user, choose a new password, and enter it as "
                    "'password'."
                ),
                RESUME,
            ),
            APPLICATION_INSTEAD,
        ),
    ),
    EntraKind.ACCOUNT_LOCKED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The user account is locked after wrong passwords, or sign-ins from here are judged malicious."),
        (
            _("Wait an hour without trying: every further try prolongs the lock."),
            (
                _(
                    "In the Azure portal open 'Microsoft Entra ID', 'Users', the user, 'Sign-in logs', to see who "
                    "signs in with an old password; then enter the right one as 'password'."
                ),
                RESUME,
            ),
            APPLICATION_INSTEAD,
        ),
    ),
    EntraKind.MULTI_FACTOR_REQUIRED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The user must prove who they are with a second factor, which a program cannot do."),
        (
            _(
                "Change 'authentication' to azureAD, with an application and its secret: the destination's docs page "
                "says how."
            ),
            _(
                "Or have an administrator exempt this user from multi-factor authentication, which Microsoft advises "
                "against."
            ),
            RESUME,
        ),
    ),
    EntraKind.CONDITIONAL_ACCESS: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("A conditional access policy of the organisation forbids this sign-in."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'Sign-in logs', the failed sign-in (under 'Service "
                "principal sign-ins' for an application), 'Conditional Access': it names the policy."
            ),
            _("Exclude the user or application from that policy, or admit the addresses of this installation."),
            VALIDATE,
        ),
    ),
    EntraKind.TENANT_RESTRICTED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("A tenant restriction forbids sign-ins to this directory from this network."),
        (
            _(
                "Look at the proxy through which this installation reaches login.microsoftonline.com: it adds the "
                "header Restrict-Access-To-Tenants, and the publisher's directory must be on its list."
            ),
            _(
                "If there is no such proxy, ask the directory's administrator: 'Microsoft Entra ID', 'External "
                "Identities', 'Cross-tenant access settings'."
            ),
            VALIDATE,
        ),
    ),
    EntraKind.APPLICATION_SINGLE_TENANT: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application lets only users of its own directory sign in, and this sign-in names no directory."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'App registrations', the application, "
                "'Authentication', and set 'Supported account types' to accounts in any organizational directory."
            ),
            APPLICATION_INSTEAD,
            VALIDATE,
        ),
    ),
    EntraKind.APPLICATION_PUBLIC: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application is a public one, which cannot sign in with a secret."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'App registrations', the application, "
                "'Authentication', set 'Allow public client flows' to 'No', and take away platforms of mobile and "
                "desktop applications."
            ),
            _("Or register another application for leads, and enter its 'applicationId' and 'applicationKey'."),
            VALIDATE,
        ),
    ),
    EntraKind.PUBLIC_CLIENT_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The user's organisation does not know the application named as 'publicClientId'."),
        (
            _(
                "In the Azure portal of that organisation open 'Microsoft Entra ID', 'App registrations', the "
                "application, 'Overview', copy 'Application (client) ID', and enter it as 'publicClientId'."
            ),
            _(
                "An application of another organisation must be for accounts in any organizational directory, and be "
                "admitted by an administrator of the user's."
            ),
            RESUME,
        ),
    ),
}

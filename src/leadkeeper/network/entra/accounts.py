"""What can keep a person's account from signing in to Microsoft Entra ID, beside its password."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.entry import RESUME, WAIT, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.network.entra.applications import APPLICATION_INSTEAD
from leadkeeper.network.entra.kinds import EntraKind
from leadkeeper.texts import _

ENTRIES: Final[dict[AnyKind, Entry]] = {
    EntraKind.DIRECTORY_PASSWORD_EXPIRED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The user's password in the organisation's own Active Directory has expired."),
        (
            (
                _(
                    "Have an administrator of the Active Directory set a new password for the user, or set it at "
                    "https://aka.ms/sspr where the organisation allows that; then enter it as 'password'."
                ),
                RESUME,
            ),
            APPLICATION_INSTEAD,
        ),
    ),
    EntraKind.DIRECTORY_NOT_REACHED: Entry(
        Outcome.FAILED,
        Who.DESTINATION_ADMIN,
        _(
            "The organisation's own Active Directory, which checks this user's password, did not answer Microsoft "
            "Entra ID."
        ),
        (
            WAIT,
            _(
                "If it lasts, open 'Microsoft Entra ID', 'Microsoft Entra Connect', 'Pass-through authentication' in "
                "the Azure portal: it shows which authentication agents are active. Look at their servers' logs, "
                "clocks and connection to the Active Directory."
            ),
            APPLICATION_INSTEAD,
        ),
    ),
    EntraKind.LOGON_HOURS: Entry(
        Outcome.FAILED,
        Who.DESTINATION_ADMIN,
        _("The organisation's Active Directory does not let this user sign in at this time of day."),
        (
            _("Nothing is lost: the lead is sent again by itself in the hours that are allowed."),
            _(
                "To send at all hours, have an administrator of the Active Directory change 'Logon Hours' of the user "
                "('Active Directory Users and Computers', the user, 'Account')."
            ),
            APPLICATION_INSTEAD,
        ),
    ),
    EntraKind.SECURITY_DEFAULTS: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "The organisation's security defaults block this sign-in: they demand a second factor and know no "
            "exceptions."
        ),
        (
            _(
                "Change 'authentication' to azureAD, with an application and its secret: security defaults do not "
                "concern applications. The destination's docs page says how."
            ),
            _(
                "Or have an administrator replace the security defaults by conditional access policies ('Microsoft "
                "Entra ID', 'Properties', 'Manage security defaults') and exempt the user, which Microsoft advises "
                "against."
            ),
            RESUME,
        ),
    ),
    EntraKind.USER_AT_RISK: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("Microsoft Entra ID blocks the user because the account is at risk, as if somebody else had its password."),
        (
            _(
                "In the Azure portal open 'Microsoft Entra ID', 'Security', 'Identity Protection', 'Risky users', the "
                "user: see what happened, set a new password, and press 'Dismiss user risk'."
            ),
            (_("Enter the new password as 'password'."), RESUME),
            APPLICATION_INSTEAD,
        ),
    ),
}

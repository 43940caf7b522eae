"""What can go wrong with Dynamics 365, once signed in."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import declare
from leadkeeper.destinations.dynamics.sign_in_diagnoses import OPEN_INSTANCE
from leadkeeper.diagnoses.entry import RESUME, VALIDATE, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.texts import _


class DynamicsKind(AnyKind):
    """Causes that only Dynamics 365 has."""

    ADDRESS_WRONG = "dynamicsAddressWrong"
    NO_ANSWER = "dynamicsNoAnswer"
    TOKEN_REJECTED = "tokenRejected"
    USER_NOT_MEMBER = "userNotMember"
    NO_SECURITY_ROLE = "noSecurityRole"
    CREATE_PRIVILEGE_MISSING = "createPrivilegeMissing"
    FIELD_PERMISSION_MISSING = "fieldPermissionMissing"
    USER_DISABLED = "userDisabled"
    LICENCE_MISSING = "licenceMissing"
    ENVIRONMENT_ADMIN_ONLY = "environmentAdminOnly"
    FIELD_NOT_KNOWN = "fieldNotKnown"
    FIELD_VALUE_WRONG = "fieldValueWrong"
    PICKLIST_VALUE = "picklistValue"
    FIELD_TOO_LONG = "fieldTooLong"
    LOOKUP_NOT_FOUND = "lookupNotFound"
    ORG_RULE_REFUSED = "orgRuleRefused"
    DUPLICATE_REFUSED = "duplicateRefused"


_APPLICATION_USER: Final = _(
    "In the Power Platform admin center (admin.powerplatform.microsoft.com) open 'Environments', the environment, "
    "'Settings', 'Users + permissions', 'Application users', and add the application as a user; with office365 add the "
    "person under 'Users'."
)
_ROLE: Final = _(
    "In Dynamics open 'Settings', 'Security', 'Users', choose the user (view 'Application Users' for an application), "
    "press 'Manage roles', and tick 'Microsoft Marketplace Lead Writer'. If that role is missing, tick one that may "
    "create leads, or import Microsoft's solution that brings it."
)
_MAPPING: Final = _("Or change 'fields' in the connection's settings: null takes a field away.")
_RETRY: Final = _("Then retry this delivery.")

_ACCESS: Final[dict[AnyKind, Entry]] = {
    DynamicsKind.ADDRESS_WRONG: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The instance URL is not that of a Dynamics 365 environment."),
        (
            OPEN_INSTANCE,
            _("The environment may also have been renamed, moved or deleted: ask its administrator."),
            RESUME,
        ),
    ),
    DynamicsKind.NO_ANSWER: Entry(
        Outcome.FAILED,
        Who.PUBLISHER,
        _("Nothing answers at the instance URL in time."),
        (
            _("Check that 'instanceUrl' is a valid Dynamics instance: open it in the browser and sign in."),
            _(
                "If it opens, nothing needs to be done but to wait; the Power Platform admin center shows outages "
                "under 'Service health'."
            ),
            VALIDATE,
        ),
    ),
    DynamicsKind.TOKEN_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Dynamics does not accept the sign-in that Microsoft Entra ID has granted."),
        (
            _(
                "Check that 'directoryId' is the directory of the environment in 'instanceUrl': in the Power Platform "
                "admin center open 'Environments', the environment, and compare 'Environment URL' and the organisation."
            ),
            _APPLICATION_USER,
            RESUME,
        ),
    ),
    DynamicsKind.USER_NOT_MEMBER: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application or user is not a user of this Dynamics environment."),
        (
            _APPLICATION_USER,
            _ROLE,
            _(
                "If it is there, compare 'instanceUrl' with the environment's address, and 'applicationId' with the "
                "application user's Application ID."
            ),
            VALIDATE,
        ),
    ),
    DynamicsKind.NO_SECURITY_ROLE: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application or user has no security role in Dynamics."),
        (_ROLE, VALIDATE),
    ),
    DynamicsKind.CREATE_PRIVILEGE_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application's or user's roles do not allow it to create leads."),
        (
            _ROLE,
            _(
                "For a role of your own open 'Settings', 'Security', 'Security Roles', the role, the table 'Lead' "
                "under 'Sales', and give it Create (and Write and Read, so that a repeated lead can be told) at 'User' "
                "level."
            ),
            VALIDATE,
        ),
    ),
    DynamicsKind.FIELD_PERMISSION_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application or user may not fill in a field of the lead, such as its source (leadsourcecode)."),
        (
            _ROLE,
            _(
                "If the field is secured, open 'Settings', 'Security', 'Column Security Profiles' ('Field Security "
                "Profiles'), add the user to a profile, and set Create of the field to 'Allowed' in it."
            ),
            (_MAPPING, VALIDATE),
        ),
    ),
    DynamicsKind.USER_DISABLED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The application or user is disabled in this Dynamics environment."),
        (
            _(
                "In Dynamics open 'Settings', 'Security', 'Users', the view 'Disabled Users', choose it and press "
                "'Enable'; for an application use 'Application users' in the Power Platform admin center and "
                "'Activate'."
            ),
            VALIDATE,
        ),
    ),
    DynamicsKind.LICENCE_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The user has no licence for Dynamics 365."),
        (
            _(
                "In the Microsoft 365 admin center open 'Users', 'Active users', the user, 'Licenses and apps', and "
                "assign a licence for Dynamics 365; it takes a few minutes to have effect."
            ),
            _("Or change 'authentication' to azureAD: an application needs no licence."),
            VALIDATE,
        ),
    ),
    DynamicsKind.ENVIRONMENT_ADMIN_ONLY: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The Dynamics environment is in administration mode and admits administrators only."),
        (
            _(
                "In the Power Platform admin center open 'Environments', the environment, 'Edit' in 'Details', and "
                "turn 'Administration mode' off when the maintenance is over."
            ),
            VALIDATE,
        ),
    ),
}

_DATA: Final[dict[AnyKind, Entry]] = {
    DynamicsKind.FIELD_NOT_KNOWN: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("A field that the connection fills in does not exist in this environment's leads."),
        (
            _(
                "Read the evidence: it names the field. In Power Apps open 'Tables', 'Lead', 'Columns', and copy the "
                "column's logical name."
            ),
            (_("Correct 'fields' in the connection's settings; null takes a field away."), RESUME),
        ),
    ),
    DynamicsKind.FIELD_VALUE_WRONG: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("A field of this lead was given a value of the wrong kind, such as text where a number belongs."),
        (
            _(
                "Read the evidence: it names the field. In Power Apps open 'Tables', 'Lead', 'Columns', to see its "
                "type."
            ),
            _("Correct 'fields' in the connection's settings, then retry this delivery."),
        ),
    ),
    DynamicsKind.PICKLIST_VALUE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("A choice field was given an option that this environment does not have."),
        (
            _(
                "In Power Apps open 'Tables', 'Lead', 'Columns', the column ('Lead Source' is leadsourcecode), and "
                "note the number of the option that leads are to have."
            ),
            (_("Enter it as 'leadSourceCode', or in 'fields'; null in 'fields' takes a field away."), RESUME),
        ),
    ),
    DynamicsKind.FIELD_TOO_LONG: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("A text of this lead is longer than its field, and the field's length could not be learned."),
        (
            _("In Power Apps open 'Tables', 'Lead', 'Columns', the column, and raise 'Maximum character count'."),
            (_("Or let the role read the table's description, so that texts can be cut to fit."), _RETRY),
        ),
    ),
    DynamicsKind.LOOKUP_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("A record that the connection's field mapping points to does not exist, or may not be seen."),
        ((_("Open the record in Dynamics, and copy its id into 'fields' in the connection's settings."), RESUME),),
    ),
    DynamicsKind.ORG_RULE_REFUSED: Entry(
        Outcome.REFUSED,
        Who.DESTINATION_ADMIN,
        _("A rule of the organisation's own (a plug-in or workflow) refuses this lead."),
        (
            _("Read the evidence: the rule says there what it wants."),
            _(
                "Fill in what it wants with 'fields' in the connection's settings, or change the rule under "
                "'Settings', 'Customizations', 'Plug-in assemblies' or 'Processes'."
            ),
            _RETRY,
        ),
    ),
    DynamicsKind.DUPLICATE_REFUSED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("Dynamics refuses this lead because it looks like another record that is there already."),
        (
            _("Search Dynamics for the customer's e-mail address: the earlier lead may be all you need."),
            _(
                "To have both, turn 'duplicateDetection' off in the settings (an alternate key of your own on the "
                "table must be changed as well), then retry this delivery."
            ),
        ),
    ),
}

ENTRIES: Final[dict[AnyKind, Entry]] = _ACCESS | _DATA

declare(DynamicsKind, ENTRIES)

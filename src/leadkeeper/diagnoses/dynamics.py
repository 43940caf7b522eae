"""What can go wrong with signing in to Microsoft Entra ID, and with Dynamics 365."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.entry import RESUME, VALIDATE, Entry
from leadkeeper.diagnosis import Kind, Outcome, Who

_TENANT: Final = (
    "Sign in to the Azure portal with an account of the organisation that owns Dynamics, open 'Microsoft Entra ID', "
    "'Properties' (or 'Overview'), and copy 'Tenant ID'."
)
_APPLICATION: Final = (
    "In the Azure portal open 'Microsoft Entra ID', 'App registrations', the application for leads, 'Overview', and "
    "copy 'Application (client) ID'."
)
_SECRET: Final = (
    "In the same application open 'Certificates & secrets', 'Client secrets', 'New client secret', and copy its "
    "'Value' at once: it is shown only this once. The 'Secret ID' beside it is not the secret."
)
_APPLICATION_INSTEAD: Final = (
    "Or change 'authentication' to azureAD: an application signs in without a person, and its secret lasts up to two "
    "years."
)
_APPLICATION_USER: Final = (
    "In the Power Platform admin center (admin.powerplatform.microsoft.com) open 'Environments', the environment, "
    "'Settings', 'Users + permissions', 'Application users', and add the application as a user; with office365 add the "
    "person under 'Users'."
)
_ROLE: Final = (
    "In Dynamics open 'Settings', 'Security', 'Users', choose the user (view 'Application Users' for an application), "
    "press 'Manage roles', and tick 'Microsoft Marketplace Lead Writer'. If that role is missing, tick one that may "
    "create leads, or import Microsoft's solution that brings it."
)
_MAPPING: Final = "Or change 'fields' in the connection's settings: null takes a field away. "
_RETRY: Final = "Then retry this delivery."
_OPEN_INSTANCE: Final = (
    "Open Dynamics in the browser and copy the beginning of its address, such as https://contoso.crm4.dynamics.com, "
    "into 'instanceUrl'."
)

_ENTRA: Final[dict[Kind, Entry]] = {
    Kind.TENANT_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "Microsoft Entra ID has no directory with this Directory ID, or none with an active subscription.",
        (_TENANT, "Enter it as 'directoryId'. " + RESUME),
    ),
    Kind.TENANT_INVALID: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The Directory ID is not one that Microsoft Entra ID can read.",
        (_TENANT, "Enter it whole as 'directoryId', 36 characters with four dashes. " + RESUME),
    ),
    Kind.APPLICATION_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "There is no application with this Application ID in the directory.",
        (
            _APPLICATION,
            "Compare 'Directory (tenant) ID' on the same page with 'directoryId': the application must be registered "
            "in, or admitted to, that directory.",
            "Enter both in the settings. " + RESUME,
        ),
    ),
    Kind.APPLICATION_DISABLED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The application is disabled in the directory.",
        (
            "In the Azure portal open 'Microsoft Entra ID', 'Enterprise applications', the application, 'Properties', "
            "and set 'Enabled for users to sign-in?' to 'Yes'.",
            VALIDATE,
        ),
    ),
    Kind.APPLICATION_NOT_ASSIGNED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The user is not assigned to the application, and the application demands it.",
        (
            "In the Azure portal open 'Microsoft Entra ID', 'Enterprise applications', the application, 'Users and "
            "groups', and add the user; or set 'Assignment required?' in 'Properties' to 'No'.",
            VALIDATE,
        ),
    ),
    Kind.CLIENT_SECRET_WRONG: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The application's secret is not the right one.",
        (_APPLICATION, _SECRET, "Enter it as 'applicationKey'. " + RESUME),
    ),
    Kind.CLIENT_SECRET_EXPIRED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The application's secret has expired.",
        (_SECRET, "Enter it as 'applicationKey', and note the day on which it will expire. " + RESUME),
    ),
    Kind.PUBLIC_CLIENT_REFUSED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The application named as 'publicClientId' does not let people sign in without its own secret.",
        (
            "In the Azure portal open 'Microsoft Entra ID', 'App registrations', the application, 'Authentication', "
            "and set 'Allow public client flows' to 'Yes'.",
            _APPLICATION_INSTEAD,
            VALIDATE,
        ),
    ),
    Kind.SIGN_IN_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "Microsoft Entra ID does not accept this sign-in.",
        (
            "With office365: sign in at https://portal.office.com with the same user name and password; correct them "
            "in the settings. The user also needs access to Dynamics 365 and a licence for it.",
            "With azureAD: compare 'directoryId' and 'applicationId' with 'Microsoft Entra ID', 'App registrations', "
            "the application, 'Overview', and make a new secret under 'Certificates & secrets'.",
            RESUME,
        ),
    ),
    Kind.SIGN_IN_BLOCKED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The user account is disabled in Microsoft Entra ID.",
        (
            "In the Azure portal open 'Microsoft Entra ID', 'Users', the user, 'Properties', 'Settings', and tick "
            "'Account enabled'.",
            _APPLICATION_INSTEAD,
            VALIDATE,
        ),
    ),
    Kind.PASSWORD_EXPIRED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The user's password has expired; many organisations let one last for 90 days.",
        (
            "Sign in at https://portal.office.com as this user, choose a new password, and enter it as 'password'. "
            + RESUME,
            _APPLICATION_INSTEAD,
        ),
    ),
    Kind.ACCOUNT_LOCKED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The user account is locked after wrong passwords, or sign-ins from here are judged malicious.",
        (
            "Wait an hour without trying: every further try prolongs the lock.",
            "In the Azure portal open 'Microsoft Entra ID', 'Users', the user, 'Sign-in logs', to see who signs in "
            "with an old password; then enter the right one as 'password'. " + RESUME,
            _APPLICATION_INSTEAD,
        ),
    ),
    Kind.MULTI_FACTOR_REQUIRED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The user must prove who they are with a second factor, which a program cannot do.",
        (
            "Change 'authentication' to azureAD, with an application and its secret: the docs page of Dynamics says "
            "how.",
            "Or have an administrator exempt this user from multi-factor authentication, which Microsoft advises "
            "against.",
            RESUME,
        ),
    ),
    Kind.CONDITIONAL_ACCESS: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "A conditional access policy of the organisation forbids this sign-in.",
        (
            "In the Azure portal open 'Microsoft Entra ID', 'Sign-in logs', the failed sign-in (under 'Service "
            "principal sign-ins' for an application), 'Conditional Access': it names the policy.",
            "Exclude the user or application from that policy, or admit the addresses of this installation.",
            VALIDATE,
        ),
    ),
    Kind.CONSENT_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "Nobody has consented that the application may use Dynamics in the users' name.",
        (
            "In the Azure portal open 'Microsoft Entra ID', 'App registrations', the application, 'API permissions', "
            "add 'Dynamics CRM', 'Delegated permissions', 'user_impersonation', and press 'Grant admin consent'.",
            VALIDATE,
        ),
    ),
    Kind.RESOURCE_NOT_IN_TENANT: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The directory that was signed in to does not know this Dynamics environment.",
        (
            _OPEN_INSTANCE,
            "Check that 'directoryId' is the directory of the organisation that owns this environment, not that of the "
            "publisher's own: the Azure portal shows it under 'Microsoft Entra ID', 'Properties', 'Tenant ID'.",
            RESUME,
        ),
    ),
    Kind.TOKEN_REQUEST_INVALID: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        "Microsoft Entra ID does not understand how we asked for a token: the fault is ours, or the instance URL's.",
        (_OPEN_INSTANCE, "If the URL is right, report the evidence to Leadkeeper's maintainers.", VALIDATE),
    ),
}

_ACCESS: Final[dict[Kind, Entry]] = {
    Kind.DYNAMICS_ADDRESS_WRONG: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The instance URL is not that of a Dynamics 365 environment.",
        (
            _OPEN_INSTANCE,
            "The environment may also have been renamed, moved or deleted: ask its administrator.",
            RESUME,
        ),
    ),
    Kind.DYNAMICS_NO_ANSWER: Entry(
        Outcome.FAILED,
        Who.PUBLISHER,
        "Nothing answers at the instance URL in time.",
        (
            "Check that 'instanceUrl' is a valid Dynamics instance: open it in the browser and sign in.",
            "If it opens, nothing needs to be done but to wait; the Power Platform admin center shows outages under "
            "'Service health'.",
            VALIDATE,
        ),
    ),
    Kind.TOKEN_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "Dynamics does not accept the sign-in that Microsoft Entra ID has granted.",
        (
            "Check that 'directoryId' is the directory of the environment in 'instanceUrl': in the Power Platform "
            "admin center open 'Environments', the environment, and compare 'Environment URL' and the organisation.",
            _APPLICATION_USER,
            RESUME,
        ),
    ),
    Kind.USER_NOT_MEMBER: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The application or user is not a user of this Dynamics environment.",
        (
            _APPLICATION_USER,
            _ROLE,
            "If it is there, compare 'instanceUrl' with the environment's address, and 'applicationId' with the "
            "application user's Application ID.",
            VALIDATE,
        ),
    ),
    Kind.NO_SECURITY_ROLE: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The application or user has no security role in Dynamics.",
        (_ROLE, VALIDATE),
    ),
    Kind.CREATE_PRIVILEGE_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The application's or user's roles do not allow it to create leads.",
        (
            _ROLE,
            "For a role of your own open 'Settings', 'Security', 'Security Roles', the role, the table 'Lead' under "
            "'Sales', and give it Create (and Write and Read, so that a repeated lead can be told) at 'User' level.",
            VALIDATE,
        ),
    ),
    Kind.FIELD_PERMISSION_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The application or user may not fill in a field of the lead, such as its source (leadsourcecode).",
        (
            _ROLE,
            "If the field is secured, open 'Settings', 'Security', 'Column Security Profiles' ('Field Security "
            "Profiles'), add the user to a profile, and set Create of the field to 'Allowed' in it.",
            _MAPPING + VALIDATE,
        ),
    ),
    Kind.USER_DISABLED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The application or user is disabled in this Dynamics environment.",
        (
            "In Dynamics open 'Settings', 'Security', 'Users', the view 'Disabled Users', choose it and press "
            "'Enable'; for an application use 'Application users' in the Power Platform admin center and 'Activate'.",
            VALIDATE,
        ),
    ),
    Kind.LICENCE_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The user has no licence for Dynamics 365.",
        (
            "In the Microsoft 365 admin center open 'Users', 'Active users', the user, 'Licenses and apps', and assign "
            "a licence for Dynamics 365; it takes a few minutes to have effect.",
            "Or change 'authentication' to azureAD: an application needs no licence.",
            VALIDATE,
        ),
    ),
    Kind.ENVIRONMENT_ADMIN_ONLY: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        "The Dynamics environment is in administration mode and admits administrators only.",
        (
            "In the Power Platform admin center open 'Environments', the environment, 'Edit' in 'Details', and turn "
            "'Administration mode' off when the maintenance is over.",
            VALIDATE,
        ),
    ),
}

_DATA: Final[dict[Kind, Entry]] = {
    Kind.FIELD_NOT_KNOWN: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "A field that the connection fills in does not exist in this environment's leads.",
        (
            "Read the evidence: it names the field. In Power Apps open 'Tables', 'Lead', 'Columns', and copy the "
            "column's logical name.",
            "Correct 'fields' in the connection's settings; null takes a field away. " + RESUME,
        ),
    ),
    Kind.FIELD_VALUE_WRONG: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        "A field of this lead was given a value of the wrong kind, such as text where a number belongs.",
        (
            "Read the evidence: it names the field. In Power Apps open 'Tables', 'Lead', 'Columns', to see its type.",
            "Correct 'fields' in the connection's settings, then retry this delivery.",
        ),
    ),
    Kind.PICKLIST_VALUE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "A choice field was given an option that this environment does not have.",
        (
            "In Power Apps open 'Tables', 'Lead', 'Columns', the column ('Lead Source' is leadsourcecode), and note "
            "the number of the option that leads are to have.",
            "Enter it as 'leadSourceCode', or in 'fields'; null in 'fields' takes a field away. " + RESUME,
        ),
    ),
    Kind.FIELD_TOO_LONG: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        "A text of this lead is longer than its field, and the field's length could not be learned.",
        (
            "In Power Apps open 'Tables', 'Lead', 'Columns', the column, and raise 'Maximum character count'.",
            "Or let the role read the table's description, so that texts can be cut to fit. " + _RETRY,
        ),
    ),
    Kind.LOOKUP_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "A record that the connection's field mapping points to does not exist, or may not be seen.",
        ("Open the record in Dynamics, and copy its id into 'fields' in the connection's settings. " + RESUME,),
    ),
    Kind.ORG_RULE_REFUSED: Entry(
        Outcome.REFUSED,
        Who.DESTINATION_ADMIN,
        "A rule of the organisation's own (a plug-in or workflow) refuses this lead.",
        (
            "Read the evidence: the rule says there what it wants.",
            "Fill in what it wants with 'fields' in the connection's settings, or change the rule under 'Settings', "
            "'Customizations', 'Plug-in assemblies' or 'Processes'.",
            _RETRY,
        ),
    ),
    Kind.DUPLICATE_REFUSED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        "Dynamics refuses this lead because it looks like another record that is there already.",
        (
            "Search Dynamics for the customer's e-mail address: the earlier lead may be all you need.",
            "To have both, turn 'duplicateDetection' off in the settings (an alternate key of your own on the table "
            "must be changed as well), then retry this delivery.",
        ),
    ),
}

ENTRIES: Final[dict[Kind, Entry]] = _ENTRA | _ACCESS | _DATA

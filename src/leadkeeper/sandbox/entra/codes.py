"""The codes of Entra that a sign-in without a browser can meet, beyond those that have a state of their own.

Numbers and wording are those of "Microsoft Entra authentication & authorization error codes", which is
``MicrosoftDocs/entra-docs/docs/identity-platform/reference-error-codes.md`` on GitHub, shortened to what the
service itself says. The page names no status and no ``error``: those here are what OAuth 2.0 means by each.
"""

from __future__ import annotations

from typing import Final

REQUEST: Final = "invalid_request"
GRANT: Final = "invalid_grant"
CLIENT: Final = "invalid_client"
UNAUTHORIZED: Final = "unauthorized_client"
RESOURCE: Final = "invalid_resource"
SCOPE: Final = "invalid_scope"
INTERACTION: Final = "interaction_required"
BUSY: Final = "temporarily_unavailable"

OF_ALL: Final = {
    28002: (
        SCOPE,
        "Provided value for the input parameter scope '{value}' isn't valid when requesting an access token.",
    ),
    28003: (SCOPE, "Provided value for the input parameter scope can't be empty when requesting an access token."),
    50000: (REQUEST, "There's an issue with the sign-in service."),
    50001: (RESOURCE, "The resource is disabled or doesn't exist."),
    50002: (GRANT, "Sign-in failed because of a restricted proxy access on the tenant."),
    500021: (REQUEST, "Access to '{tenant}' tenant is denied."),
    500022: (REQUEST, "Access to '{tenant}' tenant is denied."),
    50029: (REQUEST, "Invalid URI - domain name contains invalid characters."),
    50049: (REQUEST, "Unknown or invalid instance."),
    50194: (REQUEST, "Application '{app}' isn't configured as a multitenant application."),
    650052: (REQUEST, "The app needs access to a service that your organization hasn't subscribed to or enabled."),
    650054: (REQUEST, "The application asked for permissions to access a resource that has been removed."),
    650056: (REQUEST, "Misconfigured application."),
    650057: (RESOURCE, "Invalid resource. The client has requested access to a resource which isn't listed."),
    70001: (UNAUTHORIZED, "The application is disabled."),
    700011: (UNAUTHORIZED, "Application with identifier {app} was not found in the directory."),
    70002: (CLIENT, "Error validating the credentials. The specified client_secret does not match the expected value."),
    700025: (CLIENT, "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."),
    70012: (BUSY, "A server error occurred while authenticating an MSA (consumer) user. Try again."),
    90006: (BUSY, "The service is temporarily unavailable."),
    90012: (BUSY, "The requested has timed out."),
    90019: (REQUEST, "Microsoft Entra ID was unable to determine the tenant identifier from the request."),
    90023: (REQUEST, "The authentication service request isn't valid."),
    90024: (BUSY, "A transient error has occurred. Try again."),
    90036: (REQUEST, "An unexpected, non-retryable error from the WCF service hosted by MSODS has occurred."),
    90038: (
        REQUEST,
        "The specified tenant '{tenant}' belongs to the National Cloud 'X'. Current cloud instance 'Z' does not "
        "federate with X.",
    ),
    900382: (REQUEST, "Confidential Client isn't supported in Cross Cloud request."),
    900432: (REQUEST, "Confidential Client isn't supported in Cross Cloud request."),
    90051: (REQUEST, "The national cloud identifier contains an invalid cloud identifier."),
    90055: (BUSY, "There are too many incoming requests."),
    90090: (BUSY, "The service is temporarily unavailable."),
    90091: (BUSY, "The service is unreachable."),
    90100: (REQUEST, "The parameter is empty or not valid."),
    90124: (REQUEST, "The resource isn't supported over the `/common` or `/consumers` endpoints."),
    90130: (REQUEST, "The application isn't supported over the `/common` or `/consumers` endpoints."),
    1000031: (UNAUTHORIZED, "Application {app} can't be accessed at this time. Contact your administrator."),
    1000104: (REQUEST, "Resource cloud X isn't allowed on identity tenant {tenant}."),
}
"""What an application can meet as well as a person: ``error`` and text by code."""
OF_PEOPLE: Final = {
    16000: (INTERACTION, "User account doesn't exist in tenant '{tenant}' and can't access the application '{app}'."),
    50005: (GRANT, "User tried to sign in to a device from a platform not currently supported."),
    50014: (GRANT, "The user account doesn't exist in the directory."),
    50020: (GRANT, "User account '{value}' does not exist in tenant '{tenant}' and cannot access the application."),
    500212: (GRANT, "The user's administrator has set an outbound access policy that doesn't allow access."),
    500213: (GRANT, "The resource tenant's cross-tenant access policy doesn't allow this user to access this tenant."),
    50064: (GRANT, "Credential validation on username or password has failed."),
    50078: (INTERACTION, "Presented multifactor authentication has expired due to policies of your administrator."),
    50097: (INTERACTION, "Device authentication is required."),
    50125: (INTERACTION, "Sign-in was interrupted because of a password reset or password registration entry."),
    50129: (INTERACTION, "Workplace join is required to register the device."),
    50131: (GRANT, "The request was blocked due to suspicious activity, access policy, or security policy decisions."),
    50135: (GRANT, "Password change is required due to account risk."),
    50144: (GRANT, "User's Active Directory password has expired."),
    50155: (GRANT, "Device authentication failed for this user."),
    50187: (GRANT, "The service failed to perform device authentication."),
    50197: (GRANT, "The user could not be found. Try signing in again."),
    51004: (GRANT, "The user account doesn't exist in the directory."),
    53001: (GRANT, "Conditional Access policy requires a domain joined device, and the device isn't domain joined."),
    53002: (GRANT, "The app used isn't an approved app for Conditional Access."),
    53004: (INTERACTION, "User needs to complete the multifactor authentication registration process."),
    53010: (INTERACTION, "Cannot configure multifactor authentication methods from this location or device."),
    53011: (GRANT, "User blocked due to risk on home tenant."),
    530032: (GRANT, "The tenant admin has configured a security policy that blocks this request."),
    530034: (GRANT, "A delegated administrator was blocked from accessing the tenant due to account risk."),
    530035: (GRANT, "Access has been blocked by security defaults."),
    65004: (GRANT, "User declined to consent to access the app."),
    65005: (GRANT, "The app required resource access list doesn't contain apps discoverable by the resource."),
    700020: (INTERACTION, "The access grant requires interaction."),
    80001: (GRANT, "The Authentication Agent is unable to connect to Active Directory."),
    80002: (GRANT, "Password validation request timed out."),
    80005: (GRANT, "An unknown error occurred while processing the response from the Authentication Agent."),
    80007: (GRANT, "The Authentication Agent is unable to validate user's password."),
    80010: (GRANT, "The Authentication Agent is unable to decrypt password."),
    80012: (GRANT, "The users attempted to log on outside of the allowed hours."),
    80013: (GRANT, "The authentication attempt couldn't be completed due to time skew."),
    80014: (GRANT, "Validation request responded after maximum elapsed time exceeded."),
    90013: (GRANT, "The input from the user isn't valid."),
    90094: (GRANT, "Administrator consent is required."),
    90095: (GRANT, "Admin consent is to be requested."),
    90099: (GRANT, "The application '{app}' has not been authorized in the tenant '{tenant}'."),
    90101: (GRANT, "The supplied data isn't a valid email address."),
    9002341: (GRANT, "The user is required to permit Single Sign-On (SSO)."),
}
"""What only people meet, who sign in with a password: ``error`` and text by code."""

"""The names of what Microsoft Entra ID may have against a sign-in."""

from __future__ import annotations

from leadkeeper.diagnosis import AnyKind


class EntraKind(AnyKind):
    """Causes of Microsoft Entra ID that a sign-in fails, the same for every system that is signed in to."""

    TENANT_NOT_FOUND = "tenantNotFound"
    TENANT_INVALID = "tenantInvalid"
    APPLICATION_NOT_FOUND = "applicationNotFound"
    APPLICATION_DISABLED = "applicationDisabled"
    APPLICATION_NOT_ASSIGNED = "applicationNotAssigned"
    CLIENT_SECRET_WRONG = "clientSecretWrong"
    CLIENT_SECRET_EXPIRED = "clientSecretExpired"
    PUBLIC_CLIENT_REFUSED = "publicClientRefused"
    SIGN_IN_REJECTED = "signInRejected"
    SIGN_IN_BLOCKED = "signInBlocked"
    PASSWORD_EXPIRED = "passwordExpired"
    ACCOUNT_LOCKED = "accountLocked"
    MULTI_FACTOR_REQUIRED = "multiFactorRequired"
    CONDITIONAL_ACCESS = "conditionalAccess"
    TENANT_RESTRICTED = "tenantRestricted"
    APPLICATION_SINGLE_TENANT = "applicationSingleTenant"
    APPLICATION_PUBLIC = "applicationPublic"
    PUBLIC_CLIENT_NOT_FOUND = "publicClientNotFound"
    DIRECTORY_PASSWORD_EXPIRED = "directoryPasswordExpired"
    DIRECTORY_NOT_REACHED = "directoryNotReached"
    LOGON_HOURS = "logonHours"
    SECURITY_DEFAULTS = "securityDefaults"
    USER_AT_RISK = "userAtRisk"

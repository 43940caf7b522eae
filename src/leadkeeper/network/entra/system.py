"""The causes of a refused sign-in that concern the system signed in to: a destination tells them in its own words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from leadkeeper.diagnosis import AnyKind


class SystemCause(Enum):
    """What may be wrong with the system that somebody signs in to, or with its part in the directory."""

    CONSENT_MISSING = auto()
    NOT_IN_TENANT = auto()
    REQUEST_INVALID = auto()
    IN_ANOTHER_CLOUD = auto()
    PUBLIC_CLIENT_MISSING = auto()


Cause = AnyKind | SystemCause
"""A kind that is the same for every system, or what each system has a kind of its own for."""


@dataclass(frozen=True, slots=True)
class SystemKinds:
    """The kinds of a destination that signs in with Microsoft Entra ID, for the causes that concern its system.

    ``consent_missing``: nobody has let the application use the system; ``not_in_tenant``: the directory does not know
    the system; ``request_invalid``: the request for a token is not understood, as when the system's address is wrong;
    ``in_another_cloud``: the directory is in another cloud than the system; ``public_client_missing``: Microsoft's own
    application may not sign users in to the system, and the publisher has named no other.
    """

    consent_missing: AnyKind
    not_in_tenant: AnyKind
    request_invalid: AnyKind
    in_another_cloud: AnyKind
    public_client_missing: AnyKind

    def of(self, cause: Cause) -> AnyKind:
        """The kind to give for ``cause``."""
        if isinstance(cause, AnyKind):
            return cause
        own = {
            SystemCause.CONSENT_MISSING: self.consent_missing,
            SystemCause.NOT_IN_TENANT: self.not_in_tenant,
            SystemCause.REQUEST_INVALID: self.request_invalid,
            SystemCause.IN_ANOTHER_CLOUD: self.in_another_cloud,
            SystemCause.PUBLIC_CLIENT_MISSING: self.public_client_missing,
        }
        return own[cause]

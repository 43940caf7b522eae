"""The errors that Microsoft's marketplace shows a publisher whose Dynamics connection fails, and what they are here.

The texts are Microsoft's own, without what follows them (ids, times, advice). Source:
``docs/reference/vendors/marketplace.md#dynamics-errors``. All are led in by ``Could not save the lead to Dynamics
CRM``; ``explain`` recognizes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.diagnosis import AnyKind
from leadkeeper.network.entra.diagnoses import EntraKind


@dataclass(frozen=True, slots=True)
class MicrosoftText:
    """One of Microsoft's texts and the kind it means. ``telling`` is the part that no other of them has.

    ``also`` are other wordings of that part: Microsoft's pages were translated more than once. In them ``…`` stands for
    up to four words.
    """

    text: str
    telling: str
    kind: AnyKind
    also: tuple[str, ...] = ()


MICROSOFT_TEXTS: Final = (
    MicrosoftText(
        "Check the Dynamics CRM account settings. LastCRMError: Unable to sign in to Dynamics CRM, LastCRMException:",
        "Unable to sign in to Dynamics CRM",
        EntraKind.SIGN_IN_REJECTED,
    ),
    MicrosoftText(
        "User does not have create permissions for the leadsourcecode attribute in the lead entity",
        "create permissions for the leadsourcecode attribute",
        DynamicsKind.FIELD_PERMISSION_MISSING,
    ),
    MicrosoftText(
        "using AAD. Exception:: Tenant not found. This instance may happen if there are no active subscriptions for "
        "the tenant.",
        "Tenant not found",
        EntraKind.TENANT_NOT_FOUND,
    ),
    MicrosoftText(
        "LastCRMError: SecLib::RetrievePrivilegeForUser failed - no roles are assigned to user.",
        "RetrievePrivilegeForUser failed",
        DynamicsKind.NO_SECURITY_ROLE,
    ),
    MicrosoftText(
        "using AAD. Exception:: Application with identifier was not found in the directory",
        "was not found in the directory",
        EntraKind.APPLICATION_NOT_FOUND,
    ),
    MicrosoftText(
        "using AAD. Exception:: Requested tenant identifier is not valid and not valid external domain format",
        "tenant identifier is not valid",
        EntraKind.TENANT_INVALID,
    ),
    MicrosoftText(
        "using AAD. Exception:: Error validating credentials.: Invalid client secret is provided.",
        "Invalid client secret",
        EntraKind.CLIENT_SECRET_WRONG,
    ),
    MicrosoftText(
        "LastCRMError: The request channel timed out while waiting for a reply after 00:02:00.",
        "request channel timed out",
        DynamicsKind.NO_ANSWER,
    ),
)

"""What can go wrong when somebody signs in with Microsoft Entra ID: the causes of applications and of accounts."""

from __future__ import annotations

from leadkeeper.catalogue import declare
from leadkeeper.network.entra import accounts, applications
from leadkeeper.network.entra.kinds import EntraKind

__all__ = ["EntraKind"]

declare(EntraKind, applications.ENTRIES | accounts.ENTRIES)

"""Who may do what: one table, for keys and for people alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadkeeper.texts import lazy_gettext as _


class Permission(StrEnum):
    """What somebody may do; within one publisher, unless their role is for all."""

    HAND_IN = "handIn"
    SEE = "see"
    CHANGE = "change"
    INVITE = "invite"
    OPERATE = "operate"


class Role(StrEnum):
    """What a key or a person is: for all publishers the first two, for one publisher the others."""

    OPERATOR = "operator"
    MARKETPLACE = "marketplace"
    PUBLISHER = "publisher"
    OWNER = "owner"
    CONTRIBUTOR = "contributor"
    READER = "reader"


_ALL_OF_ONE: Final = frozenset({Permission.SEE, Permission.CHANGE, Permission.INVITE})
PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.OPERATOR: frozenset(Permission),
    Role.MARKETPLACE: frozenset({Permission.HAND_IN}),
    Role.PUBLISHER: _ALL_OF_ONE,
    Role.OWNER: _ALL_OF_ONE,
    Role.CONTRIBUTOR: frozenset({Permission.SEE, Permission.CHANGE}),
    Role.READER: frozenset({Permission.SEE}),
}
"""The table."""
MEANINGS: Final[Mapping[Permission, str]] = {
    Permission.HAND_IN: _("hand in leads, for any publisher"),
    Permission.SEE: _("see offers, connections, leads and members"),
    Permission.CHANGE: _("change offers, connections and hooks, publish, send leads again"),
    Permission.INVITE: _("invite members, change their roles, remove them"),
    Permission.OPERATE: _("do all of this for every publisher, make publishers, certify, invite operators"),
}
FOR_ALL: Final = frozenset({Role.OPERATOR, Role.MARKETPLACE})
"""Roles that are not of one publisher."""
MEMBER_ROLES: Final = (Role.OWNER, Role.CONTRIBUTOR, Role.READER)
"""What a person can be in a publisher."""
ROLE_NAMES: Final[Mapping[Role, str]] = {
    Role.OPERATOR: _("Operator"),
    Role.MARKETPLACE: _("Marketplace"),
    Role.PUBLISHER: _("Key of the publisher"),
    Role.OWNER: _("Owner"),
    Role.CONTRIBUTOR: _("Contributor"),
    Role.READER: _("Reader"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever stands behind a key, or is signed in as a person; ``publisher_id`` is whose they act for.

    ``suspended``: an operator suspended that publisher, so whoever acts for it may see and do nothing else.
    """

    key_id: str
    role: Role
    publisher_id: str | None = None
    person_id: str | None = None
    suspended: bool = False

    def may(self, permission: Permission, publisher_id: str | None = None) -> bool:
        """Whether the caller may do this, to what belongs to ``publisher_id``."""
        of_theirs = self.role in FOR_ALL or (publisher_id is not None and publisher_id == self.publisher_id)
        stopped = self.suspended and permission is not Permission.SEE
        return of_theirs and not stopped and permission in PERMISSIONS[self.role]

    @property
    def may_hand_in(self) -> bool:
        """Whether the caller may hand in leads."""
        return self.may(Permission.HAND_IN)

    def may_see(self, publisher_id: str) -> bool:
        """Whether the caller may read what belongs to this publisher."""
        return self.may(Permission.SEE, publisher_id)

    def may_change(self, publisher_id: str) -> bool:
        """Whether the caller may change what belongs to this publisher."""
        return self.may(Permission.CHANGE, publisher_id)

    def may_invite(self, publisher_id: str) -> bool:
        """Whether the caller says who is a member of this publisher."""
        return self.may(Permission.INVITE, publisher_id)

    @property
    def may_read(self) -> bool:
        """Whether the caller may see anything at all."""
        return self.may(Permission.SEE, self.publisher_id)

    @property
    def is_operator(self) -> bool:
        """Whether the caller runs this installation: who it says may be written to, may be."""
        return self.may(Permission.OPERATE)

    @property
    def name(self) -> str:
        """How the caller is written in the audit."""
        return f"key:{self.key_id}" if self.person_id is None else f"person:{self.person_id}"

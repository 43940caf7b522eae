"""Who calls an environment, in which state of the stand-in, and what it may do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.organization import CREATE, METADATA, Member, Organization
from leadkeeper.sandbox.stand_in import Answer

JSON_HEADERS: Final = {
    "Content-Type": "application/json; odata.metadata=minimal",
    "OData-Version": "4.0",
}
DONE: Final = Answer(204, headers={"OData-Version": "4.0"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, where, and in which state of the stand-in."""

    organization: Organization
    member: Member
    state: str
    base: str

    @property
    def privileges(self) -> frozenset[str]:
        """The member's privileges as they are in this state."""
        match self.state:
            case "privilegeMissing":
                return self.member.privileges - {CREATE}
            case "createOnly" | "createOnlyUpsert":
                return self.member.privileges & {CREATE}
            case "metadataForbidden":
                return self.member.privileges - {METADATA}
            case _:
                return self.member.privileges

    def demand(self, *wanted: str) -> None:
        """Raises :class:`Refused` for the first privilege that is missing."""
        if CREATE in wanted and self.state == "accessDenied":
            raise Refused(errors.ACCESS, user=self.member.id)
        for each in wanted:
            self.organization.demand(self.member, self.privileges, each)

    @property
    def secured(self) -> frozenset[str]:
        """The columns that the member may not fill in this state."""
        return self.member.secured | ({"leadsourcecode"} if self.state == "fieldForbidden" else frozenset())

"""What a lead refers to: the relationships of its table, and the references that a caller sets.

From the many-to-one relationships of the reference that :mod:`~leadkeeper.sandbox.dynamics.columns` names. Of the
tables that they lead to the sandbox has campaigns alone, so that a reference to any other finds no record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.caller import Caller
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.organization import APPEND, APPEND_TO_CAMPAIGN
from leadkeeper.sandbox.dynamics.schema import ENTITY, definition_id, guid

BIND: Final = "@odata.bind"
_REFERENCE: Final = re.compile(r"(?:https://[^/]+/api/data/v9\.\d)?/?(?P<set>\w+)\((?P<id>[^)]*)\)")


@dataclass(frozen=True, slots=True)
class Relationship:
    """A many-to-one relationship: ``navigation`` is the property that ``attribute`` is set by, to rows of ``table``."""

    schema: str
    attribute: str
    table: str
    entity_set: str
    navigation: str

    @property
    def column(self) -> str:
        """The column that a record shows the reference in."""
        return f"_{self.attribute}_value"

    def definition(self) -> dict[str, object]:
        """The relationship as metadata shows it."""
        return {
            "@odata.type": "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
            "MetadataId": definition_id(f"relationship/{self.schema}"),
            "SchemaName": self.schema,
            "RelationshipType": "OneToManyRelationship",
            "IsCustomRelationship": False,
            "ReferencingEntity": ENTITY,
            "ReferencingAttribute": self.attribute,
            "ReferencedEntity": self.table,
            "ReferencedAttribute": f"{self.table}id",
            "ReferencingEntityNavigationPropertyName": self.navigation,
            "ReferencedEntityNavigationPropertyName": self.schema,
        }


def _to(schema: str, attribute: str, table: str, entity_set: str, navigation: str | None = None) -> Relationship:
    return Relationship(schema, attribute, table, entity_set, navigation or attribute)


RELATIONSHIPS: Final = (
    _to("lead_customer_accounts", "customerid", "account", "accounts", "customerid_account"),
    _to("lead_customer_contacts", "customerid", "contact", "contacts", "customerid_contact"),
    _to("lead_master_lead", "masterid", "lead", "leads"),
    _to("lead_parent_account", "parentaccountid", "account", "accounts"),
    _to("lead_parent_contact", "parentcontactid", "contact", "contacts"),
    _to("CampaignResponse_Lead", "relatedobjectid", "campaignresponse", "campaignresponses"),
    _to("campaign_leads", "campaignid", "campaign", "campaigns"),
    _to("lead_qualifying_opportunity", "qualifyingopportunityid", "opportunity", "opportunities"),
)
_READ_ONLY: Final = "masterid"
NAVIGATION: Final = {each.navigation: each for each in RELATIONSHIPS if each.attribute != _READ_ONLY}
"""The relationships that a caller may set, by navigation property."""
BY_COLUMN: Final = {each.column: each for each in NAVIGATION.values()}


def referred(caller: Caller, relationship: Relationship, value: object) -> str | None:
    """The id of the record that ``value`` refers to, None for none; raises :class:`Refused` when there is none."""
    if value is None:
        return None
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    record = guid(found["id"]) if found and found["set"] == relationship.entity_set else None
    if record is None:
        name = f"{relationship.navigation}{BIND}"
        raise Refused(errors.BAD_PAYLOAD, reason=f"Microsoft.OData.ODataException: {name} is no reference.")
    caller.demand(APPEND)
    if relationship.table == "campaign":
        caller.demand(APPEND_TO_CAMPAIGN)
    if relationship.table != "campaign" or record not in caller.organization.campaigns:
        raise Refused(errors.NO_RECORD, entity=relationship.table, id=record)
    return record

"""The fields of Lead in an org without optional features, as ``describe`` lists them, and how an administrator changes
them.

Source: Salesforce's object reference (Lead). Names are taken in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

EXTERNAL_ID: Final = "MarketplaceLeadId__c"
"""The custom field of every org here that is an external id, unique and without regard to case."""
UNIQUE: Final = "MarketplaceNumber__c"
"""The custom field of every org here that is unique but no external id."""
OPEN: Final = "Open - Not Contacted"
"""The status that a lead has when nothing is said."""
_SOAP: Final = {
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "id": "tns:ID",
    "reference": "tns:ID",
    "address": "urn:address",
}
_DEFAULTED: Final = ("OwnerId", "Status")


@dataclass(frozen=True, slots=True)
class LeadField:
    """One field of Lead. ``web`` is its name in a Web-to-Lead form; ``values`` those of a picklist."""

    name: str
    label: str
    kind: str = "string"
    length: int = 0
    web: str = ""
    values: tuple[str, ...] = ()
    required: bool = False
    restricted: bool = False
    unique: bool = False
    external_id: bool = False
    createable: bool = True
    most: int = 0
    refers: tuple[str, ...] = ()

    @property
    def filterable(self) -> bool:
        """It may stand in WHERE and ORDER BY; long texts and compound fields may not."""
        return self.kind != "address" and not (self.kind == "textarea" and self.length > 255)

    @property
    def defaulted(self) -> bool:
        """The service fills it in when nothing is said."""
        return self.kind in {"boolean", "id"} or self.name in _DEFAULTED or self.is_stamp

    @property
    def is_stamp(self) -> bool:
        """One of those that say who made or changed the lead, and when."""
        return self.name in {"CreatedDate", "LastModifiedDate", "SystemModstamp", "CreatedById", "LastModifiedById"}

    def described(self) -> dict[str, object]:
        """The field as ``describe`` lists it."""
        values = [
            {"active": True, "defaultValue": text == OPEN, "label": text, "value": text, "validFor": None}
            for text in self.values
        ]
        return {
            "name": self.name,
            "label": self.label,
            "type": self.kind,
            "soapType": _SOAP.get(self.kind, "xsd:string"),
            "length": self.length,
            "byteLength": self.length * 3,
            "createable": self.createable,
            "updateable": self.createable,
            "nillable": not (self.required or self.defaulted),
            "defaultedOnCreate": self.defaulted,
            "custom": self.name.endswith("__c"),
            "externalId": self.external_id,
            "idLookup": self.external_id or self.name in {"Id", "Email"},
            "unique": self.unique,
            "caseSensitive": False,
            "nameField": self.name == "Name",
            "filterable": self.filterable,
            "sortable": self.filterable,
            "restrictedPicklist": self.restricted,
            "picklistValues": values,
            "referenceTo": list(self.refers),
            "relationshipName": self.name.removesuffix("Id") if self.refers else None,
            "compoundFieldName": _compound(self.name),
        }


def _compound(name: str) -> str | None:
    if name in {"FirstName", "LastName", "Salutation"}:
        return "Name"
    of_address = {"Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy"}
    return "Address" if name in of_address else None


def _fixed(name: str, label: str, kind: str = "string", length: int = 0, *refers: str) -> LeadField:
    """A field that only the service writes."""
    return LeadField(name, label, kind, length or (18 if kind == "reference" else 0), createable=False, refers=refers)


_STATUSES: Final = (OPEN, "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
_ACCURACIES: Final = ("Address", "NearAddress", "Block", "Street", "City", "State", "Unknown")
_CLEAN: Final = ("Matched", "Different", "Acknowledged", "NotFound", "Inactive", "Pending", "Skipped")

FIELDS: Final = (
    _fixed("Id", "Lead ID", "id", 18),
    _fixed("IsDeleted", "Deleted", "boolean"),
    _fixed("MasterRecordId", "Master Record ID", "reference", 18, "Lead"),
    LeadField("LastName", "Last Name", length=80, web="last_name", required=True),
    LeadField("FirstName", "First Name", length=40, web="first_name"),
    LeadField("Salutation", "Salutation", "picklist", 40, "salutation", ("Mr.", "Ms.", "Dr.")),
    _fixed("Name", "Full Name", "string", 121),
    LeadField("Title", "Title", length=128, web="title"),
    LeadField("Company", "Company", length=255, web="company", required=True),
    LeadField("Street", "Street", "textarea", 255, "street"),
    LeadField("City", "City", length=40, web="city"),
    LeadField("State", "State/Province", length=80, web="state"),
    LeadField("PostalCode", "Zip/Postal Code", length=20, web="zip"),
    LeadField("Country", "Country", length=80, web="country"),
    LeadField("Latitude", "Latitude", "double"),
    LeadField("Longitude", "Longitude", "double"),
    LeadField("GeocodeAccuracy", "Geocode Accuracy", "picklist", 40, values=_ACCURACIES, restricted=True),
    _fixed("Address", "Address", "address"),
    LeadField("Phone", "Phone", "phone", 40, "phone"),
    LeadField("MobilePhone", "Mobile Phone", "phone", 40, "mobile"),
    LeadField("Fax", "Fax", "phone", 40, "fax"),
    LeadField("Email", "Email", "email", 80, "email"),
    LeadField("Website", "Website", "url", 255, "URL"),
    _fixed("PhotoUrl", "Photo URL", "url", 255),
    LeadField("Description", "Description", "textarea", 32_000, "description"),
    LeadField("LeadSource", "Lead Source", "picklist", 255, "lead_source", ("Web", "Partner Referral", "Other")),
    LeadField("Status", "Lead Status", "picklist", 255, values=_STATUSES),
    LeadField("Industry", "Industry", "picklist", 255, "industry", ("Banking", "Technology", "Other")),
    LeadField("Rating", "Rating", "picklist", 255, "rating", ("Hot", "Warm", "Cold"), restricted=True),
    LeadField("AnnualRevenue", "Annual Revenue", "currency"),
    LeadField("NumberOfEmployees", "No. of Employees", "int", web="employees", most=99_999_999),
    LeadField("OwnerId", "Owner ID", "reference", 18, refers=("Group", "User")),
    LeadField("HasOptedOutOfEmail", "Email Opt Out", "boolean"),
    LeadField("HasOptedOutOfFax", "Fax Opt Out", "boolean"),
    LeadField("DoNotCall", "Do Not Call", "boolean"),
    _fixed("IsConverted", "Converted", "boolean"),
    _fixed("ConvertedDate", "Converted Date", "date"),
    _fixed("ConvertedAccountId", "Converted Account ID", "reference", 18, "Account"),
    _fixed("ConvertedContactId", "Converted Contact ID", "reference", 18, "Contact"),
    _fixed("ConvertedOpportunityId", "Converted Opportunity ID", "reference", 18, "Opportunity"),
    LeadField("IsUnreadByOwner", "Unread By Owner", "boolean"),
    _fixed("CreatedDate", "Created Date", "datetime"),
    _fixed("CreatedById", "Created By ID", "reference", 18, "User"),
    _fixed("LastModifiedDate", "Last Modified Date", "datetime"),
    _fixed("LastModifiedById", "Last Modified By ID", "reference", 18, "User"),
    _fixed("SystemModstamp", "System Modstamp", "datetime"),
    _fixed("LastActivityDate", "Last Activity", "date"),
    _fixed("LastViewedDate", "Last Viewed Date", "datetime"),
    _fixed("LastReferencedDate", "Last Referenced Date", "datetime"),
    LeadField("Jigsaw", "Data.com Key", length=20),
    _fixed("JigsawContactId", "Jigsaw Contact ID", "string", 20),
    LeadField("CleanStatus", "Clean Status", "picklist", 40, values=_CLEAN, restricted=True),
    LeadField("CompanyDunsNumber", "Company D-U-N-S Number", length=9),
    LeadField("EmailBouncedReason", "Email Bounced Reason", length=255),
    _fixed("EmailBouncedDate", "Email Bounced Date", "datetime"),
    LeadField("IndividualId", "Individual ID", "reference", 18, refers=("Individual",)),
    LeadField(EXTERNAL_ID, "Marketplace Lead Id", length=64, web="00N5e00000LeadId", unique=True, external_id=True),
    LeadField(UNIQUE, "Marketplace Number", length=40, web="00N5e00000Number", unique=True),
    LeadField("CampaignCode__c", "Campaign Code", length=100, web="00N5e00000Campgn"),
)


def named(values: Mapping[str, object], fields: Sequence[LeadField]) -> dict[str, object]:
    """The values under the names that the org spells, whatever their case; unknown names stay."""
    spelled = {each.name.lower(): each.name for each in fields}
    return {spelled.get(name.lower(), name): value for name, value in values.items()}


def field_named(name: str, fields: Sequence[LeadField]) -> LeadField | None:
    """The field of this name in any case."""
    return next((each for each in fields if each.name.lower() == name.lower()), None)


def fields_in(state: str, fields: Sequence[LeadField]) -> tuple[LeadField, ...]:
    """The fields as an administrator's change leaves them in ``state``."""
    match state:
        case "fieldHidden":
            return tuple(each for each in fields if each.name != "Title")
        case "fieldReadOnly":
            return _changed(fields, "Description", lambda each: replace(each, createable=False))
        case "externalIdMissing":
            return tuple(each for each in fields if not each.external_id)
        case "externalIdAmbiguous":
            return _changed(fields, EXTERNAL_ID, lambda each: replace(each, unique=False))
        case "picklistMandatory":
            return _changed(fields, "LeadSource", lambda each: replace(each, required=True, restricted=True))
        case "countryPicklist":
            countries = ("Portugal", "United Kingdom", "United States")
            return _changed(fields, "Country", lambda each: replace(each, kind="picklist", values=countries))
        case "requiredCustomField":
            return (*fields, LeadField("Region__c", "Region", length=40, web="00N5e00000Region", required=True))
        case _:
            return tuple(fields)


def _changed(fields: Iterable[LeadField], name: str, change: Callable[[LeadField], LeadField]) -> tuple[LeadField, ...]:
    return tuple(change(each) if each.name == name else each for each in fields)

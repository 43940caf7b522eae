"""The standard columns of the table ``lead``, as Microsoft's reference of the table lists them.

From "Lead table/entity reference (Dynamics 365 Sales)" of 02/17/2023, which is ``ce/sales/developer/entities/lead.md``
of the repository MicrosoftDocs/dynamics-365-customer-engagement. One line a column: schema name, kind with the longest
text or the range of numbers and with what is particular, display name. The kind's particulars are a format,
``required``, ``recommended`` or ``system`` (how much it is required), and ``-create``, ``-update``, ``-read`` for what
it is not valid for (``-read``: shown in metadata only).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ADDRESS: Final = """
AddressId|Uniqueidentifier|ID
AddressTypeCode|Picklist|Address Type
City|String 80|City
Composite|Memo 1000 TextArea -create -update|
Country|String 80|Country/Region
County|String 50|County
Fax|String 50|Fax
Latitude|Double -90..90|Latitude
Line1|String 250|Street 1
Line2|String 250|Street 2
Line3|String 250|Street 3
Longitude|Double -180..180|Longitude
Name|String 100|Name
PostalCode|String 20|ZIP/Postal Code
PostOfficeBox|String 20|Post Office Box
ShippingMethodCode|Picklist|Shipping Method
StateOrProvince|String 50|State/Province
Telephone1|String 50 Phone|Telephone 1
Telephone2|String 50 Phone|Telephone 2
Telephone3|String 50 Phone|Telephone 3
UPSZone|String 4|UPS Zone
UTCOffset|Integer -1500..1500 TimeZone|UTC Offset
"""
"""The columns of each of the two addresses; their names begin with ``Address1_`` and ``Address2_``."""
PLAIN_NAMES: Final = frozenset({"City", "Country", "Line1", "Line2", "Line3", "PostalCode", "StateOrProvince"})
"""What the display name of the first address does not begin with ``Address 1: `` for."""
COLUMNS: Final = """
BudgetAmount|Money 0..1000000000000|Budget Amount
BudgetStatus|Picklist|Budget
BusinessCard|Memo 1073741823 TextArea|Business Card
BusinessCardAttributes|String 4000|BusinessCardAttributes
CompanyName|String 100 recommended|Company Name
ConfirmInterest|Boolean|Confirm Interest
CustomerIdType|EntityName -read|Customer Type
DecisionMaker|Boolean|Decision Maker?
Description|Memo 2000 TextArea|Description
DoNotBulkEMail|Boolean|Do not allow Bulk Emails
DoNotEMail|Boolean|Do not allow Emails
DoNotFax|Boolean|Do not allow Faxes
DoNotPhone|Boolean|Do not allow Phone Calls
DoNotPostalMail|Boolean|Do not allow Mails
DoNotSendMM|Boolean|Marketing Material
EMailAddress1|String 100 Email|Email
EMailAddress2|String 100 Email|Email Address 2
EMailAddress3|String 100 Email|Email Address 3
EntityImage|Image|Entity Image
EstimatedAmount|Money 0..1000000000000|Est. Value
EstimatedCloseDate|DateTime DateOnly|Est. Close Date
EstimatedValue|Double 0..1000000000|Est. Value (deprecated)
EvaluateFit|Boolean|Evaluate Fit
Fax|String 50|Fax
FirstName|String 50 recommended|First Name
FollowEmail|Boolean|Follow Email Activity
ImportSequenceNumber|Integer -update|Import Sequence Number
IndustryCode|Picklist|Industry
InitialCommunication|Picklist|Initial Communication
JobTitle|String 100|Job Title
LastName|String 50 required|Last Name
LastOnHoldTime|DateTime DateAndTime|Last On Hold Time
LastUsedInCampaign|DateTime DateOnly -create|Last Campaign Date
LeadId|Uniqueidentifier system -update|Lead
LeadQualityCode|Picklist|Rating
LeadSourceCode|Picklist|Lead Source
MiddleName|String 50|Middle Name
MobilePhone|String 20 Phone|Mobile Phone
msdyn_gdproptout|Boolean|GDPR Optout
msdyn_LeadGrade|Picklist|(Deprecated) Lead Grade
msdyn_LeadScore|Integer|(Deprecated) Lead Score
msdyn_LeadScoreTrend|Picklist|(Deprecated) Lead Score Trend
msdyn_salesassignmentresult|Picklist|Assignment Rule Result
msdyn_ScoreHistory|Memo 2000 Text|(Deprecated) Score History
msdyn_ScoreReasons|Memo 2000 Text|(Deprecated) Score Reasons
Need|Picklist|Need
NumberOfEmployees|Integer 0..1000000|No. of Employees
OverriddenCreatedOn|DateTime DateOnly -update|Record Created On
OwnerIdType|EntityName system -read|
Pager|String 20|Pager
ParticipatesInWorkflow|Boolean|Participates in Workflow
PreferredContactMethodCode|Picklist|Preferred Method of Contact
PriorityCode|Picklist|Priority
ProcessId|Uniqueidentifier|Process Id
PurchaseProcess|Picklist|Purchase Process
PurchaseTimeFrame|Picklist|Purchase Timeframe
QualificationComments|Memo 2000 TextArea|Qualification Comments
Revenue|Money 0..100000000000000|Annual Revenue
SalesStage|Picklist|Sales Stage
SalesStageCode|Picklist|Sales Stage Code
Salutation|String 100|Salutation
ScheduleFollowUp_Prospect|DateTime DateOnly|Schedule Follow Up (Prospect)
ScheduleFollowUp_Qualify|DateTime DateOnly|Schedule Follow Up (Qualify)
SIC|String 20|SIC Code
StageId|Uniqueidentifier|(Deprecated) Stage Id
StateCode|State system -create|Status
StatusCode|Status|Status Reason
Subject|String 300 required|Topic
TeamsFollowed|Integer|TeamsFollowed
Telephone1|String 50 Phone|Business Phone
Telephone2|String 50 Phone|Home Phone
Telephone3|String 50 Phone|Other Phone
TimeZoneRuleVersionNumber|Integer -1..2147483647|Time Zone Rule Version Number
TraversedPath|String 1250|(Deprecated) Traversed Path
UTCConversionTimeZoneCode|Integer -1..2147483647|UTC Conversion Time Zone Code
WebSiteUrl|String 200 Url|Website
YomiCompanyName|String 100 PhoneticGuide|Yomi Company Name
YomiFirstName|String 150 PhoneticGuide|Yomi First Name
YomiLastName|String 150 PhoneticGuide|Yomi Last Name
YomiMiddleName|String 150 PhoneticGuide|Yomi Middle Name
BudgetAmount_Base|Money -922337203685477..922337203685477 -create -update|Budget Amount (Base)
CreatedOn|DateTime DateAndTime -create -update|Created On
EntityImage_Timestamp|BigInt -create -update|
EntityImage_URL|String 200 Url -create -update|
EntityImageId|Uniqueidentifier -create -update|
EstimatedAmount_Base|Money -922337203685477..922337203685477 -create -update|Est. Value (Base)
ExchangeRate|Decimal 0.000000000001..100000000000 -create -update|Exchange Rate
FullName|String 160 -create -update|Name
IsAutoCreate|Boolean -create -update -read|Auto-created
IsPrivate|Boolean -create -update -read|Is Private
Merged|Boolean -create -update|Merged
ModifiedOn|DateTime DateAndTime -create -update|Modified On
OnHoldTime|Integer -create -update|On Hold Time (Minutes)
Revenue_Base|Money -922337203685477..922337203685477 -create -update|Annual Revenue (Base)
TimeSpentByMeOnEmailAndMeetings|String 1250 -create -update|Time Spent by me
VersionNumber|BigInt -create -update|Version Number
YomiFullName|String 450 PhoneticGuide -create -update|Yomi Full Name
"""
LOOKUPS: Final = """
AccountId|Lookup -create -update|Account|account
CampaignId|Lookup|Source Campaign|campaign
ContactId|Lookup -create -update|Contact|contact
CreatedBy|Lookup -create -update|Created By|systemuser
CreatedOnBehalfBy|Lookup -create -update|Created By (Delegate)|systemuser
CustomerId|Customer|Customer|account,contact
MasterId|Lookup -create -update|Master ID|lead
ModifiedBy|Lookup -create -update|Modified By|systemuser
ModifiedOnBehalfBy|Lookup -create -update|Modified By (Delegate)|systemuser
msdyn_PredictiveScoreId|Lookup|Predictive Score|msdyn_predictivescore
msdyn_segmentid|Lookup|Segment Id|msdyn_segment
OriginatingCaseId|Lookup|Originating Case|incident
OwnerId|Owner system|Owner|systemuser,team
OwningBusinessUnit|Lookup -create -update|Owning Business Unit|businessunit
OwningTeam|Lookup -create -update|Owning Team|team
OwningUser|Lookup -create -update|Owning User|systemuser
ParentAccountId|Lookup|Parent Account for lead|account
ParentContactId|Lookup|Parent Contact for lead|contact
QualifyingOpportunityId|Lookup|Qualifying Opportunity|opportunity
RelatedObjectId|Lookup -update|Related Campaign Response|campaignresponse
SLAId|Lookup|SLA|sla
SLAInvokedId|Lookup -create -update|Last SLA applied|sla
TransactionCurrencyId|Lookup|Currency|transactioncurrency
"""
"""The references; behind the display name the tables that they lead to."""
NAMES: Final = """
AccountIdName 100 accountid, AccountIdYomiName 100 accountid, CampaignIdName 100 campaignid,
ContactIdName 100 contactid, ContactIdYomiName 100 contactid, CreatedByName 100 createdby,
CreatedByYomiName 100 createdby, CreatedOnBehalfByName 100 createdonbehalfby,
CreatedOnBehalfByYomiName 100 createdonbehalfby, CustomerIdName 160 customerid, CustomerIdYomiName 450 customerid,
MasterLeadIdName 100 masterid, MasterLeadIdYomiName 100 masterid, ModifiedByName 100 modifiedby,
ModifiedByYomiName 100 modifiedby, ModifiedOnBehalfByName 100 modifiedonbehalfby,
ModifiedOnBehalfByYomiName 100 modifiedonbehalfby, msdyn_PredictiveScoreIdName 128 msdyn_predictivescoreid,
msdyn_segmentidName 100 msdyn_segmentid, OriginatingCaseIdName 100 originatingcaseid, OwnerIdName 100 ownerid,
OwnerIdYomiName 100 ownerid, OwningBusinessUnitName 100 owningbusinessunit, ParentAccountIdName 100 parentaccountid,
ParentAccountIdYomiName 100 parentaccountid, ParentContactIdName 100 parentcontactid,
ParentContactIdYomiName 100 parentcontactid, QualifyingOpportunityIdName 100 qualifyingopportunityid,
RelatedObjectIdName 200 relatedobjectid, SLAInvokedIdName 100 slainvokedid, SLAName 100 slaid,
TransactionCurrencyIdName 100 transactioncurrencyid
"""
"""The names of what references lead to: shown in metadata only, each with its length and its reference."""
_INDUSTRIES: Final = (
    "Accounting", "Agriculture and Non-petrol Natural Resource Extraction", "Broadcasting Printing and Publishing",
    "Brokers", "Building Supply Retail", "Business Services", "Consulting", "Consumer Services",
    "Design, Direction and Creative Management", "Distributors, Dispatchers and Processors",
    "Doctor's Offices and Clinics", "Durable Manufacturing", "Eating and Drinking Places", "Entertainment Retail",
    "Equipment Rental and Leasing", "Financial", "Food and Tobacco Processing", "Inbound Capital Intensive Processing",
    "Inbound Repair and Services", "Insurance", "Legal Services", "Non-Durable Merchandise Retail",
    "Outbound Consumer Service", "Petrochemical Extraction and Distribution", "Service Retail", "SIG Affiliations",
    "Social Services", "Special Outbound Trade Contractors", "Specialty Realty", "Transportation",
    "Utility Creation and Distribution", "Vehicle Retail", "Wholesale",
)  # fmt: skip
_SOURCES: Final = (
    "Advertisement", "Employee Referral", "External Referral", "Partner", "Public Relations", "Seminar", "Trade Show",
    "Web", "Word of Mouth", "Other",
)  # fmt: skip
CHOICES: Final[Mapping[str, Mapping[int, str]]] = {
    **{
        f"address{number}_{name}code": {1: "Default Value"}
        for number in (1, 2)
        for name in ("addresstype", "shippingmethod")
    },
    "budgetstatus": {0: "No Committed Budget", 1: "May Buy", 2: "Can Buy", 3: "Will Buy"},
    "industrycode": dict(enumerate(_INDUSTRIES, 1)),
    "initialcommunication": {0: "Contacted", 1: "Not Contacted"},
    "leadqualitycode": {1: "Hot", 2: "Warm", 3: "Cold"},
    "leadsourcecode": dict(enumerate(_SOURCES, 1)),
    "msdyn_leadgrade": {0: "Grade A", 1: "Grade B", 2: "Grade C", 3: "Grade D"},
    "msdyn_leadscoretrend": {0: "Improving", 1: "Steady", 2: "Declining", 3: "Not enough info"},
    "msdyn_salesassignmentresult": {0: "Succeeded", 1: "Failed"},
    "need": {0: "Must have", 1: "Should have", 2: "Good to have", 3: "No need"},
    "preferredcontactmethodcode": {1: "Any", 2: "Email", 3: "Phone", 4: "Fax", 5: "Mail"},
    "prioritycode": {1: "Default Value"},
    "purchaseprocess": {0: "Individual", 1: "Committee", 2: "Unknown"},
    "purchasetimeframe": {0: "Immediate", 1: "This Quarter", 2: "Next Quarter", 3: "This Year", 4: "Unknown"},
    "salesstage": {0: "Qualify"},
    "salesstagecode": {1: "Default Value"},
    "statecode": {0: "Open", 1: "Qualified", 2: "Disqualified"},
    "statuscode": {
        1: "New", 2: "Contacted", 3: "Qualified", 4: "Lost", 5: "Cannot Contact", 6: "No Longer Interested",
        7: "Canceled",
    },
}  # fmt: skip
STATUS_STATES: Final[Mapping[int, int]] = {1: 0, 2: 0, 3: 1, 4: 2, 5: 2, 6: 2, 7: 2}
"""To which state each status belongs."""
DEFAULT_STATUS: Final[Mapping[int, int]] = {0: 1, 1: 3, 2: 4}
_NOT_ALLOWED: Final = ("Allow", "Do Not Allow")
FLAGS: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("donotbulkemail", "donotemail", "donotfax", "donotphone", "donotpostalmail"), _NOT_ALLOWED),
    "donotsendmm": ("Send", "Do Not Send"),
    "confirminterest": ("Yes", "No"),
    "evaluatefit": ("Yes", "No"),
    "decisionmaker": ("mark complete", "completed"),
    "followemail": ("Do Not Allow", "Allow"),
}
"""How false and true are called where it is not No and Yes (the reference has them the other way round for two)."""

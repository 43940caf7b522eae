"""The further standard columns of ``lead``, from the public reference of the table: names, kinds and lengths."""

from __future__ import annotations

from typing import Final

ADDRESS_TEXTS: Final = {
    "city": 80, "country": 80, "county": 50, "fax": 50, "line1": 250, "line2": 250, "line3": 250, "name": 100,
    "postalcode": 20, "postofficebox": 20, "stateorprovince": 50, "telephone1": 50, "telephone2": 50,
    "telephone3": 50, "upszone": 4,
}  # fmt: skip
TEXTS: Final = {
    "businesscard": 1_073_741_823, "businesscardattributes": 4_000, "emailaddress2": 100, "emailaddress3": 100,
    "fax": 50, "middlename": 50, "pager": 20, "salutation": 100, "sic": 20, "telephone2": 50, "telephone3": 50,
    "traversedpath": 1_250, "yomicompanyname": 100, "yomifirstname": 150, "yomilastname": 150, "yomimiddlename": 150,
}  # fmt: skip
READ_ONLY_TEXTS: Final = {
    "fullname": 160, "yomifullname": 450, "address1_composite": 1_000, "address2_composite": 1_000,
    "entityimage_url": 200,
}  # fmt: skip
MEMOS: Final = {"qualificationcomments": 2_000}
FLAGS: Final = (
    "confirminterest", "decisionmaker", "donotbulkemail", "donotemail", "donotfax", "donotphone", "donotpostalmail",
    "donotsendmm", "evaluatefit", "followemail", "participatesinworkflow",
)  # fmt: skip
READ_ONLY_FLAGS: Final = ("isautocreate", "isprivate", "merged")
MONEY: Final = ("budgetamount", "estimatedamount")
INTEGERS: Final = ("address1_utcoffset", "address2_utcoffset", "importsequencenumber", "timezoneruleversionnumber")
READ_ONLY_INTEGERS: Final = ("onholdtime", "versionnumber", "teamsfollowed", "timespentbymeonemailandmeetings")
MOMENTS: Final = ("estimatedclosedate", "lastonholdtime", "lastusedincampaign", "overriddencreatedon",
    "schedulefollowup_prospect", "schedulefollowup_qualify")  # fmt: skip
IDS: Final = ("address1_addressid", "address2_addressid", "entityimageid", "processid", "stageid")
LOOKUPS: Final = (
    "accountid", "campaignid", "contactid", "createdby", "createdonbehalfby", "customerid", "masterid", "modifiedby",
    "modifiedonbehalfby", "originatingcaseid", "ownerid", "owningbusinessunit", "owningteam", "owninguser",
    "parentaccountid", "parentcontactid", "qualifyingopportunityid", "relatedobjectiveid", "slaid", "slainvokedid",
    "transactioncurrencyid",
)  # fmt: skip
CHOICES: Final = {
    "address1_addresstypecode": {1: "Default Value"},
    "address1_shippingmethodcode": {1: "Default Value"},
    "address2_addresstypecode": {1: "Default Value"},
    "address2_shippingmethodcode": {1: "Default Value"},
    "budgetstatus": {0: "No Committed Budget", 1: "May Buy", 2: "Can Buy", 3: "Will Buy"},
    "initialcommunication": {0: "Contacted", 1: "Not Contacted"},
    "need": {0: "Must have", 1: "Should have", 2: "Good to have", 3: "No need"},
    "preferredcontactmethodcode": {1: "Any", 2: "Email", 3: "Phone", 4: "Fax", 5: "Mail"},
    "prioritycode": {1: "Default Value"},
    "purchaseprocess": {0: "Individual", 1: "Committee", 2: "Unknown"},
    "purchasetimeframe": {0: "Immediate", 1: "This Quarter", 2: "Next Quarter", 3: "This Year", 4: "Unknown"},
    "salesstage": {0: "Qualify"},
    "salesstagecode": {1: "Default Value"},
    "statuscode": {1: "New", 2: "Contacted", 3: "Qualified", 4: "Lost", 5: "Cannot Contact", 6: "No Longer Interested",
        7: "Canceled"},
    "statecode": {0: "Open", 1: "Qualified", 2: "Disqualified"},
}  # fmt: skip

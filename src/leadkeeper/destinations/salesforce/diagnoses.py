"""What can go wrong with Salesforce: Web-to-Lead, and the REST API."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import declare
from leadkeeper.destinations.salesforce.kinds import SalesforceKind
from leadkeeper.diagnoses.entry import RESUME, SEARCH_AGAIN, VALIDATE, WAIT, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.texts import _

__all__ = ["SalesforceKind"]

_FORM: Final[dict[AnyKind, Entry]] = {
    SalesforceKind.FORM_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "Salesforce's Web-to-Lead threw the lead away; nearly always the object identifier (oid) is not that of an "
            "organization."
        ),
        (
            _(
                "Open Setup, Company Information in Salesforce and compare 'Salesforce.com Organization ID' with the "
                "object identifier in the settings. For a sandbox set the Web-to-Lead host to test.salesforce.com."
            ),
            _("Open Setup, Web-to-Lead: 'Web-to-Lead Enabled' must be ticked, and a 'Default Lead Creator' chosen."),
            _("In the same place untick 'Require reCAPTCHA Verification'."),
            _(
                "If fields are mandatory for leads (Setup, Object Manager, Lead, Fields), send them with the setting "
                "fields; a mandatory picklist is better a text field that may be empty."
            ),
            RESUME,
        ),
    ),
    SalesforceKind.FORM_NOT_THERE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("What answered is not Salesforce's Web-to-Lead: its answer does not say whether the lead was processed."),
        (
            _("Set the Web-to-Lead host to webto.salesforce.com, or to test.salesforce.com for a sandbox."),
            _("If it is right, ask the operator whether a proxy stands between this installation and Salesforce."),
            RESUME,
        ),
    ),
    SalesforceKind.DAILY_LIMIT: Entry(
        Outcome.THROTTLED,
        Who.PUBLISHER,
        _("The leads that Web-to-Lead takes in 24 hours are used up (500, unless Salesforce raised it)."),
        (
            _("Nothing is lost: the leads wait and go out as the 24 hours pass."),
            _(
                "If it happens often, have Salesforce raise the limit and enter it as webToLeadDailyLimit, or enter "
                "REST credentials: the REST API has no such limit."
            ),
        ),
    ),
}

_SIGN_IN: Final[dict[AnyKind, Entry]] = {
    SalesforceKind.DOMAIN_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("There is no My Domain of that name."),
        (
            _(
                "Open Setup, My Domain in Salesforce and copy 'Current My Domain URL' into the settings; it changes "
                "when somebody renames the domain, and a sandbox has its own."
            ),
            RESUME,
        ),
    ),
    SalesforceKind.APP_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Salesforce does not accept the consumer key or the consumer secret."),
        (
            _(
                "Open Setup, External Client App Manager, the app, 'Settings', 'OAuth Settings', 'Consumer Key and "
                "Secret'."
            ),
            _("Copy both into the settings. A new app needs up to ten minutes before its key works."),
            _("Check that My Domain belongs to the organization in which the app was made."),
            RESUME,
        ),
    ),
    SalesforceKind.APP_NOT_ALLOWED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The external client app may not sign in by itself: its client credentials flow is off or has no user."),
        (
            _(
                "Open Setup, External Client App Manager, the app, 'Settings', 'OAuth Settings': tick 'Enable Client "
                "Credentials Flow'."
            ),
            _(
                "Under 'Policies', 'OAuth Policies' tick it too and choose the user to 'Run As'; that user needs 'API "
                "Enabled' and the right to create leads."
            ),
            VALIDATE,
        ),
    ),
    SalesforceKind.INACTIVE: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The user as whom the external client app runs, or the organization itself, is not active."),
        (
            _("Open Setup, Users in Salesforce: the app's 'Run As' user must be 'Active' and not frozen."),
            _(
                "Open Setup, Company Information: the organization must not be expired, locked or signed up for "
                "deletion."
            ),
            VALIDATE,
        ),
    ),
    SalesforceKind.SESSION_REJECTED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("Salesforce gave an access token and then did not accept it."),
        (
            _(
                "Open Setup, External Client App Manager, the app, 'Policies': relax 'IP Relaxation', or admit this "
                "installation's addresses in the 'Login IP Ranges' of the profile of the 'Run As' user."
            ),
            _("Check under Setup, Session Settings that sessions are not locked to an address or a domain."),
            VALIDATE,
        ),
    ),
    SalesforceKind.API_DISABLED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The REST API is not available to this organization or user."),
        (
            _(
                "Check the edition under Setup, Company Information: Enterprise, Performance, Unlimited and Developer "
                "have the API; in others it must be bought, or take the REST credentials out of the settings: "
                "Web-to-Lead works without the API."
            ),
            _("Tick 'API Enabled' in the profile or a permission set of the 'Run As' user."),
            VALIDATE,
        ),
    ),
    SalesforceKind.ACCESS_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The user as whom the external client app runs may not write leads."),
        (
            _(
                "Open Setup, Permission Sets, one that the 'Run As' user has, 'Object Settings', 'Leads': tick 'Read', "
                "'Create' and 'Edit'."
            ),
            _("In the same place allow 'Edit Access' for every field that is sent, the external id field too."),
            VALIDATE,
        ),
    ),
}

_LIMITS: Final[dict[AnyKind, Entry]] = {
    SalesforceKind.API_LIMIT: Entry(
        Outcome.THROTTLED,
        Who.PUBLISHER,
        _("The organization's API requests of the last 24 hours are used up, by all its integrations together."),
        (
            _("Nothing is lost: the leads wait and go out as the 24 hours pass."),
            _("Open Setup, Company Information, 'API Requests, Last 24 Hours'; find who uses them, or buy more."),
        ),
    ),
    SalesforceKind.CONCURRENCY_LIMIT: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        _("Too many long requests run in the organization at the same time."),
        (
            WAIT,
            _("If it lasts, look for slow triggers and flows on leads: Salesforce counts requests of over 20 seconds."),
        ),
    ),
    SalesforceKind.ROW_LOCKED: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        _("Something else in Salesforce was writing to the same records at that moment."),
        (WAIT,),
    ),
    SalesforceKind.NO_ROUTE: Entry(
        Outcome.FAILED,
        Who.PUBLISHER,
        _(
            "Salesforce's edge does not know where this My Domain is served (420), which passes when it was just "
            "renamed or moved."
        ),
        (
            WAIT,
            _("If it lasts, open Setup, My Domain, and compare 'Current My Domain URL' with the settings."),
            _("If they agree, ask Salesforce's support: the edge has no routing information for this host."),
        ),
    ),
    SalesforceKind.STORAGE_FULL: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The organization's data storage is full."),
        (_("Open Setup, Storage Usage in Salesforce; delete what is not needed, or buy storage."), VALIDATE),
    ),
}

_RECORDS: Final[dict[AnyKind, Entry]] = {
    SalesforceKind.FIELD_UNKNOWN: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("A field that is sent does not exist on leads, or the user may not write it."),
        (
            _("Read the evidence: it names the field."),
            _(
                "If it stands in the setting fields, compare its API name with Setup, Object Manager, Lead, 'Fields & "
                "Relationships'. With State and Country picklists send CountryCode instead of Country."
            ),
            _(
                "If it exists, give the 'Run As' user 'Edit Access' to it: Setup, Permission Sets, 'Object Settings', "
                "'Leads'."
            ),
            RESUME,
        ),
    ),
    SalesforceKind.EXTERNAL_ID_UNUSABLE: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The external id field cannot be used to recognize leads."),
        (
            _(
                "Open Setup, Object Manager, Lead, 'Fields & Relationships', the field: its type must be Text with 36 "
                "characters or more, and 'External ID' and 'Unique' must be ticked."
            ),
            _("Give the 'Run As' user 'Edit Access' to it, and compare its API name with the settings."),
            RESUME,
        ),
    ),
    SalesforceKind.REQUEST_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Salesforce cannot read the record that these settings make."),
        (
            _(
                "Look at the setting fields: a date, number or tick box needs a value of its own kind; preview the "
                "record."
            ),
            RESUME,
        ),
    ),
    SalesforceKind.NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "Salesforce does not find what the settings name: the lead object, the external id field, the API version, "
            "or a record that a lead is linked to."
        ),
        (
            _(
                "Compare the external id field with Setup, Object Manager, Lead, 'Fields & Relationships'; the 'Run "
                "As' user must be able to see it."
            ),
            _("If fields holds ids of other records (owner, campaign, record type), check that they still exist."),
            RESUME,
        ),
    ),
    SalesforceKind.RULE_REFUSED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _(
            "A rule of the organization refuses this lead: a mandatory field, a length, a picklist, or a validation "
            "rule."
        ),
        (
            _("Read the evidence: it names the field and the rule."),
            _(
                "Change it under Setup, Object Manager, Lead: 'Validation Rules', or the field itself (a mandatory "
                "picklist is better a text field that may be empty). Or send the field with the setting fields."
            ),
            _("Retry this delivery."),
        ),
    ),
    SalesforceKind.AUTOMATION_FAILED: Entry(
        Outcome.REFUSED,
        Who.DESTINATION_ADMIN,
        _("A flow or trigger of the organization failed on this lead, and Salesforce took the lead back."),
        (
            _("Read the evidence, and look under Setup, 'Paused and Failed Flow Interviews' and 'Apex Jobs'."),
            _("Fix or deactivate the flow or trigger on leads, then retry this delivery."),
        ),
    ),
    SalesforceKind.DUPLICATE_RULE: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("The organization's duplicate rule stopped this lead: somebody like this is there already."),
        (
            _(
                "Look for the customer in Salesforce and add the lead there by hand; its details are on the lead's "
                "page."
            ),
            _(
                "Or open Setup, Duplicate Rules, the rule for leads: set 'Action On Create' to 'Allow' without "
                "'Alert', then retry this delivery."
            ),
        ),
    ),
    SalesforceKind.VALUE_TAKEN: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("A field that must be unique in Salesforce already holds this lead's value in another record."),
        (
            _("Read the evidence: it names the field and the record."),
            _("Untick 'Unique' for that field under Setup, Object Manager, Lead, or merge the records; then retry."),
        ),
    ),
    SalesforceKind.SEVERAL_MATCH: Entry(
        Outcome.REFUSED,
        Who.DESTINATION_ADMIN,
        _("Several leads in Salesforce have this lead's id in the external id field: it is there, more than once."),
        (
            _("Tick 'Unique' for the external id field under Setup, Object Manager, Lead, 'Fields & Relationships'."),
            _("Search for the lead's id in Salesforce and merge what is found. Nothing needs to be sent again."),
        ),
    ),
}

_CONVERTED: Final[dict[AnyKind, Entry]] = {
    SalesforceKind.LEAD_CONVERTED: Entry(
        Outcome.REFUSED,
        Who.DESTINATION_ADMIN,
        _("Something in Salesforce tried to change a lead that is converted already, which Salesforce forbids."),
        (
            _("Search Salesforce for the lead's id: a lead that is there, converted too, needs nothing more."),
            _(
                "If it is not there, a flow or trigger on leads touched another, converted one: fix it (it must leave "
                "out leads whose IsConverted is true), then retry this delivery."
            ),
        ),
    ),
}

_NOT_FOUND: Final[dict[AnyKind, Entry]] = {
    SalesforceKind.TEST_LEAD_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "The test lead was not found in Salesforce: Web-to-Lead drops leads without a word, and only Salesforce's "
            "setup shows why."
        ),
        (
            _(
                "Search Salesforce once more for MSFT_TEST, among all leads and not only your own: it belongs to whom "
                "the assignment rules or the 'Default Lead Creator' name."
            ),
            _(
                "Open Setup, Object Manager, Lead, 'Fields & Relationships': a mandatory field that is not sent, above "
                "all a picklist, costs every lead. Make it optional (a picklist is better a text field that may be "
                "empty), or send it with the setting fields."
            ),
            _(
                "Open Setup, Web-to-Lead: untick 'Require reCAPTCHA Verification', tick 'Web-to-Lead Enabled', and "
                "choose as 'Default Lead Creator' an active user who may make leads."
            ),
            _(
                "Compare 'Salesforce.com Organization ID' under Setup, Company Information with the object identifier "
                "(oid) in the settings: leads may go to another organization, or to a sandbox (test.salesforce.com)."
            ),
            _("Look at the validation rules, duplicate rules and flows of Lead: one of them may refuse it."),
            _("Surer is the REST API: enter its credentials in the settings, and Salesforce confirms each lead."),
            SEARCH_AGAIN,
        ),
    ),
}

ENTRIES: Final[dict[AnyKind, Entry]] = _CONVERTED | _FORM | _SIGN_IN | _LIMITS | _RECORDS | _NOT_FOUND

declare(SalesforceKind, ENTRIES)

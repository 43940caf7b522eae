"""What can go wrong with Marketo: its forms, and the REST API."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import declare
from leadkeeper.diagnoses.entry import RESUME, SEARCH_AGAIN, VALIDATE, WAIT, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.texts import _


class MarketoKind(AnyKind):
    """Causes that only Marketo has."""

    TEST_LEAD_NOT_FOUND = "marketoTestLeadNotFound"
    FORM_NOT_FOUND = "marketoFormNotFound"
    FORM_DEMANDS = "marketoFormDemands"
    FORM_PROTECTED = "marketoFormProtected"
    FORM_REJECTED = "marketoFormRejected"
    POSTS_BLOCKED = "marketoPostsBlocked"
    EMAIL_UNUSABLE = "marketoEmailUnusable"
    ACCOUNT_NOT_FOUND = "marketoAccountNotFound"
    SERVER_NOT_FOUND = "marketoServerNotFound"
    SERVICE_REJECTED = "marketoServiceRejected"
    ACCESS_DENIED = "marketoAccessDenied"
    PACED = "marketoPaced"
    RATE_LIMIT = "marketoRateLimit"
    DAILY_QUOTA = "marketoDailyQuota"
    BUSY = "marketoBusy"
    REQUEST_REJECTED = "marketoRequestRejected"
    FEATURE_OFF = "marketoFeatureOff"
    FIELD_UNKNOWN = "marketoFieldUnknown"
    PARTITION_UNUSABLE = "marketoPartitionUnusable"
    SEVERAL_MATCH = "marketoSeveralMatch"
    LEAD_REFUSED = "marketoLeadRefused"


_EMBED: Final = _(
    "Open Design Studio in Marketo, 'Forms', the form, 'Form Actions', 'Embed Code'. The line MktoForms2.loadForm("
    '"//app-<server id>.marketo.com", "<Munchkin id>", <form id>) holds all three settings; copy them again.'
)
_SIGNED_IN: Final = _(
    "Where the line names a landing page domain of your own, the server id stands in the address in the browser while "
    "you are signed in to Marketo (app-<server id>.marketo.com), and the Munchkin id under Admin, Munchkin."
)

_FORMS: Final[dict[AnyKind, Entry]] = {
    MarketoKind.FORM_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Marketo has no approved form of that id at this server and Munchkin id."),
        (_EMBED, _SIGNED_IN, _("The form must be approved: 'Form Actions', 'Approve'."), RESUME),
    ),
    MarketoKind.FORM_DEMANDS: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The form demands a field that these leads do not have."),
        (
            _("Read the evidence: it names the field."),
            _(
                "Open the form in Design Studio, 'Edit Draft', the field, and untick 'Is Required'; approve the form. "
                "Or send the field with the setting fields."
            ),
            RESUME,
        ),
    ),
    MarketoKind.FORM_PROTECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The form asks for a CAPTCHA, which nobody but a person can answer."),
        (
            _(
                "Open the form in Design Studio, 'Edit Draft', 'Form Settings', and turn CAPTCHA off; approve the "
                "form. A form of its own for leads is best."
            ),
            _("Or enter REST credentials: leads then do not go through the web page's form."),
            RESUME,
        ),
    ),
    MarketoKind.FORM_REJECTED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("Marketo's form answered that it did not take this lead."),
        (
            _EMBED,
            _("Open Admin, Treasure Chest: 'Reject Invalid Checksum Values' should be off if it lasts."),
            _("Safer: enter REST credentials. Adobe does not support posts to forms by programs."),
            _("Retry this delivery."),
        ),
    ),
    MarketoKind.POSTS_BLOCKED: Entry(
        Outcome.THROTTLED,
        Who.PUBLISHER,
        _(
            "A guard before Marketo's forms answered instead of the form; it takes us for a robot, or leads came too "
            "fast."
        ),
        (
            _("The lead is kept and sent again by itself, more slowly."),
            _(
                "If it lasts, enter REST credentials: Adobe does not support posts to forms by programs, the REST API "
                "is made for them."
            ),
        ),
    ),
    MarketoKind.EMAIL_UNUSABLE: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("Marketo knows people by their e-mail address, and this lead has none that it takes."),
        (_("Enter the lead in Marketo by hand; its details are on the lead's page."),),
    ),
    MarketoKind.SERVER_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("There is no Marketo server of that id."),
        (_EMBED, _("The server id is the part between app- and .marketo.com, such as ys12."), _SIGNED_IN, RESUME),
    ),
}

_REST: Final[dict[AnyKind, Entry]] = {
    MarketoKind.ACCOUNT_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("There is no Marketo subscription with that Munchkin id."),
        (
            _(
                "Open Admin, Munchkin in Marketo and copy 'Munchkin Account ID' (such as 123-PQR-789) into the "
                "settings."
            ),
            RESUME,
        ),
    ),
    MarketoKind.SERVICE_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Marketo does not accept the client id or the client secret."),
        (
            _(
                "Open Admin, LaunchPoint in Marketo, the service, 'View Details'; copy 'Client Id' and 'Client Secret' "
                "into the settings."
            ),
            _("If the service is gone, make a new one: 'New', 'New Service', 'Custom', with a user that is API only."),
            RESUME,
        ),
    ),
    MarketoKind.ACCESS_DENIED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _(
            "Marketo knows the service but does not let it do this: its role lacks a right, or its address is not "
            "admitted."
        ),
        (
            _(
                "Open Admin, Users & Roles, 'Roles', the role of the service's API user: under 'Access API' tick "
                "'Read-Write Person' and 'Read-Only Assets'."
            ),
            _("Open Admin, Web Services, 'IP Restrictions': admit this installation's addresses."),
            VALIDATE,
        ),
    ),
    MarketoKind.PACED: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        _("Leads for this Marketo subscription came faster than they may be sent; this one waits for its turn."),
        (WAIT,),
    ),
    MarketoKind.RATE_LIMIT: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        _(
            "The subscription's limit of 100 calls in 20 seconds, or of 10 at a time, is used up by all its "
            "integrations."
        ),
        (WAIT,),
    ),
    MarketoKind.DAILY_QUOTA: Entry(
        Outcome.THROTTLED,
        Who.PUBLISHER,
        _("The subscription's API calls of today are used up, by all its integrations together."),
        (
            _("Nothing is lost: the leads go out after midnight, US Central time."),
            _(
                "Open Admin, Web Services in Marketo: it shows which user made how many calls; find who uses them, or "
                "have Adobe raise the quota."
            ),
        ),
    ),
    MarketoKind.BUSY: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        _("Marketo could not do it at that moment."),
        (WAIT, _("If it lasts, look at Adobe's status page for Marketo Engage.")),
    ),
    MarketoKind.REQUEST_REJECTED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("Marketo does not understand the request."),
        (
            _("Look at the setting fields first: a value must be of its field's kind; preview the record."),
            _("If none is set, the evidence says what Marketo disliked: look for a newer version of Leadkeeper."),
            VALIDATE,
        ),
    ),
    MarketoKind.FEATURE_OFF: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The subscription does not have what is needed to take leads this way."),
        (
            _("Read the evidence. Ask Adobe whether the subscription includes the REST API for people and forms."),
            _("Or take the REST credentials out of the settings: leads then go through the form."),
            RESUME,
        ),
    ),
    MarketoKind.FIELD_UNKNOWN: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("A field that is sent is not on the form, or does not exist."),
        (
            _("Read the evidence: it names the field."),
            _(
                "Add it to the form: Design Studio, the form, 'Edit Draft', 'Add Field'; approve the form. Or take it "
                "away in the setting fields. REST names are in Admin, Field Management, 'Export Field Names'."
            ),
            RESUME,
        ),
    ),
    MarketoKind.PARTITION_UNUSABLE: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The workspace or partition into which the lead would go does not take it."),
        (
            _("Open Admin, Users & Roles, the API user of the service: it needs its role in the form's workspace."),
            _("Open Admin, Workspaces & Partitions: the form's workspace must have a primary partition."),
            VALIDATE,
        ),
    ),
    MarketoKind.SEVERAL_MATCH: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("Several people in Marketo have this lead's e-mail address, and Marketo does not choose."),
        (_("Find them under Database, 'Possible Duplicates' and merge them."), _("Retry this delivery.")),
    ),
    MarketoKind.LEAD_REFUSED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("Marketo skipped this lead: a value is not one that its field takes, or a rule refuses it."),
        (
            _("Read the evidence: it names the field or the rule."),
            _("Change the field's type in Admin, Field Management, or the rule; then retry this delivery."),
        ),
    ),
}

_NOT_FOUND: Final[dict[AnyKind, Entry]] = {
    MarketoKind.TEST_LEAD_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "The test lead was not found in Marketo: a form queues what it is sent, and does not say what becomes of "
            "it."
        ),
        (
            _(
                "Search Marketo's database once more for MSFT_TEST, in every workspace: a form puts people into its "
                "own workspace's partition, a few minutes later."
            ),
            _(
                "Open Design Studio, 'Forms', the form: it must be approved and active (a draft takes nothing), and "
                "its id must be the one in the settings."
            ),
            _("Open 'Form Settings' of the form and turn CAPTCHA off: nobody but a person can answer it."),
            _(
                "Compare the Munchkin id (Admin, Munchkin) and the server id with the settings: people may go to "
                "another subscription."
            ),
            _("Look whether an active smart campaign on this form deletes or merges new people."),
            _("Surer is the REST API: enter its credentials in the settings, and Marketo confirms each lead."),
            SEARCH_AGAIN,
        ),
    ),
}

ENTRIES: Final[dict[AnyKind, Entry]] = _FORMS | _REST | _NOT_FOUND

declare(MarketoKind, ENTRIES)

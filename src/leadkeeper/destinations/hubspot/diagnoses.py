"""What can go wrong with HubSpot: its REST API, and its forms."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import declare
from leadkeeper.diagnoses.entry import RESUME, SEARCH_AGAIN, VALIDATE, WAIT, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.texts import _


class HubSpotKind(AnyKind):
    """Causes that only HubSpot has."""

    TEST_LEAD_NOT_FOUND = "hubSpotTestLeadNotFound"
    TOKEN_REJECTED = "hubSpotTokenRejected"
    TOKEN_EXPIRED = "hubSpotTokenExpired"
    SCOPE_MISSING = "hubSpotScopeMissing"
    CREATOR_GONE = "hubSpotCreatorGone"
    APP_BLOCKED = "hubSpotAppBlocked"
    RATE_LIMIT = "hubSpotRateLimit"
    DAILY_LIMIT = "hubSpotDailyLimit"
    LOCKED = "hubSpotLocked"
    MOVING = "hubSpotMoving"
    REQUEST_REJECTED = "hubSpotRequestRejected"
    PROPERTY_UNUSABLE = "hubSpotPropertyUnusable"
    LEADS_UNAVAILABLE = "hubSpotLeadsUnavailable"
    LEAD_PROPERTY_UNUSABLE = "hubSpotLeadPropertyUnusable"
    EMAIL_UNUSABLE = "hubSpotEmailUnusable"
    VALUE_REFUSED = "hubSpotValueRefused"
    VALUE_TAKEN = "hubSpotValueTaken"
    RECORD_CHANGED = "hubSpotRecordChanged"
    LEAD_REFUSED = "hubSpotLeadRefused"
    FORM_NOT_FOUND = "hubSpotFormNotFound"
    FORM_DEMANDS = "hubSpotFormDemands"
    FORM_FIELD_UNKNOWN = "hubSpotFormFieldUnknown"
    FORM_PROTECTED = "hubSpotFormProtected"
    FORM_CONSENT = "hubSpotFormConsent"
    FORM_REJECTED = "hubSpotFormRejected"


_TOKEN: Final = _(
    "Open Settings in HubSpot, 'Integrations', 'Private Apps' (or 'Service Keys' under 'Development'), the app, and "
    "copy its access token into the settings."
)
_MAPPING: Final = _("Correct the setting fields or leadFields: HubSpot's internal names and values, not the labels.")
_EMBED: Final = _(
    "Open 'Marketing', 'Forms' in HubSpot, the form, 'Embed': the code holds the portal id, the form id and the "
    "region. Copy all three again."
)

_SIGN_IN: Final[dict[AnyKind, Entry]] = {
    HubSpotKind.TOKEN_REJECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("HubSpot does not know the access token: it was copied wrongly, rotated, or its app was deleted."),
        (_TOKEN, RESUME),
    ),
    HubSpotKind.TOKEN_EXPIRED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The access token has expired: HubSpot gave a new one in its place."),
        (_TOKEN, RESUME),
    ),
    HubSpotKind.SCOPE_MISSING: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The access token lacks a scope that is needed."),
        (
            _("Read the evidence: it names the scopes, at times more of them than are needed."),
            _(
                "Open Settings, 'Integrations', 'Private Apps', the app, 'Edit app', 'Scopes': add "
                "crm.objects.contacts.read and .write, for leads crm.objects.leads.read and .write. A scope that "
                "cannot be chosen is not in the account's edition: then set leads to never."
            ),
            VALIDATE,
        ),
    ),
    HubSpotKind.CREATOR_GONE: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The person who made the app may not do this any more, so the app may not either."),
        (
            _("Have a super admin who stays make a new app or service key with the same scopes."),
            _TOKEN,
            RESUME,
        ),
    ),
    HubSpotKind.APP_BLOCKED: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("HubSpot has blocked the app."),
        (_("Ask HubSpot's support why, or make another app or service key."), _TOKEN, RESUME),
    ),
}

_LIMITS: Final[dict[AnyKind, Entry]] = {
    HubSpotKind.RATE_LIMIT: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        _("HubSpot's limit of calls in ten seconds, or of posts to its forms, is reached."),
        (WAIT,),
    ),
    HubSpotKind.DAILY_LIMIT: Entry(
        Outcome.THROTTLED,
        Who.PUBLISHER,
        _("The account's API calls of today are used up, by all its apps together."),
        (
            _("Nothing is lost: the leads go out after midnight, in the account's time zone."),
            _(
                "Open Settings, 'Integrations', 'Private Apps', 'API usage' in HubSpot: it shows which app made how "
                "many calls. Have that one call less, or buy more calls."
            ),
        ),
    ),
    HubSpotKind.LOCKED: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        _("HubSpot locked the records for two seconds, because much was written in a short time."),
        (WAIT,),
    ),
    HubSpotKind.MOVING: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        _("HubSpot is moving the account to another region; that can take a day."),
        (WAIT,),
    ),
    HubSpotKind.RECORD_CHANGED: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        _("A record in HubSpot was made, merged or deleted by others at the same moment."),
        (WAIT,),
    ),
}

_DATA: Final[dict[AnyKind, Entry]] = {
    HubSpotKind.REQUEST_REJECTED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("HubSpot does not understand the request."),
        (_("The evidence says what HubSpot disliked: look for a newer version of Leadkeeper."), VALIDATE),
    ),
    HubSpotKind.PROPERTY_UNUSABLE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("A property that is sent does not exist in the account, or only HubSpot may write it."),
        (
            _("Read the evidence: it names the property."),
            _("Open Settings, 'Data Management', 'Properties': make the property, or copy its internal name."),
            _MAPPING,
            RESUME,
        ),
    ),
    HubSpotKind.LEADS_UNAVAILABLE: Entry(
        Outcome.BROKEN,
        Who.DESTINATION_ADMIN,
        _("The settings demand leads, and the account has none."),
        (
            _("Set up leads in HubSpot: Settings, 'Objects', 'Leads'. They need an edition that has them."),
            _("Or set leads to whereAvailable or never: then only contacts are made."),
            RESUME,
        ),
    ),
    HubSpotKind.LEAD_PROPERTY_UNUSABLE: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("HubSpot's leads have no unique property for our ids, so a lead could be there twice."),
        (
            _(
                "Open Settings, 'Data Management', 'Properties', 'Lead properties', 'Create property': a single-line "
                "text with 'Require unique values for this property'. That cannot be changed later."
            ),
            _("Copy its internal name into the setting leadIdProperty, unless it is marketplace_lead_id."),
            _("Or set leads to never: then only contacts are made."),
            RESUME,
        ),
    ),
    HubSpotKind.EMAIL_UNUSABLE: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("HubSpot knows people by their e-mail address, and this lead has none that it takes."),
        (_("Enter the lead in HubSpot by hand; its details are on the lead's page."),),
    ),
    HubSpotKind.VALUE_REFUSED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _(
            "A value does not fit its property in HubSpot: it is no number or date, too large, or not one of "
            "the options."
        ),
        (
            _("Read the evidence: it names the property."),
            _MAPPING,
            _("Retry this delivery."),
        ),
    ),
    HubSpotKind.VALUE_TAKEN: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("Another record in HubSpot has a value that must be unique."),
        (
            _("Read the evidence: it names the property and the record."),
            _("Send something that is unique there, such as {leadId}, or take the property away in the settings."),
            _("Retry this delivery."),
        ),
    ),
    HubSpotKind.LEAD_REFUSED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("HubSpot does not take this lead as it is: a rule of the account, or a property that it demands."),
        (
            _("Read the evidence: it says what HubSpot disliked."),
            _(
                "Open Settings, 'Data Management', 'Properties', the property, 'Rules'; for leads, 'Objects', 'Leads', "
                "'Pipelines': what a stage demands has to be sent, or demanded no more."
            ),
            _("Retry this delivery."),
        ),
    ),
}

_FORMS: Final[dict[AnyKind, Entry]] = {
    HubSpotKind.FORM_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("HubSpot has no such form in this account and region, or it is archived."),
        (_EMBED, _("An archived form takes nothing: restore it, or choose another."), RESUME),
    ),
    HubSpotKind.FORM_DEMANDS: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("The form demands a field that this lead does not have."),
        (
            _("Read the evidence: it names the field."),
            _("Open the form in HubSpot and make the field optional, or send it with the setting fields."),
            _("Retry this delivery."),
        ),
    ),
    HubSpotKind.FORM_FIELD_UNKNOWN: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The form lacks a field that is sent, and therefore takes nothing."),
        (
            _("Read the evidence: it names the field."),
            _("Open the form in HubSpot and add the field, or set it to null in the setting fields."),
            RESUME,
        ),
    ),
    HubSpotKind.FORM_PROTECTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The form asks for a CAPTCHA, which nobody but a person can answer."),
        (
            _("Open the form in HubSpot, 'Options', and turn CAPTCHA off; a form of its own for leads is best."),
            _("Or enter an access token instead: leads then do not go through a form."),
            RESUME,
        ),
    ),
    HubSpotKind.FORM_CONSENT: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The form demands a consent that nobody gave: the customer agreed to the marketplace's terms, not to yours."),
        (
            _("Open the form in HubSpot and take its fields for data privacy and consent away."),
            _("Or enter an access token instead: leads then do not go through a form."),
            RESUME,
        ),
    ),
    HubSpotKind.FORM_REJECTED: Entry(
        Outcome.REFUSED,
        Who.PUBLISHER,
        _("HubSpot's form answered that it did not take this lead."),
        (
            _("Read the evidence: it says what HubSpot disliked."),
            _("Surer is an access token: HubSpot then confirms each lead."),
            _("Retry this delivery."),
        ),
    ),
    HubSpotKind.TEST_LEAD_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The test lead was not found in HubSpot: a form takes posts, and does not say what becomes of them."),
        (
            _("Search HubSpot's contacts once more for MSFT_TEST; a post becomes a contact some minutes later."),
            _EMBED,
            _("Open the form's 'Submissions': what is listed there and is no contact was filtered as spam."),
            _("Look for a workflow that deletes or merges new contacts."),
            _("Surer is an access token: HubSpot then confirms each lead."),
            SEARCH_AGAIN,
        ),
    ),
}

ENTRIES: Final[dict[AnyKind, Entry]] = _SIGN_IN | _LIMITS | _DATA | _FORMS

declare(HubSpotKind, ENTRIES)

"""HubSpot's Forms API: posts of forms, with and without a token.

Source: ``docs/reference/vendors/hubspot.md#forms-api``. A success says nothing of the contact, which is found by its
address and written over. How a form that is not there is answered is not known: here it is 404.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox.hubspot import errors
from leadkeeper.sandbox.hubspot.account import CONTACTS, EMAIL, Account, Form, FormField, within
from leadkeeper.sandbox.hubspot.errors import Refused
from leadkeeper.sandbox.hubspot.objects import Body
from leadkeeper.sandbox.hubspot.properties import LONGEST, Property, is_address
from leadkeeper.sandbox.hubspot.rest import Down, admitted, body_of, scopes
from leadkeeper.sandbox.hubspot.states import FORM_ERRORS, FORM_STATES
from leadkeeper.sandbox.stand_in import Answer, Request

FIELDS: Final = 1_000
MONTH: Final = 31 * 86_400
_PATH: Final = re.compile(r"/submissions/v3/integration/(secure/)?submit/([^/]+)/([^/]+)")
_CONTEXT: Final = (*("hutk", "ipAddress", "pageUri", "pageName", "pageId", "sfdcCampaignId", "goToWebinarWebinarKey"),)
_IP: Final = re.compile(r"[0-9a-fA-F:.]{2,45}")
_HUTK: Final = re.compile(r"[0-9a-f]{32}")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
Fault = tuple[str, str]
"""An error type and where it is."""


@dataclass(slots=True)
class Forms:
    """One post in ``state``; ``host`` decides the region."""

    accounts: Sequence[Account]
    state: str
    now: float

    def answer(self, request: Request) -> Answer:
        """Take the post, or say why not."""
        if self.state == "formDown":
            return Answer.html(503, "<html><body><h1>503 Service Unavailable</h1></body></html>")
        found = _PATH.fullmatch(request.path)
        try:
            if found is None or request.method != "POST":
                raise Refused(404, "", "No resource with given path.")
            account = self._account(request, found[2], secure=bool(found[1]))
            return self._taken(account, found[3], body_of(request), secure=bool(found[1]))
        except Refused as refused:
            return refused.answer()
        except Down as down:
            return Answer.html(down.status, f"<html><body><h1>{down.status}</h1></body></html>")

    def _account(self, request: Request, portal: str, *, secure: bool) -> Account:
        region = "eu1" if request.host.startswith("api-eu1.") else "na1"
        there = [each for each in self.accounts if (str(each.portal_id), each.region) == (portal, region)]
        if not there:
            raise Refused(404, "", f"No form with this GUID in portal {portal}")
        if self.state == "formLimit":
            raise errors.over_limit("TEN_SECONDLY_ROLLING")
        if secure:
            account, token = admitted(there, request, self.state)
            if "forms" not in scopes(account, token, self.state):
                raise errors.without_scopes(["forms"])
            return account
        account = there[0]
        if within(account.form_posts, self.now, account.posts_seconds) >= account.posts:
            raise errors.over_limit("TEN_SECONDLY_ROLLING")
        account.form_posts.append(self.now)
        return account

    def _taken(self, account: Account, guid: str, body: Body, *, secure: bool) -> Answer:
        form = account.form(guid)
        if form is None or form.archived or self.state == "formMissing":
            raise Refused(404, "", "No form found")
        values = _values(body)
        faults = list(self._faults(account, form, values, body, secure=secure))
        if self.state in FORM_STATES:
            faults = [(FORM_STATES[self.state], "")]
        if faults:
            raise _refused(faults)
        kept: Body = {"object": "submission", "form": form.guid, "via": "form", "status": "taken", "properties": values}
        account.submissions.append(kept)
        if self.state == "formLost" or not self._written(account, values):
            kept["status"] = "lost"
        return Answer.json(200, {"redirectUri": form.redirect} if form.redirect else {"inlineMessage": "Thank you"})

    def _written(self, account: Account, values: Mapping[str, str]) -> bool:
        """The contact of the address is written over, or made. That happens later, so what goes wrong is not told."""
        there = account.find(CONTACTS, values.get(EMAIL, ""), EMAIL)
        try:
            if there is None:
                account.create(CONTACTS, "form", self.now, values)
            else:
                account.update(there, self.now, {name: value for name, value in values.items() if name != EMAIL})
        except Refused:
            return False
        return True

    def _faults(
        self, account: Account, form: Form, values: Mapping[str, str], body: Body, *, secure: bool
    ) -> Iterator[Fault]:
        if form.captcha:
            yield "FORM_HAS_RECAPTCHA_ENABLED", ""
        known, on_form = account.known(CONTACTS), {each.name: each for each in form.fields}
        for name, value in values.items():
            if (name not in on_form and form.strict and not secure) or name not in known or not known[name].on_forms:
                yield "FIELD_NOT_IN_FORM_DEFINITION", name
            elif value:
                yield from _misfit(known[name], on_form.get(name, FormField(name)), value, form, account)
        yield from (
            ("REQUIRED_FIELD", each.name) for each in form.fields if each.required and not values.get(each.name)
        )
        yield from _metadata(body.get("context", {}))
        yield from _consent(body.get("legalConsentOptions"), form)
        submitted = body.get("submittedAt")
        if submitted is not None and not self._recent(submitted):
            yield "INVALID_METADATA", "submittedAt"

    def _recent(self, submitted: object) -> bool:
        text = str(submitted)
        return text.isdecimal() and self.now - MONTH <= int(text) / 1_000 <= self.now + 86_400


def _values(body: Body) -> dict[str, str]:
    """The fields of a post by name; fields of other objects than contacts are not known here."""
    fields = body.get("fields")
    if not isinstance(fields, list) or not fields:
        raise Refused(400, "", "The request is not valid")
    if len(fields) > FIELDS:
        raise _refused([("MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED", "")])
    values: dict[str, str] = {}
    for each in fields:
        if not isinstance(each, dict) or not all(isinstance(each.get(name), str) for name in ("name", "value")):
            raise Refused(400, "", "The request is not valid")
        if each.get("objectTypeId", "0-1") != "0-1":
            raise _refused([("FIELD_NOT_IN_FORM_DEFINITION", each["name"])])
        values[each["name"]] = each["value"]
    return values


def _misfit(known: Property, there: FormField, value: str, form: Form, account: Account) -> Iterator[Fault]:
    name = known.name
    if len(value) > LONGEST:
        yield "INPUT_TOO_LARGE", name
    elif name == EMAIL and not is_address(value, reserved=account.reserved):
        yield "INVALID_EMAIL", name
    elif name == EMAIL and value.rpartition("@")[2].lower() in form.blocked:
        yield "BLOCKED_EMAIL", name
    elif known.type == "number" and not _NUMBER.fullmatch(value):
        yield "INVALID_NUMBER", name
    elif known.type == "number" and not (there.least or 0) <= float(value) <= (there.most or float("inf")):
        yield "NUMBER_OUT_OF_RANGE", name
    elif known.options and value not in [option for option, _ in known.options]:
        yield "VALUE_NOT_IN_FIELD_DEFINITION", name


def _metadata(context: object) -> Iterator[Fault]:
    if not isinstance(context, dict) or not context.keys() <= set(_CONTEXT):
        yield "INVALID_METADATA", "context"
        return
    checks: Mapping[str, tuple[str, Callable[[str], bool]]] = {
        "hutk": ("INVALID_HUTK", lambda text: bool(_HUTK.fullmatch(text))),
        "ipAddress": ("INVALID_IP_ADDRESS", lambda text: bool(_IP.fullmatch(text))),
        "pageUri": ("INVALID_PAGE_URI", lambda text: re.match(r"(?:https?://)?[^\s/.]+\.[^\s]+$", text) is not None),
        "goToWebinarWebinarKey": ("INVALID_GOTOWEBINAR_WEBINAR_KEY", str.isdecimal),
    }
    for name, (error, fits) in checks.items():
        if name in context and not fits(str(context[name])):
            yield error, name


def _consent(options: object, form: Form) -> Iterator[Fault]:
    if options is None:
        if form.consent:
            yield "MISSING_PROCESSING_CONSENT", "legalConsentOptions"
        return
    if not isinstance(options, dict) or len(options.keys() & {"consent", "legitimateInterest"}) != 1:
        yield "INVALID_LEGAL_OPTION_FORMAT", "legalConsentOptions"
        return
    interest, consent = options.get("legitimateInterest"), options.get("consent")
    if isinstance(interest, dict):
        if not interest.get("text"):
            yield "MISSING_LEGITIMATE_INTEREST_TEXT", "legitimateInterest"
    elif not isinstance(consent, dict):
        yield "INVALID_LEGAL_OPTION_FORMAT", "legalConsentOptions"
    else:
        yield from _consented(consent)


def _consented(consent: Mapping[str, object]) -> Iterator[Fault]:
    if consent.get("consentToProcess") is not True:
        yield "MISSING_PROCESSING_CONSENT", "consent.consentToProcess"
    if not consent.get("text"):
        yield "MISSING_PROCESSING_CONSENT_TEXT", "consent.text"
    given = consent.get("communications") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        yield "INVALID_LEGAL_OPTION_FORMAT", "consent.communications"
        return
    if any(not each.get("text") for each in given):
        yield "MISSING_COMMUNICATION_CONSENT_TEXT", "consent.communications"
    ids = [each.get("subscriptionTypeId") for each in given]
    if len(set(map(str, ids))) != len(ids):
        yield "DUPLICATE_SUBSCRIPTION_TYPE_ID", "consent.communications"


def _refused(faults: Sequence[Fault]) -> Refused:
    summary = [
        {"message": f"Error in '{where}'. {FORM_ERRORS[error]}" if where else FORM_ERRORS[error], "errorType": error}
        for error, where in faults
    ]
    return Refused(400, "", "The request is not valid", more={"errors": summary, "correlationId": str(uuid.uuid4())})

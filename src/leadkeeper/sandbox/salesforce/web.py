"""Web-to-Lead: a form that says 200 to everything, and creates, queues or loses the lead afterwards.

Source: ``docs/reference/vendors/salesforce.md#web-to-lead-answers``. The caller learns one thing only: whether the
org's id, the last name and the company were there (``Is-Processed``). Everything else is seen in :attr:`.Org.arrivals`.
There is no protection against repeats: each post is a lead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from leadkeeper.sandbox.salesforce.fields import LeadField, fields_in
from leadkeeper.sandbox.salesforce.org import (
    Arrival,
    Flaw,
    Org,
    incomplete,
    misfit,
    rolled,
    same_person,
    taken,
)
from leadkeeper.sandbox.stand_in import Answer, Request

PATH: Final = "/servlet/servlet.WebToLead"
FORM: Final = "application/x-www-form-urlencoded"
PROCESSED: Final = "true"
FAILED: Final = "true Exception:common.exception.SalesforceGenericException"

SILENT: Final = {
    "reCaptchaRequired": "reCaptcha",
    "webToLeadDisabled": "disabled",
    "noDefaultLeadCreator": "noDefaultLeadCreator",
    "validationRule": "validationRule",
}
"""States in which no lead is created and nobody is told, and the reason that ``received`` then shows."""
_REASONS: Final = {
    "STRING_TOO_LONG": "tooLong",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "picklistValueUnknown",
    "FIELD_INTEGRITY_EXCEPTION": "picklistValueUnknown",
    "REQUIRED_FIELD_MISSING": "requiredFieldMissing",
    "DUPLICATE_VALUE": "duplicateValue",
}
_NEEDED: Final = ("last_name", "company")


def servlet_answer(request: Request, orgs: Sequence[Org], strays: list[Arrival], state: str, now: float) -> Answer:
    """What the servlet says; the lead is on its way or lost. ``strays`` takes what is for no org that there is."""
    if request.path != PATH:
        return Answer.html(404, "<html><body><h1>URL No Longer Exists</h1></body></html>")
    if request.method != "POST":
        return Answer.html(405, "<html><body><h1>Method Not Allowed</h1></body></html>")
    form = _form(request)
    org = next((each for each in orgs if each.known_as(form.get("oid", ""))), None)
    missing = [name for name in _NEEDED if not form.get(name, "").strip()]
    if org is None or missing:
        reason = "unknownOrg" if org is None else f"missing {', '.join(missing)}"
        kept = strays if org is None else org.arrivals
        kept.append(Arrival("webToLead", "refused", now, dict(form), reason=reason))
        return _page(form, FAILED)
    arrive(org, form, state, now)
    return _page(form, PROCESSED)


def arrive(org: Org, form: Mapping[str, str], state: str, now: float) -> None:
    """Take a lead in: it waits its turn if there is room, and is lost without a word if there is none."""
    arrival = Arrival("webToLead", "queued", now, _values(form, _fields(org, state)))
    org.arrivals.append(arrival)
    settle(org, state, now)
    full = state == "webToLeadQueueFull" or len(org.waiting) >= org.web_queue
    if full and not _room(org, state, now):
        arrival.status, arrival.reason = "lost", "queueFull"
        return
    org.waiting.append(arrival)
    settle(org, state, now)


def settle(org: Org, state: str, now: float) -> None:
    """Create what waits, oldest first, as far as the rolling day allows."""
    while org.waiting and _room(org, state, now):
        arrival = org.waiting.popleft()
        org.web_done.append(now)
        arrival.reason = _loss(org, arrival.values, state)
        if arrival.reason:
            arrival.status = "lost"
        else:
            arrival.status, arrival.id = "created", org.store(arrival.values, at=now).id
            org.arrived[arrival.id] = arrival


def _room(org: Org, state: str, now: float) -> bool:
    return state not in {"webToLeadQuotaUsed", "webToLeadQueueFull"} and rolled(org.web_done, now) < org.web_limit


def _loss(org: Org, values: Mapping[str, object], state: str) -> str:
    """Why the lead is not created, or nothing."""
    if state in SILENT:
        return SILENT[state]
    if state in {"duplicateRuleBlock", "duplicateRuleAlert"} and same_person(org, values):
        return "duplicateRule"
    fields = _fields(org, state)
    flaw = misfit(values, fields, emails=False) or incomplete(values, fields) or taken(org, values, fields, None)
    return _reason(flaw) if flaw else ""


def _fields(org: Org, state: str) -> tuple[LeadField, ...]:
    """The org's fields; what one user may see does not matter here."""
    return org.fields if state in {"fieldHidden", "fieldReadOnly"} else fields_in(state, org.fields)


def _reason(flaw: Flaw) -> str:
    return " ".join([_REASONS.get(flaw.code, "invalidValue"), *flaw.fields])


def _form(request: Request) -> dict[str, str]:
    """What the servlet reads: the query and the body, if that is a form; without ``encoding=UTF-8`` as Latin-1."""
    query = urlsplit(request.target).query
    body = request.body.decode("latin-1") if request.content_type == FORM else ""
    asked = dict(parse_qsl(f"{query}&{body}", keep_blank_values=True)).get("encoding", "")
    encoding = "utf-8" if asked.upper() == "UTF-8" else "latin-1"
    pairs = [*parse_qsl(query, True, encoding=encoding), *parse_qsl(body, True, encoding=encoding)]
    return dict(pairs)


def _values(form: Mapping[str, str], fields: Sequence[LeadField]) -> dict[str, object]:
    """The form as fields of Lead; names that the org does not have are left out, as the servlet does."""
    found: dict[str, object] = {each.name: form[each.web] for each in fields if each.web and form.get(each.web)}
    for each in fields:
        text = found.get(each.name)
        if each.kind == "int" and isinstance(text, str) and text.strip().isdecimal():
            found[each.name] = int(text)
    return found


def _page(form: Mapping[str, str], processed: str) -> Answer:
    """With ``retURL`` a page that leads there, without it a short one."""
    headers = {"Is-Processed": processed, "Cache-Control": "private"}
    there = form.get("retURL", "")
    if not there:
        return Answer.html(200, "<html><body>Your request has been queued.</body></html>", headers)
    script = json.dumps(there).replace("<", "\\u003c")
    head = f'<meta http-equiv="Refresh" content="0; URL={escape(there)}"><script>location.replace({script})</script>'
    return Answer.html(200, f"<html><head>{head}</head><body></body></html>", headers)

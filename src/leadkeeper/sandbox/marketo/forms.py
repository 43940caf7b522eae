"""Marketo's Forms2 endpoint: the form's description, and the post that a browser would send.

Source: ``docs/reference/vendors/marketo.md#forms``. A success says that the post was queued, not that a person was
written; posts that are dropped are answered as successes too. People are found by ``Email``, so that a repeat makes no
second one. What the real service answers to wrong ids is not known: here it is an object with ``error`` true, and with
the form's id where a form was named, so that an id alone proves nothing.
"""

from __future__ import annotations

import email.message
import email.policy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from leadkeeper.sandbox.marketo.leads import Form, Person, PersonField, Subscription, is_address, within
from leadkeeper.sandbox.stand_in import Answer, Request

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
FOLLOW_UP: Final = "https://www.contoso.com/thank-you"

_CONTROLS: Final = frozenset(
    {
        *("munchkinId", "formid", "formVid", "lpId", "subId", "lpurl", "followupLpId", "cr", "kw", "q"),
        *("_mkt_trk", "mkt_tok", "_mktoReferrer", "checksumFields", "checksum"),
    }
)
"""What may be posted beside the form's own fields."""
_CAPTCHA: Final = (
    "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    "<body><h1>One more step</h1><p>Please complete the security check.</p></body></html>"
)


class Failed(Exception):
    """The post is refused: its text, and the form where one was named."""

    def __init__(self, text: str, form_id: str = "", fields: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.form_id, self.fields = form_id, tuple(fields)


class Forms:
    """The endpoint of all pods; a pod knows the subscriptions with its server id only."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self.subscriptions = subscriptions
        self._queued = 17_144_123

    def answer(self, request: Request, state: str, now: float) -> Answer:
        """The descriptor, a post, or nothing that is here."""
        match request.method, request.path:
            case "GET", "/index.php/form/getForm":
                return self._descriptor(request, state)
            case "POST", "/index.php/leadCapture/save2":
                return self._saved(request, state, now)
            case "POST", "/index.php/leadCapture/save":
                message = self._saved(request, state, now)
                return Answer(302, headers={"Location": FOLLOW_UP}) if message.status == 200 else message
            case _:
                return Answer.html(404, "<html><body><h1>Page not found</h1></body></html>")

    def _descriptor(self, request: Request, state: str) -> Answer:
        query = request.query
        try:
            subscription, form = self._form(request.host, query.get("munchkinId", ""), query.get("form", ""), state)
            message = _described(subscription, form)
        except Failed as failed:
            message = _error(failed)
        text = _json(message)
        callback = query.get("callback", "")
        headers = {"Content-Type": "application/javascript; charset=utf-8"} if callback else {}
        return Answer.text(200, f"{callback}({text});" if callback else text, headers or _JSON)

    def _saved(self, request: Request, state: str, now: float) -> Answer:
        if state in {"captchaPage", "captchaPage403"}:
            return Answer.html(403 if state == "captchaPage403" else 200, _CAPTCHA)
        try:
            post = _post(request)
            subscription, form = self._form(request.host, post.get("munchkinId", ""), post.get("formid", ""), state)
            if within(subscription.posts, now, subscription.posts_seconds) >= subscription.posts_limit:
                return Answer.html(403, _CAPTCHA)
            subscription.posts.append(now)
            self._take(subscription, form, post, state, now)
        except Failed as failed:
            return Answer.text(200, _json(_error(failed)), _JSON)
        self._queued += 1
        message = {"formId": str(form.id), "followUpUrl": FOLLOW_UP, "aliId": self._queued}
        return Answer.text(200, _json(message), _JSON)

    def _form(self, host: str, munchkin_id: str, number: str, state: str) -> tuple[Subscription, Form]:
        pod = host.removeprefix("app-").removesuffix(".marketo.com")
        found = (each for each in self.subscriptions if (each.munchkin_id, each.server_id) == (munchkin_id, pod))
        subscription = next(found, None)
        if subscription is None:
            raise Failed("Unknown Munchkin ID")
        form = subscription.form(number)
        if form is None or not form.approved or state == "formNotApproved":
            raise Failed("Form not found", number)
        return subscription, form

    def _take(self, subscription: Subscription, form: Form, post: Mapping[str, str], state: str, now: float) -> None:
        """Keep the person, or lose it as a real subscription does. Raises :class:`Failed` for what a form refuses."""
        if post.get("formVid") != str(form.vid):
            raise Failed("Unknown form version", str(form.id), ["formVid"])
        fields = {each.form: each for each in subscription.on_form(form)}
        values = _values(post, fields)
        missing = [name for name in form.required if name in fields and not values.get(fields[name].rest)]
        if missing:
            raise Failed("Required fields are missing", str(form.id), missing)
        if not is_address(str(values.get("email", ""))):
            raise Failed("Invalid e-mail address", str(form.id), ["Email"])
        ignored = {name for name in post if name not in _CONTROLS and name.removesuffix("[]") not in fields}
        reason = _loss(post, state)
        if reason:
            lost = Person("forms", "lost", now, values, reason=reason, ignored=ignored)
            subscription.lost.append(lost)
            return
        known = subscription.find("email", values["email"])
        if known:
            subscription.update(known[0], values, now)
        person = known[0] if known else subscription.create("forms", now, values)
        person.ignored |= ignored


_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


def _json(message: object) -> str:
    """As the service writes it: with every slash escaped."""
    return json.dumps(message).replace("/", "\\/")


def _error(failed: Failed) -> dict[str, object]:
    named: dict[str, object] = {"formId": failed.form_id} if failed.form_id else {}
    return named | {"error": True, "message": str(failed), "errorFields": list(failed.fields)}


def _post(request: Request) -> dict[str, str]:
    """The fields of the post; values of one name that comes several times are joined."""
    if request.content_type == FORM:
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    elif request.content_type == MULTIPART:
        pairs = _parts(request)
    else:
        raise Failed("Unsupported content type")
    post: dict[str, str] = {}
    for name, value in pairs:
        post[name] = f"{post[name]};{value}" if name in post else value
    return post


def _parts(request: Request) -> list[tuple[str, str]]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return [(str(part.get_param("name", "", "Content-Disposition")), _text(part)) for part in parts]


def _text(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _values(post: Mapping[str, str], fields: Mapping[str, PersonField]) -> dict[str, object]:
    """What is on the form, by REST names, cut at each field's length."""
    sent = {name.removesuffix("[]"): value for name, value in post.items()}
    return {each.rest: sent[name][: each.length or None] for name, each in fields.items() if sent.get(name)}


def _loss(post: Mapping[str, str], state: str) -> str:
    """Why a post that is answered as a success becomes nothing."""
    if state == "formReCaptcha":
        return "reCaptcha"
    if state == "rejectInvalidChecksum" and post.get("checksum") != checksum(post):
        return "checksum"
    return ""


def checksum(post: Mapping[str, str]) -> str:
    """What ``checksum`` must be: of the fields that ``checksumFields`` names, in that order; without any, nothing."""
    names = [name for name in post.get("checksumFields", "").split(",") if name]
    if not names or any(name not in post for name in names):
        return "none"
    return hashlib.sha256("|".join(post[name] for name in names).encode()).hexdigest()


def _described(subscription: Subscription, form: Form) -> dict[str, object]:
    """The form as the browser's script gets it."""
    rows = [[_field(number, each, form)] for number, each in enumerate(subscription.on_form(form), form.id * 10)]
    return {
        "Id": form.id,
        "Vid": form.vid,
        "Status": "approved",
        "Name": form.name,
        "Layout": "left",
        "rows": rows,
        "fieldsetRows": [],
        "action": "/index.php/leadCapture/save2",
        "munchkinId": subscription.munchkin_id,
    }


def _field(number: int, each: PersonField, form: Form) -> dict[str, object]:
    hidden = each.form in {"LeadSource", "MarketplaceLeadId__c"}
    described: dict[str, object] = {
        "Id": number,
        "Name": each.form,
        "Datatype": "hidden" if hidden else each.kind,
        "Maxlength": each.length,
        "InputLabel": f"{each.label}:",
        "InputInitialValue": "",
        "InputSourceChannel": "constant",
        "ValidationMessage": "This field is required.",
    }
    return described | ({"IsRequired": True} if each.form in form.required else {})

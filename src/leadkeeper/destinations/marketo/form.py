"""Marketo's web forms: a lead is posted as the form on a page would be, and is queued.

Source: ``docs/reference/vendors/marketo.md#forms``. Adobe does not support posts by programs; whoever can should use
the REST API. Nothing is repeated once its body may have gone out.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import unquote_plus, urlencode

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep
from leadkeeper.destinations.interface import Preview
from leadkeeper.destinations.mapping import Value, cut, noted, record
from leadkeeper.destinations.marketo.descriptor import Form, MarketoField, read_descriptor, read_jsonp
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.marketo.pace import Busy, Parts, form_pace, one
from leadkeeper.destinations.marketo.settings import MarketoConfig
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.answer import Private, kind_of_status, read_error, retry_after
from leadkeeper.network.client import NETWORK_ERRORS, Answered, Network, diagnose_network
from leadkeeper.network.rest import DESCRIPTION_LIMIT, Fresh, Kept, read_json, request, unsent
from leadkeeper.network.trouble import about_chosen_host
from leadkeeper.texts import _, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check posted nothing: it did not look at whether Marketo keeps what the form is "
        "sent (a CAPTCHA, a rule or a smart campaign may drop it), and Marketo never tells."
    )
)
"""What a check that passes did not look at."""

FORM_FIELDS: Final[Mapping[str, Value]] = {
    "FirstName": "{firstName}",
    "LastName": "{lastName}",
    "Email": "{email}",
    "Company": "{company}",
    "Title": "{title}",
    "Phone": "{phone}",
    "Country": "{country}",
    "LeadSource": "{leadSource}",
}
LENGTHS: Final = dict.fromkeys(FORM_FIELDS, 255)
NOT_GIVEN: Final = "(not given)"
"""Stands in the name fields that a form demands and the lead lacks."""

FORM_SECONDS: Final = 900.0
"""How long a form's description is believed, so that a change of the form is noticed by itself."""

BLOCKED_SECONDS: Final = 60.0
"""How long to rest when a page came where the form's answer should be."""

_NAMES: Final = frozenset({"FirstName", "LastName", "Company", "Title"})
_BY_STATUS: Final = {
    404: Kind.ENDPOINT_NOT_FOUND,
    405: Kind.METHOD_REFUSED,
    408: Kind.SERVER_ERROR,
    410: Kind.ENDPOINT_GONE,
    413: Kind.LEAD_TOO_LARGE,
}
_QUEUED: Final = lazy_gettext("Marketo queued the lead and does not say what becomes of it")


class MarketoForm:
    """The line to one form."""

    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = False

    def __init__(
        self,
        config: MarketoConfig,
        network: Network,
        now: Callable[[], float] = time.time,
        owner: str = "",
        parts: Parts = one,
    ) -> None:
        self._config = config
        self._network = network
        self._now = now
        self._origin = f"https://{config.form_host}"
        self._save = network.check_url(f"{self._origin}/index.php/leadCapture/save2")
        self._pace = form_pace(network, owner, config.form_host, config.munchkin_id, parts)
        self._form = Kept(self._fetch)

    async def check(self) -> Check:
        """The host can be reached, and the form is there and takes what these leads have. Nothing is written."""
        reach = await self._network.check_reach(f"{self._origin}/", _about_server)
        if reach.diagnosis is not None:
            return reach
        self._form.forget()
        form = await self._form.get()
        trouble = form if isinstance(form, Diagnosis) else self._unmet(form)
        if trouble is not None or isinstance(form, Diagnosis):
            assert trouble is not None
            step = CheckStep("form", False, trouble.evidence.text or trouble.summary)
            return Check((*reach.steps, step), trouble)
        lacks = [name for name in self._wanted() if name not in form.fields]
        detail = lazy_gettext("The form is there.")
        if lacks:
            names = ", ".join(lacks)
            detail = lazy_gettext("The form is there; it lacks %(names)s, which are left out.", names=names)
        proof = CheckStep(
            "lead", None, lazy_gettext("Only a test lead that turns up in Marketo can prove that the form takes leads.")
        )
        return Check((*reach.steps, CheckStep("form", True, detail), proof), unseen=UNSEEN)

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The form's fields for ``lead``; without a look at the form where it cannot be read."""
        form = await self._form.get()
        fields, notes = _fields(lead, self._config, None if isinstance(form, Diagnosis) else form)
        if isinstance(form, Diagnosis):
            notes = (*notes, "the form could not be read, so what it lacks is not known")
        if lead.description and not self._sends_description():
            notes = (*notes, "description is not sent: no field has it")
        return Preview(fields, notes)

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Post each lead, once."""
        return [await self._deliver(lead) for lead in leads]

    async def aclose(self) -> None:
        """Give up a request for the form."""
        await self._form.aclose()

    def _wanted(self) -> list[str]:
        return [name for name, value in {**FORM_FIELDS, **self._config.fields}.items() if value is not None]

    def _sends_description(self) -> bool:
        return any(isinstance(value, str) and "{description}" in value for value in self._config.fields.values())

    async def _deliver(self, lead: OutgoingLead) -> Answer:
        form = await self._form.get()
        if isinstance(form, Diagnosis):
            return form
        unmet = self._unmet(form)
        if unmet is not None:
            return unmet
        fields, notes = _fields(lead, self._config, form)
        if "Email" not in fields:
            return diagnose(MarketoKind.EMAIL_UNUSABLE)
        empty = [name for name, field in form.fields.items() if field.required and name not in fields]
        if empty:
            text = lazy_gettext("The form demands %(fields)s, which this lead lacks.", fields=", ".join(empty))
            return diagnose(MarketoKind.FORM_DEMANDS, Evidence(text=text), outcome=Outcome.REFUSED)
        try:
            async with self._pace.turn():
                await self._pace.call()
                return await self._post(lead, form, fields, notes)
        except Busy as busy:
            return diagnose(MarketoKind.PACED, retry_after=busy.seconds)

    def _unmet(self, form: Form) -> Diagnosis | None:
        """What the form demands that no lead has: then none would be taken."""
        if form.protected:
            return diagnose(MarketoKind.FORM_PROTECTED)
        wanted = set(self._wanted())
        lacking = [
            name for name, field in form.fields.items() if field.required and not field.initial and name not in wanted
        ]
        if not lacking:
            return None
        return diagnose(
            MarketoKind.FORM_DEMANDS,
            Evidence(text=lazy_gettext("The form demands %(fields)s.", fields=", ".join(lacking))),
        )

    async def _post(self, lead: OutgoingLead, form: Form, fields: Mapping[str, Any], notes: tuple[str, ...]) -> Answer:
        texts = {name: _text(value) for name, value in fields.items()}
        own = {"munchkinId": self._config.munchkin_id, "formid": self._config.form_id, "formVid": form.version}
        proof = {"checksumFields": ",".join(texts), "checksum": checksum(texts.values())}
        headers = {
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
            "accept": "application/json",
            "x-requested-with": "XMLHttpRequest",
            "referer": f"{self._origin}/",
        }
        data = urlencode({**own, **texts, **proof}, encoding="utf-8", errors="replace").encode()
        try:
            answered = await self._network.post(self._save, data=data, headers=headers, alone=True)
        except NETWORK_ERRORS as error:
            return _about_server(diagnose_network(error))
        return self._read(answered, Private(lead), notes)

    def _read(self, answered: Answered, private: Private, notes: tuple[str, ...]) -> Answer:
        trouble = self._by_status(answered, private)
        if trouble is not None:
            return trouble
        content = read_json(answered)
        if answered.fault is not None:
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(answered.status), outcome=Outcome.AMBIGUOUS)
        if not isinstance(content, dict):
            return self._blocked(answered, private)
        wrapped = content.get("mktoResponse")
        message = wrapped if isinstance(wrapped, dict) else content
        data = message.get("data") if isinstance(wrapped, dict) and isinstance(message.get("data"), dict) else message
        if message.get("error") or (isinstance(data, dict) and data.get("error")):
            text = private.mask(unquote_plus(read_error("application/json", answered.body).text))
            return diagnose(MarketoKind.FORM_REJECTED, Evidence(answered.status, text=text or None))
        if isinstance(data, dict) and data.get("formId"):
            return Receipt(confirmed=False, note=noted((_QUEUED, *notes)))
        return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(answered.status), outcome=Outcome.AMBIGUOUS)

    def _by_status(self, answered: Answered, private: Private) -> Diagnosis | None:
        """The diagnosis of an answer that is not 2xx. A post may have been taken before a server failed."""
        status, wait = answered.status, retry_after(answered.headers, self._now())
        evidence = _evidence(answered, private)
        match status // 100:
            case 2:
                return None
            case 3:
                return diagnose(Kind.REDIRECTED, evidence)
            case 5 if status != 503 or wait is None:
                return diagnose(Kind.SERVER_ERROR, evidence, outcome=Outcome.AMBIGUOUS)
        if status in (429, 503):
            return diagnose(Kind.THROTTLED, evidence, retry_after=wait)
        if status in (401, 403):
            return self._blocked(answered, private)
        kind = _BY_STATUS.get(status) or kind_of_status(status)
        return diagnose(MarketoKind.FORM_REJECTED if kind is Kind.LEAD_REFUSED else kind, evidence)

    def _blocked(self, answered: Answered, private: Private) -> Diagnosis:
        self._pace.rest(BLOCKED_SECONDS)
        return diagnose(MarketoKind.POSTS_BLOCKED, _evidence(answered, private), retry_after=BLOCKED_SECONDS)

    async def _fetch(self) -> Fresh[Form] | Diagnosis:
        """The form as it is now, or why it cannot be had. Nothing of a lead is sent."""
        config = self._config
        query = {"munchkinId": config.munchkin_id, "form": config.form_id, "url": f"{self._origin}/", "callback": "cb"}
        headers = {
            "accept": "application/javascript, application/json",
            "referer": f"{self._origin}/",
        }
        url = f"{self._origin}/index.php/form/getForm?{urlencode(query)}"
        try:
            answered = await request(self._network, "GET", url, headers=headers, limit=DESCRIPTION_LIMIT)
        except NETWORK_ERRORS as error:
            return unsent(_about_server(diagnose_network(error)))
        return self._described(answered)

    def _described(self, answered: Answered) -> Fresh[Form] | Diagnosis:
        private = Private(None)
        if answered.status // 100 == 4 and answered.status not in (403, 429):
            return diagnose(MarketoKind.FORM_NOT_FOUND, _evidence(answered, private))
        trouble = self._by_status(answered, private)
        if trouble is not None:
            return unsent(trouble)
        if answered.fault is not None:
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(answered.status))
        content = read_jsonp(answered.body)
        if content is None:
            return self._blocked(answered, private)
        form = read_descriptor(content, self._config.form_id)
        if form is None:
            return diagnose(MarketoKind.FORM_NOT_FOUND, Evidence(answered.status))
        return Fresh(form, FORM_SECONDS)


def checksum(values: Any) -> str:
    """Marketo's checksum over the values of the fields that it names, in their order."""
    return hashlib.sha256("|".join(values).encode("utf-8", "replace")).hexdigest()


def _fields(lead: OutgoingLead, config: MarketoConfig, form: Form | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The lead as ``form`` takes it, and what was left out, cut or filled in. ``None``: any field is taken."""
    fields = record(FORM_FIELDS, config.fields, lead)
    if form is None:
        return cut(fields, LENGTHS)
    left = [name for name in fields if name not in form.fields]
    known = {name: value for name, value in fields.items() if name in form.fields}
    lengths = {name: field.length or LENGTHS.get(name, 255) for name, field in form.fields.items()}
    fitting, cuts = cut(known, lengths)
    notes = [f"not on the form and left out: {', '.join(left)}"] if left else []
    filled = _filled(form.fields, fitting)
    notes += [f"{name} is empty and was sent as {NOT_GIVEN}" for name, text in filled.items() if text == NOT_GIVEN]
    return fitting | filled, (*notes, *cuts)


def _filled(form: Mapping[str, MarketoField], given: Mapping[str, Any]) -> dict[str, str]:
    """What a page would send untouched, and an honest placeholder in demanded names."""
    filled = {}
    for name, field in form.items():
        if name not in given and (field.initial or (field.required and name in _NAMES)):
            filled[name] = field.initial or NOT_GIVEN
    return filled


def _text(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _evidence(answered: Answered, private: Private) -> Evidence:
    message = read_error(answered.headers.get("content-type", ""), answered.body)
    return Evidence(answered.status, private.shown(message.code), text=private.mask(unquote_plus(message.text)) or None)


def _about_server(diagnosis: Diagnosis) -> Diagnosis:
    """A host name that does not exist is a server id that does not."""
    return about_chosen_host(diagnosis, MarketoKind.SERVER_NOT_FOUND)

"""Marketo's REST API: each lead submits the form under its e-mail address, and Marketo says what it made of it.

Source: ``docs/reference/vendors/marketo.md#rest-api-forms``. People are known by their address, so a lead that is sent
twice changes the same person; two at once for one address could make two, so they go one after the other.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep, tell_step
from leadkeeper.destinations.interface import Presence, Preview, SentRecord
from leadkeeper.destinations.mapping import Value, cut, noted, record
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.marketo.errors import (
    ALREADY_THERE,
    CODES,
    FIELD_CODES,
    RATE_SECONDS,
    TOKEN_CODES,
    FailedRecord,
    diagnose_marketo_sign_in,
    read_answer,
    read_marketo_error,
    read_reasons,
)
from leadkeeper.destinations.marketo.pace import Busy, Parts, one, rest_pace
from leadkeeper.destinations.marketo.read_back import FIND_BATCH, find_people
from leadkeeper.destinations.marketo.settings import MarketoConfig
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.answer import Private
from leadkeeper.network.client import NETWORK_ERRORS, Network, diagnose_network
from leadkeeper.network.rest import (
    DESCRIPTION_LIMIT,
    Dialect,
    Fresh,
    Reply,
    RestClient,
    SignIn,
    Token,
    read_json,
    request,
    unsent,
)
from leadkeeper.texts import _, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at whether the form takes each field, nor at "
        "partitions, smart campaigns and rules that a lead meets."
    )
)
"""What a check that passes did not look at."""

REST_FIELDS: Final[Mapping[str, Value]] = {
    "firstName": "{firstName}",
    "lastName": "{lastName}",
    "email": "{email}",
    "company": "{company}",
    "title": "{title}",
    "phone": "{phone}",
    "country": "{country}",
    "leadSource": "{leadSource}",
}
LENGTHS: Final = {name: 255 for name in REST_FIELDS if name != "email"}
_EMAIL: Final = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_EMAIL_LENGTH: Final = 255
_WORD: Final = re.compile(r"\w+")

DIALECT: Final = Dialect(
    read=read_marketo_error,
    token_over=lambda reply: reply.status == 401 or (reply.status == 200 and reply.code in TOKEN_CODES),
    known=CODES,
    host_missing=MarketoKind.ACCOUNT_NOT_FOUND,  # each Munchkin id has its own host
)


class MarketoRestApi:
    """The line to one form of one subscription."""

    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = True
    find_batch: ClassVar[int] = FIND_BATCH

    def __init__(
        self,
        config: MarketoConfig,
        network: Network,
        now: Callable[[], float] = time.time,
        owner: str = "",
        parts: Parts = one,
    ) -> None:
        assert config.client_id is not None
        assert config.client_secret is not None
        self._config = config
        self._network = network
        self._now = now
        self._origin = f"https://{config.rest_host}"
        self._secrets = (config.client_id, config.client_secret.get_secret_value())
        self._pace = rest_pace(network, owner, config.rest_host, *self._secrets, parts)
        self._client = RestClient(
            network, self._origin, SignIn(self._sign_in), DIALECT, secrets=self._secrets, before=self._pace.call
        )
        self._not_on_form: frozenset[str] = frozenset()

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Submit the form for each lead."""
        return [await self._deliver(lead) for lead in leads]

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The form's fields for ``lead``; what the form lacks is known only once a lead was sent."""
        fields, notes = self._fields(lead)
        templates = [value for value in self._config.fields.values() if isinstance(value, str)]
        if lead.description and not any("{description}" in template for template in templates):
            notes = (*notes, "description is not sent: no field has it")
        return Preview(fields, notes)

    async def find(self, sent: Sequence[SentRecord]) -> Sequence[Presence] | Diagnosis:
        """Which people are there; see :class:`~leadkeeper.destinations.interface.ReadsBack`."""
        try:
            async with self._pace.turn():
                found = await find_people(self._read, sent, self._now())
        except Busy as busy:
            return diagnose(MarketoKind.PACED, retry_after=busy.seconds)
        return unsent(found.diagnosis) if isinstance(found, FailedRecord) else found

    async def _read(self, path: str) -> dict[str, Any] | FailedRecord:
        """The whole answer to a call that reads; its ``result`` may be missing where there is none."""
        reply = await self._client.call("GET", path, limit=DESCRIPTION_LIMIT)
        if isinstance(reply, Diagnosis):
            return FailedRecord(None, reply)
        if reply.status == 200 and isinstance(reply.content, dict) and reply.content.get("success") is True:
            return reply.content
        found = self._judged(reply, self._client.private())
        return FailedRecord(None, diagnose(Kind.ANSWER_NOT_UNDERSTOOD)) if isinstance(found, list) else found

    async def aclose(self) -> None:
        """Give up a request for a token."""
        await self._client.aclose()

    def _fields(self, lead: OutgoingLead) -> tuple[dict[str, Any], tuple[str, ...]]:
        fields, notes = cut(record(REST_FIELDS, self._config.fields, lead), LENGTHS)
        left = sorted(self._not_on_form & fields.keys())
        known = {name: value for name, value in fields.items() if name not in self._not_on_form}
        return known, (*notes, f"not on the form and left out: {', '.join(left)}") if left else notes

    async def _deliver(self, lead: OutgoingLead) -> Answer:
        email = self._fields(lead)[0].get("email")
        if not isinstance(email, str) or len(email) > _EMAIL_LENGTH or not _EMAIL.fullmatch(email):
            return diagnose(MarketoKind.EMAIL_UNUSABLE)
        try:
            async with self._pace.turn(email.casefold()):
                answer = await self._submit(lead)
                if isinstance(answer, FailedRecord) and self._learn(answer):
                    answer = await self._submit(lead)
        except Busy as busy:
            return diagnose(MarketoKind.PACED, retry_after=busy.seconds)
        return answer.diagnosis if isinstance(answer, FailedRecord) else answer

    def _learn(self, failed: FailedRecord) -> bool:
        """Whether Marketo named fields of ours that are not on the form: they are left out from now on."""
        if failed.code not in FIELD_CODES:
            return False
        named = set(_WORD.findall(failed.message)) & set(REST_FIELDS) - {"email"} - set(self._config.fields)
        self._not_on_form |= named
        return bool(named)

    async def _submit(self, lead: OutgoingLead) -> Receipt | FailedRecord:
        fields, notes = self._fields(lead)
        content: dict[str, Any] = {"formId": int(self._config.form_id), "input": [{"leadFormFields": fields}]}
        if self._config.program_id is not None:
            content["programId"] = int(self._config.program_id)
        private = self._client.private(lead)
        results = await self._call("POST", "/rest/v1/leads/submitForm.json", private, content)
        if isinstance(results, FailedRecord):
            return results
        result = results[0] if results and isinstance(results[0], dict) else {}
        match result.get("status"):
            case "created" | "updated" as word:
                return self._receipt(word, result, notes)
            case "skipped":
                failed = read_reasons(result, private, self._now())
                return self._receipt("duplicate", result, notes) if failed.code == ALREADY_THERE else failed
        return FailedRecord(None, diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(200), outcome=Outcome.AMBIGUOUS))

    def _receipt(self, word: str, result: Mapping[str, Any], notes: tuple[str, ...]) -> Receipt:
        found = result.get("id")
        person = str(found) if isinstance(found, int) and not isinstance(found, bool) else None
        link = f"https://{self._config.form_host}/leadDatabase/loadLeadDetail?leadId={person}" if person else None
        return Receipt(word, person, link, note=noted(notes))

    async def _call(
        self,
        method: str,
        path: str,
        private: Private,
        content: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> list[Any] | FailedRecord:
        """The ``result`` of one call, or why there is none."""
        reply = await self._client.call(method, path, content, limit=limit)
        if isinstance(reply, Diagnosis):
            return FailedRecord(None, reply)
        return self._judged(reply, private)

    def _judged(self, reply: Reply, private: Private) -> list[Any] | FailedRecord:
        found = read_answer(reply, self._client.evidence(reply, private), self._now())
        if isinstance(found, FailedRecord) and found.code in RATE_SECONDS:
            self._pace.rest(RATE_SECONDS[found.code])
        return found

    async def _sign_in(self) -> Fresh[Token] | Diagnosis:
        """A token by client credentials; Marketo takes them in the query only. It gives the same one until it ends."""
        client_id, secret = self._secrets
        query = urlencode({"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret})
        headers = {"accept": "application/json"}
        try:
            url = f"{self._origin}/identity/oauth/token?{query}"
            answered = await request(self._network, "GET", url, headers=headers)
        except NETWORK_ERRORS as error:
            return unsent(DIALECT.about_host(diagnose_network(error)))
        content = read_json(answered)
        token, seconds = (
            (content.get("access_token"), content.get("expires_in")) if isinstance(content, dict) else ("", 0)
        )
        if answered.status == 200 and isinstance(token, str) and token:
            return Fresh(Token(token), float(seconds) if isinstance(seconds, int | float) else 0.0)
        return unsent(diagnose_marketo_sign_in(answered, content, Private(None, self._secrets), self._now()))

    async def check(self) -> Check:
        """The steps of reaching the host, then ``token``, ``fields`` and ``form``. Nothing is written."""
        reach = await self._network.check_reach(f"{self._origin}/", DIALECT.about_host)
        if reach.diagnosis is not None:
            return reach
        steps = list(reach.steps)
        token = await self._client.token()
        if isinstance(token, Diagnosis):
            return _failed(steps, "token", token)
        steps.append(tell_step(CheckStep("token", True, lazy_gettext("Marketo accepts the client id and secret."))))
        try:
            async with self._pace.turn():
                for name, look in (("fields", self._check_fields), ("form", self._check_form)):
                    step, trouble = await look()
                    if trouble is not None:
                        return _failed(steps, name, unsent(trouble))
                    steps.append(tell_step(step))
        except Busy as busy:
            return _failed(steps, "form", diagnose(MarketoKind.PACED, retry_after=busy.seconds))
        return Check(tuple(steps), unseen=UNSEEN)

    async def _check_fields(self) -> tuple[CheckStep, Diagnosis | None]:
        """The fields of the settings exist. Whether they are on the form only a lead can tell."""
        step = CheckStep("fields", True, lazy_gettext("The fields of the settings exist."))
        private = self._client.private()
        found = await self._call("GET", "/rest/v1/leads/describe.json", private, limit=DESCRIPTION_LIMIT)
        if isinstance(found, FailedRecord):
            return step, found.diagnosis
        rests = [each.get("rest") for each in found if isinstance(each, dict)]
        known = {str(rest.get("name")) for rest in rests if isinstance(rest, dict)}
        unknown = [name for name, value in self._config.fields.items() if value is not None and name not in known]
        if not unknown:
            return step, None
        return step, diagnose(
            MarketoKind.FIELD_UNKNOWN,
            Evidence(text=lazy_gettext("There is no field %(fields)s.", fields=", ".join(unknown))),
        )

    async def _check_form(self) -> tuple[CheckStep, Diagnosis | None]:
        """The form exists and is approved; a service that may not read assets can still submit it."""
        unseen = CheckStep(
            "form", None, lazy_gettext("The service may not read forms, so only a test lead can prove the form.")
        )
        private = self._client.private()
        path = f"/rest/asset/v1/form/{self._config.form_id}.json"
        found = await self._call("GET", path, private, limit=DESCRIPTION_LIMIT)
        if isinstance(found, FailedRecord):
            kind = CODES.get(found.code or "")
            denied = kind is MarketoKind.ACCESS_DENIED or found.diagnosis.kind is MarketoKind.ACCESS_DENIED
            return (unseen, None) if denied else (unseen, found.diagnosis)
        form = found[0] if found and isinstance(found[0], dict) else None
        if form is None:
            return unseen, diagnose(MarketoKind.FORM_NOT_FOUND, Evidence(200))
        if form.get("status") == "draft":
            return CheckStep(
                "form", None, lazy_gettext("The form is there, as a draft at least; it must be approved.")
            ), None
        return CheckStep("form", True, lazy_gettext("The form is there.")), None


def _failed(steps: list[CheckStep], name: str, diagnosis: Diagnosis) -> Check:
    detail = diagnosis.evidence.text or diagnosis.summary
    return Check((*steps, CheckStep(name, False, detail)), diagnosis)

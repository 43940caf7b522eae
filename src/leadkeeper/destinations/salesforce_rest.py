"""Salesforce's REST API: leads written under our own id, up to 200 in one request, each confirmed or refused.

Source: ``facts/destination-protocols.md`` 3.4. A lead that is sent twice is one record, because its id is the value of
a unique external id field.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from leadkeeper import __version__
from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.answer import Private
from leadkeeper.destinations.destination import Check, CheckStep, OutgoingLead, Preview
from leadkeeper.destinations.http import NETWORK_ERRORS, Answered, AnswerTooLarge, Network, diagnose_network
from leadkeeper.destinations.mapping import noted
from leadkeeper.destinations.rest import DESCRIPTION_LIMIT, Fresh, Kept, Token, read_json, request, unsent
from leadkeeper.destinations.salesforce_errors import (
    DUPLICATE_VALUE,
    diagnose_answer,
    diagnose_record,
    diagnose_sign_in,
    read_errors,
)
from leadkeeper.destinations.salesforce_fields import REST_FIELDS, rest_record
from leadkeeper.destinations.salesforce_settings import SalesforceConfig
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt

BATCH: Final = 200
"""The most records in one request of sObject Collections."""

_PATIENCE: Final = 3
"""How many times the network's total time one call of ``deliver`` may take before it sends nothing more."""

_ID: Final = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_USER_AGENT: Final = {"user-agent": f"Leadkeeper/{__version__}"}


class RestApi:
    """The line to one organization's REST API."""

    def __init__(self, config: SalesforceConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        assert config.client_id is not None
        assert config.client_secret is not None
        self._config = config
        self._network = network
        self._now = now
        self._origin = f"https://{config.domain}"
        self._data = f"{self._origin}/services/data/{config.api_version}"
        self._id_field = config.external_id_field or ""
        self._secrets = (config.client_id, config.client_secret.get_secret_value())
        self._tokens = Kept(self._sign_in)

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Upsert the leads: one by itself, several in one request, each answered for itself.

        A record that is there already is answered ``duplicate``. A unique value that is taken may be a second writer's
        at the same moment, so that is tried once more.
        """
        deadline = asyncio.get_running_loop().time() + _PATIENCE * self._network.policy.total_seconds
        answers = await self._upsert(leads, deadline)
        again = [lead for lead, answer in zip(leads, answers, strict=True) if _is_taken(answer)]
        if not again:
            return answers
        second = dict(zip((lead.id for lead in again), await self._upsert(again, deadline), strict=True))
        return [second.get(lead.id, answer) for lead, answer in zip(leads, answers, strict=True)]

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The record for ``lead``, with its external id."""
        fields, notes = rest_record(lead, self._config)
        return Preview(fields | {self._id_field: lead.id}, notes)

    def _private(self, lead: OutgoingLead | None) -> Private:
        """What no evidence may show: the lead, the credentials, the token in use."""
        token = self._tokens.last
        return Private(lead, (*self._secrets, token.text if token is not None else ""))

    async def aclose(self) -> None:
        """Give up a request for a token."""
        await self._tokens.aclose()

    async def _upsert(self, leads: Sequence[OutgoingLead], deadline: float) -> list[Answer]:
        if asyncio.get_running_loop().time() > deadline:
            return [unsent(diagnose(Kind.NO_ANSWER))] * len(leads)
        if len(leads) == 1:
            return [await self._upsert_one(leads[0])]
        answered = await self._call("PATCH", f"/composite/sobjects/Lead/{self._id_field}", self._collection(leads))
        if isinstance(answered, Diagnosis):
            return [self._about_domain(answered)] * len(leads)
        if answered.status == 413 or isinstance(answered.fault, AnswerTooLarge):
            middle = len(leads) // 2
            return [*await self._upsert(leads[:middle], deadline), *await self._upsert(leads[middle:], deadline)]
        results = read_json(answered)
        if answered.status == 200 and isinstance(results, list) and len(results) == len(leads):
            return [self._result(lead, result) for lead, result in zip(leads, results, strict=True)]
        return [self._whole(answered, None)] * len(leads)

    async def _upsert_one(self, lead: OutgoingLead) -> Answer:
        fields, notes = rest_record(lead, self._config)
        answered = await self._call("PATCH", f"/sobjects/Lead/{self._id_field}/{lead.id}", fields)
        if isinstance(answered, Diagnosis):
            return self._about_domain(answered)
        if answered.status == 204:
            return Receipt("duplicate", note=noted(notes))
        content = read_json(answered)
        if answered.status in (200, 201) and isinstance(content, dict) and content.get("success") is True:
            return self._receipt(content, notes, created=answered.status == 201)
        return self._whole(answered, self._private(lead))

    def _collection(self, leads: Sequence[OutgoingLead]) -> Mapping[str, Any]:
        own = {"attributes": {"type": "Lead"}}
        records = [own | rest_record(lead, self._config)[0] | {self._id_field: lead.id} for lead in leads]
        return {"allOrNone": False, "records": records}

    def _result(self, lead: OutgoingLead, result: Any) -> Answer:
        if not isinstance(result, dict):
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, outcome=Outcome.AMBIGUOUS)
        if result.get("success") is True:
            return self._receipt(result, rest_record(lead, self._config)[1], created=False)
        return diagnose_record(read_errors(result.get("errors")), self._private(lead))

    def _receipt(self, result: Mapping[str, Any], notes: tuple[str, ...], *, created: bool) -> Receipt:
        """``created`` is what the status says; the result's own word counts more."""
        found = result.get("id")
        record = found if isinstance(found, str) and _ID.fullmatch(found) else None
        new = result.get("created", created) is True
        link = f"{self._origin}/{record}" if record else None
        return Receipt("created" if new else "duplicate", record, link, note=noted(notes))

    def _whole(self, answered: Answered, private: Private | None) -> Diagnosis:
        """Why the request failed. One about several leads that was refused as a whole is the settings' fault."""
        if answered.status // 100 == 2:
            evidence = Evidence(answered.status)
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, evidence, outcome=Outcome.AMBIGUOUS)
        found = diagnose_answer(answered, private, self._now())
        if private is None and found.outcome is Outcome.REFUSED:
            return diagnose(Kind.SALESFORCE_REQUEST_REJECTED, found.evidence)
        return found

    def _about_domain(self, diagnosis: Diagnosis) -> Diagnosis:
        """A host name that does not exist is a My Domain that does not."""
        if diagnosis.kind is not Kind.ADDRESS_NOT_FOUND:
            return diagnosis
        return diagnose(Kind.SALESFORCE_DOMAIN_NOT_FOUND, diagnosis.evidence)

    async def _call(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> Answered | Diagnosis:
        """One request with a good token; a new token and once more when it is not taken."""
        data = None if content is None else json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        answered: Answered | None = None
        for _ in range(2):
            token = await self._tokens.get()
            if isinstance(token, Diagnosis):
                return token
            headers = {**_USER_AGENT, "accept": "application/json", "authorization": f"Bearer {token.text}"}
            if data is not None:
                headers["content-type"] = "application/json; charset=UTF-8"
            try:
                answered = await request(
                    self._network, method, f"{self._data}{path}", headers=headers, data=data, limit=limit
                )
            except NETWORK_ERRORS as error:
                return diagnose_network(error)
            if answered.status != 401:
                return answered
            self._tokens.reject(token)
        assert answered is not None
        return answered

    async def _sign_in(self) -> Fresh[Token] | Diagnosis:
        """A new token by the client credentials flow. Salesforce does not say how long it lives."""
        client_id, secret = self._secrets
        form = urlencode({"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret})
        headers = {
            **_USER_AGENT,
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        }
        url = f"{self._origin}/services/oauth2/token"
        try:
            answered = await request(self._network, "POST", url, headers=headers, data=form.encode())
        except NETWORK_ERRORS as error:
            return unsent(diagnose_network(error))
        content = read_json(answered)
        token = content.get("access_token") if isinstance(content, dict) else None
        if answered.status == 200 and isinstance(token, str) and token:
            return Fresh(Token(token))
        return unsent(diagnose_sign_in(answered, self._private(None), self._now()))

    async def check(self) -> Check:
        """Steps ``reach``'s own, then ``token``, ``fields`` (they exist and may be written) and ``limits``."""
        reach = await self._network.check_reach(f"{self._origin}/")
        if reach.diagnosis is not None:
            return Check(reach.steps, self._about_domain(reach.diagnosis))
        steps = list(reach.steps)
        token = await self._tokens.get()
        if isinstance(token, Diagnosis):
            return _failed(steps, "token", token)
        steps.append(CheckStep("token", True, "Salesforce accepts the consumer key and secret."))
        trouble = await self._check_fields()
        if trouble is not None:
            return _failed(steps, "fields", trouble)
        steps.append(CheckStep("fields", True, "All fields exist and may be written; leads can be created."))
        step, trouble = await self._check_limits()
        return Check((*steps, step), trouble)

    async def _check_fields(self) -> Diagnosis | None:
        answered = await self._call("GET", "/sobjects/Lead/describe", limit=DESCRIPTION_LIMIT)
        if isinstance(answered, Diagnosis):
            return unsent(answered)
        described = read_json(answered)
        if answered.status != 200 or not isinstance(described, dict) or not isinstance(described.get("fields"), list):
            return unsent(self._whole(answered, self._private(None)))
        fields = {str(each.get("name")): each for each in described["fields"] if isinstance(each, dict)}
        if described.get("createable") is False or described.get("updateable") is False:
            text = "The user may not create and edit leads."
            return diagnose(Kind.SALESFORCE_ACCESS_MISSING, Evidence(text=text))
        return self._missing(fields) or self._external_id(fields.get(self._id_field))

    def _missing(self, fields: Mapping[str, Mapping[str, Any]]) -> Diagnosis | None:
        """The fields that are sent and cannot be written. Those of a compound are written by their parts' names."""
        sent = {**REST_FIELDS, **self._config.fields}
        bad = [name for name, value in sent.items() if value is not None and not _writable(fields.get(name))]
        if not bad:
            return None
        return diagnose(Kind.SALESFORCE_FIELD_UNKNOWN, Evidence(text=f"Not there, or not writable: {', '.join(bad)}."))

    def _external_id(self, found: Mapping[str, Any] | None) -> Diagnosis | None:
        text = None
        if found is None:
            text = f"There is no field {self._id_field} on leads, or the user cannot see it."
        elif found.get("externalId") is False:
            text = f"{self._id_field} is not an external id."
        elif found.get("unique") is False:
            text = f"{self._id_field} is not unique."
        elif not _writable(found):
            text = f"The user may not write {self._id_field}."
        elif isinstance(length := found.get("length"), int) and 0 < length < 36:
            text = f"{self._id_field} holds {length} characters; our ids have 36."
        return None if text is None else diagnose(Kind.SALESFORCE_EXTERNAL_ID_UNUSABLE, Evidence(text=text))

    async def _check_limits(self) -> tuple[CheckStep, Diagnosis | None]:
        """How much of the day's API requests is used; many users may not see that, which is no fault."""
        answered = await self._call("GET", "/limits")
        content = None if isinstance(answered, Diagnosis) else read_json(answered)
        daily = content.get("DailyApiRequests") if isinstance(content, dict) else None
        if not isinstance(daily, dict) or not all(isinstance(daily.get(key), int) for key in ("Max", "Remaining")):
            return CheckStep("limits", None, "The user may not see how many API requests are used."), None
        used = f"{daily['Max'] - daily['Remaining']:,} of {daily['Max']:,} API requests of 24 hours are used."
        if daily["Remaining"] > 0:
            return CheckStep("limits", True, used), None
        return CheckStep("limits", False, used), diagnose(Kind.SALESFORCE_API_LIMIT, Evidence(text=used))


def _writable(found: Mapping[str, Any] | None) -> bool:
    return found is not None and found.get("createable") is not False and found.get("updateable") is not False


def _failed(steps: list[CheckStep], name: str, diagnosis: Diagnosis) -> Check:
    detail = diagnosis.evidence.text or diagnosis.summary
    return Check((*steps, CheckStep(name, False, detail)), diagnosis)


def _is_taken(answer: Answer) -> bool:
    return isinstance(answer, Diagnosis) and answer.evidence.code == DUPLICATE_VALUE

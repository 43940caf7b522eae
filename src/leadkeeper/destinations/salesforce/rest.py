"""Salesforce's REST API: leads created under our own id, up to 200 in one request, each confirmed or refused.

Source: ``docs/reference/vendors/salesforce.md#rest-api-records``. Leads are only ever created: what people later change
is never overwritten, and assignment rules run once. A lead that is sent twice is one record, because its id is the
value of a unique external id field: the second time Salesforce refuses it as taken, which says that it is there.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep, tell_step
from leadkeeper.destinations.interface import Presence, Preview, SentRecord
from leadkeeper.destinations.mapping import Value, noted
from leadkeeper.destinations.salesforce.check import (
    Fields,
    judge_external_id,
    judge_fields,
    judge_limits,
    read_description,
    tell_rules,
)
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.errors import (
    CONVERTED,
    DUPLICATE_VALUE,
    RemoteError,
    diagnose_answer,
    diagnose_record,
    perhaps_there,
    read_errors,
)
from leadkeeper.destinations.salesforce.fields import REST_FIELDS, rest_record
from leadkeeper.destinations.salesforce.read_back import FIND_BATCH, find_leads
from leadkeeper.destinations.salesforce.session import DIALECT, open_session
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.answer import Private
from leadkeeper.network.client import AnswerTooLarge, Network
from leadkeeper.network.rest import DESCRIPTION_LIMIT, Fresh, Kept, Reply, unsent
from leadkeeper.texts import _, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at validation rules, duplicate rules, "
        "flows and triggers, which may refuse a lead."
    )
)
"""What a check that passes did not look at."""

BATCH: Final = 200
"""The most records in one request of sObject Collections."""

UNIQUE_SECONDS: Final = 3_600.0
"""How long it is believed that the field for our id is unique."""

_UNREAD_SECONDS: Final = 300.0
_PATIENCE: Final = 3
"""How many times the network's total time one call of ``deliver`` may take before it sends nothing more."""

_ID: Final = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_LEAD_ID: Final = re.compile(r"\b00Q(?:[A-Za-z0-9]{12}|[A-Za-z0-9]{15})\b")


class _Refused(NamedTuple):
    """A lead that was not created, and the error for which it may be there all the same."""

    diagnosis: Diagnosis
    perhaps: RemoteError | None = None


class SalesforceRestApi:
    """The line to one organization's REST API."""

    batch: ClassVar[int] = BATCH
    repeatable: ClassVar[bool] = True
    find_batch: ClassVar[int] = FIND_BATCH

    def __init__(self, config: SalesforceConfig, network: Network, now: Callable[[], float] = time.time) -> None:
        self._config = config
        self._network = network
        self._now = now
        self._client = open_session(config, network, now)
        self._origin = f"https://{config.domain}"
        self._id_field = config.external_id_field or ""
        self._unique = Kept(self._prove_unique)

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Create the leads: one by itself, several in one request, each answered for itself.

        One that is there already is answered ``duplicate``, and is not touched. A unique value that is taken may be a
        second writer's at the same moment: where our id is not found then, that lead is tried once more.
        """
        deadline = asyncio.get_running_loop().time() + _PATIENCE * self._network.policy.total_seconds
        token = await self._client.token()
        unusable = token if isinstance(token, Diagnosis) else await self._unique.get()
        if isinstance(unusable, Diagnosis):
            return [unusable] * len(leads)
        found = await self._create(leads, deadline)
        again = []
        answers: dict[str, Answer] = {}
        for lead, each in zip(leads, found, strict=True):
            settled = await self._settle(lead, each, deadline) if isinstance(each, _Refused) else each
            if settled is None:
                again.append(lead)
            else:
                answers[lead.id] = settled
        if again:
            answers |= await self._again(again, deadline)
        return [answers[lead.id] for lead in leads]

    async def _again(self, leads: Sequence[OutgoingLead], deadline: float) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        for lead, each in zip(leads, await self._create(leads, deadline), strict=True):
            settled = await self._settle(lead, each, deadline) if isinstance(each, _Refused) else each
            answers[lead.id] = settled or (each.diagnosis if isinstance(each, _Refused) else each)
        return answers

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The record for ``lead``, with its external id."""
        fields, notes = rest_record(lead, self._config)
        return Preview(fields | {self._id_field: lead.id}, notes)

    async def find(self, sent: Sequence[SentRecord]) -> Sequence[Presence] | Diagnosis:
        """Which leads are there; see :class:`~leadkeeper.destinations.interface.ReadsBack`."""
        found = await find_leads(self._client, self._id_field, sent)
        if not isinstance(found, Reply):
            return found
        return unsent(self._whole(found, self._client.private(None)))

    async def aclose(self) -> None:
        """Give up requests for a token and for the organization's fields."""
        await self._unique.aclose()
        await self._client.aclose()

    async def _create(self, leads: Sequence[OutgoingLead], deadline: float) -> Sequence[Answer | _Refused]:
        if asyncio.get_running_loop().time() > deadline:
            return [unsent(diagnose(Kind.NO_ANSWER))] * len(leads)
        if len(leads) == 1:
            return [await self._create_one(leads[0])]
        own = {"attributes": {"type": "Lead"}}
        records = [own | rest_record(lead, self._config)[0] | {self._id_field: lead.id} for lead in leads]
        reply = await self._client.call("POST", "/composite/sobjects", {"allOrNone": False, "records": records})
        if isinstance(reply, Diagnosis):
            return [reply] * len(leads)
        if reply.status == 413 or isinstance(reply.answered.fault, AnswerTooLarge):
            middle = len(leads) // 2
            return [*await self._create(leads[:middle], deadline), *await self._create(leads[middle:], deadline)]
        results = reply.content
        if reply.status // 100 == 2 and isinstance(results, list) and len(results) == len(leads):
            return [self._result(lead, result) for lead, result in zip(leads, results, strict=True)]
        return [self._whole(reply, None)] * len(leads)

    async def _create_one(self, lead: OutgoingLead) -> Answer | _Refused:
        fields, notes = rest_record(lead, self._config)
        reply = await self._client.call("POST", "/sobjects/Lead", fields | {self._id_field: lead.id})
        if isinstance(reply, Diagnosis):
            return reply
        content = reply.content
        if reply.status // 100 == 2 and isinstance(content, dict) and content.get("success") is True:
            return self._receipt("created", content.get("id"), notes)
        diagnosis = self._whole(reply, self._client.private(lead))
        return _Refused(diagnosis, perhaps_there(read_errors(content))) if reply.status >= 300 else diagnosis

    def _result(self, lead: OutgoingLead, result: Any) -> Answer | _Refused:
        if not isinstance(result, dict):
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, outcome=Outcome.AMBIGUOUS)
        if result.get("success") is True:
            return self._receipt("created", result.get("id"), rest_record(lead, self._config)[1])
        errors = read_errors(result.get("errors"))
        return _Refused(diagnose_record(errors, self._client.private(lead)), perhaps_there(errors))

    def _receipt(self, result: str, found: Any, notes: tuple[str, ...] = ()) -> Receipt:
        record = found if isinstance(found, str) and _ID.fullmatch(found) else None
        link = f"{self._origin}/{record}" if record else None
        return Receipt(result, record, link, note=noted(notes))

    async def _settle(self, lead: OutgoingLead, refused: _Refused, deadline: float) -> Answer | None:
        """What a refusal means for which the lead may be there; ``None`` where it may go better at once.

        Salesforce names the unique field that is taken, and the record; where that is not our id it is looked up.
        """
        error = refused.perhaps
        if error is None:
            return refused.diagnosis
        record = _LEAD_ID.search(error.message)
        if error.code == DUPLICATE_VALUE and record is not None and self._names_id(error):
            return self._receipt("duplicate", record[0])
        if asyncio.get_running_loop().time() > deadline:
            return unsent(diagnose(Kind.NO_ANSWER))
        path = f"/sobjects/Lead/{self._id_field}/{lead.id}"
        reply = await self._client.call("GET", path, limit=DESCRIPTION_LIMIT)
        if isinstance(reply, Diagnosis):
            return unsent(reply)
        match reply.status:
            case 200:
                return self._receipt("duplicate", reply.content.get("Id") if isinstance(reply.content, dict) else None)
            case 300:
                return self._receipt("duplicate", None, ("several leads in Salesforce have this lead's id",))
            case 404:
                return None if error.code == DUPLICATE_VALUE else refused.diagnosis
        if error.code == CONVERTED:
            return self._receipt("duplicate", None)
        found = unsent(self._whole(reply, self._client.private(lead)))
        return found if found.outcome in (Outcome.FAILED, Outcome.THROTTLED) else refused.diagnosis

    def _names_id(self, error: RemoteError) -> bool:
        """Whether it is our field that is taken: an API name, the same in every language."""
        names = {*re.findall(r"\w+", error.message), *error.fields}
        return self._id_field.casefold() in {name.casefold() for name in names}

    def _whole(self, reply: Reply, private: Private | None) -> Diagnosis:
        """Why the request failed. One about several leads that was refused as a whole is the settings' fault."""
        if reply.status // 100 == 2:
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(reply.status), outcome=Outcome.AMBIGUOUS)
        found = diagnose_answer(reply, self._client.evidence(reply, private), self._now())
        if private is None and found.outcome is Outcome.REFUSED:
            return diagnose(SalesforceKind.REQUEST_REJECTED, found.evidence)
        return found

    async def _describe(self) -> Fields | Diagnosis:
        reply = await self._client.call("GET", "/sobjects/Lead/describe", limit=DESCRIPTION_LIMIT)
        if isinstance(reply, Diagnosis):
            return unsent(reply)
        described = read_description(reply.content) if reply.status == 200 else None
        return described if described is not None else unsent(self._whole(reply, self._client.private(None)))

    async def _prove_unique(self) -> Fresh[bool] | Diagnosis:
        """A repeat will be refused. Where the fields cannot be read, the settings are believed."""
        fields = await self._describe()
        if isinstance(fields, Diagnosis):
            return Fresh(True, _UNREAD_SECONDS)
        return judge_external_id(self._id_field, fields.get(self._id_field)) or Fresh(True, UNIQUE_SECONDS)

    async def check(self) -> Check:
        """Steps ``reach``'s own, then ``token``, ``fields`` (they exist, may be written, and none that is mandatory is
        lacking), ``rules`` (what could not be looked at) and ``limits``. Nothing is written."""
        reach = await self._network.check_reach(f"{self._origin}/", DIALECT.about_host)
        if reach.diagnosis is not None:
            return reach
        steps = list(reach.steps)
        token = await self._client.token()
        if isinstance(token, Diagnosis):
            return _failed(steps, "token", token)
        steps.append(
            tell_step(CheckStep("token", True, lazy_gettext("Salesforce accepts the consumer key and secret.")))
        )
        sent: Mapping[str, Value] = {**REST_FIELDS, **self._config.fields}
        fields = await self._describe()
        trouble = fields if isinstance(fields, Diagnosis) else judge_fields(fields, sent, self._id_field)
        if not isinstance(fields, Diagnosis):
            trouble = trouble or judge_external_id(self._id_field, fields.get(self._id_field))
        if trouble is not None or isinstance(fields, Diagnosis):
            assert trouble is not None
            return _failed(steps, "fields", trouble)
        text = lazy_gettext(
            "All fields exist and may be written, none that is mandatory is lacking, and leads can be created."
        )
        steps += [tell_step(CheckStep("fields", True, text)), tell_step(tell_rules(fields, sent))]
        reply = await self._client.call("GET", "/limits")
        step, trouble = judge_limits(None if isinstance(reply, Diagnosis) else reply.content)
        return Check((*steps, step), trouble, UNSEEN)


def _failed(steps: list[CheckStep], name: str, diagnosis: Diagnosis) -> Check:
    detail = diagnosis.evidence.text or diagnosis.summary
    return Check((*steps, CheckStep(name, False, detail)), diagnosis)

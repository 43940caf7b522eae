"""Dynamics 365: each lead becomes a row of the table Lead, over the Dataverse Web API v9.2.

Rows are only ever created: what people later change is never overwritten. A row's id is derived from the lead's id, so
that a lead sent twice is one row. Source: ``docs/reference/vendors/dynamics.md``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID, uuid5

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep, tell_step
from leadkeeper.destinations.dynamics.dataverse import DIALECT, USUAL_LENGTHS, Environment, Lengths
from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.errors import (
    KEY_TAKEN,
    ORG_DUPLICATE,
    PRESENT,
    PRIVILEGE_MISSING,
    TOO_LONG,
    is_uncoded,
)
from leadkeeper.destinations.dynamics.read_back import FIND_BATCH, find_rows
from leadkeeper.destinations.dynamics.settings import DynamicsConfig, credential_of, is_instance_permitted
from leadkeeper.destinations.interface import Presence, Preview, SentRecord
from leadkeeper.destinations.mapping import Value, cut, noted, record
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import EVIDENCE_LIMIT, Answer, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network
from leadkeeper.network.entra.tokens import EntraTokens
from leadkeeper.network.rest import Reply, unsent
from leadkeeper.texts import _, join_lazily, lazy_gettext

UNSEEN: Final = Unseen(
    _(
        "The check wrote nothing: it did not look at plug-ins, workflows, flows, duplicate rules "
        "and business rules, which may refuse or change a lead, nor at who may see it there."
    )
)
"""What a check that passes did not look at."""

LEADS: Final = UUID("5c0f2c5e-6d0b-4f0a-9a53-0f2b7f6c1d84")
"""The namespace in which a lead's id gives the id of its row. It never changes."""

DEFAULTS: Final[dict[str, Value]] = {
    "subject": "{offerTitle} ({action})",
    "firstname": "{firstName}",
    "lastname": "{lastName}",
    "emailaddress1": "{email}",
    "telephone1": "{phone}",
    "companyname": "{company}",
    "jobtitle": "{title}",
    "address1_country": "{country}",
    "description": "Lead source: {leadSource}\nCampaign: {campaign}\nLead id: {leadId}\n\n{description}",
}
"""What each field gets; ``leadsourcecode`` comes from its own setting. Notes come last: they are what may be cut."""

_CREATE_ONLY: Final = {"If-None-Match": "*"}
_DETECT: Final = {"MSCRM.SuppressDuplicateDetection": "false"}
_BIND: Final = "@odata.bind"
_SOURCE: Final = "leadsourcecode"
_FOREIGN_HOST: Final = diagnose(
    DynamicsKind.ADDRESS_WRONG,
    Evidence(text=lazy_gettext("The host is not one of Dynamics 365, nor one that the operator allows.")),
)
_GONE_SILENT: Final = frozenset({Kind.CONNECTION_FAILED, Kind.NO_ANSWER, Kind.CONNECTION_LOST})


def row_id(lead_id: str) -> str:
    """The id of the lead's row in every environment."""
    return str(uuid5(LEADS, lead_id))


class _Compared(NamedTuple):
    """Which names the table lacks, whether its columns could be read, and which lookups could not be compared."""

    missing: list[str]
    columns_read: bool
    left_out: list[str]


class Dynamics:
    """The line to one environment. ``now`` gives the time in seconds since 1970, ``clock`` seconds from anywhere."""

    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = True
    find_batch: ClassVar[int] = FIND_BATCH

    def __init__(
        self,
        config: DynamicsConfig,
        network: Network,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._network = network
        self._now = now
        self._origin = config.instance_url
        self._refusal = None if is_instance_permitted(config.host, network.policy) else _FOREIGN_HOST
        tokens = EntraTokens(network, clock=clock, now=now)
        self._environment = Environment(self._origin, credential_of(config), network, tokens, clock)
        self._defaults: dict[str, Value] = {**DEFAULTS, _SOURCE: config.lead_source_code}
        self._changes = config.fields
        self._headers = _DETECT if config.duplicate_detection else {}
        self._may_upsert = True

    async def aclose(self) -> None:
        """Nothing is held."""

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Create each lead's row; see :class:`~leadkeeper.destinations.interface.Adapter`."""
        if self._refusal is not None:
            return [self._refusal] * len(leads)
        return [await self._send(lead) for lead in leads]

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The row as it would be created, what would be cut, and which fields the environment lacks."""
        if self._refusal is not None:
            fitting, notes = cut(self._record(lead), USUAL_LENGTHS)
            return Preview(fitting, (*notes, self._refusal.summary))
        lengths = await self._environment.lengths()
        fitting, notes = cut(self._record(lead), lengths.of)
        if not lengths.certain:
            notes = (*notes, lazy_gettext("The environment's own lengths could not be read: these are the usual ones."))
        missing = (await self._compared(fitting)).missing
        return Preview(
            fitting,
            (*notes, *(lazy_gettext("%(field)s does not exist in this environment", field=name) for name in missing)),
        )

    def _record(self, lead: OutgoingLead) -> dict[str, Any]:
        special: dict[str, Value] = {} if lead.action else {"subject": "{offerTitle}"}
        if lead.test:  # exactly the marketplace's: whoever searches for the marker alone finds it
            special["description"] = "{description}"
        return record(self._defaults | special, self._changes, lead)

    async def _send(self, lead: OutgoingLead) -> Answer:
        lengths = await self._environment.lengths()
        found = await self._write(lead, lengths)
        if not isinstance(found, Diagnosis) or found.evidence.code != TOO_LONG:
            return found
        other = await self._environment.lengths(beyond=lengths)
        return found if other.of == lengths.of else await self._write(lead, other)

    async def _write(self, lead: OutgoingLead, lengths: Lengths) -> Answer:
        fitting, notes = cut(self._record(lead), lengths.of)
        row = row_id(lead.id)
        reply, upserted = await self._create(row, fitting)
        if isinstance(reply, Diagnosis):
            return reply
        if _is_success(reply):
            return self._receipt(row, "created", notes)
        diagnosis = self._environment.diagnose(reply, lead, self._now())
        if reply.status == 400 and is_uncoded(reply) and self._changes:
            return await self._explained(diagnosis)
        if reply.status in (409, 412) or reply.code in PRESENT or reply.code == ORG_DUPLICATE:
            return await self._settle(row, reply, diagnosis, upserted)
        return diagnosis

    async def _explained(self, diagnosis: Diagnosis) -> Diagnosis:
        """A refusal without a code: so are answered names that the table lacks, lookups above all.

        Those are wrong for every lead, so they are told from what is wrong with one.
        """
        mapped = self._mapped()
        missing = (await self._compared(mapped)).missing
        if not missing:
            message = diagnosis.evidence.text or ""
            missing = [name for name in mapped if name in self._changes and f"'{name.removesuffix(_BIND)}'" in message]
        if not missing:
            return diagnosis
        e = diagnosis.evidence
        text = f"{', '.join(missing)}: {e.text or ''}".removesuffix(": ")
        return diagnose(DynamicsKind.FIELD_NOT_KNOWN, Evidence(e.status, e.code, e.request_id, text[:EVIDENCE_LIMIT]))

    def _mapped(self) -> dict[str, Value]:
        """The fields that leads may fill in."""
        return {name: value for name, value in (self._defaults | self._changes).items() if value is not None}

    async def _compared(self, names: Iterable[str]) -> _Compared:
        """The fields and lookups ``names`` compared with what the table has."""
        columns = await self._environment.columns()
        lookups = [name for name in names if name.endswith(_BIND)]
        there = await self._environment.lookups() if lookups else None
        missing = [name for name in names if columns is not None and not name.endswith(_BIND) and name not in columns]
        if there is None:
            return _Compared(missing, columns is not None, lookups)
        missing += [name for name in lookups if name.removesuffix(_BIND) not in there]
        return _Compared(missing, columns is not None, [])

    async def _create(self, row: str, fitting: dict[str, Any]) -> tuple[Reply | Diagnosis, bool]:
        """Create the row with an upsert that never updates; with a plain create where the role allows nothing else.

        The answer, and whether it is that to the upsert.
        """
        if self._may_upsert:
            headers = {**self._headers, **_CREATE_ONLY}
            reply = await self._environment.ask("PATCH", f"leads({row})", body=fitting, headers=headers)
            if isinstance(reply, Diagnosis) or reply.code not in PRIVILEGE_MISSING:
                return reply, True
        reply = await self._environment.ask("POST", "leads", body={**fitting, "leadid": row}, headers=self._headers)
        if not isinstance(reply, Diagnosis) and (_is_success(reply) or reply.code in PRESENT):
            self._may_upsert = False
        return reply, False

    async def _settle(self, row: str, reply: Reply, diagnosis: Diagnosis, upserted: bool) -> Answer:
        """What a refusal as duplicate means: our own row (then the lead is there), or another that is like it."""
        found = await self._environment.ask("GET", f"leads({row})?$select=leadid")
        if isinstance(found, Reply):
            if found.status == 200 and isinstance(found.content, dict):
                return self._receipt(row, "duplicate")
            if found.status == 404:
                return diagnosis
        own = PRESENT if upserted else PRESENT - {KEY_TAKEN}
        if reply.code in own or (is_uncoded(reply) and reply.status == 412):
            return self._receipt(row, "duplicate")
        return unsent(found) if isinstance(found, Diagnosis) else diagnosis

    def _receipt(self, row: str, result: str, notes: tuple[str, ...] = ()) -> Receipt:
        link = f"{self._origin}/main.aspx?etn=lead&id={row}&pagetype=entityrecord"
        return Receipt(result=result, remote_id=row, link=link, note=noted(notes))

    async def find(self, sent: Sequence[SentRecord]) -> Sequence[Presence] | Diagnosis:
        """Which rows are there; see :class:`~leadkeeper.destinations.interface.ReadsBack`."""
        if self._refusal is not None:
            return self._refusal
        return await find_rows(self._environment, [row_id(each.lead.id) for each in sent], self._now())

    async def check(self) -> Check:
        """Steps of reaching the host, then ``token``, ``membership``, ``create`` and ``fields``; writes nothing."""
        if self._refusal is not None:
            return Check((CheckStep("address", False, self._refusal.evidence.text or ""),), self._refusal)
        reach = await self._network.check_reach(self._origin, DIALECT.about_host)
        if reach.diagnosis is not None:
            return Check(reach.steps, _silent(reach.diagnosis))
        steps = [*reach.steps]
        diagnosis = await self._environment.prove_sign_in()
        proof = lazy_gettext("Microsoft Entra ID gives a token for this environment.")
        steps.append(tell_step(_step("token", diagnosis, proof)))
        if diagnosis is not None:
            return Check(tuple(steps), diagnosis)
        user = await self._who_am_i()
        if isinstance(user, Diagnosis):
            return Check((*steps, _step("membership", user)), user)
        steps.append(tell_step(CheckStep("membership", True, lazy_gettext("The environment knows the user."))))
        create, diagnosis = await self._check_create(user)
        if diagnosis is not None:
            return Check((*steps, create), diagnosis)
        tell_step(create)
        fields, diagnosis = await self._check_fields()
        return Check((*steps, create, fields), diagnosis, UNSEEN)

    async def _who_am_i(self) -> str | Diagnosis:
        reply = await self._environment.ask("GET", "WhoAmI")
        if isinstance(reply, Diagnosis):
            return _silent(reply)
        user = reply.content.get("UserId") if isinstance(reply.content, dict) else None
        if reply.status == 200 and isinstance(user, str) and _is_uuid(user):
            return user
        if reply.status == 200:
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(status=200))
        diagnosis = self._environment.diagnose(reply, None, self._now())
        if diagnosis.outcome is Outcome.REFUSED:
            return diagnose(DynamicsKind.ADDRESS_WRONG, diagnosis.evidence)
        return unsent(diagnosis)

    async def _check_create(self, user: str) -> tuple[CheckStep, Diagnosis | None]:
        allowed = await self._environment.may_create(user)
        if allowed is None:
            return CheckStep(
                "create", None, lazy_gettext("The right to create leads cannot be proven without writing.")
            ), None
        diagnosis = None if allowed else diagnose(DynamicsKind.CREATE_PRIVILEGE_MISSING)
        return _step("create", diagnosis, lazy_gettext("The user's roles allow it to create leads.")), diagnosis

    async def _check_fields(self) -> tuple[CheckStep, Diagnosis | None]:
        mapped = self._mapped()
        missing, columns_read, left_out = await self._compared(mapped)
        if not columns_read and not missing:
            return CheckStep(
                "fields", None, lazy_gettext("The fields of the environment's leads cannot be read.")
            ), None
        diagnosis = None
        if missing:
            diagnosis = diagnose(DynamicsKind.FIELD_NOT_KNOWN, Evidence(text=", ".join(missing)))
        else:
            code = mapped.get(_SOURCE)
            options = await self._environment.options(_SOURCE) if isinstance(code, int) else None
            if options is not None and code not in options:
                text = lazy_gettext(
                    "%(field)s has no option %(value)s; it has %(options)s.",
                    field=_SOURCE,
                    value=code,
                    options=", ".join(map(str, sorted(options)[:40])),
                )
                diagnosis = diagnose(DynamicsKind.PICKLIST_VALUE, Evidence(text=text))
        if diagnosis is None and left_out:
            summary = lazy_gettext(
                "All fields exist; not compared with the table's navigation properties: %(names)s.",
                names=", ".join(left_out),
            )
            return CheckStep("fields", None, summary), None
        lookups = any(name.endswith(_BIND) for name in mapped)
        fine: tuple[str, ...] = (lazy_gettext("All fields that leads fill in exist."),)
        if lookups:
            fine += (lazy_gettext("Lookups were compared with the table's navigation properties."),)
        return _step("fields", diagnosis, join_lazily(fine)), diagnosis


def _step(name: str, diagnosis: Diagnosis | None, fine: str = "") -> CheckStep:
    if diagnosis is None:
        return CheckStep(name, True, fine)
    return CheckStep(name, False, join_lazily(filter(None, (diagnosis.summary, diagnosis.evidence.text))))


def _silent(diagnosis: Diagnosis) -> Diagnosis:
    """Where nothing answers, the first thing to look at is the address."""
    if diagnosis.kind in _GONE_SILENT and diagnosis.outcome is not Outcome.OURS:
        return diagnose(DynamicsKind.NO_ANSWER, diagnosis.evidence)
    return unsent(diagnosis)


def _is_success(reply: Reply) -> bool:
    return reply.status in (201, 204) or (reply.status == 200 and isinstance(reply.content, dict))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

"""Leads written, found and deleted by one user of an org, in a state.

What the record does wrong is refused in every state; those of :data:`.WRITE_REFUSALS` refuse what is right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox.salesforce.errors import DELETED, NOT_THERE, STATUSES, Refused, error
from leadkeeper.sandbox.salesforce.fields import LeadField, fields_in, named
from leadkeeper.sandbox.salesforce.org import (
    Arrival,
    Flaw,
    Org,
    StoredLead,
    incomplete,
    misfit,
    same_person,
    taken,
    unwritable,
)
from leadkeeper.sandbox.salesforce.states import WRITE_REFUSALS
from leadkeeper.sandbox.stand_in import Answer, Request

_ID: Final = re.compile(r"00Q(?:[A-Za-z0-9]{12}|[A-Za-z0-9]{15})")
_CONVERTED: Final = Flaw("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


@dataclass(frozen=True, slots=True)
class Records:
    """The leads of ``org`` as its API user has them."""

    org: Org
    state: str
    now: float

    @property
    def fields(self) -> tuple[LeadField, ...]:
        """The fields that the user sees."""
        return fields_in(self.state, self.org.fields)

    def values(self, body: Mapping[str, object]) -> dict[str, object]:
        """What a body says of a lead, under the names that the org spells."""
        return named({name: value for name, value in body.items() if name != "attributes"}, self.fields)

    def by_id(self, number: str) -> StoredLead:
        """The lead with this id; raises :class:`Refused` when there is none, or none any more."""
        if not _ID.fullmatch(number):
            text = f"Provided external ID field does not exist or is not accessible: {number}"
            raise Refused(404, Flaw("NOT_FOUND", text))
        lead = self.org.lead(number)
        if lead is None or lead.deleted is not None:
            raise Refused(404, NOT_THERE if lead is None else DELETED)
        return lead

    def of_several(self, number: object) -> StoredLead | Flaw:
        """The lead with this id, or why a record of a collection has none."""
        if not isinstance(number, str) or not _ID.fullmatch(number):
            return Flaw("MALFORMED_ID", f"Lead ID: id value of incorrect type: {number}", ("Id",))
        lead = self.org.lead(number)
        if lead is None:
            return Flaw("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return lead if lead.deleted is None else DELETED

    def key_field(self, name: str, status: int, code: str, text: str) -> str:
        """The field as the org spells it; raises :class:`Refused` when it is no external id that this user sees."""
        found = (each.name for each in self.fields if each.external_id and each.name.lower() == name.lower())
        key = next(found, None)
        if key is None:
            raise Refused(status, Flaw(code, f"{text}: {name}"))
        return key

    def flaw(self, values: Mapping[str, object], existing: StoredLead | None, request: Request) -> Flaw | None:
        """Why the record is not written; whether a unique value is taken is looked at when it is."""
        fields = self.fields
        whole = (existing.values if existing else {}) | dict(values)
        refused = WRITE_REFUSALS.get(self.state)
        return (
            unwritable(values, fields)
            or (_CONVERTED if existing and existing.converted else None)
            or misfit(values, fields)
            or self._owner_flaw(values)
            or incomplete(whole, fields)
            or (refused[1] if refused else None)
            or (None if existing else self._duplicate(values, request))
        )

    def put(
        self, values: dict[str, object], existing: StoredLead | None, request: Request
    ) -> Flaw | tuple[StoredLead, bool]:
        """Write one record of several: the lead and whether it is new, or why not."""
        flaw = self.flaw(values, existing, request) or taken(self.org, values, self.fields, existing)
        if flaw:
            self._note(values, flaw)
            return flaw
        return self.write(values, existing, request), existing is None

    def write(self, values: Mapping[str, object], existing: StoredLead | None, request: Request) -> StoredLead:
        """Write the lead; the active assignment rule gives it an owner, unless the request says that it may not."""
        assigned = bool(self.org.assigns_to) and request.headers.get("sforce-auto-assign", "").lower() != "false"
        owner = {"OwnerId": self.org.assigns_to} if assigned else {}
        lead = self.org.store({**values, **owner}, existing, self.now)
        arrival = self.org.arrived.get(lead.id)
        if arrival is None:
            arrival = Arrival("rest", "created", self.now, lead.values, lead.id)
            self.org.arrivals.append(arrival)
            self.org.arrived[lead.id] = arrival
        else:
            arrival.values, arrival.times = lead.values, arrival.times + 1
        arrival.assigned += assigned
        return lead

    def delete_flaw(self) -> Flaw | None:
        """Why nothing may be deleted."""
        refused = WRITE_REFUSALS.get(self.state)
        return refused[1] if refused else None

    def refusal(self, values: dict[str, object], flaw: Flaw) -> Answer:
        """Note and answer that a single record was refused."""
        self._note(values, flaw)
        return self.message(flaw)

    def message(self, flaw: Flaw) -> Answer:
        """The flaw with its status."""
        refused = WRITE_REFUSALS.get(self.state)
        status = refused[0] if refused and refused[1] is flaw else STATUSES.get(flaw.code, 400)
        return Answer.json(status, [error(flaw, "errorCode")])

    def _note(self, values: Mapping[str, object], flaw: Flaw) -> None:
        self.org.arrivals.append(Arrival("rest", "refused", self.now, dict(values), reason=flaw.code))

    def _owner_flaw(self, values: Mapping[str, object]) -> Flaw | None:
        owner = values.get("OwnerId")
        if not owner or any(str(owner)[:15] == user[:15] for user in self.org.users):
            return None
        return Flaw("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ("OwnerId",))

    def _duplicate(self, values: Mapping[str, object], request: Request) -> Flaw | None:
        """What the org's duplicate rule says; one that only alerts is passed with ``allowSave=true``."""
        alerts = self.state == "duplicateRuleAlert"
        if not alerts and self.state != "duplicateRuleBlock":
            return None
        header = request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        other = same_person(self.org, values)
        if other is None or (alerts and "allowsave=true" in header.split(";")):
            return None
        text = "You're creating a duplicate record. We recommend you use an existing record instead."
        match = {"entityType": "Lead", "matchRecords": [{"record": {"attributes": {"type": "Lead"}, "Id": other.id}}]}
        result = {"allowSave": alerts, "duplicateRule": "Leads", "errorMessage": text, "matchResults": [match]}
        spelling = "duplicateResut" if alerts else "duplicateResult"  # both are seen in real answers
        return Flaw("DUPLICATES_DETECTED", text, more={spelling: result})

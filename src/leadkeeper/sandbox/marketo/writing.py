"""Leads written over Marketo's REST API: synced, sent over a form, pushed into a program, merged, deleted.

A lead is looked up, then ``work_seconds`` pass, then it is written: two calls for one e-mail address at the same time
make two people, as in reality.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox.marketo.answers import Outcome, Refused, Result, body_of, records_of, results
from leadkeeper.sandbox.marketo.leads import ID, LEAD_DELETED, Person, Reason, Subscription, misfit
from leadkeeper.sandbox.marketo.states import SKIPS
from leadkeeper.sandbox.stand_in import Request

RECORDS: Final = 300
ACTIONS: Final = ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate")
_NOT_FOUND: Final = Reason("1004", "Lead not found")


@dataclass(frozen=True, slots=True)
class Writing:
    """Calls that change leads of ``subscription`` in ``state``."""

    subscription: Subscription
    state: str
    now: float
    work_seconds: float

    async def sync(self, request: Request) -> Result:
        """Create or update by a lookup field; by ``id`` only with the action ``updateOnly``."""
        body = body_of(request)
        records = records_of(body, RECORDS)
        return await self._synced(body, records, body.get("action", "createOrUpdate"))

    async def push(self, request: Request) -> Result:
        """The same, into a program."""
        body = body_of(request)
        records = records_of(body, RECORDS)
        name = body.get("programName")
        if not name:
            raise Refused("1002", "Missing value for the required parameter 'programName'")
        if name not in self.subscription.program_names:
            raise Refused("1013", f"Object not found: program '{name}'")
        return await self._synced(body, records, "createOrUpdate")

    async def _synced(self, body: Mapping[str, object], records: Sequence[dict[str, object]], action: object) -> Result:
        lookup = str(body.get("lookupField", "email"))
        if action not in ACTIONS:
            raise Refused("1003", f"Invalid data: action '{action}'")
        self._check_lookup(lookup, str(action))
        partition = body.get("partitionName", self.subscription.partitions[0])
        if partition not in self.subscription.partitions:
            return results([Reason("1008", f"Access denied to partition '{partition}'") for _ in records])
        needed = [] if action == "createDuplicate" else [lookup]
        outcomes: list[Outcome] = []
        for each in records:
            values = {name: value for name, value in each.items() if name != ID or lookup != ID}
            reason = misfit(values, self.subscription.fields) or _missing(each, needed)
            pause = self.work_seconds / len(records)
            outcomes.append(reason or await self._written(values, str(action), lookup, each.get(lookup), pause))
        return results(outcomes)

    def _check_lookup(self, lookup: str, action: str) -> None:
        field = next((each for each in self.subscription.fields if each.rest == lookup), None)
        if field is None:
            raise Refused("1006", f"Field '{lookup}' not found")
        if not field.searched:
            raise Refused("1011", f"Field '{lookup}' not supported")
        if lookup == ID and action != "updateOnly":
            raise Refused("1003", f"Invalid data: lookup by id is not for the action '{action}'")

    async def submit_form(self, request: Request) -> Result:
        """Fill out a form."""
        body = body_of(request)
        records = records_of(body, RECORDS)
        if "formId" not in body:
            raise Refused("701", "formId cannot be blank")
        if len(records) != 1:
            raise Refused("1003", "Invalid data: one record is expected")
        found = self.subscription.form(str(body["formId"]))
        if found is None or not found.approved or self.state == "formMissing":
            return results([Reason("1013", f"Object not found: form {body['formId']}")])
        if "programId" in body and body["programId"] not in self.subscription.programs:
            return results([Reason("1013", f"Object not found: program {body['programId']}")])
        values = records[0].get("leadFormFields")
        if not isinstance(values, dict):
            raise Refused("701", "leadFormFields cannot be blank")
        fields = self.subscription.on_form(found)
        needed = ["email", *(each.rest for each in fields if each.form in found.required)]
        reason = _cookie_reason(records[0].get("cookie")) or misfit(values, fields) or _missing(values, needed)
        if reason:
            return results([reason])
        return results([await self._written(values, "createOrUpdate", "email", values.get("email"), self.work_seconds)])

    async def _written(
        self, values: Mapping[str, object], action: str, lookup: str, key: object, pause: float
    ) -> Outcome:
        """Look, take time, write. What another call writes meanwhile is not seen."""
        if self.state in SKIPS:
            return Reason(*SKIPS[self.state])
        found = [] if action == "createDuplicate" else self.subscription.find(lookup, key)
        await asyncio.sleep(pause)
        if len(found) > 1:
            return Reason("1007", "Multiple leads match the lookup criteria")
        if found and action == "createOnly":
            return Reason("1005", "Lead already exists")
        if not found and action == "updateOnly":
            return _NOT_FOUND
        if found:
            self.subscription.update(found[0], values, self.now)
            return found[0], "updated"
        return self.subscription.create("rest", self.now, values), "created"

    async def delete(self, request: Request) -> Result:
        """Delete leads by id."""
        records = records_of(body_of(request), RECORDS)
        await asyncio.sleep(self.work_seconds)
        outcomes: list[Outcome] = []
        for each in records:
            person = self._person(each.get(ID))
            if person is None:
                outcomes.append(_NOT_FOUND)
                continue
            self.subscription.remove(person, "deleted")
            self.subscription.note(LEAD_DELETED, person, self.now)
            outcomes.append((person, "deleted"))
        return results(outcomes)

    async def move(self, request: Request) -> Result:
        """Put leads into a partition."""
        outcomes: list[Outcome] = []
        for each in records_of(body_of(request), RECORDS):
            person, partition = self._person(each.get(ID)), each.get("partitionName")
            if person is None:
                outcomes.append(_NOT_FOUND)
            elif partition not in self.subscription.partitions:
                outcomes.append(Reason("1008", f"Access denied to partition '{partition}'"))
            else:
                outcomes.append((person, "updated"))
        return results(outcomes)

    async def of_one(self, request: Request, number: str, what: str) -> Result:
        """Associate a lead with a cookie, or merge others into it; both are told by the query."""
        person = self._known(number)
        if what == "associate":
            cookie = request.query.get("cookie", "")
            if reason := _missing({"cookie": cookie}, ["cookie"]) or _cookie_reason(cookie):
                raise Refused(reason.code, reason.message)
            return {}
        named = request.query.get("leadIds") or request.query.get("leadId", "")
        losers = [self._known(each.strip()) for each in named.split(",")]
        if person in losers:
            raise Refused("1003", "Invalid data: a lead cannot be merged with itself")
        for loser in losers:
            self.subscription.merge(person, loser, self.now)
        return {}

    def _person(self, number: object) -> Person | None:
        return next(iter(self.subscription.find(ID, number)), None)

    def _known(self, number: str) -> Person:
        person = self._person(number)
        if person is None:
            raise Refused("1004", f"Lead '{number}' not found")
        return person


def _missing(values: Mapping[str, object], needed: Sequence[str]) -> Reason | None:
    empty = next((name for name in needed if not values.get(name)), None)
    return Reason("1002", f"Missing value for the required parameter '{empty}'") if empty else None


def _cookie_reason(cookie: object) -> Reason | None:
    if cookie is None or (isinstance(cookie, str) and "token:_mch-" in cookie):
        return None
    return Reason("1012", f"Invalid cookie value '{cookie}'")

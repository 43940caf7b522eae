"""One account's REST API: what is known of the account, and its batches of records.

Source: ``docs/reference/vendors/hubspot.md``. The paths are those with a date, which outlive the numbered ones.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.hubspot.errors import (
    CODES,
    CONFLICT,
    NOT_FOUND,
    Fault,
    diagnose_fault,
    diagnose_hubspot_reply,
    read_fault,
    read_hubspot_error,
)
from leadkeeper.destinations.hubspot.records import HubSpotContact, Properties, read_records
from leadkeeper.destinations.hubspot.settings import API_HOST, HubSpotConfig
from leadkeeper.diagnosis import EVIDENCE_LIMIT, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network.answer import Private
from leadkeeper.network.client import AnswerTooLarge, Network
from leadkeeper.network.rest import DESCRIPTION_LIMIT, Dialect, FixedToken, Fresh, Kept, Reply, RestClient, unsent

BATCH: Final = 100
"""The most records in one call."""
CONTACTS: Final = "contacts"
LEADS: Final = "leads"

DETAILS_SECONDS: Final = 86_400.0
PROPERTIES_SECONDS: Final = 3_600.0
"""How long the descriptions of properties are believed, so that a change of the account is noticed by itself."""

_VERSION: Final = "2026-03"
DIALECT: Final = Dialect(
    read=read_hubspot_error, known=CODES, request_ids=("x-hubspot-correlation-id",), fixed_host=API_HOST
)
_TRACE: Final = "objectWriteTraceId"
_EXISTING: Final = re.compile(r"Existing ID: ([0-9]{1,20})\b")
_SPLIT: Final = frozenset({400, 404, 409, 413})


@dataclass(frozen=True, slots=True)
class Details:
    """The account's number, the host of its pages, and its offset in seconds east of UTC (``None`` when not told)."""

    portal_id: str
    domain: str
    offset: float | None

    def link(self, kind: str, record: str) -> str:
        """The page of a record."""
        return (
            f"https://{self.domain}/contacts/{self.portal_id}/record/{'0-1' if kind == CONTACTS else '0-136'}/{record}"
        )


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An input that was not written, or of which nothing is known; ``code`` is HubSpot's."""

    diagnosis: Diagnosis
    code: str | None = None
    silent: bool = False
    """The answer has no word of this input, though it tells of others."""
    existing: str | None = None
    """The id of the contact that has the address already; it stands only in the message's words."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input of a batch. ``private`` is what no evidence about it may show."""

    key: str
    body: Mapping[str, Any]
    private: Private


class Account:
    """The calls to one account with one token."""

    def __init__(self, config: HubSpotConfig, network: Network, now: Callable[[], float]) -> None:
        self.network = network
        self._now = now
        self._token = config.token
        secrets = (config.token,)
        self.client = RestClient(network, f"https://{API_HOST}", FixedToken(config.token), DIALECT, secrets=secrets)
        self.details = Kept(self._fetch_details)
        self.contact_properties = Kept(lambda: self._fetch_properties(CONTACTS))

    async def aclose(self) -> None:
        """Give up what is being asked for."""
        await self.details.aclose()
        await self.contact_properties.aclose()
        await self.client.aclose()

    def diagnose(self, reply: Reply, private: Private | None = None) -> Diagnosis:
        """Why a request failed as a whole, or that its answer cannot be understood."""
        if reply.status // 100 == 2:
            return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(reply.status), outcome=Outcome.AMBIGUOUS)
        last = self.details.last
        offset = None if last is None else last.offset
        return diagnose_hubspot_reply(reply, self.client.evidence(reply, private), self._now(), offset)

    async def properties(self, kind: str) -> Properties | Reply | Diagnosis:
        """The properties of an object; the answer itself where there are none to be read."""
        path = f"/crm/properties/{_VERSION}/{kind}"
        reply = await self.client.call("GET", path, limit=DESCRIPTION_LIMIT)
        if isinstance(reply, Diagnosis):
            return unsent(reply)
        results = reply.content.get("results") if isinstance(reply.content, dict) else None
        if reply.status != 200 or not isinstance(results, list):
            return reply
        return {str(each.get("name")): each for each in results if isinstance(each, dict)}

    async def _fetch_properties(self, kind: str) -> Fresh[Properties] | Diagnosis:
        found = await self.properties(kind)
        if isinstance(found, Reply):
            return unsent(self.diagnose(found, self.client.private()))
        return found if isinstance(found, Diagnosis) else Fresh(found, PROPERTIES_SECONDS)

    async def _fetch_details(self) -> Fresh[Details] | Diagnosis:
        reply = await self.client.call("GET", f"/account-info/{_VERSION}/details")
        if isinstance(reply, Diagnosis):
            return unsent(reply)
        found = reply.content
        if reply.status != 200 or not isinstance(found, dict):
            return unsent(self.diagnose(reply, self.client.private()))
        portal, domain, offset = found.get("portalId"), found.get("uiDomain"), found.get("utcOffsetMilliseconds")
        return Fresh(
            Details(
                str(portal) if isinstance(portal, int | str) else "",
                domain if isinstance(domain, str) and domain.endswith(".hubspot.com") else "app.hubspot.com",
                offset / 1_000 if isinstance(offset, int) else None,
            ),
            DETAILS_SECONDS,
        )

    async def may_write(self, kind: str) -> Diagnosis | None:
        """Why the token may not write, or ``None``: an empty batch tells, of which nothing is made."""
        reply = await self.client.call("POST", _batch(kind, "create"), {"inputs": []})
        if isinstance(reply, Diagnosis):
            return unsent(reply)
        if reply.status // 100 == 2 or reply.status == 400:
            return None
        return unsent(self.diagnose(reply, self.client.private()))

    async def read(
        self, kind: str, values: Iterable[str], names: Sequence[str], by: str = "", *, lost: set[str] | None = None
    ) -> list[HubSpotContact] | Diagnosis:
        """The records with these ids, or values of the unique property ``by``; those that are missing are left out.

        HubSpot names them: they are added to ``lost``.
        """
        inputs = [{"id": value} for value in values]
        if not inputs:
            return []
        asked = {"inputs": inputs, "properties": list(names)} | ({"idProperty": by} if by else {})
        reply = await self.client.call("POST", _batch(kind, "read"), asked, limit=DESCRIPTION_LIMIT)
        if isinstance(reply, Diagnosis):
            return unsent(reply)
        if isinstance(reply.answered.fault, AnswerTooLarge) and len(inputs) > 1:
            middle = len(inputs) // 2
            return await self._halves(kind, [each["id"] for each in inputs], middle, names, by, lost)
        if reply.status in (200, 207) and isinstance(reply.content, dict) and "results" in reply.content:
            if lost is not None:
                lost |= _lost(reply.content)
            return list(read_records(reply.content))
        return unsent(self.diagnose(reply, Private(None, (self._token, *(each["id"] for each in inputs)))))

    async def _halves(
        self, kind: str, values: Sequence[str], middle: int, names: Sequence[str], by: str, lost: set[str] | None
    ) -> list[HubSpotContact] | Diagnosis:
        found: list[HubSpotContact] = []
        for half in (values[:middle], values[middle:]):
            records = await self.read(kind, half, names, by, lost=lost)
            if isinstance(records, Diagnosis):
                return records
            found += records
        return found

    async def write(
        self, kind: str, call: str, items: Sequence[Item], key_of: Callable[[HubSpotContact], str], deadline: float
    ) -> dict[str, str | FailedItem]:
        """Create or update records; for each input the record's id, or why there is none.

        What is refused as a whole for one input's sake is sent again in halves, until it is that one alone.
        """
        if not items:
            return {}
        if asyncio.get_running_loop().time() > deadline:
            late = FailedItem(unsent(diagnose(Kind.NO_ANSWER)))
            return {item.key: late for item in items}
        inputs = [{**item.body, _TRACE: str(number)} for number, item in enumerate(items)]
        reply = await self.client.call("POST", _batch(kind, call), {"inputs": inputs}, limit=DESCRIPTION_LIMIT)
        private = items[0].private if len(items) == 1 else None
        if isinstance(reply, Diagnosis):
            return {item.key: FailedItem(reply) for item in items}
        if reply.status in (200, 201, 207) and isinstance(reply.content, dict) and "results" in reply.content:
            return _summary(reply, items, key_of)
        whole = self.diagnose(reply, private)
        large = isinstance(reply.answered.fault, AnswerTooLarge)
        if len(items) > 1 and (large or (reply.status in _SPLIT and whole.outcome is not Outcome.BROKEN)):
            middle = len(items) // 2
            first = await self.write(kind, call, items[:middle], key_of, deadline)
            return first | await self.write(kind, call, items[middle:], key_of, deadline)
        if private is None and whole.outcome is Outcome.BROKEN and isinstance(reply.content, dict):
            names = ", ".join(read_fault(reply.content).names)[:EVIDENCE_LIMIT]
            whole = replace(whole, evidence=replace(whole.evidence, text=names or None))
        return {item.key: _failed(whole, reply.code, reply.error.text) for item in items}

    async def update_one(self, contact: str, item: Item) -> str | FailedItem:
        """Update one contact by itself."""
        reply = await self.client.call("PATCH", f"/crm/objects/{_VERSION}/{CONTACTS}/{contact}", item.body)
        if isinstance(reply, Diagnosis):
            return FailedItem(reply)
        return contact if reply.status == 200 else FailedItem(self.diagnose(reply, item.private), reply.code)


def _lost(content: Mapping[str, Any]) -> set[str]:
    errors = content.get("errors")
    faults = [read_fault(each) for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    return {value for fault in faults if fault.code == NOT_FOUND for value in fault.ids}


def _failed(diagnosis: Diagnosis, code: str | None, words: str) -> FailedItem:
    found = _EXISTING.search(words) if code == CONFLICT else None
    return FailedItem(diagnosis, code, existing=None if found is None else found[1])


def _batch(kind: str, call: str) -> str:
    return f"/crm/objects/{_VERSION}/{kind}/batch/{call}"


def _summary(
    reply: Reply, items: Sequence[Item], key_of: Callable[[HubSpotContact], str]
) -> dict[str, str | FailedItem]:
    """What the answer says of each input."""
    keys = {item.key: item for item in items}
    found: dict[str, str | FailedItem] = {}
    for record in read_records(reply.content):
        if (key := key_of(record)) in keys:
            found[key] = record.id
    errors = reply.content.get("errors")
    faults = [read_fault(each) for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    for fault in faults:
        for key in _keys(fault, items):
            found.setdefault(
                key, _failed(diagnose_fault(fault, keys[key].private, reply.status), fault.code, fault.text)
            )
    unread = FailedItem(
        diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(reply.status), outcome=Outcome.AMBIGUOUS), silent=True
    )
    return {key: found.get(key, unread) for key in keys}


def _keys(fault: Fault, items: Sequence[Item]) -> list[str]:
    """The inputs that an error is about: by their traces, or by the ids of records that are not there."""
    by_trace = [item.key for number, item in enumerate(items) if str(number) in fault.traces]
    if by_trace:
        return by_trace
    if fault.code == NOT_FOUND and fault.ids:
        return [item.key for item in items if item.body.get("id") in fault.ids]
    return [items[0].key] if len(items) == 1 else []

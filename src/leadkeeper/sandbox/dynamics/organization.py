"""An environment of Dynamics 365: its members with their privileges, its limits, and the leads it holds."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.schema import Attribute, lead_attributes
from leadkeeper.sandbox.stand_in import Clock

CREATE: Final = "prvCreateLead"
READ: Final = "prvReadLead"
WRITE: Final = "prvWriteLead"
DELETE: Final = "prvDeleteLead"
APPEND: Final = "prvAppendLead"
APPEND_TO_CAMPAIGN: Final = "prvAppendToCampaign"
METADATA: Final = "prvReadAttribute"
LEAD_WRITER: Final = frozenset({CREATE, READ, WRITE, APPEND, APPEND_TO_CAMPAIGN, METADATA})
"""What a role needs for everything that a writer of leads does."""

_TABLES: Final = {METADATA: (9803, "attribute"), APPEND_TO_CAMPAIGN: (4400, "campaign")}
_SPACE: Final = uuid.UUID("b7f0f9b4-55a1-4a86-8f0e-8c6d5f1c7e20")
_NEW: Final[Mapping[str, object]] = {
    **dict.fromkeys(
        (
            "confirminterest", "decisionmaker", "donotbulkemail", "donotemail", "donotfax", "donotphone",
            "donotpostalmail", "donotsendmm", "evaluatefit", "merged", "msdyn_gdproptout", "participatesinworkflow",
        ),
        False,
    ),
    "followemail": True,
    "statecode": 0,
    "statuscode": 1,
}  # fmt: skip
"""What a new record has where nothing was handed in: the defaults that the table's reference names."""


@dataclass(slots=True)
class Limits:
    """What one member may ask for in a sliding window, scaled as a test wants it; the defaults are the real ones."""

    requests: int = 6_000
    seconds_worked: float = 1_200.0
    concurrent: int = 52
    window: float = 300.0


@dataclass(slots=True)
class Member:
    """A user or application user. ``privileges`` are those of its ``roles``; ``secured`` columns it may not fill.

    ``reads_own``: its right to read reaches the records that it owns, and no others.
    """

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    roles: int = 1
    privileges: frozenset[str] = LEAD_WRITER
    secured: frozenset[str] = frozenset()
    disabled: bool = False
    licensed: bool = True
    reads_own: bool = False


@dataclass(slots=True)
class Lead:
    """A stored lead: the values handed in, its version, and how often it was written.

    ``record`` is all that a caller may see: the values, and what the system fills in.
    """

    values: dict[str, object]
    version: int
    writes: int = 1
    record: dict[str, object] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """The version as OData says it."""
        return f'W/"{self.version}"'


class Window:
    """Counts one member's requests. Refused ones count too, so that who hammers waits longer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: deque[tuple[float, float]] = deque()
        self._worked = 0.0
        self._busy = 0

    @asynccontextmanager
    async def entered(self, limits: Limits, work_seconds: float) -> AsyncIterator[Mapping[str, str]]:
        """Raises :class:`Refused` (429) when a limit is reached; else the rate headers, while the work goes on."""
        now = self._clock.now()
        while self._calls and self._calls[0][0] <= now - limits.window:
            self._worked -= self._calls.popleft()[1]
        if self._busy >= limits.concurrent:
            raise Refused(errors.CONCURRENT, 1, limit=limits.concurrent)
        if len(self._calls) >= limits.requests:
            freed = self._calls[len(self._calls) - limits.requests][0]
            if len(self._calls) < 2 * limits.requests:
                self._calls.append((now, 0.0))
            wait = math.ceil(freed + limits.window - now)
            raise Refused(errors.REQUESTS, max(1, wait), limit=limits.requests, window=_whole(limits.window))
        if self._calls and self._worked >= limits.seconds_worked:
            wait = math.ceil(self._calls[0][0] + limits.window - now)
            limit = f"{limits.seconds_worked * 1000:,.0f}"
            raise Refused(errors.TIME, max(1, wait), limit=limit, window=_whole(limits.window))
        self._calls.append((now, work_seconds))
        self._worked += work_seconds
        self._busy += 1
        try:
            await asyncio.sleep(work_seconds)
            yield {
                "x-ms-ratelimit-burst-remaining-xrm-requests": str(limits.requests - len(self._calls)),
                "x-ms-ratelimit-time-remaining-xrm-requests": f"{limits.seconds_worked - self._worked:,.2f}",
            }
        finally:
            self._busy -= 1

    def clear(self) -> None:
        """Forget what was counted."""
        self._calls.clear()
        self._worked = 0.0


class Organization:
    """One environment at ``https://{host}`` in a tenant of Entra.

    ``keys`` are the alternate keys of leads that are defined: names of columns, sorted; none from the start.
    ``members`` are by client id (application users) or user name, lower case. ``finds_duplicates`` is the shipped
    rule on the e-mail address; it works only for calls that ask for duplicate detection. ``upsert_wants_write``: a
    create-only upsert needs the privilege to write besides that to create. ``work_seconds`` is how long calls take.
    """

    def __init__(self, host: str, tenant: str, clock: Clock) -> None:
        self.host = host
        self.tenant = tenant
        self.id = str(uuid.uuid5(_SPACE, host))
        self.unit = str(uuid.uuid5(_SPACE, f"{host}/unit"))
        self.members: dict[str, Member] = {}
        self.attributes: dict[str, Attribute] = lead_attributes()
        self.campaigns: set[str] = set()
        self.keys: set[tuple[str, ...]] = set()
        self.limits = Limits()
        self.finds_duplicates = True
        self.upsert_wants_write = True
        self.work_seconds = 0.0
        self.leads: dict[str, Lead] = {}
        self._clock = clock
        self._versions = 536_529
        self._windows: dict[str, Window] = {}

    def window(self, member: Member) -> Window:
        """The member's count of requests."""
        return self._windows.setdefault(member.id, Window(self._clock))

    def forget(self) -> None:
        """No leads, nothing counted; members, columns and limits stay."""
        self.leads.clear()
        self._windows.clear()

    def create(self, lead_id: str, values: Mapping[str, object], by: Member) -> Lead:
        """Store a new lead."""
        now = f"{self._clock.moment():%Y-%m-%dT%H:%M:%SZ}"
        known: dict[str, object] = {"leadid": lead_id, "createdon": now, "modifiedon": now}
        lead = Lead(known | {name: value for name, value in values.items() if name != "leadid"}, self._version())
        lead.record.update(dict.fromkeys(name for name, each in self.attributes.items() if each.readable))
        lead.record.update(_NEW)
        lead.record |= dict.fromkeys(("_ownerid_value", "_owninguser_value", "_createdby_value"), by.id)
        lead.record["_owningbusinessunit_value"] = self.unit
        self._show(lead, by)
        self.leads[lead_id] = lead
        return lead

    def update(self, lead: Lead, values: Mapping[str, object], by: Member) -> None:
        """Change a stored lead."""
        lead.values.update(values)
        lead.values["modifiedon"] = f"{self._clock.moment():%Y-%m-%dT%H:%M:%SZ}"
        lead.version = self._version()
        lead.writes += 1
        self._show(lead, by)

    def _show(self, lead: Lead, by: Member) -> None:
        """Let the record show the values as they are now, written ``by`` somebody."""
        lead.record |= lead.values
        names = [str(lead.values[name]) for name in ("firstname", "lastname") if lead.values.get(name)]
        lead.record |= {"fullname": " ".join(names) or None, "versionnumber": lead.version, "_modifiedby_value": by.id}

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """What is done to the leads inside is undone when it raises :class:`Refused`."""
        before = {
            lead_id: replace(lead, values=dict(lead.values), record=dict(lead.record))
            for lead_id, lead in self.leads.items()
        }
        try:
            yield
        except Refused:
            self.leads.clear()
            self.leads.update(before)
            raise

    def has_duplicate(self, values: Mapping[str, object]) -> bool:
        """Whether a stored lead has the same e-mail address, which is what the shipped rule compares."""
        email = str(values.get("emailaddress1") or "").casefold()
        return bool(email) and any(
            str(lead.values.get("emailaddress1") or "").casefold() == email for lead in self.leads.values()
        )

    def may_read(self, lead: Lead, member: Member) -> bool:
        """Whether the member's right to read reaches this record."""
        return not member.reads_own or lead.record["_ownerid_value"] == member.id

    def _version(self) -> int:
        self._versions += 1
        return self._versions

    def demand(self, member: Member, privileges: frozenset[str], wanted: str) -> None:
        """Raises :class:`Refused` when ``wanted`` is not among ``privileges``, the member's as they are now."""
        if wanted in privileges:
            return
        otc, entity = _TABLES.get(wanted, (4, "lead"))
        raise Refused(
            errors.PRIVILEGE,
            user=member.id,
            roles=member.roles,
            privileges=len(privileges),
            object=str(uuid.uuid5(_SPACE, member.id)),
            unit=self.unit,
            privilege=wanted,
            id=privilege_id(wanted),
            otc=otc,
            entity=entity,
        )


def privilege_id(name: str) -> str:
    """The id of a privilege, the same in every environment."""
    return str(uuid.uuid5(_SPACE, name))


def _whole(seconds: float) -> str:
    return f"{seconds:g}"

"""Leads that went over Web-to-Lead, looked for among an organization's leads: what to ask, and which is which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from leadkeeper.destinations.interface import LookedUp, Presence, SentRecord
from leadkeeper.destinations.mapping import noted
from leadkeeper.destinations.salesforce.fields import web_form
from leadkeeper.destinations.salesforce.read_back import LEAD_ID, presence_of
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.diagnosis import Receipt

BEFORE: Final = timedelta(minutes=10)
"""Salesforce's clock and ours may differ by so much."""
AFTER: Final = timedelta(hours=26)
"""What is over the day's limit Salesforce queues, and makes leads of it up to a day later."""

_MARK: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_BEST: Final = (Presence.THERE, Presence.CONVERTED, Presence.MERGED, Presence.MISSING)


@dataclass(frozen=True, slots=True)
class Sought:
    """A lead as it can be known again. ``marked``: the form carried our id where it can be read."""

    id: str
    email: str
    record: str | None
    at: datetime
    marked: bool
    in_field: bool
    notes: tuple[str, ...]

    @property
    def can_be_asked(self) -> bool:
        """Whether anything of it can be searched for."""
        return bool(self.email or self.record or self.in_field)


def sought(sent: SentRecord, config: SalesforceConfig) -> Sought:
    """What is known of a lead by what the form carried, with the settings of today."""
    form, notes = web_form(sent.lead, config)
    record = sent.receipt.remote_id
    in_field = config.lead_id_field is not None
    return Sought(
        id=sent.lead.id,
        email=str(form.get("email") or ""),
        record=record[:15] if record is not None and LEAD_ID.fullmatch(record) else None,
        at=sent.at or sent.lead.created_at,
        marked=in_field or sent.lead.id in str(form.get("description") or ""),
        in_field=in_field,
        notes=notes,
    )


def query_for(wanted: Sequence[Sought], id_field: str | None) -> str:
    """The question for these leads; for none of them one that finds nothing, and fails where others would."""
    columns = ["Id", "Email", "Description", "CreatedDate", "IsDeleted", "IsConverted", "MasterRecordId"]
    own = [] if id_field is None else [id_field]
    emails = sorted({each.email for each in wanted if each.email})
    records = [each.record for each in wanted if each.record]
    either = []
    if emails:
        since = min(each.at for each in wanted) - BEFORE
        moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        either.append(f"(Email IN ({_listed(emails)}) AND CreatedDate >= {moment})")
    if records:
        either.append(f"Id IN ({_listed(records)})")
    if id_field is not None and wanted:
        either.append(f"{id_field} IN ({_listed(each.id for each in wanted)})")
    where = " OR ".join(either) or "Id = null"
    # Every text is quoted, and the field's name is one that the settings' pattern let through.
    return f"SELECT {','.join((*columns, *own))} FROM Lead WHERE {where}"  # noqa: S608


def match(
    wanted: Sequence[Sought], rows: Iterable[Mapping[str, Any]], id_field: str | None, origin: str, *, whole: bool
) -> list[LookedUp]:
    """What became of each, in order. ``whole`` says that ``rows`` are all that there are.

    A record that carries an id of ours is that lead's alone. One that carries none may be a lead's with its address
    that came at its time: the lead's itself where the form carried no id, else nobody knows.
    """
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    nameless = []
    for row in rows:
        names = {str(row.get("Id"))[:15], *_MARK.findall(str(row.get("Description") or ""))}
        if id_field is not None and row.get(id_field):
            names.add(str(row[id_field]))
        for name in names:
            by_id.setdefault(name, []).append(row)
        if len(names) == 1:
            nameless.append(row)
    free = sorted(nameless, key=lambda row: str(row.get("CreatedDate")))
    taken = {each.record for each in wanted}
    free = [row for row in free if str(row.get("Id"))[:15] not in taken]
    looked: dict[str, LookedUp] = {}
    for each in sorted(wanted, key=lambda one: one.at):
        own = [*by_id.get(each.id, ()), *(by_id.get(each.record, ()) if each.record else ())]
        if not own and each.record is None and (alike := next((row for row in free if _alike(each, row)), None)):
            if each.marked:
                looked[each.id] = LookedUp(Presence.UNKNOWN)
                continue
            free.remove(alike)
            own = [alike]
        known = own or (whole and each.can_be_asked)
        looked[each.id] = _looked(each, own, origin) if known else LookedUp(Presence.UNKNOWN)
    return [looked[each.id] for each in wanted]


def _alike(each: Sought, row: Mapping[str, Any]) -> bool:
    if not each.email or str(row.get("Email") or "").casefold() != each.email.casefold():
        return False
    try:
        made = datetime.fromisoformat(str(row.get("CreatedDate")))
    except ValueError:
        return False
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    return each.at - BEFORE <= made <= each.at + AFTER


def _looked(each: Sought, rows: Sequence[Mapping[str, Any]], origin: str) -> LookedUp:
    """One that lies in the recycle bin may have been sent again since: the best of them counts."""
    ranked = sorted(rows, key=lambda row: _BEST.index(presence_of(row)))
    if not ranked or presence_of(ranked[0]) is Presence.MISSING:
        return LookedUp(Presence.MISSING)
    record = str(ranked[0].get("Id"))
    known = record if LEAD_ID.fullmatch(record) else None
    receipt = Receipt("created", known, f"{origin}/{known}" if known else None, note=noted(each.notes))
    return LookedUp(presence_of(ranked[0]), receipt)


def _listed(values: Iterable[str]) -> str:
    return ",".join(f"'{_escaped(value)}'" for value in values)


def _escaped(text: str) -> str:
    marks = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return "".join(marks.get(each, each) for each in text)

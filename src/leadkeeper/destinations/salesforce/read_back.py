"""Which leads are still there: asked by our id and by Salesforce's, many in one query.

``queryAll`` sees the recycle bin too, and there which lead was merged into another: such a lead is deleted, but names
its master. Source: ``docs/reference/vendors/salesforce.md#reading-leads-back``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from leadkeeper.destinations.interface import Presence, SentRecord
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.network.rest import DESCRIPTION_LIMIT, Reply, RestClient, unsent

FIND_BATCH: Final = 150
"""Leads in one query: with more of them its address would be longer than Salesforce takes."""

LEAD_ID: Final = re.compile(r"00Q(?:[A-Za-z0-9]{12}|[A-Za-z0-9]{15})")
_BEST: Final = (Presence.THERE, Presence.CONVERTED, Presence.MERGED)


async def find_leads(
    client: RestClient, id_field: str, sent: Sequence[SentRecord]
) -> Sequence[Presence] | Reply | Diagnosis:
    """What became of each lead, in order; the answer itself where it is none to the query."""
    records = {each.lead.id: each.receipt.remote_id for each in sent}
    known = [record for record in records.values() if record is not None and LEAD_ID.fullmatch(record)]
    either = f" OR Id IN ({_listed(known)})" if known else ""
    columns = f"Id,{id_field},IsDeleted,IsConverted,MasterRecordId"
    # Ids of ours and of Salesforce's, and a name that the settings' pattern let through: nobody's words.
    query = f"SELECT {columns} FROM Lead WHERE {id_field} IN ({_listed(records)}){either}"  # noqa: S608
    reply = await client.call("GET", f"/queryAll?q={quote(query, safe='')}", limit=DESCRIPTION_LIMIT)
    if isinstance(reply, Diagnosis):
        return unsent(reply)
    rows = reply.content.get("records") if isinstance(reply.content, dict) else None
    if reply.status != 200 or not isinstance(rows, list) or reply.content.get("done") is not True:
        return reply
    found: dict[str, set[Presence]] = {}
    for row in rows:
        if isinstance(row, dict):
            for name in (str(row.get(id_field)), str(row.get("Id"))[:15]):
                found.setdefault(name, set()).add(presence_of(row))
    return [_best(found.get(each.lead.id, set()) | found.get(str(each.receipt.remote_id)[:15], set())) for each in sent]


def _listed(values: Iterable[str]) -> str:
    return ",".join(f"'{value}'" for value in values)


def presence_of(row: Mapping[str, Any]) -> Presence:
    """What became of a record, by its own row."""
    if row.get("IsDeleted") is True:
        return Presence.MERGED if row.get("MasterRecordId") else Presence.MISSING
    return Presence.CONVERTED if row.get("IsConverted") is True else Presence.THERE


def _best(found: set[Presence]) -> Presence:
    """One that lies in the recycle bin may have been sent again since."""
    return next((each for each in _BEST if each in found), Presence.MISSING)

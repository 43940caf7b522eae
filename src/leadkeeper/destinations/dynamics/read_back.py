"""Which rows are still there: asked by their ids, many in one call.

A list holds only what the user may read. A row that it lacks is asked for by itself: that it does not exist is one
answer, that the user may not see it another. Source: ``docs/reference/vendors/dynamics.md#reading-rows-back``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.dynamics.dataverse import Environment
from leadkeeper.destinations.dynamics.errors import PRIVILEGE_MISSING
from leadkeeper.destinations.interface import Presence
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind
from leadkeeper.network.rest import DESCRIPTION_LIMIT, Reply, unsent

FIND_BATCH: Final = 250
"""Ids in one address: with more of them it would be longer than we send."""

_QUALIFIED: Final = 1
_GONE: Final = 404
_PLAIN: Final = "(),'="


async def find_rows(environment: Environment, rows: Sequence[str], now: float) -> Sequence[Presence] | Diagnosis:
    """What became of each row, in order."""
    wanted = f"Microsoft.Dynamics.CRM.In(PropertyName='leadid',PropertyValues={json.dumps(list(rows))})"
    path = f"leads?$select=leadid,statecode,merged&$filter={quote(wanted, safe=_PLAIN)}"
    reply = await environment.ask("GET", path, limit=DESCRIPTION_LIMIT)
    if isinstance(reply, Diagnosis):
        return unsent(reply)
    listed = reply.content.get("value") if isinstance(reply.content, dict) else None
    if reply.status != 200 or not isinstance(listed, list):
        return _whole(environment, reply, now)
    there = {str(row.get("leadid")).casefold(): _presence(row) for row in listed if isinstance(row, dict)}
    for row in rows:
        if row not in there:
            found = await _alone(environment, row, now)
            if isinstance(found, Diagnosis):
                return found
            there[row] = found
    return [there[row] for row in rows]


def _presence(row: dict[str, Any]) -> Presence:
    if row.get("merged") is True:
        return Presence.MERGED
    return Presence.CONVERTED if row.get("statecode") == _QUALIFIED else Presence.THERE


async def _alone(environment: Environment, row: str, now: float) -> Presence | Diagnosis:
    reply = await environment.ask("GET", f"leads({row})?$select=leadid")
    if isinstance(reply, Diagnosis):
        return unsent(reply)
    if reply.status == 200 or reply.code in PRIVILEGE_MISSING:
        return Presence.THERE
    return Presence.MISSING if reply.status == _GONE else _whole(environment, reply, now)


def _whole(environment: Environment, reply: Reply, now: float) -> Diagnosis:
    if reply.status == 200:
        return diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(200))
    found = unsent(environment.diagnose(reply, None, now))
    if reply.code in PRIVILEGE_MISSING:
        return diagnose(Kind.READ_BACK_FORBIDDEN, found.evidence)
    return found

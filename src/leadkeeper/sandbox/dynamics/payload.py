"""What a caller hands in for a lead: the columns of a body, as values that the table takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.caller import Caller
from leadkeeper.sandbox.dynamics.columns import DEFAULT_STATUS, STATUS_STATES
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.organization import Lead
from leadkeeper.sandbox.dynamics.references import BIND, BY_COLUMN, NAVIGATION, referred
from leadkeeper.sandbox.dynamics.schema import ENTITY

_STATE: Final = "statecode"
_STATUS: Final = "statuscode"


def json_object(body: bytes) -> dict[str, object]:
    """The body as a JSON object; raises :class:`Refused` when it is none."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(errors.BAD_PAYLOAD, reason="Microsoft.OData.ODataException: the body is not a JSON object.")
    return found


def typed(caller: Caller, body: Mapping[str, object]) -> dict[str, object]:
    """Columns that exist with values of their types, references as ids; annotations say nothing to the table.

    Raises :class:`Refused`.
    """
    values: dict[str, object] = {}
    for name, value in body.items():
        relationship = NAVIGATION.get(name.removesuffix(BIND)) if name.endswith(BIND) else None
        if relationship is not None:
            values[relationship.column] = referred(caller, relationship, value)
            continue
        if "@" in name and not name.endswith(BIND):
            continue
        attribute = caller.organization.attributes.get(name)
        if attribute is None or not attribute.readable:
            raise Refused(errors.UNKNOWN_PROPERTY, name=name, type=ENTITY)
        attribute.check_type(value)
        if attribute.writable:
            values[name] = value
    return values


def checked(caller: Caller, values: Mapping[str, object], lead: Lead | None) -> dict[str, object]:
    """The values that are taken of ``values`` for a new lead, or for ``lead``; raises :class:`Refused`."""
    for name in sorted(values.keys() & caller.secured):
        error = errors.FIELD_CREATE if lead is None else errors.FIELD_UPDATE
        raise Refused(error, user=caller.member.id, name=name)
    taken: dict[str, object] = {}
    for name, value in values.items():
        attribute = caller.organization.attributes[name]
        if name in BY_COLUMN or attribute.valid_for("create" if lead is None else "update"):
            attribute.check_value(value)
            taken[name] = value
    return taken | _status(taken, lead)


def _status(taken: Mapping[str, object], lead: Lead | None) -> dict[str, object]:
    """The status that a new state brings; raises :class:`Refused` for one that does not belong to its state."""
    if _STATE not in taken and _STATUS not in taken:
        return {}
    state = taken.get(_STATE, 0 if lead is None else lead.record[_STATE])
    status = taken.get(_STATUS)
    if not isinstance(state, int):
        state = 0
    if not isinstance(status, int):
        status = DEFAULT_STATUS[state]
    if STATUS_STATES.get(status, state) != state:
        raise Refused(errors.BAD_STATUS, status=status, state=state)
    return {_STATE: state, _STATUS: status}

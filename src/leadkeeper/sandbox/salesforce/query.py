"""Queries over an org's leads (``/query``, ``/queryAll``), page by page; and over what else clients ask an org for.

A page holds 2,000 records, or as few as 200 with ``Sforce-Query-Options: batchSize=200``; ``nextRecordsUrl`` leads on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from leadkeeper.sandbox.salesforce.errors import Refused
from leadkeeper.sandbox.salesforce.fields import LeadField, field_named
from leadkeeper.sandbox.salesforce.org import Flaw, Org, long_id
from leadkeeper.sandbox.salesforce.records import Records
from leadkeeper.sandbox.salesforce.soql import Comparison, Condition, Malformed, Query, Value, fields_of, read
from leadkeeper.sandbox.salesforce.views import record, whole
from leadkeeper.sandbox.stand_in import Answer, Request

PAGE: Final = 2_000
SMALLEST_PAGE: Final = 200
CURSORS: Final = 50
"""Most queries whose further pages are kept; then the oldest is forgotten."""
_TEXT: Final = ("string", "textarea", "email", "phone", "url", "picklist", "id", "reference")
Row = Mapping[str, object]


def query(records: Records, request: Request, version: int, *, deleted: bool) -> Answer:
    """The first page; ``deleted`` says that leads in the recycle bin are seen too."""
    try:
        asked = read(request.query.get("q", ""))
    except Malformed as error:
        raise Refused(400, Flaw("MALFORMED_QUERY", str(error))) from None
    fields, rows = _table(records, asked, deleted)
    _check(asked, fields)
    found = [row for row in rows if asked.where is None or _holds(asked.where, row, fields)]
    for order in reversed(asked.order):
        found = _sorted(found, _spelled(order.field, fields), order.descending, order.nulls_last)
    found = found[asked.offset :]
    found = found if asked.limit is None else found[: asked.limit]
    if not asked.fields:
        return Answer.json(200, {"totalSize": len(found), "done": True, "records": []})
    names = _selected(asked, fields)
    shown = [_shown(records.org, asked.table, row, names, version) for row in found]
    return _page(records.org, shown, 0, _size(request), version, f"01g{secrets.token_hex(6)}AAA")


def more(records: Records, request: Request, locator: str, version: int) -> Answer:
    """A further page, by the last part of ``nextRecordsUrl``."""
    cursor, _, start = locator.rpartition("-")
    kept = records.org.pages.get(cursor)
    if kept is None or not start.isdecimal() or int(start) >= len(kept):
        raise Refused(400, Flaw("INVALID_QUERY_LOCATOR", "invalid query locator"))
    return _page(records.org, kept, int(start), _size(request), version, cursor)


def _page(org: Org, shown: list[dict[str, object]], start: int, size: int, version: int, cursor: str) -> Answer:
    end = start + size
    done = end >= len(shown)
    message: dict[str, object] = {"totalSize": len(shown), "done": done}
    if not done:
        org.pages[cursor] = shown
        while len(org.pages) > CURSORS:
            del org.pages[next(iter(org.pages))]
        message["nextRecordsUrl"] = f"/services/data/v{version}.0/query/{cursor}-{end}"
    return Answer.json(200, message | {"records": shown[start:end]})


def _size(request: Request) -> int:
    found = re.search(r"batchSize\s*=\s*(\d+)", request.headers.get("sforce-query-options", ""), re.IGNORECASE)
    return min(max(int(found[1]), SMALLEST_PAGE), PAGE) if found else PAGE


def _table(records: Records, asked: Query, deleted: bool) -> tuple[Sequence[LeadField], list[Row]]:
    org = records.org
    match asked.table.lower():
        case "lead":
            leads = [*org.leads.values(), *(org.bin.values() if deleted else ())]
            return records.fields, [whole(org, each, records.fields) for each in leads]
        case "organization":
            row: Row = {"Id": long_id(org.oid), "Name": "Contoso", "IsSandbox": org.is_sandbox}
            return [LeadField("Id", "ID", "id"), LeadField("Name", "Name"), LeadField("IsSandbox", "", "boolean")], [
                row
            ]
        case "user":
            users: list[Row] = [
                {"Id": each, "Username": f"{each}@contoso.example", "IsActive": True} for each in org.users
            ]
            fields = [LeadField("Id", "ID", "id"), LeadField("Username", ""), LeadField("IsActive", "", "boolean")]
            return fields, users
        case _:
            raise Refused(400, Flaw("INVALID_TYPE", f"sObject type '{asked.table}' is not supported."))


def _check(asked: Query, fields: Sequence[LeadField]) -> None:
    """Refuse fields that are not there, cannot be filtered by, or are compared with another kind of value."""
    for name in asked.fields:
        if not name.startswith("FIELDS(") and field_named(name, fields) is None:
            raise _no_column(name, asked.table)
    for test in fields_of(asked.where):
        there = _filterable(test.field, asked.table, fields)
        for value in test.values:
            if value is not None and not _is_of(value, test.quoted, there.kind):
                kind = "string and should be enclosed in quotes" if there.kind in _TEXT else there.kind
                text = f"value of filter criterion for field '{there.name}' must be of type {kind}"
                raise Refused(400, Flaw("INVALID_FIELD", text))
    for order in asked.order:
        _filterable(order.field, asked.table, fields)


def _is_of(value: Value, quoted: bool, kind: str) -> bool:
    """A value may stand beside a field of this kind; what is unquoted and a text is a date or a moment."""
    if kind in _TEXT or quoted:
        return quoted and kind in _TEXT
    if kind in {"date", "datetime"}:
        return isinstance(value, str) and ("T" in value) is (kind == "datetime")
    return not isinstance(value, str) and isinstance(value, bool) is (kind == "boolean")


def _filterable(name: str, table: str, fields: Sequence[LeadField]) -> LeadField:
    there = field_named(name, fields)
    if there is None:
        raise _no_column(name, table)
    if not there.filterable:
        raise Refused(400, Flaw("INVALID_FIELD", f"field '{there.name}' can not be filtered in a query call"))
    return there


def _no_column(name: str, table: str) -> Refused:
    text = f"No such column '{name}' on entity '{table}'. If it is a custom field, append '__c' after its name."
    return Refused(400, Flaw("INVALID_FIELD", text))


def _selected(asked: Query, fields: Sequence[LeadField]) -> list[str]:
    names: list[str] = []
    for name in asked.fields:
        match name:
            case "FIELDS(ALL)" | "FIELDS(CUSTOM)" if asked.limit is None or asked.limit > SMALLEST_PAGE:
                raise Refused(
                    400, Flaw("MALFORMED_QUERY", f"The SOQL {name} function must have a LIMIT of at most 200")
                )
            case "FIELDS(ALL)" | "FIELDS(STANDARD)" | "FIELDS(CUSTOM)":
                wanted = name.removeprefix("FIELDS(").removesuffix(")")
                own = [each.name for each in fields]
                names += [each for each in own if wanted == "ALL" or each.endswith("__c") is (wanted == "CUSTOM")]
            case _:
                names.append(_spelled(name, fields))
    return names


def _spelled(name: str, fields: Sequence[LeadField]) -> str:
    there = field_named(name, fields)
    return there.name if there else name


def _shown(org: Org, table: str, row: Row, names: Sequence[str], version: int) -> dict[str, object]:
    values = {name: row[name] for name in names}
    lead = org.lead(str(row["Id"])) if table.lower() == "lead" else None
    if lead is not None:
        return record(lead, version, values)
    kind = table.capitalize()
    address = f"/services/data/v{version}.0/sobjects/{kind}/{row['Id']}"
    return {"attributes": {"type": kind, "url": address}} | values


def _sorted(rows: list[Row], name: str, descending: bool, nulls_last: bool) -> list[Row]:
    empty = [row for row in rows if row[name] is None]
    full = sorted((row for row in rows if row[name] is not None), key=lambda row: _plain(row[name]), reverse=descending)
    return [*full, *empty] if nulls_last else [*empty, *full]


def _plain(value: object) -> tuple[int, float, str]:
    """A value that can be compared with others of its field: texts capitals apart."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 1, 0.0, str(value).casefold()


def _holds(condition: Condition, row: Row, fields: Sequence[LeadField]) -> bool:
    if isinstance(condition, Comparison):
        return _fits(condition, row, fields)
    parts = (_holds(part, row, fields) for part in condition.parts)
    match condition.word:
        case "and":
            return all(parts)
        case "or":
            return any(parts)
        case _:
            return not any(parts)


def _fits(test: Comparison, row: Row, fields: Sequence[LeadField]) -> bool:
    there = field_named(test.field, fields)
    assert there is not None  # _check has looked
    own = _comparable(row[there.name], there)
    if test.sign == "like":
        return own is not None and _mask(str(test.values[0])).fullmatch(str(row[there.name])) is not None
    wanted = [_comparable(value, there) for value in test.values]
    match test.sign:
        case "=" | "in":
            return own in wanted
        case "!=" | "not in":
            return own not in wanted
    (other,) = wanted
    if own is None or other is None:
        return False
    return {"<": own < other, "<=": own <= other, ">": own > other, ">=": own >= other}[test.sign]


def _comparable(value: object, there: LeadField) -> tuple[int, float, str] | None:
    if value is None:
        return None
    if there.kind in {"id", "reference"}:
        return 1, 0.0, long_id(str(value)[:15])
    if there.kind in {"date", "datetime"}:
        text = str(value)
        try:
            return 0, datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00+00:00").timestamp(), ""
        except ValueError:
            raise Refused(400, Flaw("MALFORMED_QUERY", f"{text} is no {there.kind}")) from None
    return _plain(value)


def _mask(text: str) -> re.Pattern[str]:
    """LIKE's masks as a pattern: ``%`` any text, ``_`` one character, both as they are behind a backslash."""
    parts = [part for part in re.split(r"(\\[%_]|[%_])", text) if part]
    masks = {"%": ".*", "_": "."}
    spelled = (masks.get(part) or re.escape(part[-1] if part in {r"\%", r"\_"} else part) for part in parts)
    return re.compile("".join(spelled), re.DOTALL | re.IGNORECASE)

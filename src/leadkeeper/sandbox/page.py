"""The page of the sandbox: what each stand-in is set to, what is planned to go wrong, and what arrived."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from leadkeeper.sandbox.mishaps import Plan
from leadkeeper.sandbox.stand_in import Answer, StandIn

SHOWN: Final = 200
"""Most records of one stand-in on the page, the newest first."""

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f2f2f2}.broken{color:#a00}
"""
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def page(stand_ins: Sequence[StandIn], plan: Plan) -> Answer:
    """The whole page; everything that came from outside is escaped."""
    planned = [f"<li>{number}: {escape(each.label or 'in process')}</li>" for number, each in plan]
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Sandbox</title>',
        f"<style>{_STYLE}</style></head><body><h1>Sandbox</h1>",
        f"<h2>Planned faults</h2><ul>{''.join(planned)}</ul>" if planned else "",
        *(_section(each) for each in stand_ins),
        "</body></html>",
    ]
    return Answer.html(200, "".join(parts), _HEADERS)


def _section(there: StandIn) -> str:
    records = list(there.received())
    mood = "" if there.state == next(iter(there.states)) else ' class="broken"'
    shown = records[: -SHOWN - 1 : -1]
    older = f"<p>{len(records) - len(shown)} older ones are not shown.</p>" if len(records) > len(shown) else ""
    return (
        f'<section id="{escape(there.name)}"><h2>{escape(there.name)}</h2>'
        f"<p{mood}>State: <strong>{escape(there.state)}</strong>, {escape(there.states[there.state])}</p>"
        f"<p>{escape(', '.join(there.hosts))}: {len(records)} received</p>{_table(shown)}{older}</section>"
    )


def _table(records: Sequence[Mapping[str, object]]) -> str:
    if not records:
        return ""
    columns = list(dict.fromkeys(name for record in records for name in record))
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = (f"<tr>{''.join(f'<td>{_cell(record.get(name))}</td>' for name in columns)}</tr>" for record in records)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))

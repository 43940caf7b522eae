"""OData's query options as far as the stand-in for Dynamics 365 knows them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, Self, TypeVar
from urllib.parse import quote

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.stand_in import Request

_OTHER_QUERIES: Final = frozenset({"sql", "fetchXml", "savedQuery", "userQuery"})


def check_options(query: Mapping[str, str], known: Collection[str]) -> None:
    """Raises :class:`Refused`: 501 for an option that is Dataverse's but not known here, 400 for any other."""
    for name in query:
        if name in known or name == "tag":  # what a caller marks its request with
            continue
        if name.startswith("$") or name in _OTHER_QUERIES:
            raise Refused(errors.NOT_BUILT, what=name)
        raise Refused(errors.BAD_SYNTAX)


def selected(query: Mapping[str, str], known: Collection[str], type_name: str) -> list[str] | None:
    """The names of ``$select``, or None for all; raises :class:`Refused` for one that the type does not have."""
    if "$select" not in query:
        return None
    names = [name.strip() for name in query["$select"].split(",")]
    for name in names:
        if name not in known:
            raise Refused(errors.UNKNOWN_PROPERTY, name=name, type=type_name)
    return names


_KEY: Final = re.compile(r"(?P<name>\w+)=(?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d+))(?:,|$)")
_PAGE_SIZE: Final = re.compile(r"odata\.maxpagesize=(\d+)")


class _Record(Protocol):
    @property
    def values(self) -> Mapping[str, object]: ...


R = TypeVar("R", bound=_Record)


def alternate_key(text: str) -> dict[str, object] | None:
    """The columns and values of an alternate key in an address, or None when it is none."""
    found: dict[str, object] = {}
    at = 0
    while at < len(text):
        part = _KEY.match(text, at)
        if part is None:
            return None
        found[part["name"]] = int(part["number"]) if part["text"] is None else part["text"].replace("''", "'")
        at = part.end()
    return found or None


def ordered(records: list[R], order: str | None, known: Collection[str]) -> list[R]:
    """The records in the order of ``$orderby``, empty values first; raises :class:`Refused` for what is no order."""
    for each in reversed((order or "").split(",") if order is not None else []):
        name, _, direction = each.strip().partition(" ")
        if name not in known:
            raise Refused(errors.UNKNOWN_PROPERTY, name=name, type="lead")
        if direction.strip() not in {"", "asc", "desc"}:
            raise Refused(errors.BAD_SYNTAX)
        backwards = direction.strip() == "desc"
        records = sorted(records, key=lambda record: _rank(record.values.get(name)), reverse=backwards)
    return records


def _rank(value: object) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    return (1, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value).casefold())


@dataclass(frozen=True, slots=True)
class Page:
    """Which of the records found are shown: those from ``begin`` to before ``end``."""

    begin: int
    end: int
    applied: Mapping[str, str]
    last: bool

    @classmethod
    def of(cls, request: Request, most: int) -> Self:
        """The page that the request asks for; raises :class:`Refused` for what is no number."""
        top, begin = request.query.get("$top"), request.query.get("$skiptoken", "0")
        if not (top or "0").isdecimal() or top == "" or not begin.isdecimal():
            raise Refused(errors.BAD_SYNTAX)
        wanted = _PAGE_SIZE.search(request.headers.get("prefer", ""))
        size = min(int(wanted[1]), most) if wanted and int(wanted[1]) > 0 else most
        applied = {"Preference-Applied": wanted[0]} if wanted else {}
        if top is not None:  # no pages where $top stands
            return cls(0, min(int(top), most), {}, last=True)
        return cls(int(begin), int(begin) + size, applied, last=False)

    def goes_on(self, found: int) -> bool:
        """Whether a next page follows when so many were found."""
        return not self.last and self.end < found

    def next_query(self, request: Request) -> str:
        """The query of the next page's address."""
        rest = {name: value for name, value in request.query.items() if name != "$skiptoken"}
        query = rest | {"$skiptoken": str(self.end)}
        return "&".join(f"{name}={quote(value, safe='(),')}" for name, value in query.items())

"""Which remote field gets what of a lead: the defaults of a destination, and a connection's changes to them. Pure.

A field gets a template (text with placeholders such as ``{firstName}``), a constant (number, true, false), or nothing
(``null``), which takes a default away.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, FiniteFloat, StrictBool, StrictInt, StrictStr

from leadkeeper.lead import OutgoingLead
from leadkeeper.texts import _, join_lazily, lazy_gettext

Value = StrictBool | StrictInt | FiniteFloat | StrictStr | None
"""What a field is to hold: a constant, a template, or nothing."""

TEMPLATE_LIMIT: Final = 4_000
"""The most characters of one template."""
FIELD_LIMIT: Final = 131_072
"""The most UTF-16 units of one filled-in field: more than any remote system's field takes, and all of any lead's."""
RECORD_LIMIT: Final = 524_288
"""The most UTF-16 units of all fields of a record together; what comes first is kept."""

_PLACEHOLDERS: Final[Mapping[str, Callable[[OutgoingLead], str]]] = {
    "firstName": lambda lead: lead.customer.first_name,
    "lastName": lambda lead: lead.customer.last_name,
    "email": lambda lead: lead.customer.email,
    "phone": lambda lead: lead.customer.phone,
    "country": lambda lead: lead.customer.country,
    "company": lambda lead: lead.customer.company,
    "title": lambda lead: lead.customer.title,
    "source": lambda lead: lead.source,
    "action": lambda lead: lead.action,
    "leadSource": lambda lead: lead.lead_source,
    "publisherId": lambda lead: lead.publisher_id,
    "publisherName": lambda lead: lead.publisher_name,
    "offerId": lambda lead: lead.offer_id,
    "offerTitle": lambda lead: lead.offer_title,
    "description": lambda lead: lead.description,
    "campaign": lambda lead: lead.campaign,
    "leadId": lambda lead: lead.id,
    "createdTime": lambda lead: f"{lead.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
}
PLACEHOLDERS: Final = tuple(_PLACEHOLDERS)
"""The names that may stand in braces."""

_PIECE: Final = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|(?P<lone>[{}])")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _checked(fields: dict[str, Value]) -> dict[str, Value]:
    """``fields``, whose templates can be filled in. Raises ``ValueError`` with what is wrong and what is possible."""
    for name, value in fields.items():
        if isinstance(value, str):
            _check_template(name, value)
    return fields


def _check_template(name: str, template: str) -> None:
    if len(template) > TEMPLATE_LIMIT:
        raise ValueError(
            lazy_gettext(
                "%(name)s: longer than %(template_limit)s characters.", name=name, template_limit=TEMPLATE_LIMIT
            )
        )
    piece = _first_wrong(template)
    if piece in ("{", "}"):
        raise ValueError(lazy_gettext("%(name)s: a brace stands alone; write {{ or }} for a brace itself.", name=name))
    if piece is not None:
        known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
        raise ValueError(
            lazy_gettext(
                "%(name)s: there is no placeholder %(piece)s; there are %(known)s.",
                name=name,
                piece=piece[:40],
                known=known,
            )
        )


@lru_cache(maxsize=512)  # they are looked at each time that the settings of a connection are read
def _first_wrong(template: str) -> str | None:
    """The first lone brace, or what stands for no placeholder with its braces; ``None`` where nothing does."""
    for piece in _PIECE.finditer(template):
        if piece["lone"] or (piece["name"] is not None and piece["name"] not in _PLACEHOLDERS):
            return piece[0]
    return None


FieldMapping = Annotated[dict[str, Value], Field(max_length=100), AfterValidator(_checked)]
"""The changes of a connection: remote field name to what it is to hold. For a field of a ``Config``, usually as
``Annotated[FieldMapping, AfterValidator(FieldNames(...))]``."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Checks the names of a :data:`FieldMapping`: each matches ``pattern`` whole, none is ``reserved``.

    ``rule`` says in the error message what a name looks like.
    """

    pattern: str
    rule: str
    reserved: frozenset[str] = field(default_factory=frozenset)

    def __call__(self, fields: dict[str, Value]) -> dict[str, Value]:
        for name in fields:
            if not re.fullmatch(self.pattern, name):
                raise ValueError(
                    lazy_gettext("%(name)s is not the name of a field: %(rule)s", name=repr(name[:80]), rule=self.rule)
                )
            if name in self.reserved:
                raise ValueError(lazy_gettext("%(name)s is filled in by Leadkeeper and cannot be changed.", name=name))
        return fields


def record(defaults: Mapping[str, Value], changes: Mapping[str, Value], lead: OutgoingLead) -> dict[str, Any]:
    """The record for ``lead``: ``defaults`` with ``changes`` over them, templates filled in, empty values left out.

    Constants stay as they are, zero and false too. Values are ``str``, ``int``, ``float`` or ``bool``. Texts that would
    be longer than :data:`FIELD_LIMIT`, or than :data:`RECORD_LIMIT` together, are cut: :func:`cut` tells of them.
    """
    found: dict[str, Any] = {}
    left, values = RECORD_LIMIT, _Values(lead)
    for name, value in {**defaults, **changes}.items():
        if not isinstance(value, str):
            if value is not None:
                found[name] = value
            continue
        limit = min(FIELD_LIMIT, left)
        filled: str = _filled(value, values, limit)
        if _may_exceed(value, values, limit):
            filled = Cut(filled, limit)
        if filled != "":
            found[name] = filled
        left -= units(filled)
    return found


class Cut(str):
    """A text that was cut to ``limit`` UTF-16 units while it was made, so that nobody knows how long it was."""

    __slots__ = ("limit",)
    limit: int

    def __new__(cls, text: str, limit: int) -> Self:
        made = super().__new__(cls, text)
        made.limit = limit
        return made


def fill(template: str, lead: OutgoingLead, limit: int = FIELD_LIMIT) -> str:
    """``template`` with the lead's values in place of the placeholders, without space around it.

    A line all of whose placeholders are empty is left out, so that ``Campaign: {campaign}`` is nothing without a
    campaign. Control characters in values are left out, unpaired surrogates become ``?``. The text has at most
    ``limit`` UTF-16 units, and no more than that is made of it, whatever the template and the lead.
    """
    return _filled(template, _Values(lead), limit)


class _Values:
    """A lead's values by placeholder, each cleaned and measured once however often templates name it."""

    def __init__(self, lead: OutgoingLead) -> None:
        self._lead = lead
        self._texts: dict[str, str] = {}
        self._units: dict[str, int] = {}

    def text(self, name: str) -> str:
        """The value, clean."""
        if name not in self._texts:
            self._texts[name] = sendable_text(_PLACEHOLDERS[name](self._lead))
        return self._texts[name]

    def units(self, name: str) -> int:
        """Its length in UTF-16 units."""
        if name not in self._units:
            self._units[name] = units(self.text(name))
        return self._units[name]


def _filled(template: str, values: _Values, limit: int) -> str:
    return fit("\n".join(_lines(template, values, limit)).strip(), limit)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a template: texts and placeholders in turn, and each placeholder's name with how often it stands."""

    pieces: tuple[str, ...]
    named: Mapping[str, int]


@lru_cache(maxsize=512)
def _parsed(template: str) -> tuple[_Line, ...]:
    """The template's lines, read once for all leads: a connection's templates change seldom."""
    return tuple(_parsed_line(line) for line in template.split("\n"))


def _parsed_line(line: str) -> _Line:
    pieces, at = [], 0
    for piece in _PIECE.finditer(line):
        name = piece["name"]
        pieces += [line[at : piece.start()] + (piece[0][0] if name is None else ""), "" if name is None else name]
        at = piece.end()
    return _Line((*pieces, line[at:]), Counter(name for name in pieces[1::2] if name))


def _lines(template: str, values: _Values, limit: int) -> Iterator[str]:
    """The lines that are not left out, until they are ``limit`` characters together."""
    left = limit
    for line in _parsed(template):
        if line.named and not any(values.text(name) for name in line.named):
            continue
        filled = "".join(_pieces(line, values, left))
        yield filled
        left -= len(filled) + 1
        if left <= 0:
            return


def _pieces(line: _Line, values: _Values, left: int) -> Iterator[str]:
    """The texts of ``line`` with its placeholders filled in, until they are ``left`` characters together."""
    for number, piece in enumerate(line.pieces):
        text = values.text(piece) if number % 2 and piece else piece
        if text:
            yield text[:left]
            left -= len(text)
            if left <= 0:
                return


def _may_exceed(template: str, values: _Values, limit: int) -> bool:
    """Whether ``template`` filled in has more than ``limit`` UTF-16 units (space around it counts)."""
    most = units(template)
    for line in _parsed(template):
        most += sum(values.units(name) * times for name, times in line.named.items())
    return most > limit


def sendable_text(text: str) -> str:
    """``text`` as any remote system can take it: without control characters and without half a character."""
    return _CONTROL.sub("", text).encode("utf-8", "replace").decode().strip()


_CUT_FROM: Final = _("%(field)s cut from %(length)s to %(limit)s characters")
_CUT_FROM_MORE: Final = _("%(field)s cut from more than %(length)s to %(limit)s characters")


def cut(record: Mapping[str, Any], lengths: Mapping[str, int]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """``record`` with its texts cut to ``lengths`` (by field; fields without a length are not cut), and what was cut.

    A length counts UTF-16 units, as the CRMs' databases do; a character is never cut in two. The notes name fields
    and numbers, never values: ``description cut from 3,120 to 2,000 characters``.
    """
    fitting, notes = dict(record), []
    for name, value in record.items():
        limit = lengths.get(name)
        if isinstance(value, Cut) and (limit is None or limit >= value.limit):
            fitting[name] = str(value)
            notes.append(lazy_gettext("%(field)s cut to %(limit)s characters", field=name, limit=f"{value.limit:,}"))
            continue
        if limit is None or not isinstance(value, str):
            continue
        fitting[name] = fit(value, limit)
        if fitting[name] != value:
            text = _CUT_FROM_MORE if isinstance(value, Cut) else _CUT_FROM
            notes.append(lazy_gettext(text, field=name, length=f"{units(value):,}", limit=f"{limit:,}"))
    return fitting, tuple(notes)


def fit(text: str, limit: int) -> str:
    """``text`` cut to ``limit`` UTF-16 units, never inside a character."""
    if len(text) * 2 <= limit or units(text) <= limit:
        return text
    return text.encode("utf-16-le", "replace")[: 2 * limit].decode("utf-16-le", "ignore")


def units(text: str) -> int:
    """The length of ``text`` in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2


def noted(notes: tuple[str, ...]) -> str | None:
    """The notes as one sentence for a receipt; ``None`` when there are none."""
    return join_lazily((join_lazily(notes, "; "), "."), "") if notes else None

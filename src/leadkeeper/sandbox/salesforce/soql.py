"""Reads the part of SOQL that clients ask leads with, and refuses the rest in words.

``SELECT fields|COUNT()|FIELDS(ALL) FROM object [WHERE ...] [ORDER BY ...] [LIMIT n] [OFFSET n]`` with ``=``, ``!=``,
``<>``, ``<``, ``<=``, ``>``, ``>=``, ``LIKE``, ``IN``, ``NOT IN``, ``AND``, ``OR``, ``NOT`` and parentheses. AND and OR
side by side need parentheses, as in reality. Not read: joins, aggregates, date words such as ``TODAY``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

Value = str | int | float | bool | None
_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^'\\]|\\.)*')
    |(?P<when>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_.]*)
    |(?P<mark><=|>=|<>|!=|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_MARKS: Final = ("=", "!=", "<>", "<", "<=", ">", ">=")


class Malformed(Exception):
    """It is no query that this reader knows; the text says where it stops."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison. ``values`` are one for a sign or LIKE, any number for IN; ``quoted``: they were texts."""

    field: str
    sign: str
    values: tuple[Value, ...]
    quoted: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by ``and``, ``or``, or one turned round by ``not``."""

    word: str
    parts: tuple[Condition, ...]


Condition = Comparison | Joined


@dataclass(frozen=True, slots=True)
class Order:
    """One field to sort by; ``nulls_last`` as asked, else empty values come first."""

    field: str
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was asked; ``fields`` is empty for ``COUNT()``, else names, or ``FIELDS(ALL)`` and the like."""

    fields: tuple[str, ...]
    table: str
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0


def read(text: str) -> Query:
    """The query in ``text``; raises :class:`Malformed`."""
    reader = _Reader(text)
    query = reader.query()
    reader.end()
    return query


def fields_of(condition: Condition | None) -> list[Comparison]:
    """Every comparison in a condition."""
    if condition is None:
        return []
    if isinstance(condition, Comparison):
        return [condition]
    return [test for part in condition.parts for test in fields_of(part)]


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise Malformed(f"unexpected character at position {at + 1}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self._at = 0

    def query(self) -> Query:
        self._word("select")
        fields = self._fields()
        self._word("from")
        table = self._name()
        where = self._condition() if self._take("where") else None
        order = self._order() if self._take("order") else ()
        limit = self._count() if self._take("limit") else None
        offset = self._count() if self._take("offset") else 0
        return Query(fields, table, where, order, limit, offset)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise Malformed(f"unexpected token: '{self._tokens[self._at][1]}'")

    def _fields(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            name = self._name()
            if self._take("("):
                if name.lower() == "count" and not names:
                    self._word(")")
                    return ()
                if name.lower() != "fields":
                    raise Malformed(f"this sandbox reads no {name}() in SELECT")
                name = f"FIELDS({self._name().upper()})"
                self._word(")")
            names.append(name)
            if not self._take(","):
                return tuple(names)

    def _condition(self) -> Condition:
        first = self._part()
        for word in ("and", "or"):
            if self._is(word):
                parts = [first]
                while self._take(word):
                    parts.append(self._part())
                if self._is("and") or self._is("or"):
                    raise Malformed(f"unexpected token: '{self._tokens[self._at][1]}'")
                return Joined(word, tuple(parts))
        return first

    def _part(self) -> Condition:
        if self._take("not"):
            return Joined("not", (self._part(),))
        if self._take("("):
            inner = self._condition()
            self._word(")")
            return inner
        return self._test()

    def _test(self) -> Comparison:
        field = self._name()
        kind, text = self._next()
        word = text.lower()
        if word == "not" and self._take("in"):
            word = "not in"
        if word in {"in", "not in"}:
            self._word("(")
            values = [self._value()]
            while self._take(","):
                values.append(self._value())
            self._word(")")
            return Comparison(field, word, tuple(value for value, _ in values), all(quoted for _, quoted in values))
        if word != "like" and (kind != "mark" or word not in _MARKS):
            raise Malformed(f"unexpected token: '{text}'")
        value, quoted = self._value(keep_masks=word == "like")
        if word == "like" and not quoted:
            raise Malformed(f"unexpected token: '{value}'")
        return Comparison(field, "!=" if word == "<>" else word, (value,), quoted)

    def _value(self, *, keep_masks: bool = False) -> tuple[Value, bool]:
        kind, text = self._next()
        if kind == "text":
            return _unescaped(text[1:-1], keep_masks), True
        if kind == "number":
            return (float(text) if "." in text else int(text)), False
        if kind == "when":
            return text, False
        words: dict[str, Value] = {"true": True, "false": False, "null": None}
        if text.lower() in words:
            return words[text.lower()], False
        raise Malformed(f"unexpected token: '{text}'")

    def _order(self) -> tuple[Order, ...]:
        self._word("by")
        orders = []
        while True:
            field = self._name()
            descending = self._take("desc")
            if not descending:
                self._take("asc")
            last = False
            if self._take("nulls"):
                last = self._take("last")
                if not last:
                    self._word("first")
            orders.append(Order(field, descending, last))
            if not self._take(","):
                return tuple(orders)

    def _count(self) -> int:
        kind, text = self._next()
        if kind != "number" or not text.isdecimal():
            raise Malformed(f"unexpected token: '{text}'")
        return int(text)

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise Malformed(f"unexpected token: '{text}'")
        return text

    def _word(self, word: str) -> None:
        if not self._take(word):
            raise Malformed(f"expecting {word.upper()}, found '{self._next()[1]}'")

    def _is(self, word: str) -> bool:
        there = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return there[0] in {"name", "mark"} and there[1].lower() == word

    def _take(self, word: str) -> bool:
        if not self._is(word):
            return False
        self._at += 1
        return True

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise Malformed("unexpected token: '<EOF>'")
        self._at += 1
        return self._tokens[self._at - 1]


def _unescaped(text: str, keep_masks: bool) -> str:
    r"""The text of a literal; for LIKE ``\%`` and ``\_`` stay, since they are no masks."""

    def one(found: re.Match[str]) -> str:
        mark = found[1]
        if mark in "%_":
            return found[0] if keep_masks else mark
        if mark.lower() not in "nrtbf\"'\\":
            raise Malformed(f"Invalid escape sequence \\{mark}")
        return _ESCAPES.get(mark.lower(), mark)

    return re.sub(r"\\(.)", one, text, flags=re.DOTALL)

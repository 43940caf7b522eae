"""OData's ``$filter`` over records: comparisons, text functions, ``and``, ``or``, ``not`` and brackets."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.errors import Refused

Condition = Callable[[Mapping[str, object]], bool]

_TOKEN: Final = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[(),])|(?P<word>[^\s(),']+))")
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_FUNCTIONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_LISTED: Final = re.compile(
    r"\s*Microsoft\.Dynamics\.CRM\.(?P<no>Not)?In\(PropertyName='(?P<name>\w+)',PropertyValues="
)
_ENUMERATED: Final = re.compile(r"Microsoft\.Dynamics\.CRM\.\w+'")
_LITERALS: Final[Mapping[str, object]] = {"null": None, "true": True, "false": False}
_DEEPEST: Final = 50


def condition(text: str, known: Collection[str], type_name: str) -> Condition:
    """What ``text`` asks of a record's values; letters are alike in upper and lower case, as in Dataverse.

    Raises :class:`Refused` for what is no filter, and for a property that is not ``known`` of the type.
    """
    return _Parser(_ENUMERATED.sub("'", text), known, type_name).whole()


class _Parser:
    def __init__(self, text: str, known: Collection[str], type_name: str) -> None:
        self._known, self._type = known, type_name
        self._tokens: list[str] = []
        self._lists: dict[str, Condition] = {}
        self._at = self._depth = 0
        place = 0
        while place < len(text.rstrip()):
            if listed := _LISTED.match(text, place):
                place = self._keep(listed, text)
                continue
            found = _TOKEN.match(text, place)
            if found is None:
                raise Refused(errors.BAD_SYNTAX)
            self._tokens.append(found[0].strip() if found["text"] is None else found["text"])
            place = found.end()

    def _keep(self, found: re.Match[str], text: str) -> int:
        """Keep the condition of a query function In or NotIn as one token; where the text goes on behind it."""
        try:
            values, end = json.JSONDecoder().raw_decode(text, found.end())
        except ValueError:
            raise Refused(errors.BAD_SYNTAX) from None
        if not isinstance(values, list) or text[end : end + 1] != ")":
            raise Refused(errors.BAD_SYNTAX)
        name, wanted = self._column(found["name"]), {str(each).casefold() for each in values}
        there = not found["no"]
        token = f"list {len(self._lists)}"
        self._lists[token] = lambda record: (str(_plain(record.get(name))).casefold() in wanted) is there
        self._tokens.append(token)
        return end + 1

    def whole(self) -> Condition:
        """The condition, with nothing behind it."""
        found = self._any()
        if self._at != len(self._tokens):
            raise Refused(errors.BAD_SYNTAX)
        return found

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise Refused(errors.BAD_SYNTAX)
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, wanted: str) -> bool:
        there = self._at < len(self._tokens) and self._tokens[self._at] == wanted
        self._at += there
        return there

    def _demand(self, wanted: str) -> None:
        if not self._take(wanted):
            raise Refused(errors.BAD_SYNTAX)

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        return lambda values: any(part(values) for part in parts)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return lambda values: all(part(values) for part in parts)

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Refused(errors.BAD_SYNTAX)
        found = self._bare()
        self._depth -= 1
        return found

    def _bare(self) -> Condition:
        if self._take("not"):
            inner = self._one()
            return lambda values: not inner(values)
        if self._take("("):
            inner = self._any()
            self._demand(")")
            return inner
        word = self._next()
        if word in self._lists:
            return self._lists[word]
        return self._function(_FUNCTIONS[word]) if word in _FUNCTIONS else self._comparison(word)

    def _function(self, test: Callable[[str, str], bool]) -> Condition:
        self._demand("(")
        name = self._column(self._next())
        self._demand(",")
        wanted = _literal(self._next())
        self._demand(")")
        if not isinstance(wanted, str):
            raise Refused(errors.BAD_SYNTAX)
        return lambda values: test(str(values.get(name) or "").casefold(), wanted)

    def _comparison(self, word: str) -> Condition:
        name = self._column(word)
        test = _COMPARISONS.get(self._next())
        if test is None:
            raise Refused(errors.BAD_SYNTAX)
        wanted = _literal(self._next())
        return lambda values: _compared(test, values.get(name), wanted)

    def _column(self, word: str) -> str:
        if not re.fullmatch(r"\w+", word):
            raise Refused(errors.BAD_SYNTAX)
        if word not in self._known:
            raise Refused(errors.UNKNOWN_PROPERTY, name=word, type=self._type)
        return word


def _literal(word: str) -> object:
    if word.startswith("'"):
        return word[1:-1].replace("''", "'").casefold()
    if word in _LITERALS:
        return _LITERALS[word]
    if re.fullmatch(r"-?\d+(\.\d+)?", word):
        return float(word)
    if re.fullmatch(r"[0-9A-Fa-f][0-9A-Fa-f:.TZ+-]+", word):  # a guid or a moment
        return word.casefold()
    raise Refused(errors.BAD_SYNTAX)


def _compared(test: Callable[[Any, Any], bool], value: object, wanted: object) -> bool:
    if test in (operator.eq, operator.ne):
        return test(_plain(value), wanted)
    try:
        return value is not None and test(_plain(value), wanted)
    except TypeError:
        return False


def _plain(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value

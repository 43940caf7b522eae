"""What a model of pydantic finds wrong, as texts that can be told in a language. Pure.

pydantic speaks English only. What it finds is known by the error's type and context, so that nothing depends on its
words; an error of a type that is not listed here keeps them, and a document with it is English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from leadkeeper.offer import CONNECTION_NAME, OFFER_ID, PUBLISHER_ID
from leadkeeper.texts import LazyText, _, lazy_gettext

_TEXTS: Final = {
    "missing": _("Field required"),
    "extra_forbidden": _("unknown field"),
    "string_type": _("Input should be a valid string"),
    "string_unicode": _("Input should be a valid string"),
    "string_too_short": _("String should have at least %(min_length)s characters"),
    "string_too_long": _("String should have at most %(max_length)s characters"),
    "string_pattern_mismatch": _("String should match pattern '%(pattern)s'"),  # of an adapter that others added
    "too_short": _("Input should have at least %(min_length)s items"),
    "too_long": _("Input should have at most %(max_length)s items"),
    "int_type": _("Input should be a valid integer"),
    "whole_number": _("Input should be a whole number"),
    "int_parsing": _("Input should be a valid integer, unable to parse string as an integer"),
    "int_parsing_size": _("Input should be a valid integer"),
    "int_from_float": _("Input should be a valid integer, got a number with a fractional part"),
    "float_type": _("Input should be a valid number"),
    "float_parsing": _("Input should be a valid number, unable to parse string as a number"),
    "finite_number": _("Input should be a finite number"),
    "greater_than": _("Input should be greater than %(gt)s"),
    "greater_than_equal": _("Input should be greater than or equal to %(ge)s"),
    "less_than": _("Input should be less than %(lt)s"),
    "less_than_equal": _("Input should be less than or equal to %(le)s"),
    "bool_type": _("Input should be a valid boolean"),
    "bool_parsing": _("Input should be a valid boolean, unable to interpret input"),
    "list_type": _("Input should be a valid list"),
    "dict_type": _("Input should be a valid dictionary"),
    "model_type": _("Input should be an object"),
    "model_attributes_type": _("Input should be a valid dictionary or object to extract fields from"),
    "uuid_type": _("Input should be a valid UUID"),
    "uuid_parsing": _("Input should be a valid UUID"),
    "date_type": _("Input should be a valid date"),
    "date_parsing": _("Input should be a valid date"),
    "date_from_datetime_parsing": _("Input should be a valid date"),
    "datetime_type": _("Input should be a valid datetime"),
    "datetime_parsing": _("Input should be a valid datetime"),
    "datetime_from_date_parsing": _("Input should be a valid datetime or date"),
    "timezone_aware": _("Input should have timezone info"),
    "json_invalid": _("The body is not JSON"),
    "json_type": _("The body is not JSON"),
}
_ONE: Final = {
    ("string_too_short", "min_length"): _("String should have at least 1 character"),
    ("string_too_long", "max_length"): _("String should have at most 1 character"),
    ("too_short", "min_length"): _("Input should have at least 1 item"),
    ("too_long", "max_length"): _("Input should have at most 1 item"),
}
CURSOR: Final = r"^[0-9a-f-]{36}$"
LEAD_CURSOR: Final = r"^[0-9a-f-]{36}(~[0-9a-f-]{0,36})?$"
PLACE_CURSOR: Final = r"^[A-Za-z0-9._-]{1,257}/[A-Za-z0-9_-]{1,64}$"
COLOUR: Final = "^(#[0-9a-fA-F]{6})?$"
PORTAL_PATH: Final = r"^/portal(/[A-Za-z0-9._~/-]*)?$"
TEST_MARKER: Final = r"^MSFT_TEST_[0-9]{1,20}$"
NOT_BLANK: Final = r"\S"
NO_NUL: Final = r"^[^\x00]*$"
TYPE_FILTER: Final = "^offerTypeId eq '[^']*'$"
_CURSOR: Final = _("this is no cursor: take nextCursor as the page before gave it")
PATTERN_RULES: Final[Mapping[str, str]] = {
    PUBLISHER_ID: _("letters, digits, - and _, at most 128"),
    OFFER_ID: _("letters, digits, - _ and dots, at most 128"),
    CONNECTION_NAME: _("letters, digits, - and _, at most 64"),
    CURSOR: _CURSOR,
    LEAD_CURSOR: _CURSOR,
    PLACE_CURSOR: _CURSOR,
    COLOUR: _("write a colour as #rrggbb, such as #0b5cab"),
    PORTAL_PATH: _("write the address of a page of the portal, such as /portal/leads"),
    TEST_MARKER: _("write a test lead's marker, such as MSFT_TEST_1"),
    NOT_BLANK: _("may not be blank"),
    NO_NUL: _("may hold no NUL character and no half of a surrogate pair"),
    TYPE_FILTER: _("write a type of offers, such as offerTypeId eq 'saas'"),
}
"""What a pattern of ours asks for, in words: nobody has to read regular expressions."""
_CHOICE: Final = re.compile(r"\^\(([\w-]+(?:\|[\w-]+)*)\)\$")
"""A pattern that is a list of words."""
_EXPECTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|[^\s,]+")
_BEGINS: Final = "Value error, "


def model_error(error: Mapping[str, Any]) -> str:
    """What is wrong, of one of ``ValidationError.errors()``: without its input, which may be personal or secret.

    It needs the error's context. What a validator of ours raised is told in that validator's words.
    """
    type, context = str(error["type"]), error.get("ctx") or {}
    raised = context.get("error")
    if isinstance(raised, ValueError) and raised.args and isinstance(raised.args[0], LazyText):
        return raised.args[0]
    if type in ("literal_error", "enum"):
        return _one_of([each for each in _EXPECTED.findall(str(context.get("expected", ""))) if each != "or"])
    if type == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        if words := _CHOICE.fullmatch(pattern):
            return _one_of([f"'{word}'" for word in words[1].split("|")])
        if pattern in PATTERN_RULES:
            return lazy_gettext(PATTERN_RULES[pattern])
    for (each, bound), text in _ONE.items():
        if each == type and context.get(bound) == 1:
            return lazy_gettext(text)
    if type in _TEXTS:
        return lazy_gettext(_TEXTS[type], **{name: str(value) for name, value in context.items()})
    return str(error["msg"]).removeprefix(_BEGINS)


def _one_of(choices: Sequence[str]) -> str:
    """pydantic joins what it expects by its English word; a language has its own."""
    *first, last = choices or ("",)
    expected = lazy_gettext("%(first)s or %(last)s", first=", ".join(first), last=last) if first else last
    return lazy_gettext("Input should be %(expected)s", expected=expected)

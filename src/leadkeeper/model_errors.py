"""What a model of pydantic finds wrong, as texts that can be told in a language. Pure.

pydantic speaks English only. What it finds is known by the error's type and context, so that nothing depends on its
words; an error of a type that is not listed here keeps them, and a document with it is English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from leadkeeper.texts import LazyText, _, lazy_gettext

_TEXTS: Final = {
    "missing": _("Field required"),
    "extra_forbidden": _("unknown field"),
    "string_type": _("Input should be a valid string"),
    "string_unicode": _("Input should be a valid string"),
    "string_too_short": _("String should have at least %(min_length)s characters"),
    "string_too_long": _("String should have at most %(max_length)s characters"),
    "string_pattern_mismatch": _("String should match pattern '%(pattern)s'"),
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
    "literal_error": _("Input should be %(expected)s"),
    "enum": _("Input should be %(expected)s"),
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
_BEGINS: Final = "Value error, "


def model_error(error: Mapping[str, Any]) -> str:
    """What is wrong, of one of ``ValidationError.errors()``: without its input, which may be personal or secret.

    It needs the error's context. What a validator of ours raised is told in that validator's words.
    """
    type, context = str(error["type"]), error.get("ctx") or {}
    raised = context.get("error")
    if isinstance(raised, ValueError) and raised.args and isinstance(raised.args[0], LazyText):
        return raised.args[0]
    for (each, bound), text in _ONE.items():
        if each == type and context.get(bound) == 1:
            return lazy_gettext(text)
    if type in _TEXTS:
        return lazy_gettext(_TEXTS[type], **{name: str(value) for name, value in context.items()})
    return str(error["msg"]).removeprefix(_BEGINS)

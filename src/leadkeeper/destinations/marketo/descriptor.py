"""What a Marketo form says of itself to web pages: its fields, which of them it demands, whether it asks for a CAPTCHA.

Source: ``docs/reference/vendors/marketo.md#form-descriptor``: JSONP from ``index.php/form/getForm``; pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_JSONP: Final = re.compile(r"\s*(?:/\*.*?\*/\s*)?[\w.$]+\s*\((?P<json>.*)\)\s*;?\s*", re.DOTALL)
_SECTIONS: Final = ("rows", "fieldsetrows", "fields")
_NOT_FIELDS: Final = frozenset({"htmltext", "fieldset", "button", "captcha", "profiling"})
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class MarketoField:
    """A field of a form. ``length`` is the most characters it takes, ``initial`` what a page would send untouched."""

    required: bool = False
    length: int | None = None
    initial: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it is published: its version, its fields by name, and whether only a person can send it."""

    version: str
    fields: Mapping[str, MarketoField]
    protected: bool = False


def read_jsonp(body: bytes) -> Any:
    """The JSON in a JSONP answer (or in a plain one); ``None`` when it is neither."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff")
    wrapped = _JSONP.fullmatch(text)
    try:
        return json.loads(wrapped["json"] if wrapped else text)
    except (ValueError, RecursionError):
        return None


def read_descriptor(content: Any, form_id: str) -> Form | None:
    """The form in a descriptor; ``None`` when it describes none. Keys are taken in any case."""
    if not isinstance(content, dict):
        return None
    top = {str(name).lower(): value for name, value in content.items()}
    fields = {name: field for section in _SECTIONS for name, field in _fields(top.get(section), 0)}
    if not fields:
        return None
    protected = any(_truthy(top.get(name)) for name in ("enablecaptcha", "captcha", "recaptcha"))
    return Form(str(top.get("vid") or top.get("formvid") or form_id), fields, protected)


def _fields(found: Any, depth: int) -> Iterator[tuple[str, MarketoField]]:
    """The fields in lists of rows and objects of lists, however they are nested."""
    if depth > _DEEPEST:
        return
    if isinstance(found, list):
        for each in found:
            yield from _fields(each, depth + 1)
    elif isinstance(found, dict):
        keys = {str(name).lower(): value for name, value in found.items()}
        name = keys.get("name")
        if isinstance(name, str) and name:
            if str(keys.get("datatype", "")).lower() not in _NOT_FIELDS:
                yield name, _field(keys)
        else:
            for each in found.values():
                yield from _fields(each, depth + 1)


def _field(keys: Mapping[str, Any]) -> MarketoField:
    length, initial = keys.get("maxlength"), keys.get("inputinitialvalue")
    hidden = str(keys.get("datatype", "")).lower() == "hidden"
    return MarketoField(
        required=_truthy(keys.get("isrequired", keys.get("required"))),
        length=length if isinstance(length, int) and length > 0 else None,
        initial=initial if hidden and isinstance(initial, str) else "",
    )


def _truthy(value: Any) -> bool:
    return str(value).strip().lower() in ("true", "1", "yes") or (isinstance(value, dict) and bool(value))

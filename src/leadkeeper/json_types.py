"""Whole numbers and truth values exactly as JSON tells them: no text, no ``true`` for 1, no ``"yes"`` for ``true``."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, Strict
from pydantic_core import PydanticCustomError


def _whole(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str | bool):
        raise PydanticCustomError("whole_number", "Input should be a whole number")
    return value


WHOLE: Final = BeforeValidator(_whole)
"""For ``Annotated[int, Field(ge=..., le=...), WHOLE]``, limits first. ``5.0`` is a whole number, as in JSON Schema."""

Flag = Annotated[bool, Strict()]
"""``true`` or ``false``."""

"""What a model finds wrong is said in words that help, in the reader's language."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

import leadkeeper
from leadkeeper.doors.api.leads import Sort
from leadkeeper.doors.api.schemas import IsoMoment
from leadkeeper.model_errors import COLOUR, PATTERN_RULES, model_error
from leadkeeper.offer import PUBLISHER_ID
from tests.languages import PORTUGUESE

SOURCE = Path(leadkeeper.__file__).parent


class Way(StrEnum):
    """Two ways."""

    HERE = "here"
    THERE = "there"


class Asked(BaseModel):
    """Fields of every kind that has words of its own."""

    act: Literal["again", "owner", "state"] = "again"
    only: Literal["again"] = "again"
    way: Way = Way.HERE
    sort: Sort = "oldest"
    publisher: Annotated[str, Field(pattern=PUBLISHER_ID)] = "contoso"
    colour: Annotated[str, Field(pattern=COLOUR)] = ""
    since: IsoMoment | None = None


MOMENT = "write a day or a moment, such as 2026-11-30 or 2026-11-30T09:00:00Z; in an address + is written %2B"


@pytest.mark.parametrize(
    ("field", "value", "english", "portuguese"),
    [
        ("act", "x", "Input should be 'again', 'owner' or 'state'", "O valor precisa ser 'again', 'owner' ou 'state'"),
        ("only", "x", "Input should be 'again'", "O valor precisa ser 'again'"),
        ("way", "x", "Input should be 'here' or 'there'", "O valor precisa ser 'here' ou 'there'"),
        ("publisher", "é", "letters, digits, - and _, at most 128", "letras, algarismos, - e _, no máximo 128"),
        ("colour", "red", "write a colour as #rrggbb, such as #0b5cab", "escreva uma cor como #rrggbb"),
        ("since", "2026-11-30T10:00:00 02:00", MOMENT, "num endereço, + escreve-se %2B"),
        ("since", "30/11/2026", MOMENT, "num endereço, + escreve-se %2B"),
        ("since", "2026-13-01", MOMENT, "num endereço, + escreve-se %2B"),
        ("since", 20261130, MOMENT, "num endereço, + escreve-se %2B"),
    ],
)
def test_what_is_wrong_is_said_in_words(field: str, value: object, english: str, portuguese: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Asked.model_validate({field: value})
    told = model_error(raised.value.errors()[0])
    assert told == english
    assert portuguese in PORTUGUESE.tell(told)
    assert PORTUGUESE.can_tell(told)


def test_an_unknown_order_is_told_with_all_that_there_are() -> None:
    with pytest.raises(ValidationError) as raised:
        Asked(sort="-nothing")
    assert model_error(raised.value.errors()[0]).startswith("Input should be 'oldest', 'customer', ")


def patterns() -> Iterator[tuple[str, str]]:
    """Every pattern that a field or parameter of ours asks for, with its module."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "pattern=" not in text or "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Field", "Path", "Query", "Header"):
                for keyword in node.keywords:
                    if keyword.arg == "pattern":
                        name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
                        module = importlib.import_module(name)
                        yield name, eval(ast.unparse(keyword.value), vars(module))


def test_every_pattern_has_words() -> None:
    found = list(patterns())
    assert len(found) > 20
    without = [each for each in found if each[1] not in PATTERN_RULES and not each[1].startswith("^(oldest|")]
    assert without == []

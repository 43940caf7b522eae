"""Every text that people read is in every catalogue: present, sure, with the same values in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from leadkeeper.languages import DOMAIN, LOCALE
from tests.house.pages import ROOT
from tests.languages import LANGUAGES, extract

FILES: Final = sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
DOORS: Final = ROOT / "src/leadkeeper/doors"
TEMPLATES: Final = sorted(DOORS.glob("*/templates/*.html"))
VALUE: Final = re.compile(r"%(?:%|\((\w+)\)s|(.))")
"""A value's place, an escaped percent sign, or (the second group) what is neither."""


def name_of(path: Path) -> str:
    """The end of the path, which tells it from the others."""
    return path.relative_to(ROOT / "src/leadkeeper").as_posix()


def read(file: Path) -> Catalog:
    """The catalogue in ``file``."""
    with file.open("rb") as source:
        return read_po(source, locale=file.parent.parent.name, domain=DOMAIN)


def forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """A text, or each of its forms."""
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def values(text: str) -> set[str]:
    """The values that stand in ``text``."""
    found = list(VALUE.finditer(text))
    assert not [each[0] for each in found if each[2]], f"a percent sign is written %%: {text}"
    return {each[1] for each in found if each[1]}


def texts(catalogue: Catalog) -> list[Message]:
    """Its texts, without its head."""
    return [message for message in catalogue if message.id]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The texts as they are in the sources."""
    return extract(tmp_path_factory.mktemp("texts") / "texts.pot")


def test_there_is_a_catalogue() -> None:
    assert [language.code for language in LANGUAGES][:2] == ["en", "pt"]
    assert len(FILES) == len(LANGUAGES) - 1


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_catalogue_is_up_to_date(file: Path, sources: Catalog) -> None:
    there = {(message.context, message.id) for message in texts(read(file))}
    wanted = {(message.context, message.id) for message in texts(sources)}
    assert (wanted - there, there - wanted) == (set(), set()), "run `make texts`"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_text_is_missing_or_fuzzy(file: Path) -> None:
    found = texts(read(file))
    assert [message.id for message in found if not all(forms(message.string))] == []
    assert [message.id for message in found if message.fuzzy] == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_the_same_values_stand_in_every_language(file: Path) -> None:
    for message in texts(read(file)):
        wanted = set().union(*map(values, forms(message.id)))
        for string in forms(message.string):
            assert values(string) <= wanted, message.id
        assert set().union(*map(values, forms(message.string))) == wanted, message.id
        assert values(forms(message.string)[-1]) == values(forms(message.id)[-1]), message.id


def test_every_text_of_the_sources_is_told_with_its_values(sources: Catalog) -> None:
    for message in texts(sources):
        for text in forms(message.id):
            values(text)
            assert text == text.strip(), f"joined texts lose their order in other languages: {text!r}"


_TRANSLATED: Final = re.compile(r"\{%-? *trans\b.*?%\}.*?\{%-? *endtrans *-?%\}", re.DOTALL)
_ATTRIBUTES: Final = re.compile(r'\{% set \w+ %\}(\w+=".*?)\{% endset %\}', re.DOTALL)
"""Attributes that several tags share."""
_JINJA: Final = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
_SPOKEN: Final = re.compile(r'\b(?:aria-label|alt|placeholder|title|content)="([^"]*)"')
_TAG: Final = re.compile(r"<[^>]*>", re.DOTALL)
_NO_WORDS: Final = re.compile(r"&\w+;|width=device-width, initial-scale=1|\bno(?:index|follow)\b|data:")


def spoken(template: str) -> list[str]:
    """The words of a template that are in no catalogue: those of its text, and those that attributes say."""
    rest = _JINJA.sub(" ", _TRANSLATED.sub(" ", _ATTRIBUTES.sub(r"<\1>", template)))
    message = " ".join([*_SPOKEN.findall(rest), _TAG.sub(" ", rest)])
    return re.findall(r"[^\W\d_]{2,}", _NO_WORDS.sub(" ", message))


def test_no_words_stand_in_a_template_outside_the_catalogue() -> None:
    found = {path: spoken(path.read_text(encoding="utf-8")) for path in TEMPLATES}
    assert {name_of(path): words for path, words in found.items() if words} == {}


def test_words_of_a_template_are_seen() -> None:
    page = '<p>Hello {{ name }}</p><input placeholder="Who is it?">{% trans %}known{% endtrans %}<a href="/store">'
    assert spoken(page) == ["Who", "is", "it", "Hello"]


def test_no_text_stands_in_an_f_string() -> None:
    """Extraction does not look into them."""
    for path in sorted((ROOT / "src/leadkeeper").rglob("*.py")):
        inside = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.JoinedStr))
        calls = (node for each in inside for node in ast.walk(each) if isinstance(node, ast.Call) and node.args)
        message = [call.func for call in calls if isinstance(call.args[0], ast.Constant)]
        names = {each.attr if isinstance(each, ast.Attribute) else ast.unparse(each) for each in message}
        assert not names & {"_", "gettext", "lazy_gettext", "ngettext", "pgettext"}, name_of(path)


def put_together(source: str) -> list[str]:
    """The f-strings of a refusal: a text in one is told in English, whatever language the caller asks for."""
    return [
        ast.unparse(inner)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Problem", "FieldError", "super().__init__")
        for argument in [*node.args[1:], *(each.value for each in node.keywords)]
        for inner in ast.walk(argument)
        if isinstance(inner, ast.JoinedStr)
    ]


def test_no_refusal_is_put_together_in_an_f_string() -> None:
    paths = sorted((ROOT / "src/leadkeeper").rglob("*.py"))
    found = {
        name_of(path): put_together(path.read_text(encoding="utf-8")) for path in paths if "sandbox" not in path.parts
    }
    assert {name: texts for name, texts in found.items() if texts} == {}
    assert put_together("Problem(TYPE, f'{where} {rule}.', (FieldError(f'{a}.{b}', f'is {rule}'),))") == [
        "f'{where} {rule}.'",
        "f'{a}.{b}'",
        "f'is {rule}'",
        "f'is {rule}'",
    ]

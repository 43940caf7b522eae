"""A language tells texts, numbers and moments; which one it is follows from what a person or a terminal asks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from leadkeeper.doors.cli.telling import terminal_language
from leadkeeper.doors.languages import accepted
from leadkeeper.texts import (
    ENGLISH,
    Language,
    Languages,
    join_lazily,
    lazy_gettext,
    own_part,
    text_as_json,
    text_from_json,
)
from tests.languages import LANGUAGES, PORTUGUESE

BOTH = Languages((ENGLISH, Language("pt-BR"), Language("pt-PT")))


@pytest.mark.parametrize(
    ("tag", "code"),
    [("pt", "pt"), ("pt-BR", "pt"), ("PT_pt", "pt"), ("en-GB", "en"), ("fr", None), ("", None), (None, None)],
)
def test_a_language_is_found_by_any_of_its_tags(tag: str | None, code: str | None) -> None:
    found = LANGUAGES.find(tag)
    assert (None if found is None else found.code) == code


def test_of_two_of_one_language_the_exact_one_is_taken() -> None:
    found = [BOTH.find(tag) for tag in ("pt-PT", "pt_BR", "pt", "pt-AO")]
    assert [each.code if each else None for each in found] == ["pt-PT", "pt-BR", "pt-BR", "pt-BR"]
    headers = ("pt-PT", "pt-PT,pt-BR;q=0.9", "pt-BR;q=0.8,pt-PT;q=0.9", "pt", "en,pt")
    assert [accepted(header, BOTH).code for header in headers] == ["pt-PT", "pt-PT", "pt-PT", "pt-BR", "en"]


@pytest.mark.parametrize(
    ("environment", "tag"),
    [
        ({}, ""),
        ({"LANG": "C"}, ""),
        ({"LANG": "C.UTF-8"}, ""),
        ({"LC_ALL": "POSIX", "LANG": "pt_BR.UTF-8"}, ""),
        ({"LANG": "pt_BR.UTF-8"}, "pt-BR"),
        ({"LC_ALL": "", "LC_MESSAGES": "pt_PT@euro", "LANG": "en_US.UTF-8"}, "pt-PT"),
    ],
)
def test_a_terminal_names_its_language(environment: dict[str, str], tag: str) -> None:
    assert terminal_language(environment) == tag


def test_values_and_percent_signs_stand_in_texts() -> None:
    assert ENGLISH.gettext("100%% of %(what)s", what="it") == "100% of it"
    assert ENGLISH.ngettext("%(count)s lead", "%(count)s leads", 1_250) == "1,250 leads"
    assert ENGLISH.ngettext("one lead", "%(count)s leads", 1) == "one lead"


def test_a_text_without_a_translation_is_english() -> None:
    assert PORTUGUESE.gettext("Nobody translated %(this)s.", this="it") == "Nobody translated it."
    assert not PORTUGUESE.can_tell(lazy_gettext("Nobody translated %(this)s.", this="it"))
    assert not PORTUGUESE.can_tell("There is nothing at this address.")
    assert PORTUGUESE.can_tell(lazy_gettext("There is nothing at this address."))


def test_dates_and_numbers_are_those_of_the_language() -> None:
    at = datetime(2026, 11, 28, 17, 5, tzinfo=UTC)
    assert "Nov 28, 2026" in ENGLISH.moment(at)
    assert "28 de nov. de 2026" in PORTUGUESE.moment(at)
    assert ENGLISH.moment(at).endswith(" UTC")
    assert PORTUGUESE.number(1_250.5) == "1.250,5"
    assert [language.name for language in LANGUAGES] == ["English", "Português"]


def test_what_is_ours_and_what_others_said_are_told_apart() -> None:
    ours, theirs = lazy_gettext("While asking Microsoft Entra ID for a token."), "AADSTS7000222: expired"
    assert (own_part(ours), own_part(ours, own=False)) == (ours, "")
    assert (own_part(theirs), own_part(theirs, own=False)) == ("", theirs)
    both = join_lazily((ours, theirs))
    assert (own_part(both), own_part(both, own=False)) == (ours, theirs)
    kept = text_from_json(json.loads(json.dumps(text_as_json(both))))
    assert (own_part(kept), own_part(kept, own=False)) == (ours, theirs), "also when it was stored meanwhile"

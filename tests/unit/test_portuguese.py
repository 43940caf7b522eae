"""Every diagnosis is told in Portuguese as it is in English: the same steps, names and addresses, no word left."""

from __future__ import annotations

import re

from babel.messages.pofile import read_po

from leadkeeper.catalogue import CATALOGUE, diagnose, docs_of, text_of
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnoses.text import WHO_ACTS
from leadkeeper.diagnosis import AnyKind, Evidence, Who
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import DiagnosisView
from tests.languages import LANGUAGES, PORTUGUESE, ROOT

ENGLISH_WORDS = frozenset(
    re.findall(
        r"\S+",
        """the of and is are was were be been to with not it its this that these those if then from by has have had does
        there here which who whom what when where may must will would should can cannot under into lead's open copy
        enter read check setting settings field fields user application retry delivery""",
    )
)
"""Words that no Portuguese sentence holds, outside of quotes."""

NO_PROSE = re.compile(r"'[^']*'|\"[^\"]*\"|LEADKEEPER_\w+|\w+(?:[./:-]+\w+)+")
"""What other systems show, settings, addresses, names with hyphens."""

NAMES = re.compile(r"LEADKEEPER_[A-Z_]+|https?://[^\s,;)']+|\b[a-z]+(?:[A-Z][a-zA-Z]*)+\b|\bAADSTS\d+|\b\d{3}\b")
"""What is the same in every language: settings, addresses, statuses."""


def sentences(kind: AnyKind, language: Language) -> tuple[str, ...]:
    """The summary and the steps."""
    text = text_of(kind, language)
    return (text.summary, *text.steps)


def prose(sentence: str) -> list[str]:
    """Its words, without what is the same in every language."""
    return re.findall(r"[^\W\d_]+(?:'s)?", NO_PROSE.sub(" ", sentence).casefold())


def test_every_kind_is_told_in_both_languages() -> None:
    for kind in OURS.kinds:
        english, other = text_of(kind, ENGLISH), text_of(kind, PORTUGUESE)
        assert english.summary == CATALOGUE[kind].summary, kind
        assert len(other.steps) == len(english.steps), kind
        for sentence in sentences(kind, PORTUGUESE):
            assert re.match(r"[A-ZÀ-Ý]", sentence), (kind, sentence)
            assert sentence.endswith("."), (kind, sentence)
            assert "  " not in sentence, (kind, sentence)
            assert sentence.count("'") % 2 == 0, (kind, sentence)


def test_no_english_is_left_over() -> None:
    for kind in OURS.kinds:
        for sentence in sentences(kind, PORTUGUESE):
            assert not ENGLISH_WORDS.intersection(prose(sentence)), (kind, sentence)


def test_names_are_the_same_in_both_languages() -> None:
    for kind in OURS.kinds:
        english, other = (
            {name for sentence in sentences(kind, language) for name in NAMES.findall(sentence)}
            for language in LANGUAGES
        )
        assert english <= other, f"{kind}: a setting, an address or a status is missing"


def test_english_is_recognized() -> None:
    for kind in OURS.kinds:
        assert ENGLISH_WORDS.intersection(prose(" ".join(sentences(kind, ENGLISH))))


def test_who_acts_has_words_in_both_languages() -> None:
    assert set(WHO_ACTS) == set(Who)
    for word in WHO_ACTS.values():
        assert PORTUGUESE.gettext(word) != word


def test_a_view_is_told_in_the_language_asked_for() -> None:
    diagnosis = diagnose(EntraKind.CLIENT_SECRET_EXPIRED, Evidence(401, "AADSTS7000222", "id", "words"))
    english, other = DiagnosisView.of(diagnosis), DiagnosisView.of(diagnosis, PORTUGUESE)
    assert (english.summary, english.steps, english.docs) == (diagnosis.summary, diagnosis.steps, diagnosis.docs)
    assert other.summary == "O segredo da aplicação expirou."
    assert other.docs == docs_of(EntraKind.CLIENT_SECRET_EXPIRED, PORTUGUESE)
    summary = {"summary", "steps", "docs"}
    assert english.model_dump(exclude=summary) == other.model_dump(exclude=summary)


EUROPEAN = re.compile(
    r"\b(equipas?|contactos?|definiç(ão|ões)|utilizador(es)?|ficheiros?|ecrãs?|registos?|palavras?-passe)\b",
    re.IGNORECASE,
)
"""Words that Brazil writes otherwise: the catalogue has its equipes, contatos, configurações, usuários, arquivos."""


def test_the_catalogue_keeps_to_one_portuguese() -> None:
    with (ROOT / "src/leadkeeper/locale/pt/LC_MESSAGES/leadkeeper.po").open("rb") as file:
        messages = list(read_po(file))
    told = [
        text for each in messages for text in ([each.string] if isinstance(each.string, str) else each.string or ())
    ]
    assert len(told) > 1_000
    assert [text for text in told if EUROPEAN.search(text)] == []

"""Masking, and the catalogue of diagnoses."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.catalogue import (
    CATALOGUE,
    declare,
    diagnose,
    from_content,
    from_stored,
    kind_of,
    text_of,
    to_parts,
    to_stored,
)
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnoses.entry import Entry
from leadkeeper.diagnosis import (
    EVIDENCE_LIMIT,
    Answer,
    AnyKind,
    Diagnosis,
    Evidence,
    Kind,
    Outcome,
    Receipt,
    Who,
    masked,
)
from leadkeeper.texts import ENGLISH, Language, join_lazily, lazy_gettext, lazy_ngettext
from leadkeeper.views import DiagnosisView, ReceiptView
from tests.languages import PORTUGUESE


@pytest.mark.parametrize(
    "secret",
    [
        "ada@contoso.com",
        "+44 20 7946 0958",
        "sig=Abc123%2Fdef",
        "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
        "Authorization: Bearer abc.def",
        '"password":"hunter2"',
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9",
    ],
)
def test_what_looks_private_is_masked(secret: str) -> None:
    value = secret.rpartition("=")[2] or secret
    assert secret not in masked(f"before {secret} after")
    assert value not in masked(f"before {secret} after") or value == ""


@given(st.text(min_size=2, max_size=40), st.text(max_size=200), st.text(max_size=200))
def test_given_texts_never_show(private: str, before: str, after: str) -> None:
    if len(private.strip()) >= 2 and private.strip().casefold() not in "***":
        shown = masked(f"{before}{private.strip()}{after}", (private,))
        assert private.strip() not in shown or private.strip() in masked(f"{before}***{after}")


@given(st.text(max_size=2000))
def test_evidence_is_short_and_on_one_line(text: str) -> None:
    shown = masked(text)
    assert len(shown) <= EVIDENCE_LIMIT
    assert "\n" not in shown
    assert "\r" not in shown


def test_every_kind_has_cause_and_steps() -> None:
    for kind in OURS.kinds:
        entry = CATALOGUE[kind]
        assert entry.summary.endswith("."), kind
        assert entry.steps, kind
        assert all(step.endswith(".") for step in text_of(kind, ENGLISH).steps), kind
        if entry.outcome is Outcome.BROKEN:
            assert entry.who in (Who.PUBLISHER, Who.DESTINATION_ADMIN, Who.OPERATOR), kind


@pytest.mark.parametrize(
    "answer",
    [
        Receipt(),
        Receipt("duplicate", "id-1", "https://crm.example/1", confirmed=False, note="cut"),
        diagnose(Kind.THROTTLED, Evidence(429, "x", "y", "z"), retry_after=7.5),
        diagnose(Kind.SERVER_ERROR, outcome=Outcome.THROTTLED),
    ],
)
def test_what_is_stored_reads_back(answer: Answer) -> None:
    assert from_stored(to_stored(answer)) == answer


OURS_AND_THEIRS: Final = [
    lazy_gettext("The mail server took the notice."),
    join_lazily((lazy_gettext("The form demands %(fields)s.", fields="Email"), "as they put it")),
    lazy_ngettext("%(count)s delivery", "%(count)s deliveries", 2),
]


def in_evidence(diagnosis: Diagnosis, language: Language) -> str:
    """Our own words, and behind them what the destination said."""
    view = DiagnosisView.of(diagnosis, language).evidence
    return " ".join(filter(None, (view.note, view.text)))


@pytest.mark.parametrize("text", OURS_AND_THEIRS)
def test_our_own_words_are_told_in_any_language_after_they_were_stored(text: str) -> None:
    """What a destination answered stays as it is."""
    receipt = from_stored(to_stored(Receipt(confirmed=False, note=text)))
    assert isinstance(receipt, Receipt)
    diagnosis = from_stored(to_stored(diagnose(Kind.THROTTLED, Evidence(text=text))))
    assert isinstance(diagnosis, Diagnosis)
    whole, apart = to_parts(diagnosis)
    assert apart is not None
    assert (receipt.note, diagnosis.evidence.text, from_content(apart).text) == (text, text, text)
    told = ReceiptView.of(receipt, PORTUGUESE).note
    assert told == PORTUGUESE.tell(text) != text
    assert in_evidence(diagnosis, PORTUGUESE) == told
    assert ReceiptView.of(receipt).note == in_evidence(diagnosis, ENGLISH) == text
    assert text not in whole


def test_notes_that_older_versions_stored_read_as_they_stand() -> None:
    note = "The mail server took the notice."
    receipt = from_stored(f'{{"result":"created","confirmed":false,"note":"{note}"}}')
    assert isinstance(receipt, Receipt)
    assert ReceiptView.of(receipt, PORTUGUESE).note == note


@pytest.mark.parametrize(
    "note",
    [
        "7",
        '{"message":"%(fields)s","parts":{}}',
        '{"message":"%(fields)d","parts":{"fields":"x"}}',
        '{"message":"%","parts":{}}',
        '{"separator":" ","texts":[7]}',
        '{"message":"x","parts":{"y":[]}}',
    ],
)
def test_a_note_that_nobody_wrote_is_damage(note: str) -> None:
    assert from_stored(f'{{"result":"created","note":{note}}}') == from_stored("not an answer")


class FabrikamKind(AnyKind):
    """Causes of a destination that nobody has."""

    ONE = "fabrikam.one"
    TWO = "throttled"


ENTRY: Final = Entry(Outcome.BROKEN, Who.OPERATOR, "Something is wrong.", ("Mend it.",))


def test_a_kind_is_declared_with_its_meaning_and_takes_no_name_of_another() -> None:
    with pytest.raises(ValueError, match="its entries differ"):
        declare(FabrikamKind, {FabrikamKind.ONE: ENTRY})
    with pytest.raises(ValueError, match="throttled is declared by"):
        declare(FabrikamKind, dict.fromkeys(FabrikamKind, ENTRY))
    with pytest.raises(ValueError, match="no diagnosis is called"):
        kind_of("fabrikam.one")
    assert kind_of("throttled") is Kind.THROTTLED

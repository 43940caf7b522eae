"""The references of diagnoses say what the catalogue says, in every language. `UPDATE_DOCS=1` writes them anew."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from leadkeeper.catalogue import CATALOGUE, docs_of, text_of
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnoses.text import WHO_ACTS
from leadkeeper.diagnosis import AnyKind, Kind, Outcome
from leadkeeper.texts import ENGLISH, Language
from tests.languages import LANGUAGES, PORTUGUESE

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Page:
    """What stands around the catalogue on the page of one language."""

    head: str
    usually: str
    outcomes: dict[Outcome, str]

    def line(self, kind: AnyKind, language: Language) -> str:
        """What usually follows, and who acts."""
        entry = CATALOGUE[kind]
        return self.usually.format(outcome=self.outcomes[entry.outcome], who=language.gettext(WHO_ACTS[entry.who]))


PAGES = {
    ENGLISH: Page(
        """# Diagnoses

Every failure of a delivery names one of these causes (`diagnosis.kind`), who must act (`who`), and the steps. This page
is generated from the declarations in the sources; it is there [in Portuguese](diagnoses.pt.md) too. What follows from
an outcome is in [the way of a lead](../explanation/the-way-of-a-lead.md#what-follows-from-an-answer).
`leadkeeper explain "<text or code>"` finds the entry for an error copied from elsewhere.
""",
        "Usually *{outcome}*; who must act: *{who}*.",
        {outcome: outcome.value for outcome in Outcome},
    ),
    PORTUGUESE: Page(
        """# Diagnósticos

Cada falha de uma entrega indica uma destas causas (`diagnosis.kind`), quem deve agir (`who`) e os passos. Esta página é
gerada a partir de `src/leadkeeper/locale/pt/`; existe também [em inglês](diagnoses.md). O que resulta de cada desfecho
está em [the way of a lead](../explanation/the-way-of-a-lead.md#what-follows-from-an-answer), em inglês.
`leadkeeper explain "<texto ou código>"` encontra a entrada para um erro copiado de outro lugar.

Os nomes que outros sistemas mostram estão entre aspas: em português onde coincidem no Brasil e em Portugal, senão em
inglês. Para receber diagnósticos em português: `Accept-Language: pt` na API REST,
`--language pt` ou `LEADKEEPER_LANGUAGE=pt` na linha de comando.
""",
        "Em geral, *{outcome}*; quem deve agir: *{who}*.",
        {
            Outcome.DELIVERED: "entregue",
            Outcome.UNCONFIRMED: "sem confirmação",
            Outcome.REFUSED: "recusado",
            Outcome.BROKEN: "conexão com problema",
            Outcome.THROTTLED: "limitado",
            Outcome.FAILED: "falhou por agora",
            Outcome.AMBIGUOUS: "ambíguo",
            Outcome.OURS: "falha nossa",
        },
    ),
}


def path_of(language: Language) -> Path:
    """Where the page of this language is."""
    return (ROOT / docs_of(Kind.THROTTLED, language).partition("#")[0].removeprefix("/")).with_suffix(".md")


def written(language: Language) -> str:
    """The page as it should be."""
    page = PAGES[language]
    parts = [page.head]
    for kind in OURS.kinds:
        text = text_of(kind, language)
        steps = "\n".join(f"{number}. {step}" for number, step in enumerate(text.steps, 1))
        parts.append(f"## {kind.value}\n\n{text.summary}\n\n{page.line(kind, language)}\n\n{steps}\n")
    return "\n".join(parts)


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_reference_of_diagnoses_is_current(language: Language) -> None:
    path = path_of(language)
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(written(language), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == written(language), "run: UPDATE_DOCS=1 make test ARGS=tests/house"

"""The pages of problems say what the sources say, in every language. ``UPDATE_DOCS=1`` writes them anew."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from leadkeeper.problem import REMEDIES, STATUS, TITLES, TYPE_BASE, ProblemType, page_of, type_reference
from leadkeeper.texts import ENGLISH, Language
from tests.house.openapi import openapi_document
from tests.languages import LANGUAGES, PORTUGUESE

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Page:
    """What stands around the problems on the page of one language."""

    head: str
    line: str


PAGES = {
    ENGLISH: Page(
        """# Problems

A request that is refused is answered with a problem document (RFC 9457, `application/problem+json`). Its `type` is one
of these; a browser that opens it at the installation's address shows its section here. `detail` and `errors` say more
about the one request. This page is generated from the sources; it is there [in Portuguese](problems.pt.md) too. What a
problem document holds is in [the REST API](rest-api.md#problems).
""",
        "**{title}**, status {status}.",
    ),
    PORTUGUESE: Page(
        """# Problemas

Um pedido recusado é respondido com um documento de problema (RFC 9457, `application/problem+json`). O `type` é um
destes; um navegador que o abre no endereço da instalação mostra a seção do problema. `detail` e `errors` dizem mais
sobre aquele pedido. Esta página é gerada a partir de `src/leadkeeper/locale/pt/`; existe também
[em inglês](problems.md). O que um documento de problema contém está em [the REST API](rest-api.md#problems), em inglês.
""",
        "**{title}**, status {status}.",
    ),
}


def path_of(language: Language) -> Path:
    """Where the page of this language is."""
    return (ROOT / page_of(ProblemType.NOT_FOUND, language).partition("#")[0].removeprefix("/")).with_suffix(".md")


def written(language: Language) -> str:
    """The page as it should be."""
    page = PAGES[language]
    parts = [page.head]
    for type in sorted(ProblemType):
        line = page.line.format(title=language.gettext(TITLES[type]), status=STATUS[type])
        parts.append(f"## {type.value}\n\n{line}\n\n{language.gettext(REMEDIES[type])}\n")
    return "\n".join(parts)


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_page_of_problems_is_current(language: Language) -> None:
    path = path_of(language)
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(written(language), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == written(language), "run: UPDATE_DOCS=1 make test ARGS=tests/house"


def test_every_type_leads_to_a_section_of_the_page() -> None:
    page = (ROOT / TYPE_BASE.removeprefix("/").partition(".html")[0]).with_suffix(".md").read_text(encoding="utf-8")
    for type in ProblemType:
        assert f"\n## {type_reference(type).partition('#')[2]}\n" in page


def test_the_openapi_document_lists_the_types() -> None:
    schema = openapi_document()["components"]["schemas"]["ProblemDocument"]["properties"]["type"]
    assert schema["enum"] == [type_reference(type) for type in ProblemType]

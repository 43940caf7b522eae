"""A problem document says in which language it is, and is in the caller's where all of it is translated."""

from __future__ import annotations

import pytest

from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import ENGLISH, lazy_gettext
from tests.in_process import OFFER, Installation
from tests.languages import PORTUGUESE

DATABASES = ("sqlite",)
"""Which words a problem has does not depend on the database."""


@pytest.mark.parametrize(
    ("path", "title", "detail"),
    [
        ("/v1/nothing", "Não encontrado", "Não há nada neste endereço."),
        (f"{OFFER}-2/connections", "Oferta desconhecida", "Não há oferta 'crm-pro-2' de um publicador 'contoso'."),
        (f"{OFFER}/connections/none", "Conexão desconhecida", "A oferta contoso.crm-pro não tem a conexão 'none'."),
    ],
)
async def test_a_problem_is_told_in_the_language_asked_for(
    home: Installation, path: str, title: str, detail: str
) -> None:
    operator = await home.visitor("operator")
    answer = await operator.call("GET", path, headers={"Accept-Language": "pt-BR"})
    assert (answer.json()["title"], answer.json()["detail"]) == (title, detail)
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("pt", "Accept-Language")
    english = await operator.get(path)
    assert english.headers["Content-Language"] == "en"
    assert english.json()["type"] == answer.json()["type"]
    assert english.json()["detail"] != detail


async def test_what_a_model_finds_wrong_is_told_in_the_language_too(home: Installation) -> None:
    operator = await home.visitor("operator")
    answer = await operator.call("GET", "/v1/leads?limit=many", headers={"Accept-Language": "pt"})
    assert (answer.status, answer.headers["Content-Language"]) == (422, "pt")
    assert answer.json()["title"] == "Pedido inválido"
    (error,) = answer.json()["errors"]
    assert error == {"field": "limit", "message": "O valor precisa ser um número inteiro; o texto não é um"}
    assert answer.json()["detail"] == f"O pedido não pode ser aceito: limit: {error['message']}"


@pytest.mark.parametrize("path", ["/v1/leads", "/v1/audit"])
async def test_whose_things_a_publisher_sees_is_told_in_the_language_too(home: Installation, path: str) -> None:
    member = await home.visitor("publisher:contoso")
    answer = await member.call("GET", f"{path}?publisherId=other", headers={"Accept-Language": "pt"})
    assert (answer.status, answer.headers["Content-Language"]) == (403, "pt")


def test_one_document_is_in_one_language() -> None:
    detail = lazy_gettext("There is no lead %(lead)s.", lead="1")
    whole = Problem(ProblemType.NOT_FOUND, detail, (FieldError("a", lazy_gettext("unknown delivery")),))
    part = Problem(ProblemType.NOT_FOUND, detail, (FieldError("a", "is not there"),))
    assert (whole.language(PORTUGUESE), part.language(PORTUGUESE)) == (PORTUGUESE, ENGLISH)
    assert (str(detail), PORTUGUESE.tell(detail)) == ("There is no lead 1.", "Não há lead 1.")
    assert PORTUGUESE.tell("is not there") == "is not there"

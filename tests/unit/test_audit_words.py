"""What acts led to is told in the reader's language, whatever stands in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import leadkeeper
from leadkeeper.doors.audit_words import led_to
from leadkeeper.texts import lazy_gettext
from tests.languages import PORTUGUESE

ID = "01a22a5e-ceb7-73ef-abda-6a97ac80e2d4"
TITLES = {"saas": lazy_gettext("Software as a service")}


@pytest.mark.parametrize(
    ("detail", "english", "portuguese"),
    [
        ("old -> saas", "old → Software as a service", "old → Software como serviço"),
        ("saas; changed: title", "Software as a service; changed: title", "Software como serviço; alterado: title"),
        (
            "2 leads; offerId=crm; test=False",
            "leads: 2; offer: crm; without test leads",
            "leads: 2; oferta: crm; sem leads de teste",
        ),
        ("from ::1", "from ::1", "de ::1"),
        ("from an unknown address", "from an unknown address", "de um endereço desconhecido"),
    ],
)
def test_names_and_counts_within_it_are_told_too(detail: str, english: str, portuguese: str) -> None:
    told = led_to(detail, lambda code: TITLES.get(code, code))
    assert told == english
    assert PORTUGUESE.tell(told) == portuguese


PERSON = f"person:{ID}"


@pytest.mark.parametrize(
    ("act", "detail", "english", "portuguese"),
    [
        (
            "lead.list",
            "2 leads; state=held; source",
            "leads: 2; state: held; by source",
            "leads: 2; estado: retido; por origem",
        ),
        ("lead.export", "state=attention; owner", "need attention; by owner", "precisam de alguém; por proprietário"),
        ("leads.actOnAll", "again; since_ms", "sent again; from a day on", "reenviados; a partir de um dia"),
        ("leads.actOnAll", "owner; owner_id", "given to somebody; by owner", "entregues a alguém; por proprietário"),
        ("lead.followUp", "state, owner_id", "state, owner", "estado, proprietário"),
        ("member.role", "owner", "Owner", "Proprietário"),
        ("member.join", f"reader, by invitation {ID}", f"Reader, by the invitation {ID}", f"Leitor, pelo convite {ID}"),
        ("publisher.put", "changed, hooks", "changed, hooks in all", "mudou, hooks ao todo"),
        ("publisher.retention", "personal data 30 days", "personal data: 30 days", "dados pessoais: 30 dias"),
        ("key.revoke", "1 session ended", "sessions ended: 1", "sessões encerradas: 1"),
        (
            "signIn.refused",
            f"from an unknown address, as {PERSON}",
            f"from an unknown address, as {PERSON}",
            f"de um endereço desconhecido, como {PERSON}",
        ),
        ("hook.test", f"{ID} {ID}", f"hook {ID}; lead {ID}", f"hook {ID}; lead {ID}"),
        ("publisher.suspend", "refused", "refused", "refused"),
        ("marketplace.name", "new", "new", "new"),
        (
            "lead.list",
            f"4 leads; of the customer of {ID}",
            f"leads: 4; of the same customer as lead {ID}",
            f"leads: 4; do mesmo cliente que o lead {ID}",
        ),
        ("lead.record", "over primary", "over the connection primary", "pela conexão primary"),
        ("token.grant", "for 60 s, from ::1", "for 60 seconds, from ::1", "por 60 segundos, de ::1"),
        ("operators.addresses", "2", "addresses: 2", "endereços: 2"),
        ("secrets.rotate", "2", "connections: 2", "conexões: 2"),
        ("offer.publish", "2", "version 2", "versão 2"),
        ("connection.validate", "throttled", "The destination asked to wait.", "O destino pediu para esperar."),
        ("audit.leftOut", "7 more lines of refusals", "further lines of refusals: 7", "outras linhas de recusas: 7"),
    ],
)
def test_a_word_means_what_it_means_for_its_act(act: str, detail: str, english: str, portuguese: str) -> None:
    told = led_to(detail, str, act=act)
    assert told == english
    assert PORTUGUESE.tell(told) == portuguese


AT = {"note": (3, 5), "record": (1, 3), "later": (1, 3), "_values": (2, 4)}
"""Where calls that write a line have its act and its detail."""
EXAMPLES = {
    "'' if ended == 1 else 's'": "s",
    "place.address or 'an unknown address'": "an unknown address",
    "address or 'an unknown address'": "an unknown address",
    "'found' if found else 'not found'": "not found",
    "'live' if live else 'not live'": "not live",
    "claimed": f", as {PERSON}",
    "how_many(len(page.leads))": "2 leads",
    "how_many(len(found.leads))": "1 lead",
    "what": "an address",
    "was": "waiting",
    "', '.join(states)": "setAside, waiting",
    "offer_type": "saas",
    "described": "changed: title",
    "role.value": "reader",
    "found.connection.name": "primary",
    "place.address": "::1",
    "address": "::1",
    "test.marker": "MSFT_TEST_1",
    "person_id": ID,
}
"""What may stand where a line is put together; any other is a number, or an id where its name says so."""


def example(template: ast.expr) -> str | None:
    """A detail as ``template`` writes it; ``None`` for what is no text of ours."""
    if isinstance(template, ast.Constant):
        return str(template.value)
    if not isinstance(template, ast.JoinedStr):
        return None
    text = ""
    for part in template.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(part, ast.FormattedValue):
            name = ast.unparse(part.value)
            text += EXAMPLES.get(name, ID if name.endswith(("id", "lead_id")) else "2")
    return text


def details() -> Iterator[tuple[str, str]]:
    """Every act with an example of a detail that the sources put together for it."""
    paths = [each for each in sorted(Path(leadkeeper.__file__).parent.rglob("*.py")) if "sandbox" not in each.parts]
    for module in (ast.parse(path.read_text(encoding="utf-8")) for path in paths):
        for function in (each for each in ast.walk(module) if isinstance(each, ast.AsyncFunctionDef | ast.FunctionDef)):
            assigned = (each for each in ast.walk(function) if isinstance(each, ast.Assign))
            texts = {ast.unparse(each.targets[0]): each.value for each in assigned}
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                at = AT.get(ast.unparse(call.func).rpartition(".")[2])
                if at is None or len(call.args) <= at[1]:
                    continue
                act, written = call.args[at[0]], call.args[at[1]]
                text = example(texts.get(ast.unparse(written), written))
                if text:
                    yield str(act.value) if isinstance(act, ast.Constant) else "", text


def test_every_detail_that_is_written_has_words() -> None:
    found = sorted(set(details()))
    assert len(found) > 20
    for act, detail in found:
        unknown: list[str] = []

        def title(code: str, unknown: list[str] = unknown) -> str:
            if code != "saas":
                unknown.append(code)
            return TITLES.get(code, code)

        told = led_to(detail, title, act=act)
        assert (act, detail, unknown) == (act, detail, [])
        assert PORTUGUESE.can_tell(told), (act, detail)

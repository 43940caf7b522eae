"""What acts led to is told in the reader's language, whatever stands in it."""

from __future__ import annotations

import pytest

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
    ],
)
def test_a_word_means_what_it_means_for_its_act(act: str, detail: str, english: str, portuguese: str) -> None:
    told = led_to(detail, str, act=act)
    assert told == english
    assert PORTUGUESE.tell(told) == portuguese

"""What acts led to is told in the reader's language, whatever stands in it."""

from __future__ import annotations

import pytest

from leadkeeper.doors.audit_words import led_to
from leadkeeper.texts import lazy_gettext
from tests.languages import PORTUGUESE

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
        ("from an unknown address", "from an unknown address", "from an unknown address"),
    ],
)
def test_names_and_counts_within_it_are_told_too(detail: str, english: str, portuguese: str) -> None:
    told = led_to(detail, lambda code: TITLES.get(code, code))
    assert told == english
    assert PORTUGUESE.tell(told) == portuguese

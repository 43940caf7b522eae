"""What steps of publishing said in English is told in Portuguese, whatever it was composed of."""

from __future__ import annotations

import pytest

from leadkeeper.catalogue import text_of
from leadkeeper.connections.validation_texts import failed_text, unconfirmed_text
from leadkeeper.diagnoses.text import WHO_ACTS
from leadkeeper.diagnosis import Kind, Who
from leadkeeper.lead import is_test_marker
from leadkeeper.offer import connection_called
from leadkeeper.publishing.listing import Listing
from leadkeeper.publishing.registration import RECOMMENDED, _lines
from leadkeeper.publishing.step_words import WHOLE, step_message
from leadkeeper.publishing.steps import missing_for_publication
from leadkeeper.texts import ENGLISH
from tests.english import english_on
from tests.languages import PORTUGUESE

MARKER = "MSFT_TEST_638000000000000000"
PAGE = "https://leads.example/portal/leads/0192f3c0-0000-7000-8000-000000000000"


def in_portuguese(text: str) -> str:
    """It, with not one English sentence left."""
    told = step_message(text, PORTUGUESE)
    assert english_on(told) == []
    return told


@pytest.mark.parametrize("text", WHOLE)
def test_what_is_always_the_same(text: str) -> None:
    assert in_portuguese(text) == PORTUGUESE.gettext(text) != text


@pytest.mark.parametrize(
    ("called", "theirs_called"),
    [
        ("HTTPS endpoint", "Endpoint HTTPS"),
        ("HubSpot", "HubSpot"),
        ("Azure Blob (deprecated by Microsoft)", "Azure Blob (descontinuado pela Microsoft)"),
        ("Sales: the north (HTTPS endpoint)", "Sales: the north (Endpoint HTTPS)"),
        ("Old. New (Azure Blob (deprecated by Microsoft))", "Old. New (Azure Blob (descontinuado pela Microsoft))"),
        ("primary (HTTPS endpoint)", "Endpoint HTTPS"),  # as steps said before
    ],
)
def test_what_is_said_of_a_connection(called: str, theirs_called: str) -> None:
    advice, theirs = text_of(Kind.NO_ANSWER, ENGLISH), text_of(Kind.NO_ANSWER, PORTUGUESE)
    assert in_portuguese(f"{called}: {advice.summary}") == f"{theirs_called}: {theirs.summary}"
    checked = in_portuguese(f"The connection {called} was checked: 3 of its steps passed.")
    assert f"A conexão {theirs_called} foi verificada" in checked
    sent = unconfirmed_text(MARKER, "", called, None, ENGLISH)
    assert in_portuguese(f"{sent} What became of it: {PAGE}") == (
        f"{unconfirmed_text(MARKER, '', theirs_called, None, PORTUGUESE)} O que aconteceu com ele: {PAGE}"
    )


@pytest.mark.parametrize("kind", list(Kind), ids=str)
def test_a_failed_check_with_its_steps(kind: Kind) -> None:
    advice = text_of(kind, ENGLISH)
    message = _lines(advice.summary, WHO_ACTS[Who.PUBLISHER], advice.steps, "https://leads.example/docs/x", kind.value)
    lines: list[str] = []
    for title, theirs_called in (("primary", "Endpoint HTTPS"), ("North", "North (Endpoint HTTPS)")):
        lines = in_portuguese(f"{connection_called(title, 'HTTPS endpoint')}: {message}").splitlines()
        assert lines[0] == f"{theirs_called}: {text_of(kind, PORTUGUESE).summary} ({kind.value})"
    theirs = text_of(kind, PORTUGUESE)
    assert lines[1] == f"Quem age: {PORTUGUESE.gettext(WHO_ACTS[Who.PUBLISHER])}."
    assert lines[2:-1] == [f"{number}. {step}" for number, step in enumerate(theirs.steps, 1)]
    assert lines[-1].endswith(": https://leads.example/docs/x")


def test_test_leads_and_checks() -> None:
    assert is_test_marker(MARKER)
    name = connection_called("primary", "E-mail notice")
    sent = unconfirmed_text(MARKER, "", name, None, ENGLISH)
    theirs = connection_called("primary", PORTUGUESE.gettext("E-mail notice"))
    assert in_portuguese(f"{sent} What became of it: {PAGE}") == (
        f"{unconfirmed_text(MARKER, '', theirs, None, PORTUGUESE)} O que aconteceu com ele: {PAGE}"
    )
    assert in_portuguese(failed_text(MARKER, name, ENGLISH)) == failed_text(MARKER, theirs, PORTUGUESE)
    assert "3 das etapas" in in_portuguese(f"The connection {name} was checked: 3 of its steps passed.")


def test_what_people_decided_stays_in_their_words() -> None:
    assert in_portuguese("Canceled by cli.").endswith("cli.")
    assert in_portuguese("Refused by the operator: The name is another's.").endswith(": The name is another's.")
    assert step_message("Something else was said.", PORTUGUESE) == "Something else was said."
    assert step_message(RECOMMENDED, ENGLISH) == RECOMMENDED
    assert step_message("", PORTUGUESE) == ""


def test_what_an_offer_lacks() -> None:
    endless = Listing(title="", category="c" * 1_000)
    found = missing_for_publication("saas", endless, has_connection=False)
    assert len(found) >= 4
    for each in found:
        assert in_portuguese(f"{each.field} {each.message}.").startswith(each.field)

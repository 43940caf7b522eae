"""What is said of a test lead that failed: no more than is known."""

from __future__ import annotations

from leadkeeper.catalogue import diagnose
from leadkeeper.connections.validation_texts import failed_text
from leadkeeper.diagnosis import Kind, Outcome
from leadkeeper.texts import ENGLISH


def test_a_test_lead_that_may_have_arrived_is_not_told_as_not_taken() -> None:
    maybe = diagnose(Kind.NO_ANSWER, outcome=Outcome.AMBIGUOUS)
    message = failed_text("MSFT_TEST_1", "primary", ENGLISH, maybe)
    assert message == "The test lead MSFT_TEST_1 may have arrived over primary: look for it there."
    refused = diagnose(Kind.SETTINGS_INVALID)
    assert "was not taken over primary" in failed_text("MSFT_TEST_1", "primary", ENGLISH, refused)
    assert failed_text(None, "primary", ENGLISH, maybe).startswith("No test lead was sent")

"""What is left of a lead and of what was said of it, once it was kept long enough."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from leadkeeper.catalogue import diagnose, from_stored, is_stored, to_stored
from leadkeeper.diagnosis import Evidence, Kind, Receipt
from leadkeeper.lead import Customer
from leadkeeper.lead_body import to_body

SKELETON: Final[dict[str, Any]] = {
    # The body of a lead that says nothing: whatever reads bodies reads this one.
    "body": to_body(Customer(), "", "", {}),
    "email": "",
    "country": "",
    "words": None,
    "consent": None,
    # Either may tell of a customer; a repeat of so old a lead is a new one.
    "idempotency_key": None,
    "fingerprint": None,
}
"""The columns of a lead that hold nothing personal any more."""


def without_evidence(stored: str) -> str:
    """A stored answer, whose diagnosis keeps its cause and loses what the destination said."""
    if not is_stored(stored):
        return to_stored(diagnose(Kind.RECORD_DAMAGED))
    answer = from_stored(stored)
    return stored if isinstance(answer, Receipt) else to_stored(replace(answer, evidence=Evidence()))


def without_traces(stored: str) -> str:
    """The same of an expired lead: its receipt does not say which record the destination made of the customer."""
    answer = from_stored(stored) if is_stored(stored) else None
    if isinstance(answer, Receipt):
        return to_stored(Receipt(result=answer.result, confirmed=answer.confirmed))
    return without_evidence(stored)

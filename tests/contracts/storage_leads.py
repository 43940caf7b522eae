"""Leads for the tests of Azure Storage, and what must not be shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from leadkeeper.destinations.interface import Adapter
from leadkeeper.diagnosis import Answer, Diagnosis, Receipt
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.sandbox.azure_storage.azurite import KEY

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WRONG_KEY = "d3Jvbmcta2V5LW9mLWNvbnRvc28tMTIzNDU2Nzg5MA=="
ADA = Customer("Augusta", "Lovelace", "augusta@contoso.com", "+44 20 7946 0958", "GB", "Contoso Engines", "Countess")
ADA_PRIVATE = (
    "lovelace",
    "ada@contoso.com",
    "augusta",
    "7946 0958",
    "contoso engines",
    "countess",
    "analytical engine",
)


def make_lead(number: int = 0, **changes: Any) -> OutgoingLead:
    """A lead of Ada's whose id ends in ``number``."""
    lead = OutgoingLead(
        id=f"0199aaaa-0000-7000-8000-{number:012d}",
        created_at=NOON + timedelta(milliseconds=number),
        source="AzureMarketplace",
        action="INS",
        lead_source="AzureMarketplace-INS|contoso.crm-pro",
        publisher_id="contoso",
        publisher_name="Contoso",
        offer_id="crm-pro",
        offer_title="Contoso CRM Pro",
        customer=ADA,
        description="Wants a demonstration of the analytical engine",
        campaign="spring",
    )
    return replace(lead, **changes)


def make_leads(numbers: range) -> list[OutgoingLead]:
    """A lead for each number."""
    return [make_lead(number) for number in numbers]


def results(answers: Sequence[Answer]) -> list[str]:
    """Each answer in a word: the receipt's result or the diagnosis's kind."""
    return [answer.result if isinstance(answer, Receipt) else answer.kind.value for answer in answers]


def assert_nothing_private(diagnosis: Diagnosis) -> None:
    """Neither Ada nor a key or signature is in it."""
    shown = repr(diagnosis).lower()
    for text in (*ADA_PRIVATE, KEY, KEY[:12], WRONG_KEY, "sig="):
        assert text.lower() not in shown


async def refused(adapter: Adapter, *leads: OutgoingLead) -> Diagnosis:
    """The diagnosis that all leads get; it shows nothing private."""
    answers = await adapter.deliver(leads or [make_lead()])
    diagnoses = [answer for answer in answers if isinstance(answer, Diagnosis)]
    assert len(diagnoses) == len(answers)
    assert len({(diagnosis.kind, diagnosis.outcome) for diagnosis in diagnoses}) == 1
    for diagnosis in diagnoses:
        assert_nothing_private(diagnosis)
    return diagnoses[0]

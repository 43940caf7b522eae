"""Test leads are exactly the marketplace's: whoever searches for the marker alone finds it alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from leadkeeper.destinations.interface import Context, Previews
from leadkeeper.destinations.registry import OURS
from leadkeeper.destinations.salesforce.fields import web_form
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.lead import OutgoingLead
from leadkeeper.lead import test_customer as customer_of
from leadkeeper.network.client import Network, NetworkPolicy
from tests.contracts.remote_dynamics import SETTINGS

MARKER: Final = "MSFT_TEST_636573304831318844"
LEAD: Final = OutgoingLead(
    id="019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11",
    created_at=datetime(2026, 11, 20, tzinfo=UTC),
    source=MARKER,
    action="INS",
    lead_source=f"{MARKER}-{MARKER}|Planner",
    publisher_id="northwind",
    publisher_name="Northwind",
    offer_id="planner",
    offer_title="Planner",
    customer=customer_of(MARKER),
    description=MARKER,
    test=True,
)
SALESFORCE: Final = {"objectIdentifier": "00D000000000001"}
SEED: Final = {
    "company": MARKER,
    "country": "US",
    "description": MARKER,
    "email": f"{MARKER}@test.com",
    "first_name": MARKER,
    "last_name": MARKER,
    "lead_source": f"{MARKER}-{MARKER}|Planner",
    "phone": "1234567890",
    "title": MARKER,
}


async def previewed(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What the destination would receive for the test lead."""
    network = Network(NetworkPolicy(total_seconds=0.2))
    destination = OURS.named(name)
    adapter = destination.open(destination.config.model_validate(settings), Context(network))
    try:
        assert isinstance(adapter, Previews)
        return dict((await adapter.preview(LEAD)).record)
    finally:
        await adapter.aclose()
        await network.aclose()


def test_salesforce_s_web_to_lead_gets_the_seed_s_fields() -> None:
    form, notes = web_form(LEAD, SalesforceConfig.model_validate(SALESFORCE))
    assert form == SEED
    assert notes == ()


def test_the_id_goes_into_its_own_field_where_there_is_one() -> None:
    form, _ = web_form(LEAD, SalesforceConfig.model_validate(SALESFORCE | {"leadIdField": "00N000000000001"}))
    assert form == SEED | {"00N000000000001": LEAD.id}


async def test_dynamics_description_is_the_marker_alone() -> None:
    refused_host = SETTINGS | {"instanceUrl": "https://crm.contoso.example"}
    assert (await previewed("dynamics", refused_host))["description"] == MARKER


async def test_what_a_publisher_maps_is_sent_for_a_test_lead_too() -> None:
    settings = SETTINGS | {
        "instanceUrl": "https://crm.contoso.example",
        "fields": {"description": "{leadId}: {description}"},
    }
    assert (await previewed("dynamics", settings))["description"] == f"{LEAD.id}: {MARKER}"

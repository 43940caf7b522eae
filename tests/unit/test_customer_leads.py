"""Microsoft's ``customer-leads`` resource is taken as Microsoft's API returns it."""

from __future__ import annotations

from typing import Any, Final

import pytest

from leadkeeper.connections.resource import parse
from leadkeeper.problem import Problem

OTHERS: Final = (
    "tableLeadConfiguration",
    "blobLeadConfiguration",
    "marketoLeadConfiguration",
    "salesforceLeadConfiguration",
    "dynamicsLeadConfiguration",
    "emailLeadConfiguration",
)
RETURNED: Final[dict[str, Any]] = {
    "$schema": "https://schema.mp.microsoft.com/schema/customer-leads/2022-03-01-preview2",
    "id": "customer-leads/7d0f0d5e-2f0a-4d39-9f3f-0d0a4f7f6a11",
    "product": "product/7d0f0d5e-2f0a-4d39-9f3f-0d0a4f7f6a11",
    "leadDestination": "httpsEndpoint",
    "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": "https://leads.example/hook"},
    "validations": [],
    "lifecycleState": "generallyAvailable",
}


@pytest.mark.parametrize("empty", [None, {}, ""])
def test_a_returned_document_is_taken(empty: object) -> None:
    parsed = parse({**RETURNED, **dict.fromkeys(OTHERS, empty)})
    assert parsed is not None
    assert parsed.destination.lead_destination == "httpsEndpoint"


@pytest.mark.parametrize("empty", [None, {}])
def test_none_with_empty_destinations(empty: object) -> None:
    document = {**RETURNED, **dict.fromkeys(OTHERS, empty), "leadDestination": "none"}
    assert parse({**document, "httpsEndpointLeadConfiguration": empty}) is None


@pytest.mark.parametrize("more", [{"marketoLeadConfiguration": {"serverId": "x"}}, {"plan": None}, {"fields": {}}])
def test_what_is_filled_or_unknown_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        parse({**RETURNED, **more})

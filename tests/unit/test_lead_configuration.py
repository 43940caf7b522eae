"""Lead settings in an offer's document of the Cloud Partner API, by whatever prefix."""

from __future__ import annotations

from typing import Any, Final

import pytest

from leadkeeper.connections.resource import Stored
from leadkeeper.destinations.https_endpoint.provider import HTTPS_ENDPOINT
from leadkeeper.doors.cloud_partner.lead_configuration import lead_configuration, read_lead_configuration

VM: Final = "microsoft-azure-corevm."
AZURE: Final = "microsoft-azure-marketplace."
TABLE: Final = {"connectionString": "DefaultEndpointsProtocol=https;AccountName=a123;AccountKey=c2VjcmV0;"}
STORED: Final = Stored(HTTPS_ENDPOINT, {"contactEmail": ["a@contoso.example"]}, {"httpsEndpointUrl": "https://x"})


def test_the_keys_are_remembered_and_come_back() -> None:
    document = {VM + "leadDestination": "HttpsEndpoint", VM + "httpsEndpointLeadConfiguration": {}, VM + "sku": 1}
    kept, _ = read_lead_configuration(document, None)
    assert kept[VM + "sku"] == 1
    shown = {**kept, **lead_configuration(STORED, kept)}
    assert shown[VM + "leadDestination"] == "HttpsEndpoint"
    assert shown[VM + "leadNotificationEmails"] == "a@contoso.example"
    assert shown[VM + "tableLeadConfiguration"] == {}
    assert not [key for key in shown if key.startswith(AZURE)]
    again, leads = read_lead_configuration(shown, STORED)
    assert {**again, **lead_configuration(STORED, again)} == shown
    assert leads is not None
    assert leads["leadDestination"] == "httpsEndpoint"


def test_no_secret_is_remembered_with_the_keys() -> None:
    kept, _ = read_lead_configuration({VM + "leadDestination": "Table", VM + "tableLeadConfiguration": TABLE}, None)
    assert "c2VjcmV0" not in repr(kept)


def test_an_offer_without_lead_settings_shows_the_usual_keys() -> None:
    assert lead_configuration(None, {})[AZURE + "leadDestination"] == "None"


@pytest.mark.parametrize("empty", ["", None])
@pytest.mark.parametrize("first", [True, False])
def test_an_empty_destination_beside_a_filled_one(empty: str | None, first: bool) -> None:
    pairs: list[tuple[str, Any]] = [
        (AZURE + "leadDestination", empty),
        (AZURE + "tableLeadConfiguration", {}),
        (VM + "leadDestination", "AzureTable"),
        (VM + "tableLeadConfiguration", TABLE),
    ]
    _, leads = read_lead_configuration(dict(pairs if first else reversed(pairs)), None)
    assert leads == {
        "leadDestination": "table",
        "tableLeadConfiguration": {"storageAccountConnectionString": TABLE["connectionString"]},
    }


@pytest.mark.parametrize(
    "document",
    [
        {AZURE + "leadDestination": "None", VM + "leadDestination": "AzureTable", VM + "tableLeadConfiguration": TABLE},
        {AZURE + "leadDestination": "Marketo", VM + "leadDestination": "AzureTable"},
        {
            VM + "leadDestination": "AzureTable",
            VM + "tableLeadConfiguration": TABLE,
            AZURE + "tableLeadConfiguration": {"connectionString": "another"},
        },
        {
            VM + "leadDestination": "Email",
            VM + "leadNotificationEmails": "a@contoso.example",
            AZURE + "leadNotificationEmails": "b@contoso.example",
        },
        {VM + "leadDestination": "CRM", VM + "crmLeadConfiguration": {"uri": "https://a", "instanceUrl": "https://b"}},
        {VM + "leadDestination": "", VM + "tableLeadConfiguration": TABLE},
        {
            VM + "leadDestination": "CRM",
            VM + "crmLeadConfiguration": {"uri": "https://a", "contactEmail": "a@contoso.example"},
            VM + "leadNotificationEmails": "b@contoso.example",
        },
    ],
)
def test_pairs_that_contradict_each_other_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"contradict|names no destination") as caught:
        read_lead_configuration(document, None)
    assert "c2VjcmV0" not in str(caught.value)


def test_pairs_that_agree_are_taken() -> None:
    _, leads = read_lead_configuration(
        {
            AZURE + "leadDestination": "azure table",
            VM + "leadDestination": "AzureTable",
            VM + "tableLeadConfiguration": TABLE,
        },
        None,
    )
    assert leads is not None
    assert leads["leadDestination"] == "table"

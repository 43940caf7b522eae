"""One rule for one vendor's hosts, and advice that names a place which has what is missing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from leadkeeper.catalogue import text_of
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.marketo.settings import MarketoConfig
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from tests.languages import LANGUAGES

TAKEN = (
    "contoso.my.salesforce.com",
    "contoso.my.salesforce.mil",
    "contoso--uat.sandbox.my.salesforce.com",
    "contoso--uat.sandbox.my.salesforce.mil",
    "contoso-dev-ed.develop.my.salesforce.com",
    "contoso.scratch.my.salesforce.com",
    "contoso.demo.my.salesforce.com",
    "contoso.trailblaze.my.salesforce.com",
)
REFUSED = (
    "contoso.my.salesforce.example",
    "salesforce.com.evil.example",
    "my.salesforce.com",
    "contoso.lightning.force.com",
    "contoso.a.b.my.salesforce.com",
    "contoso.my.salesforce.com:8443",
    "-.my.salesforce.com",
)


@pytest.mark.parametrize("host", TAKEN)
def test_a_salesforce_host_is_taken_for_both_ways(host: str) -> None:
    config = SalesforceConfig.model_validate(
        {
            "objectIdentifier": "00D000000000001",
            "webToLeadHost": host,
            "myDomainUrl": f"https://{host}/",
            "clientId": "x",
            "clientSecret": "y",
            "externalIdField": "Lead_Id__c",
        }
    )
    assert (config.web_to_lead_host, config.domain) == (host, host)


@pytest.mark.parametrize("host", REFUSED)
@pytest.mark.parametrize("name", ["webToLeadHost", "myDomainUrl"])
def test_another_host_is_refused_for_both_ways(host: str, name: str) -> None:
    with pytest.raises(ValidationError):
        SalesforceConfig.model_validate({"objectIdentifier": "00D000000000001", name: host})


@pytest.mark.parametrize("host", ["webto.salesforce.com", "test.salesforce.com"])
def test_the_shared_hosts_are_for_web_to_lead_alone(host: str) -> None:
    assert SalesforceConfig.model_validate({"objectIdentifier": "00D000000000001", "webToLeadHost": host})
    with pytest.raises(ValidationError):
        SalesforceConfig.model_validate({"objectIdentifier": "00D000000000001", "myDomainUrl": host})


@pytest.mark.parametrize("server", ["go.contoso.example", "//go.contoso.example", "https://pages.contoso.example/x"])
def test_a_landing_page_s_domain_is_recognised(server: str) -> None:
    """Embed codes of newer instances name the publisher's own domain in place of app-<server>.marketo.com."""
    with pytest.raises(ValidationError) as caught:
        MarketoConfig.model_validate({"serverId": server, "munchkinId": "123-PQR-789", "formId": "1179"})
    message = str(caught.value)
    assert "landing page" in message
    assert "Admin" in message
    assert "Munchkin" in message
    assert "address" in message


def test_the_places_of_the_ids_are_told_on_form_and_page() -> None:
    for name in ("server_id", "munchkin_id"):
        summary = MarketoConfig.model_fields[name].description or ""
        assert "Admin" in summary
    for language in LANGUAGES:
        steps = " ".join(text_of(MarketoKind.SERVER_NOT_FOUND, language).steps)
        assert "Admin" in steps
        assert "Munchkin" in steps

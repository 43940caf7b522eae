"""What a status is never: the fault of the one lead that met it. Such leads are held or tried again, not set aside."""

from __future__ import annotations

import pytest

from leadkeeper.destinations.azure_storage import errors as azure_errors
from leadkeeper.destinations.azure_storage.errors import storage_verdict_on
from leadkeeper.destinations.dynamics.adapter import Dynamics
from leadkeeper.destinations.dynamics.settings import DynamicsConfig
from leadkeeper.destinations.https_endpoint.adapter import HttpsEndpoint
from leadkeeper.destinations.https_endpoint.settings import HttpsEndpointConfig
from leadkeeper.destinations.interface import Context
from leadkeeper.destinations.marketo.provider import MARKETO
from leadkeeper.destinations.marketo.settings import MarketoConfig
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.diagnosis import Answer, Diagnosis, Kind, Outcome
from leadkeeper.explain.find import find
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from tests.contracts import remote_dynamics, scripted
from tests.contracts import scripted_salesforce as of_salesforce
from tests.contracts import test_marketo as of_forms
from tests.contracts import test_marketo_rest as of_marketo
from tests.contracts.faults import LEAD

NEVER_THE_LEADS = (402, 406, 407, 409, 411, 414, 417, 418, 420, 421, 423, 424, 425, 426, 428, 431, 440, 451, 499)
ENDPOINT = "leads.fabrikam.example"


def assert_kept(found: Answer, status: int) -> None:
    """The lead waits for something, and is neither set aside nor said to be there."""
    assert isinstance(found, Diagnosis), found
    assert found.evidence.status == status
    assert found.outcome in (Outcome.FAILED, Outcome.BROKEN, Outcome.THROTTLED), found


@pytest.mark.parametrize("status", NEVER_THE_LEADS)
async def test_salesforce(authority: Authority, status: int) -> None:
    script = {of_salesforce.TOKEN: of_salesforce.GRANTED}
    script |= {f"{verb} /services/data/": faults.html(status) for verb in ("POST", "PATCH")}
    async with scripted.remote_side(authority, script, of_salesforce.HOST) as side:
        salesforce = SALESFORCE.open(SalesforceConfig.model_validate(of_salesforce.SETTINGS), Context(side.network))
        for number in (1, 3):
            for found in await salesforce.deliver(of_salesforce.leads(number)):
                assert_kept(found, status)


@pytest.mark.parametrize("status", NEVER_THE_LEADS)
async def test_salesforces_token(authority: Authority, status: int) -> None:
    script = {of_salesforce.TOKEN: faults.html(status)}
    async with scripted.remote_side(authority, script, of_salesforce.HOST) as side:
        salesforce = SALESFORCE.open(SalesforceConfig.model_validate(of_salesforce.SETTINGS), Context(side.network))
        (found,) = await salesforce.deliver([LEAD])
    assert_kept(found, status)


async def test_salesforces_edge_that_knows_no_route_says_so(authority: Authority) -> None:
    script = {of_salesforce.TOKEN: of_salesforce.GRANTED}
    script |= {f"{verb} /services/data/": faults.html(420) for verb in ("GET", "POST", "PATCH")}
    async with scripted.remote_side(authority, script, of_salesforce.HOST) as side:
        salesforce = SALESFORCE.open(SalesforceConfig.model_validate(of_salesforce.SETTINGS), Context(side.network))
        (found,) = await salesforce.deliver([LEAD])
    assert isinstance(found, Diagnosis)
    assert found.kind == "salesforceNoRoute"
    assert found.outcome is Outcome.FAILED


@pytest.mark.parametrize("status", NEVER_THE_LEADS)
async def test_web_to_lead(authority: Authority, status: int) -> None:
    script = {"POST /servlet/servlet.WebToLead": faults.html(status)}
    async with scripted.remote_side(authority, script, "webto.salesforce.com") as side:
        salesforce = SALESFORCE.open(SalesforceConfig(object_identifier="00D58000000JmlM"), Context(side.network))
        (found,) = await salesforce.deliver([LEAD])
    assert_kept(found, status)


@pytest.mark.parametrize("status", NEVER_THE_LEADS)
async def test_dynamics(authority: Authority, status: int) -> None:
    async with remote_dynamics.remote_side(authority) as remote:
        remote.answers |= {key: [faults.html(status)] for key in ("PATCH leads(", "POST leads")}
        remote.answers["GET leads("] = [faults.answer(404)]
        dynamics = Dynamics(DynamicsConfig.model_validate(remote_dynamics.SETTINGS), remote.network)
        (found,) = await dynamics.deliver([LEAD])
    assert_kept(found, status)


@pytest.mark.parametrize("status", NEVER_THE_LEADS)
async def test_marketo(authority: Authority, status: int) -> None:
    script = {of_marketo.TOKEN: of_marketo.GRANTED, of_marketo.SUBMIT: faults.html(status)}
    async with scripted.remote_side(authority, script, of_marketo.HOST) as side:
        (found,) = await MARKETO.open(MarketoConfig.model_validate(of_marketo.SETTINGS), Context(side.network)).deliver(
            [LEAD]
        )
    assert_kept(found, status)


@pytest.mark.parametrize("status", NEVER_THE_LEADS)
async def test_marketos_form(authority: Authority, status: int) -> None:
    form = of_forms.descriptor(of_forms.WHOLE)
    script = {of_forms.FORM: form, of_forms.SAVE: faults.html(status)}
    async with scripted.remote_side(authority, script, of_forms.HOST) as side:
        (found,) = await MARKETO.open(of_forms.config(), Context(side.network)).deliver([LEAD])
    assert_kept(found, status)


@pytest.mark.parametrize("status", NEVER_THE_LEADS)
async def test_https_endpoint(authority: Authority, status: int) -> None:
    async with scripted.remote_side(authority, {"POST /": faults.html(status)}, ENDPOINT) as side:
        config = HttpsEndpointConfig.model_validate({"httpsEndpointUrl": f"https://{ENDPOINT}/in"})
        (found,) = await HttpsEndpoint(config, side.network).deliver([LEAD])
    assert_kept(found, status)


@pytest.mark.parametrize("status", NEVER_THE_LEADS)
def test_azure(status: int) -> None:
    kind, outcome = storage_verdict_on(azure_errors.StorageError(status))
    assert_kept(azure_errors.diagnose_storage(azure_errors.StorageError(status), [LEAD], []), status)
    assert kind is not Kind.LEAD_REFUSED
    assert outcome is not Outcome.REFUSED


@pytest.mark.parametrize("status", [400, 422])
async def test_what_is_about_the_lead_stays_so(authority: Authority, status: int) -> None:
    async with scripted.remote_side(authority, {"POST /": faults.html(status)}, ENDPOINT) as side:
        config = HttpsEndpointConfig.model_validate({"httpsEndpointUrl": f"https://{ENDPOINT}/in"})
        (found,) = await HttpsEndpoint(config, side.network).deliver([LEAD])
    assert isinstance(found, Diagnosis)
    assert found.outcome is Outcome.REFUSED


def test_explain_says_the_same() -> None:
    assert [match.kind for match in find("HTTP 418")] == ["requestTurnedAway"]
    assert "salesforceNoRoute" in [match.kind for match in find("salesforce 420")]

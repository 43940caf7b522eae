"""Every number of Microsoft's list that an application's or a user's sign-in can meet has a meaning and a remedy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from leadkeeper.catalogue import text_of
from leadkeeper.destinations.dynamics.settings import DynamicsConfig, credential_of
from leadkeeper.diagnosis import Diagnosis, Outcome
from leadkeeper.network.entra.errors import CODES
from leadkeeper.network.entra.tokens import Credential, EntraTokens
from leadkeeper.sandbox.authority import Authority
from tests.contracts.remote_dynamics import PERSON, SETTINGS, Remote, message, remote_side, sign_in_refused
from tests.languages import LANGUAGES

PASSING = (90006, 90012, 90024, 80001, 80002, 80005, 80014, 50033, 90033, 50087, 90090, 90091, 70012)
STATUSES = ((400, "invalid_grant"), (401, "invalid_client"), (400, "invalid_request"), (403, "access_denied"))

MET = (
    # the directory, the cloud
    *(90002, 900023, 50059, 50128, 90019, 90038, 90051, 900382, 900432, 50049, 50029, 1000104),
    # the application
    *(700016, 700011, 7000229, 7000112, 70001, 1000031, 50105, 7000215, 7000222, 70002, 700030, 700025, 7000218),
    # the user
    *(50126, 50034, 50056, 50064, 50014, 50020, 51004, 50197, 90013, 90101, 50057, 50053, 50055, 50144, 50135),
    # more than a password is wanted
    *(50072, 50074, 50076, 50078, 50079, 50097, 50125, 50158, 53004, 53010, 700020, 16000),
    # policies
    *(53000, 53001, 53002, 53003, 53011, 530032, 530034, 530035, 50005, 50131, 50155, 50002, 500021, 500022, 500212),
    *(500213, 50187, 50129),
    # consent, the resource
    *(65001, 65004, 65005, 650052, 650054, 650056, 650057, 90094, 90095, 90099, 500011, 50001, 9002341),
    # the request
    *(70003, 70011, 28002, 28003, 1002012, 900144, 90014, 90023, 9002313, 90100, 901002, 9001023, 50194, 90124, 90130),
    # pass-through authentication
    *(80001, 80002, 80005, 80007, 80010, 80012, 80013, 80014),
    # the service
    *(50196, 90055, 50033, 90033, 50087, 90006, 90012, 90024, 90090, 90091, 70012, 50000, 90036),
)
"""Read in Microsoft's list of error codes; what only a browser, a device, SAML or a refresh token can meet is left."""

LATER = {Outcome.FAILED, Outcome.THROTTLED}


@pytest.fixture
async def remote(authority: Authority) -> AsyncIterator[Remote]:
    async with remote_side(authority) as side:
        yield side


def credential(**settings: str) -> Credential:
    """Whom the settings let sign in."""
    return credential_of(DynamicsConfig.model_validate(settings))


APPLICATION = credential(**SETTINGS)
USER = credential(**PERSON)
OWN_APPLICATION = credential(**PERSON, publicClientId="9f8e7d6c-0000-4000-8000-000000000002")


async def summary(remote: Remote, code: int, error: str, status: int, who: Credential = APPLICATION) -> Diagnosis:
    """What the sign-in is said to have failed for."""
    remote.answers["token"] = [sign_in_refused(code, error, status)]
    found = await EntraTokens(remote.network).get(who)
    assert isinstance(found, Diagnosis)
    return found


@pytest.mark.parametrize("code", MET)
def test_every_number_that_can_be_met_is_sorted(code: int) -> None:
    assert code in CODES


def test_nothing_else_is_sorted() -> None:
    assert set(CODES) == set(MET)


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize(("status", "error"), STATUSES)
async def test_passing_troubles_pass_whatever_status_they_come_with(
    remote: Remote, code: int, status: int, error: str
) -> None:
    for who in (APPLICATION, USER):
        found = await summary(remote, code, error, status, who)
        assert found.outcome in LATER, found
        assert found.evidence.code == f"AADSTS{code}"


@pytest.mark.parametrize(
    ("code", "error", "kind", "remedy"),
    [
        (50144, "invalid_grant", "directoryPasswordExpired", "Active Directory"),
        (530035, "invalid_grant", "securityDefaults", "security defaults"),
        (90038, "invalid_request", "tenantInAnotherCloud", "instanceUrl"),
        (700011, "unauthorized_client", "applicationNotFound", "Application (client) ID"),
        (80012, "invalid_grant", "logonHours", "hours"),
    ],
)
async def test_remedies(remote: Remote, code: int, error: str, kind: str, remedy: str) -> None:
    found = await summary(remote, code, error, 400)
    assert found.kind == kind
    assert remedy in " ".join(found.steps)


async def test_the_agent_of_the_organisation_is_named(remote: Remote) -> None:
    found = await summary(remote, 80001, "invalid_grant", 400, USER)
    assert (found.kind, found.outcome) == ("directoryNotReached", Outcome.FAILED)
    assert "Active Directory" in found.summary


async def test_a_passing_trouble_is_asked_again_soon(remote: Remote) -> None:
    """A trouble that passes is believed for a second, not for as long as a wrong secret."""
    moment = 1_000.0
    remote.answers["token"] = [sign_in_refused(90006, "invalid_request", 400), message(200, {"access_token": "tok.en"})]
    tokens = EntraTokens(remote.network, clock=lambda: moment)
    assert isinstance(await tokens.get(APPLICATION), Diagnosis)
    moment += 2
    assert await tokens.get(APPLICATION) == "tok.en"


PUBLIC = ((7000218, "invalid_client"), (700016, "unauthorized_client"), (7000112, "unauthorized_client"))
FIELDS = ("publicClientId", "applicationId", "applicationKey", "directoryId")


@pytest.mark.parametrize(("code", "error"), [*PUBLIC, (65001, "invalid_grant"), (650057, "invalid_resource")])
async def test_a_user_without_an_application_is_told_to_make_one(remote: Remote, code: int, error: str) -> None:
    found = await summary(remote, code, error, 400, USER)
    assert found.kind == "publicClientMissing"
    for language in LANGUAGES:
        text = text_of(found.kind, language)
        assert not [name for name in FIELDS if name in text.summary], "it has no such field yet"
        assert "publicClientId" in " ".join(text.steps)
        assert "azureAD" in " ".join(text.steps)


async def test_without_a_number_too(remote: Remote) -> None:
    remote.answers["token"] = [message(401, {"error": "invalid_client"})]
    found = await EntraTokens(remote.network).get(USER)
    assert isinstance(found, Diagnosis)
    assert found.kind == "publicClientMissing"


@pytest.mark.parametrize(
    ("code", "error", "kind"),
    [
        (7000218, "invalid_client", "publicClientRefused"),
        (7000215, "invalid_client", "publicClientRefused"),
        (700016, "unauthorized_client", "publicClientNotFound"),
        (700011, "unauthorized_client", "publicClientNotFound"),
        (90002, "invalid_request", "signInRejected"),
        (90019, "invalid_request", "signInRejected"),
    ],
)
async def test_a_user_with_an_application_reads_of_fields_that_it_has(
    remote: Remote, code: int, error: str, kind: str
) -> None:
    found = await summary(remote, code, error, 400, OWN_APPLICATION)
    assert found.kind == kind
    if kind != "signInRejected":  # which tells both ways of signing in apart
        message_of = f"{found.summary} {' '.join(found.steps)}"
        assert not [name for name in ("applicationId", "applicationKey", "directoryId") if name in message_of]


async def test_another_application_is_another_credential(remote: Remote) -> None:
    assert replace(USER, client=OWN_APPLICATION.client) != USER
    assert USER.client != OWN_APPLICATION.client

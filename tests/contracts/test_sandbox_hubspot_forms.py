"""The forms of the HubSpot stand-in, asked with plain requests."""

from __future__ import annotations

from typing import Any

import pytest

from leadkeeper.sandbox.hubspot.account import FORMS, Account
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.hubspot.states import FORM_ERRORS, FORM_STATES, form_state
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.hubspot_caller import accounts, hubspot
from tests.contracts.sandbox_caller import Caller, Reply

__all__ = ["hubspot"]
stand_ins = accounts


ACCOUNT = Account()
USUAL, CAPTCHA, ARCHIVED, CONSENT, OLD = (form.guid for form in FORMS)
ADA = {"email": "ada@analytical.example", "lastname": "Lovelace"}


class Posting:
    """Posts of forms."""

    def __init__(self, call: Caller, token: str) -> None:
        self._call, self._token = call, token

    async def __call__(
        self,
        guid: str = USUAL,
        values: dict[str, str] | None = None,
        *,
        secure: bool = False,
        host: str = "api.hsforms.com",
        portal: int = ACCOUNT.portal_id,
        **more: object,
    ) -> Reply:
        fields = [
            {"objectTypeId": "0-1", "name": name, "value": value}
            for name, value in (ADA if values is None else ADA | values).items()
        ]
        way = "secure/submit" if secure else "submit"
        url = f"https://{host}/submissions/v3/integration/{way}/{portal}/{guid}"
        headers = {"Authorization": f"Bearer {self._token}"} if secure else {}
        return await self._call("POST", url, json={"fields": fields} | more, headers=headers)


@pytest.fixture
def post(call: Caller, hubspot: HubSpot) -> Posting:
    return Posting(call, hubspot.account.token)


def errors(reply: Reply) -> list[str]:
    assert (reply.status, reply.json["status"], reply.json["message"]) == (400, "error", "The request is not valid")
    assert reply.json["correlationId"]
    return [each["errorType"] for each in reply.json["errors"]]


async def test_a_post_becomes_a_contact_once(post: Posting, hubspot: HubSpot) -> None:
    for title in ("Countess", "Author"):
        summary = await post(values={"jobtitle": title})
        assert (summary.status, summary.json) == (200, {"inlineMessage": "Thank you"})
    contact, *posts = hubspot.received()
    assert (contact["via"], contact["times"], contact["properties"]) == ("form", 2, ADA | {"jobtitle": "Author"})
    assert [each["status"] for each in posts] == ["taken", "taken"]
    assert (await post(OLD)).json == {"redirectUri": "https://www.contoso.com/thanks"}


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"email": "ada@analytical"}, "INVALID_EMAIL"),
        ({"email": "ada@blocked.example"}, "BLOCKED_EMAIL"),
        ({"lastname": ""}, "REQUIRED_FIELD"),
        ({"numemployees": "many"}, "INVALID_NUMBER"),
        ({"numemployees": "0"}, "NUMBER_OUT_OF_RANGE"),
        ({"message": "x" * 65_537}, "INPUT_TOO_LARGE"),
        ({"city": "London"}, "FIELD_NOT_IN_FORM_DEFINITION"),
        ({"shoe": "44"}, "FIELD_NOT_IN_FORM_DEFINITION"),
        ({"hs_lead_status": "New"}, "VALUE_NOT_IN_FIELD_DEFINITION"),
    ],
)
async def test_values_that_a_form_refuses(post: Posting, hubspot: HubSpot, values: dict[str, str], wanted: str) -> None:
    assert errors(await post(values=values)) == [wanted]
    assert hubspot.received() == []


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"context": {"shoe": "44"}}, "INVALID_METADATA"),
        ({"context": {"hutk": "x"}}, "INVALID_HUTK"),
        ({"context": {"ipAddress": "here"}}, "INVALID_IP_ADDRESS"),
        ({"context": {"pageUri": "a page"}}, "INVALID_PAGE_URI"),
        ({"context": {"goToWebinarWebinarKey": "x"}}, "INVALID_GOTOWEBINAR_WEBINAR_KEY"),
        ({"submittedAt": "1000"}, "INVALID_METADATA"),
        ({"legalConsentOptions": {}}, "INVALID_LEGAL_OPTION_FORMAT"),
        ({"legalConsentOptions": {"legitimateInterest": {"value": True}}}, "MISSING_LEGITIMATE_INTEREST_TEXT"),
        ({"legalConsentOptions": {"consent": {"text": "Yes"}}}, "MISSING_PROCESSING_CONSENT"),
        ({"legalConsentOptions": {"consent": {"consentToProcess": True}}}, "MISSING_PROCESSING_CONSENT_TEXT"),
    ],
)
async def test_what_else_a_post_may_have_wrong(post: Posting, more: dict[str, Any], wanted: str) -> None:
    assert errors(await post(**more)) == [wanted]


async def test_consent_to_messages(post: Posting) -> None:
    one = {"value": True, "subscriptionTypeId": 1}
    consent = {"consentToProcess": True, "text": "Yes", "communications": [one, one | {"text": "Mails"}]}
    summary = errors(await post(legalConsentOptions={"consent": consent}))
    assert summary == ["MISSING_COMMUNICATION_CONSENT_TEXT", "DUPLICATE_SUBSCRIPTION_TYPE_ID"]
    assert errors(await post(CONSENT)) == ["MISSING_PROCESSING_CONSENT"]
    right = {"consent": {"consentToProcess": True, "text": "Yes"}}
    assert (await post(CONSENT, legalConsentOptions=right)).status == 200


async def test_forms_that_take_nothing(post: Posting) -> None:
    assert errors(await post(CAPTCHA)) == ["FORM_HAS_RECAPTCHA_ENABLED"]
    assert (await post(ARCHIVED)).status == 404
    assert (await post("5d4e6f70-8b9c-4da0-8e7f-8a9b0c1d2e3f")).status == 404
    assert (await post(portal=7)).status == 404
    assert (await post(host="api-eu1.hsforms.com")).status == 404


async def test_an_older_form_takes_fields_that_are_not_on_it(post: Posting, hubspot: HubSpot) -> None:
    assert (await post(OLD, {"city": "London"})).status == 200
    assert (await post(values={"city": "London"}, secure=True)).status == 200
    assert errors(await post(values={"shoe": "44"}, secure=True)) == ["FIELD_NOT_IN_FORM_DEFINITION"]


async def test_the_european_account_has_a_host_of_its_own(post: Posting, hubspot: HubSpot) -> None:
    portal = hubspot.accounts[1].portal_id
    assert (await post(host="api-eu1.hsforms.com", portal=portal)).status == 200
    assert (await post(portal=portal)).status == 404


async def test_a_unique_value_that_is_taken_loses_the_post(post: Posting, hubspot: HubSpot) -> None:
    for address in ("ada@analytical.example", "grace@navy.example"):
        assert (await post(values={"email": address, "marketplace_lead_id": "one"})).status == 200
    assert [each["status"] for each in hubspot.received()] == ["there", "taken", "lost"]


async def test_a_post_with_a_token_needs_its_scope(post: Posting, hubspot: HubSpot) -> None:
    hubspot.choose("formsScopeMissing")
    assert (await post(secure=True)).json["category"] == "MISSING_SCOPES"
    assert (await post()).status == 200
    hubspot.choose("tokenUnknown")
    assert (await post(secure=True)).status == 401
    hubspot.choose("badGateway")
    assert (await post(secure=True)).status == 502


async def test_posts_have_a_limit(post: Posting, hubspot: HubSpot, sandbox: Sandbox) -> None:
    hubspot.account.posts = 2
    assert [(await post()).status for _ in range(3)] == [200, 200, 429]
    sandbox.clock.advance(10)
    assert (await post()).status == 200


async def test_a_post_may_have_so_many_fields(post: Posting) -> None:
    many = {f"field{number}": "" for number in range(1_000)}
    assert errors(await post(values=many)) == ["MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED"]


@pytest.mark.parametrize("error", FORM_ERRORS)
async def test_every_error_of_a_form_can_be_chosen(post: Posting, hubspot: HubSpot, error: str) -> None:
    assert FORM_STATES[form_state(error)] == error
    hubspot.choose(form_state(error))
    assert errors(await post()) == [error]
    assert hubspot.received() == []


async def test_states_of_forms(post: Posting, hubspot: HubSpot) -> None:
    for state, status in (("formMissing", 404), ("formLimit", 429), ("formDown", 503)):
        hubspot.choose(state)
        assert (await post()).status == status
    assert hubspot.received() == []
    hubspot.choose("formLost")
    assert (await post()).status == 200
    assert [each["status"] for each in hubspot.received()] == ["lost"]

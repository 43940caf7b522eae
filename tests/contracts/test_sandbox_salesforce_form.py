"""Web-to-Lead of the Salesforce stand-in, asked with plain requests: whatever comes, the answer is 200."""

from __future__ import annotations

import aiohttp
import pytest

from leadkeeper.sandbox.mishaps import Match, commit_then_drop
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.org import long_id
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.salesforce_caller import WEB, outcome, salesforce, two_orgs, web_form
from tests.contracts.sandbox_caller import Caller

__all__ = ["salesforce"]
stand_ins = two_orgs


FAILED = "true Exception:common.exception.SalesforceGenericException"


async def test_a_form_post_makes_a_lead(call: Caller, salesforce: Salesforce) -> None:
    reply = await call("POST", WEB, data=web_form())
    assert (reply.status, reply.headers["is-processed"]) == (200, "true")
    (lead,) = salesforce.received()
    assert (lead["via"], lead["status"]) == ("webToLead", "created")
    assert lead["fields"] == {
        "FirstName": "Zoë",
        "LastName": "Lovelace",
        "Company": "Analytical",
        "Email": "ada@analytical.test",
        "Country": "PT",
        "LeadSource": "AzureMarketplace-INS|contoso.engine",
    }


async def test_a_repeat_makes_a_second_lead(call: Caller, salesforce: Salesforce) -> None:
    for _ in range(2):
        await call("POST", WEB, data=web_form())
    assert len({lead["id"] for lead in salesforce.received()}) == 2


async def test_with_a_return_address_the_page_leads_there(call: Caller) -> None:
    page = await call("POST", WEB, data=web_form(retURL='https://contoso.test/"x</script>'))
    assert page.status == 200
    assert "location.replace" in page.text
    assert "</script></head>" in page.text
    assert 'x</script>"' not in page.text


async def test_without_the_encoding_texts_are_garbled(call: Caller, salesforce: Salesforce) -> None:
    await call("POST", WEB.partition("?")[0], data=web_form(encoding=""))
    assert salesforce.received()[0]["fields"]["FirstName"] == "ZoÃ«"  # type: ignore[index]


async def test_the_org_is_known_by_both_forms_of_its_id(call: Caller, salesforce: Salesforce) -> None:
    await call("POST", WEB, data=web_form(oid=long_id("00D5e000000HjKL")))
    assert outcome(salesforce) == ("created", "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"oid": ""}, "unknownOrg"),
        ({"oid": "00D000000000000"}, "unknownOrg"),
        ({"oid": "00D5e000000HjKLAAA"}, "unknownOrg"),
        ({"oid": "00D0Q000000TeSt"}, "unknownOrg"),  # a sandbox org, at the production host
        ({"last_name": ""}, "missing last_name"),
        ({"company": " "}, "missing company"),
    ],
)
async def test_a_missing_required_field_is_in_the_header_only(
    call: Caller, salesforce: Salesforce, changes: dict[str, str], reason: str
) -> None:
    reply = await call("POST", WEB, data=web_form(**changes))
    assert (reply.status, reply.headers["Is-Processed"]) == (200, FAILED)
    assert outcome(salesforce) == ("refused", reason)


async def test_what_is_no_form_has_no_fields(call: Caller) -> None:
    reply = await call("POST", WEB, json=web_form())
    assert (reply.status, reply.headers["Is-Processed"]) == (200, FAILED)


async def test_sandbox_orgs_are_at_the_test_host(call: Caller, salesforce: Salesforce) -> None:
    test = WEB.replace("webto", "test")
    for oid in ("00D0Q000000TeSt", "00D5e000000HjKL"):
        await call("POST", test, data=web_form(oid=oid))
    assert [lead["status"] for lead in salesforce.received()] == ["created", "refused"]


async def test_other_addresses_are_not_web_to_lead(call: Caller) -> None:
    assert (await call("GET", WEB)).status == 405
    assert (await call("POST", WEB.replace("WebToLead", "WebToCase"), data=web_form())).status == 404
    assert (await call("GET", "https://webto.salesforce.com/")).status == 404


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("reCaptchaRequired", "reCaptcha"),
        ("webToLeadDisabled", "disabled"),
        ("noDefaultLeadCreator", "noDefaultLeadCreator"),
        ("validationRule", "validationRule"),
        ("picklistMandatory", "picklistValueUnknown LeadSource"),
        ("countryPicklist", "picklistValueUnknown Country"),
        ("requiredCustomField", "requiredFieldMissing Region__c"),
        ("webToLeadQueueFull", "queueFull"),
    ],
)
async def test_a_lead_is_lost_without_a_word(call: Caller, salesforce: Salesforce, state: str, reason: str) -> None:
    salesforce.choose(state)
    reply = await call("POST", WEB, data=web_form())
    assert (reply.status, reply.headers["Is-Processed"]) == (200, "true")
    assert outcome(salesforce) == ("lost", reason)
    assert salesforce.org.leads == {}


@pytest.mark.parametrize("state", ["duplicateRuleBlock", "duplicateRuleAlert"])
async def test_both_kinds_of_duplicate_rule_lose_the_second(call: Caller, salesforce: Salesforce, state: str) -> None:
    salesforce.choose(state)
    for address in ("ada@analytical.test", "ADA@analytical.test", "other@analytical.test"):
        assert (await call("POST", WEB, data=web_form(email=address))).headers["Is-Processed"] == "true"
    assert [lead["status"] for lead in salesforce.received()] == ["created", "lost", "created"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"first_name": "x" * 41}, "tooLong FirstName"),
        ({"description": "x" * 32_001}, "tooLong Description"),
        ({"rating": "Boiling"}, "picklistValueUnknown Rating"),
        ({"employees": "many"}, "invalidValue"),
    ],
)
async def test_values_that_do_not_fit_lose_the_lead(
    call: Caller, salesforce: Salesforce, changes: dict[str, str], reason: str
) -> None:
    reply = await call("POST", WEB, data=web_form(**changes))
    assert (reply.status, reply.headers["Is-Processed"]) == (200, "true")
    assert outcome(salesforce) == ("lost", reason)


async def test_addresses_are_not_looked_at_and_unknown_names_left_out(call: Caller, salesforce: Salesforce) -> None:
    await call("POST", WEB, data=web_form(email="nonsense", shoe_size="44", employees="12"))
    (lead,) = salesforce.received()
    assert lead["status"] == "created"
    assert salesforce.org.find("Email", "nonsense")[0].values["NumberOfEmployees"] == 12


async def test_a_custom_field_goes_by_its_id(call: Caller, salesforce: Salesforce) -> None:
    await call("POST", WEB, data=web_form() | {"00N5e00000LeadId": "lead-1"})
    assert salesforce.org.find(EXTERNAL_ID, "lead-1")
    await call("POST", WEB, data=web_form() | {"00N5e00000LeadId": "LEAD-1"})
    assert outcome(salesforce) == ("lost", "duplicateValue")


async def test_beyond_the_rolling_day_leads_wait_then_are_lost(
    call: Caller, salesforce: Salesforce, sandbox: Sandbox
) -> None:
    salesforce.org.web_limit, salesforce.org.web_queue = 2, 1
    for number in range(4):
        reply = await call("POST", WEB, data=web_form(last_name=f"L{number}"))
        assert (reply.status, reply.headers["Is-Processed"]) == (200, "true")
        sandbox.clock.advance(60)
    assert [lead["status"] for lead in salesforce.received()] == ["created", "created", "queued", "lost"]
    sandbox.clock.advance(86_400 - 4 * 60 + 1)
    assert [lead["status"] for lead in salesforce.received()] == ["created", "created", "created", "lost"]


async def test_the_usual_limit_is_five_hundred_a_day(call: Caller, salesforce: Salesforce) -> None:
    for _ in range(501):
        await call("POST", WEB, data=web_form())
    assert [lead["status"] for lead in salesforce.received()].count("created") == 500
    assert outcome(salesforce)[0] == "queued"


async def test_what_waited_for_the_quota_is_created_when_there_is_room(call: Caller, salesforce: Salesforce) -> None:
    salesforce.choose("webToLeadQuotaUsed")
    await call("POST", WEB, data=web_form())
    assert outcome(salesforce) == ("queued", "")
    salesforce.choose("ok")
    assert outcome(salesforce) == ("created", "")


async def test_a_lost_answer_is_a_lead_all_the_same(sandbox: Sandbox, call: Caller, salesforce: Salesforce) -> None:
    sandbox.fail(commit_then_drop, Match(host="webto.salesforce.com"))
    with pytest.raises(aiohttp.ClientError):
        await call("POST", WEB, data=web_form())
    assert outcome(salesforce) == ("created", "")

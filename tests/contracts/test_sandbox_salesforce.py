"""The Salesforce stand-in, asked with plain requests: every code and state that it promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.mishaps import Match, commit_then_drop
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID, UNIQUE
from leadkeeper.sandbox.salesforce.org import Org, long_id
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.salesforce.states import REFUSALS, STATES, TOKEN_REFUSALS, WRITE_REFUSALS
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.sandbox_caller import Caller, Reply, calling

WEB = "https://webto.salesforce.com/servlet/servlet.WebToLead?encoding=UTF-8"
HOST = "https://contoso.my.salesforce.com"
DATA = f"{HOST}/services/data/v62.0"
LEAD = f"{DATA}/sobjects/Lead"
FAILED = "true Exception:common.exception.SalesforceGenericException"
PERSON: dict[str, object] = {"LastName": "Lovelace", "Company": "Analytical", "Email": "ada@analytical.test"}


@pytest.fixture
async def sandbox(authority: Authority) -> AsyncIterator[Sandbox]:
    def orgs(clock: Any) -> list[Salesforce]:
        return [Salesforce(clock, [Org(), Org("00D0Q000000TeSt", "contoso--uat", is_sandbox=True)])]

    async with Sandbox(authority.ca_file.parent, orgs) as there:
        yield there
        assert there.mistakes == []


@pytest.fixture
def salesforce(sandbox: Sandbox) -> Salesforce:
    return sandbox.stand_in(Salesforce)


@pytest.fixture
async def call(sandbox: Sandbox) -> AsyncIterator[Caller]:
    async with calling(sandbox) as caller:
        yield caller


def web_form(**changes: str) -> dict[str, str]:
    form = {
        "oid": "00D5e000000HjKL",
        "encoding": "UTF-8",
        "first_name": "Zoë",
        "last_name": "Lovelace",
        "company": "Analytical",
        "email": "ada@analytical.test",
        "country": "PT",
        "lead_source": "AzureMarketplace-INS|contoso.engine",
    }
    return {name: value for name, value in (form | changes).items() if value}


def outcome(salesforce: Salesforce) -> tuple[object, object]:
    """Status and reason of the last lead."""
    last = salesforce.received()[-1]
    return last["status"], last["reason"]


class Session:
    """The REST API with a token; a new one with :meth:`renew`."""

    def __init__(self, call: Caller) -> None:
        self._call = call
        self.headers: dict[str, str] = {}

    async def renew(self) -> None:
        given = (await token(self._call)).json
        self.headers = {"Authorization": f"Bearer {given['access_token']}"}

    async def __call__(self, method: str, url: str, **options: Any) -> Reply:
        headers = self.headers | options.pop("headers", {})
        return await self._call(method, url, headers=headers, **options)

    async def upsert(self, value: str = "lead-1", **changes: Any) -> Reply:
        return await self("PATCH", f"{LEAD}/{EXTERNAL_ID}/{value}", json=PERSON | changes)

    async def collection(self, *records: Mapping[str, object], all_or_none: bool = False) -> Reply:
        typed = [{"attributes": {"type": "Lead"}} | dict(record) for record in records]
        body = {"allOrNone": all_or_none, "records": typed}
        return await self("PATCH", f"{DATA}/composite/sobjects/Lead/{EXTERNAL_ID}", json=body)


async def token(call: Caller, host: str = HOST, **changes: str) -> Reply:
    org = Org()
    form = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    return await call("POST", f"{host}/services/oauth2/token", data=form | changes)


@pytest.fixture
async def rest(call: Caller) -> Session:
    session = Session(call)
    await session.renew()
    return session


def code(reply: Reply) -> str:
    (error,) = reply.json
    return str(error["errorCode"])


# Web-to-Lead


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


# Tokens and sessions


async def test_a_token_has_no_end(call: Caller) -> None:
    reply = await token(call)
    assert reply.status == 200
    assert reply.json.keys() == {
        *("access_token", "instance_url", "id", "token_type", "issued_at", "signature", "scope"),
    }
    assert (reply.json["instance_url"], reply.json["token_type"]) == (HOST, "Bearer")


@pytest.mark.parametrize(
    ("host", "changes", "error"),
    [
        ("https://login.salesforce.com", {}, "invalid_grant"),
        ("https://test.salesforce.com", {}, "invalid_grant"),
        (HOST, {"grant_type": "password"}, "unsupported_grant_type"),
        (HOST, {"client_id": "other"}, "invalid_client_id"),
        (HOST, {"client_secret": "other"}, "invalid_client"),
    ],
)
async def test_a_token_is_refused(call: Caller, host: str, changes: dict[str, str], error: str) -> None:
    reply = await token(call, host, **changes)
    assert (reply.status, reply.json["error"]) == (400, error)
    assert reply.json["error_description"]


@pytest.mark.parametrize(("state", "error"), [(state, error) for state, (error, _) in TOKEN_REFUSALS.items()])
async def test_a_state_refuses_tokens(call: Caller, salesforce: Salesforce, state: str, error: str) -> None:
    salesforce.choose(state)
    reply = await token(call)
    assert (reply.status, reply.json["error"]) == (400, error)


async def test_a_token_is_asked_for_with_a_form(call: Caller) -> None:
    org = Org()
    wanted = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    reply = await call("POST", f"{HOST}/services/oauth2/token", json=wanted)
    assert (reply.status, reply.json["error"]) == (400, "unsupported_grant_type")


async def test_another_my_domain_has_no_address(call: Caller) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await call("GET", "https://fabrikam.my.salesforce.com/services/data/v62.0/limits")


async def test_a_session_ends(rest: Session, sandbox: Sandbox) -> None:
    assert (await rest("GET", f"{DATA}/limits")).status == 200
    sandbox.clock.advance(7_201)
    reply = await rest("GET", f"{DATA}/limits")
    assert (reply.status, code(reply)) == (401, "INVALID_SESSION_ID")
    await rest.renew()
    assert (await rest("GET", f"{DATA}/limits")).status == 200


async def test_sessions_given_so_far_are_ended(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("sessionExpired")
    assert code(await rest.upsert()) == "INVALID_SESSION_ID"
    await rest.renew()
    assert (await rest.upsert()).status == 201


async def test_no_session_is_accepted(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("sessionRefused")
    await rest.renew()
    reply = await rest.upsert()
    assert (reply.status, code(reply)) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic {}", "{}"])
async def test_without_a_session_nothing_is_answered(rest: Session, call: Caller, header: str) -> None:
    session = rest.headers["Authorization"].removeprefix("Bearer ")
    reply = await call("GET", f"{DATA}/limits", headers={"Authorization": header.format(session)})
    assert (reply.status, code(reply)) == (401, "INVALID_SESSION_ID")


async def test_a_session_is_of_one_org(rest: Session) -> None:
    reply = await rest("GET", "https://contoso--uat.sandbox.my.salesforce.com/services/data/v62.0/limits")
    assert reply.status == 401


# What may be asked without writing


async def test_limits_and_usage(rest: Session, salesforce: Salesforce, sandbox: Sandbox) -> None:
    reply = await rest("GET", f"{DATA}/limits")
    assert reply.json["DailyApiRequests"] == {"Max": 5_000, "Remaining": 4_999}
    assert reply.headers["Sforce-Limit-Info"] == "api-usage=1/5000"
    salesforce.org.api_limit = 1
    reply = await rest.upsert()
    assert (reply.status, code(reply)) == (403, "REQUEST_LIMIT_EXCEEDED")
    sandbox.clock.advance(86_401)
    await rest.renew()
    assert (await rest.upsert()).status == 201


async def test_describe_tells_the_fields(rest: Session, salesforce: Salesforce) -> None:
    about = (await rest("GET", f"{LEAD}/describe")).json
    fields = {each["name"]: each for each in about["fields"]}
    assert (fields["LastName"]["length"], fields["LastName"]["nillable"]) == (80, False)
    assert fields[EXTERNAL_ID]["externalId"] is True
    assert {each["value"] for each in fields["Rating"]["picklistValues"]} == {"Hot", "Warm", "Cold"}
    assert about["createable"] is True
    salesforce.choose("readOnly")
    assert (await rest("GET", f"{LEAD}/describe")).json["createable"] is False
    salesforce.choose("fieldHidden")
    assert "Title" not in {each["name"] for each in (await rest("GET", f"{LEAD}/describe")).json["fields"]}


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/services/data/v62.0/sobjects/Leed", 404, "NOT_FOUND"),
        ("GET", "/services/data/v99.0/limits", 404, "NOT_FOUND"),
        ("GET", "/services/data/62/limits", 404, "NOT_FOUND"),
        ("GET", "/services", 404, "NOT_FOUND"),
        ("DELETE", "/services/data/v62.0/limits", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/services/data/v62.0/sobjects/Lead", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_addresses_that_are_not_there(rest: Session, method: str, path: str, status: int, error: str) -> None:
    reply = await rest(method, f"{HOST}{path}")
    assert (reply.status, code(reply)) == (status, error)


# One record


async def test_a_lead_is_created(rest: Session, salesforce: Salesforce) -> None:
    replies = [await rest("POST", LEAD, json=PERSON) for _ in range(2)]
    assert [reply.status for reply in replies] == [201, 201]
    assert replies[0].json["success"] is True
    assert replies[0].json["errors"] == []
    assert replies[0].json["id"].startswith("00Q")
    assert len(salesforce.org.leads) == 2


async def test_an_upsert_makes_one_lead(rest: Session, salesforce: Salesforce) -> None:
    first, second = await rest.upsert(), await rest.upsert("LEAD-1", Title="CTO")
    assert (first.status, first.json["created"]) == (201, True)
    assert (second.status, second.json["created"]) == (200, False)
    assert first.json["id"] == second.json["id"]
    (lead,) = salesforce.received()
    assert (lead["status"], lead["times"], lead["fields"]["Title"]) == ("created", 2, "CTO")  # type: ignore[index]


async def test_old_versions_say_nothing_of_an_update(rest: Session) -> None:
    old = f"{LEAD}/{EXTERNAL_ID}/lead-1".replace("v62.0", "v45.0")
    assert [(await rest("PATCH", old, json=PERSON)).status for _ in range(2)] == [201, 204]


async def test_a_key_may_hold_any_character(rest: Session, salesforce: Salesforce) -> None:
    assert (await rest.upsert("a%2Fb%20c")).status == 201
    assert salesforce.org.find(EXTERNAL_ID, "a/b c")


async def test_update_only_creates_nothing(rest: Session, salesforce: Salesforce) -> None:
    reply = await rest("PATCH", f"{LEAD}/{EXTERNAL_ID}/lead-1?updateOnly=true", json=PERSON)
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")
    assert salesforce.org.leads == {}


async def test_a_key_that_ends_like_a_file_is_not_found(rest: Session) -> None:
    reply = await rest.upsert("ada@analytical.inc")
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", [EXTERNAL_ID, EXTERNAL_ID.lower(), "Id"])
async def test_the_key_is_not_repeated_in_the_body(rest: Session, name: str) -> None:
    reply = await rest.upsert(**{name: "lead-1"})
    assert (reply.status, code(reply)) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("name", ["Nothing__c", "Email", UNIQUE])
async def test_an_unknown_key_field_is_not_found(rest: Session, name: str) -> None:
    reply = await rest("PATCH", f"{LEAD}/{name}/x", json=PERSON)
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")


async def test_the_key_field_is_missing(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("externalIdMissing")
    reply = await rest.upsert()
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")
    reply = await rest.collection({EXTERNAL_ID: "lead-1"} | PERSON)
    assert (reply.status, code(reply)) == (400, "INVALID_FIELD")


async def test_several_leads_match(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("externalIdAmbiguous")
    for _ in range(2):
        assert (await rest("POST", LEAD, json=PERSON | {EXTERNAL_ID: "lead-1"})).status == 201
    reply = await rest.upsert()
    assert reply.status == 300
    assert len(reply.json) == 2


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"Shoe__c": "44"}, 400, "INVALID_FIELD"),
        ({"LastName": ""}, 400, "REQUIRED_FIELD_MISSING"),
        ({"Company": None}, 400, "REQUIRED_FIELD_MISSING"),
        ({"Company": "x" * 256}, 400, "STRING_TOO_LONG"),
        ({"Email": "nonsense"}, 400, "INVALID_EMAIL_ADDRESS"),
        ({"Rating": "Boiling"}, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"NumberOfEmployees": 100_000_000}, 400, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"NumberOfEmployees": "ten"}, 400, "JSON_PARSER_ERROR"),
        ({"Title": {"a": 1}}, 400, "JSON_PARSER_ERROR"),
        ({"OwnerId": "me"}, 400, "MALFORMED_ID"),
        ({"OwnerId": "0055e000001OthrAAA"}, 404, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
async def test_a_record_is_refused_for_what_it_is(
    rest: Session, salesforce: Salesforce, changes: dict[str, Any], status: int, error: str
) -> None:
    reply = await rest.upsert(**changes)
    assert (reply.status, code(reply)) == (status, error)
    (result,) = (await rest.collection({EXTERNAL_ID: "lead-1"} | PERSON | changes)).json
    assert (result["success"], result["errors"][0]["statusCode"]) == (False, error)
    assert salesforce.org.leads == {}
    assert outcome(salesforce) == ("refused", error)


async def test_a_picklist_that_is_not_restricted_takes_any_text(rest: Session) -> None:
    assert (await rest.upsert(LeadSource="AzureMarketplace-INS|contoso.engine")).status == 201


async def test_a_unique_value_is_taken_once(rest: Session) -> None:
    assert (await rest.upsert("lead-1", **{UNIQUE: "7"})).status == 201
    reply = await rest.upsert("lead-2", **{UNIQUE: "7"})
    assert (reply.status, code(reply)) == (400, "DUPLICATE_VALUE")


async def test_two_upserts_of_one_key_at_a_time_make_one_lead(rest: Session, salesforce: Salesforce) -> None:
    salesforce.work_seconds = 0.05
    replies = await asyncio.gather(rest.upsert(), rest.upsert())
    assert sorted(reply.status for reply in replies) == [201, 400]
    assert code(next(reply for reply in replies if reply.status == 400)) == "DUPLICATE_VALUE"
    assert len(salesforce.org.leads) == 1


@pytest.mark.parametrize(
    ("state", "changes", "error"),
    [
        ("fieldHidden", {"Title": "CTO"}, "INVALID_FIELD"),
        ("fieldReadOnly", {"Description": "hello"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("picklistMandatory", {"LeadSource": "Elsewhere"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("picklistMandatory", {}, "REQUIRED_FIELD_MISSING"),
        ("countryPicklist", {"Country": "PT"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("requiredCustomField", {}, "REQUIRED_FIELD_MISSING"),
    ],
)
async def test_an_administrator_changed_the_fields(
    rest: Session, salesforce: Salesforce, state: str, changes: dict[str, Any], error: str
) -> None:
    salesforce.choose(state)
    reply = await rest.upsert(**changes)
    assert (reply.status, code(reply)) == (400, error)


@pytest.mark.parametrize("state", ["duplicateRuleBlock", "duplicateRuleAlert"])
async def test_the_duplicate_rule(rest: Session, salesforce: Salesforce, state: str) -> None:
    salesforce.choose(state)
    assert (await rest.upsert("lead-1")).status == 201
    assert (await rest.upsert("lead-1")).status == 200
    reply = await rest.upsert("lead-2")
    assert (reply.status, code(reply)) == (400, "DUPLICATES_DETECTED")
    found = reply.json[0].get("duplicateResult") or reply.json[0]["duplicateResut"]
    assert found["matchResults"][0]["matchRecords"][0]["record"]["Id"] in salesforce.org.leads
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    reply = await rest("PATCH", f"{LEAD}/{EXTERNAL_ID}/lead-2", json=PERSON, headers=header)
    assert reply.status == (201 if state == "duplicateRuleAlert" else 400)


@pytest.mark.parametrize(
    ("state", "status", "error"), [(name, message[0], message[1]) for name, message in REFUSALS.items()]
)
async def test_a_state_refuses_everything(
    rest: Session, salesforce: Salesforce, state: str, status: int, error: str
) -> None:
    salesforce.choose(state)
    for reply in (await rest.upsert(), await rest("GET", f"{DATA}/limits"), await rest.collection()):
        assert (reply.status, code(reply)) == (status, error)
        assert reply.json[0]["message"] == REFUSALS[state][2]
    assert salesforce.org.leads == {}


@pytest.mark.parametrize(
    ("state", "status", "error"), [(name, status, flaw.code) for name, (status, flaw) in WRITE_REFUSALS.items()]
)
async def test_a_state_refuses_what_is_written(
    rest: Session, salesforce: Salesforce, state: str, status: int, error: str
) -> None:
    salesforce.choose(state)
    for reply in (await rest.upsert(), await rest("POST", LEAD, json=PERSON)):
        assert (reply.status, code(reply)) == (status, error)
    several = await rest.collection({EXTERNAL_ID: "lead-1"} | PERSON)
    assert (several.status, several.json[0]["errors"][0]["statusCode"]) == (200, error)
    assert (await rest("GET", f"{DATA}/limits")).status == 200
    assert salesforce.org.leads == {}


async def test_maintenance_is_a_web_page(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("maintenance")
    reply = await rest.upsert()
    assert (reply.status, reply.headers["Content-Type"]) == (503, "text/html; charset=utf-8")


async def test_bodies_are_json(rest: Session) -> None:
    address = f"{LEAD}/{EXTERNAL_ID}/lead-1"
    reply = await rest("PATCH", address, data=PERSON)
    assert (reply.status, code(reply)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    for body in ("{", "[]"):
        reply = await rest("PATCH", address, data=body, headers={"Content-Type": "application/json"})
        assert (reply.status, code(reply)) == (400, "JSON_PARSER_ERROR")


async def test_a_lost_answer_is_made_good_by_a_repeat(rest: Session, sandbox: Sandbox, salesforce: Salesforce) -> None:
    sandbox.fail(commit_then_drop, Match(host="*.my.salesforce.com", method="PATCH"))
    with pytest.raises(aiohttp.ClientError):
        await rest.upsert()
    assert (await rest.upsert()).status == 200
    assert len(salesforce.org.leads) == 1


# Collections


def record(key: str, **changes: object) -> dict[str, object]:
    return PERSON | {EXTERNAL_ID: key} | changes


async def test_a_collection_answers_for_each_record(rest: Session, salesforce: Salesforce) -> None:
    await rest.upsert("b")
    reply = await rest.collection(record("a"), record("b"), record("c", Company=""), record("A"), PERSON)
    assert reply.status == 200
    assert [each["success"] for each in reply.json] == [True, True, False, False, False]
    assert [each.get("created") for each in reply.json] == [True, False, None, None, None]
    assert [each["errors"][0]["statusCode"] for each in reply.json[2:]] == [
        *("REQUIRED_FIELD_MISSING", "DUPLICATE_VALUE", "MISSING_ARGUMENT"),
    ]
    assert reply.json[2]["errors"][0]["fields"] == ["Company"]
    assert len(salesforce.org.leads) == 2


async def test_all_or_none_takes_everything_back(rest: Session, salesforce: Salesforce) -> None:
    await rest.upsert("b")
    records = [record("a"), record("b", Title="CTO"), record("c", Email="nonsense")]
    reply = await rest.collection(*records, all_or_none=True)
    assert reply.status == 200
    codes = [each["errors"][0]["statusCode"] for each in reply.json]
    assert codes == [*["ALL_OR_NONE_OPERATION_ROLLED_BACK"] * 2, "INVALID_EMAIL_ADDRESS"]
    (lead,) = salesforce.received()
    assert (lead["times"], "Title" in lead["fields"]) == (1, False)  # type: ignore[operator]
    assert "Title" not in next(iter(salesforce.org.leads.values())).values
    assert all(each["success"] for each in (await rest.collection(*records[:2], all_or_none=True)).json)


async def test_a_collection_has_two_hundred_records_at_most(rest: Session, salesforce: Salesforce) -> None:
    reply = await rest.collection(*(record(f"{number}") for number in range(201)))
    assert (reply.status, code(reply)) == (400, "EXCEEDED_ID_LIMIT")
    reply = await rest.collection(*(record(f"{number}") for number in range(200)))
    assert len([each for each in reply.json if each["success"]]) == 200
    assert len(salesforce.org.leads) == 200


@pytest.mark.parametrize("body", [{}, {"records": {}}, {"records": [{"LastName": "x"}]}, {"records": ["x"]}])
async def test_a_collection_that_is_none(rest: Session, body: dict[str, object]) -> None:
    reply = await rest("PATCH", f"{DATA}/composite/sobjects/Lead/{EXTERNAL_ID}", json=body)
    assert reply.status == 400


async def test_an_id_is_no_key_of_a_collection(rest: Session) -> None:
    (result,) = (await rest.collection(record("a", Id="00Q5e0000000000"))).json
    assert result["errors"][0]["statusCode"] == "INVALID_FIELD"


async def test_several_leads_match_in_a_collection(rest: Session, salesforce: Salesforce) -> None:
    salesforce.choose("externalIdAmbiguous")
    for _ in range(2):
        await rest("POST", LEAD, json=record("a"))
    (result,) = (await rest.collection(record("a"))).json
    assert result["success"] is False


# The whole


def test_every_state_says_what_it_is() -> None:
    assert next(iter(STATES)) == "ok"
    assert all(STATES.values())
    assert {*TOKEN_REFUSALS, *REFUSALS, *WRITE_REFUSALS} <= STATES.keys()


async def test_a_reset_forgets_leads_sessions_and_counts(rest: Session, sandbox: Sandbox, call: Caller) -> None:
    await rest.upsert()
    await call("POST", WEB, data=web_form(oid="x"))
    salesforce = sandbox.stand_in(Salesforce)
    salesforce.choose("apiDisabled")
    sandbox.reset()
    assert (list(salesforce.received()), salesforce.state) == ([], "ok")
    assert (await rest.upsert()).status == 401
    await rest.renew()
    assert (await rest.upsert()).headers["Sforce-Limit-Info"] == "api-usage=1/5000"

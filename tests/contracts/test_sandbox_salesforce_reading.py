"""The Salesforce stand-in, asked with plain requests: queries, records by id, several requests in one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID, LeadField
from leadkeeper.sandbox.salesforce.org import Org
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import Clock
from tests.contracts.sandbox_caller import Caller, Reply


def stand_ins(clock: Clock) -> list[Salesforce]:
    return [Salesforce(clock, [Org()])]


HOST = "https://contoso.my.salesforce.com"
DATA = f"{HOST}/services/data/v62.0"
LEAD = f"{DATA}/sobjects/Lead"
PERSON: dict[str, object] = {"LastName": "Lovelace", "Company": "Analytical", "Email": "ada@analytical.test"}


@pytest.fixture
def org(sandbox: Sandbox) -> Org:
    return sandbox.stand_in(Salesforce).org


class Rest:
    """The REST API with a session."""

    def __init__(self, call: Caller, session: str) -> None:
        self._call = call
        self.headers = {"Authorization": f"Bearer {session}"}

    async def __call__(self, method: str, url: str, **options: Any) -> Reply:
        return await self._call(method, url, headers=self.headers | options.pop("headers", {}), **options)

    async def query(self, text: str) -> Reply:
        return await self("GET", f"{DATA}/query?q={quote(text)}")

    async def names(self, text: str) -> list[str]:
        """The last names that a query finds."""
        reply = await self.query(text)
        assert reply.status == 200, reply.text
        return [each["LastName"] for each in reply.json["records"]]


@pytest.fixture
async def rest(sandbox: Sandbox, org: Org, call: Caller) -> Rest:
    return Rest(call, org.new_session(sandbox.clock.now()))


@pytest.fixture
def people(org: Org) -> None:
    """Four leads."""
    for at, (name, city, staff) in enumerate(
        [("Ada", "London", 5), ("Grace", "New York", 10), ("Jean", None, None), ("50%_off", "Porto", 0)]
    ):
        values = {"LastName": name, "Company": "C", "City": city, "NumberOfEmployees": staff}
        org.store(values, at=1_700_000_000.0 + at * 3600)


def code(reply: Reply) -> str:
    (error,) = reply.json
    return str(error["errorCode"])


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("city = 'LONDON'", ["Ada"]),
        ("City != 'London' ORDER BY LastName", ["50%_off", "Grace", "Jean"]),
        ("City = null", ["Jean"]),
        ("City <> null AND NumberOfEmployees > 4 ORDER BY NumberOfEmployees DESC", ["Grace", "Ada"]),
        ("NumberOfEmployees <= 5 ORDER BY NumberOfEmployees", ["50%_off", "Ada"]),
        ("LastName IN ('ada', 'Jean') ORDER BY City NULLS LAST", ["Ada", "Jean"]),
        ("LastName IN ('ada', 'Jean') ORDER BY City", ["Jean", "Ada"]),
        ("LastName NOT IN ('Ada', 'Jean', 'Grace')", ["50%_off"]),
        (r"LastName LIKE '50\%\_%'", ["50%_off"]),
        (r"LastName LIKE '_\%%'", []),
        ("LastName LIKE '%a%' ORDER BY LastName LIMIT 1 OFFSET 1", ["Grace"]),
        ("(City = 'London' OR City = 'Porto') AND NOT LastName = 'Ada'", ["50%_off"]),
        ("CreatedDate >= 2023-11-15T00:13:20Z ORDER BY CreatedDate DESC LIMIT 1", ["50%_off"]),
        ("CreatedDate < 2023-11-14T23:13:20+00:00", ["Ada"]),
        ("IsConverted = true", []),
        ("Status = 'Open - Not Contacted' AND LastName = 'Ada'", ["Ada"]),
    ],
)
async def test_a_query_finds(rest: Rest, where: str, found: list[str]) -> None:
    assert await rest.names(f"SELECT LastName FROM Lead WHERE {where}") == found


async def test_an_id_of_either_length_finds(rest: Rest, org: Org) -> None:
    number = org.store(PERSON).id
    for each in (number, number[:15]):
        assert await rest.names(f"SELECT LastName FROM Lead WHERE Id = '{each}'") == ["Lovelace"]


async def test_quotes_in_a_text_are_escaped(rest: Rest, org: Org) -> None:
    org.store(PERSON | {"LastName": "O'Neil \\ Co"})
    assert await rest.names(r"SELECT LastName FROM Lead WHERE LastName = 'O\'Neil \\ Co'") == ["O'Neil \\ Co"]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id, FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE City", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE City = London", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE City = 'x' LIMIT", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE City = 'x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE City LIKE 5", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead; DROP", "MALFORMED_QUERY"),
        ("SELECT COUNT(Id), City FROM Lead GROUP BY City", "MALFORMED_QUERY"),
        ("SELECT Id, (SELECT Id FROM Tasks) FROM Lead", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Owner.Name FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Shoe__c = '44'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead ORDER BY Shoe__c", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE City = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE NumberOfEmployees = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE IsConverted > 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE IsConverted = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE NumberOfEmployees = true", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2023-11-14", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate > '2023-11-14T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2023-13-14T00:00:00Z", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE ConvertedDate = 2023-11-14T00:00:00Z", "INVALID_FIELD"),
        ("SELECT Id FROM Account", "INVALID_TYPE"),
    ],
)
async def test_a_query_is_refused(rest: Rest, text: str, error: str) -> None:
    reply = await rest.query(text)
    assert (reply.status, code(reply)) == (400, error)


@pytest.mark.usefixtures("people")
async def test_all_fields_at_once(rest: Rest) -> None:
    (lead,) = (await rest.query("SELECT FIELDS(ALL) FROM Lead WHERE LastName = 'Ada' LIMIT 200")).json["records"]
    assert (lead["City"], lead["Address"]["city"], lead[EXTERNAL_ID]) == ("London", "London", None)
    (own,) = (await rest.query("SELECT FIELDS(CUSTOM) FROM Lead WHERE LastName = 'Ada' LIMIT 1")).json["records"]
    assert set(own) == {"attributes", EXTERNAL_ID, "MarketplaceNumber__c", "CampaignCode__c"}


async def test_a_page_that_is_none(rest: Rest) -> None:
    for locator in ("01g000000000000AAA-200", "x", "x-1"):
        reply = await rest("GET", f"{DATA}/query/{locator}")
        assert (reply.status, code(reply)) == (400, "INVALID_QUERY_LOCATOR")


async def test_versions_need_no_session(rest: Rest) -> None:
    rest.headers = {}
    for address in (f"{HOST}/services/data", f"{HOST}/services/data/"):
        found = (await rest("GET", address)).json
        assert {"label": "Winter '25", "url": "/services/data/v62.0", "version": "62.0"} in found
        assert {"label": "Spring '24", "url": "/services/data/v60.0", "version": "60.0"} in found
    assert (await rest("GET", DATA)).status == 401


async def test_a_trailing_slash_changes_nothing(rest: Rest) -> None:
    assert (await rest("POST", f"{LEAD}/", json=PERSON)).status == 201
    for path in (
        "",
        "/limits",
        "/sobjects",
        "/sobjects/Lead",
        "/sobjects/Lead/describe",
        "/query?q=SELECT+Id+FROM+Lead",
    ):
        plain, _, asked = path.partition("?")
        slashed = f"{DATA}{plain}/{'?' if asked else ''}{asked}"
        assert (await rest("GET", slashed)).json.keys() == (await rest("GET", f"{DATA}{path}")).json.keys()
    assert (await rest("GET", f"{DATA}//limits")).status == 404


async def test_a_body_in_chunks_is_taken(rest: Rest, org: Org) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"LastName": "Lovelace", '
        yield b'"Company": "Analytical"}'

    headers = {"Content-Type": "application/json"}
    assert (await rest("POST", LEAD, data=chunks(), headers=headers)).status == 201
    assert len(org.leads) == 1


async def test_a_post_may_stand_for_another_method(rest: Rest, org: Org) -> None:
    lead = org.store(PERSON)
    reply = await rest("POST", f"{LEAD}/{lead.id}?_HttpMethod=PATCH", json={"Title": "Countess"})
    assert (reply.status, lead.values["Title"]) == (204, "Countess")


async def test_a_lead_is_gone_once_it_is_deleted(rest: Rest, org: Org) -> None:
    lead = org.store(PERSON | {EXTERNAL_ID: "ada"})
    assert (await rest("DELETE", f"{LEAD}/{lead.id}")).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        reply = await rest(method, f"{LEAD}/{lead.id}", **({"json": {"Title": "x"}} if method == "PATCH" else {}))
        assert (reply.status, code(reply)) == (404, "ENTITY_IS_DELETED")
    assert (await rest("PATCH", f"{LEAD}/{EXTERNAL_ID}/ada", json=PERSON)).status == 201
    assert len(org.leads) == 1


@pytest.mark.parametrize("number", ["nothing", "001000000000000AAA", "00Q"])
async def test_an_id_that_is_none(rest: Rest, number: str) -> None:
    reply = await rest("GET", f"{LEAD}/{number}")
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")


async def test_a_converted_lead_is_read_and_deleted_but_not_changed(rest: Rest, org: Org) -> None:
    lead = org.store(PERSON | {EXTERNAL_ID: "ada"})
    lead.converted = True
    refused = [
        await rest("PATCH", f"{LEAD}/{lead.id}", json={"Title": "x"}),
        await rest("PATCH", f"{LEAD}/{EXTERNAL_ID}/ada", json={"Title": "x"}),
    ]
    assert [(reply.status, code(reply)) for reply in refused] == [(400, "CANNOT_UPDATE_CONVERTED_LEAD")] * 2
    seen = (await rest("GET", f"{LEAD}/{lead.id}")).json
    assert (seen["IsConverted"], seen["Status"], seen["ConvertedContactId"][:3]) == (True, "Closed - Converted", "003")
    assert (await rest("DELETE", f"{LEAD}/{lead.id}")).status == 204


async def test_collections_before_their_version(rest: Rest) -> None:
    body = {"records": [{"attributes": {"type": "Lead"}} | PERSON]}
    for version, status in (("v41.0", 404), ("v42.0", 200)):
        address = f"{DATA}/composite/sobjects".replace("v62.0", version)
        assert (await rest("POST", address, json=body)).status == status


def step(name: str, method: str, path: str, body: object = None, **headers: str) -> dict[str, object]:
    made: dict[str, object] = {"referenceId": name, "method": method, "url": f"/services/data/v62.0/{path}"}
    return made | ({} if body is None else {"body": body}) | ({"httpHeaders": headers} if headers else {})


async def test_requests_in_one_go_by_what_earlier_ones_answered(rest: Rest, org: Org) -> None:
    asked = "query?q=SELECT+Id+FROM+Lead+WHERE+LastName='Lovelace'"
    steps = [
        step("made", "POST", "sobjects/Lead", PERSON),
        step("found", "GET", asked),
        step("changed", "PATCH", "sobjects/Lead/@{found.records[0].Id}", {"Title": "Lead @{made.id}"}),
    ]
    message = (await rest("POST", f"{DATA}/composite", json={"compositeRequest": steps})).json["compositeResponse"]
    assert [each["httpStatusCode"] for each in message] == [201, 200, 204]
    (lead,) = org.leads.values()
    assert lead.values["Title"] == f"Lead {lead.id}"
    assert message[0]["httpHeaders"] == {"Location": f"/services/data/v62.0/sobjects/Lead/{lead.id}"}


async def test_all_or_none_takes_deletions_back_too(rest: Rest, org: Org) -> None:
    lead = org.store(PERSON)
    steps = [step("gone", "DELETE", f"sobjects/Lead/{lead.id}"), step("bad", "POST", "sobjects/Lead", {})]
    body = {"allOrNone": True, "compositeRequest": steps}
    message = (await rest("POST", f"{DATA}/composite", json=body)).json["compositeResponse"]
    assert [each["httpStatusCode"] for each in message] == [400, 400]
    assert [each["body"][0]["errorCode"] for each in message] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert (list(org.leads), org.bin, lead.deleted) == ([lead.id], {}, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"compositeRequest": []},
        {"compositeRequest": ["x"]},
        {"compositeRequest": [{"method": "GET", "url": "/services/data/v62.0/limits"}]},
        {"compositeRequest": [step("a", "GET", "limits"), step("a", "GET", "limits")]},
        {"compositeRequest": [step(f"a{number}", "GET", "limits") for number in range(26)]},
    ],
)
async def test_a_composite_that_is_none(rest: Rest, body: dict[str, object]) -> None:
    assert (await rest("POST", f"{DATA}/composite", json=body)).status == 400


async def test_a_step_that_is_none_fails_alone(rest: Rest) -> None:
    steps = [step("a", "GET", "composite/sobjects"), {"referenceId": "b", "method": "GET", "url": "https://x"}]
    message = (await rest("POST", f"{DATA}/composite", json={"compositeRequest": steps})).json["compositeResponse"]
    assert [each["body"][0]["errorCode"] for each in message] == ["INVALID_INPUT", "INVALID_INPUT"]


async def test_who_signed_in_is_told_to_that_session_only(rest: Rest, org: Org) -> None:
    about = (await rest("GET", f"{HOST}/services/oauth2/userinfo")).json
    assert (await rest("GET", about["sub"])).json["user_id"] == org.users[0]
    rest.headers = {}
    for address in (about["sub"], f"{HOST}/services/oauth2/userinfo"):
        reply = await rest("GET", address)
        assert (reply.status, reply.text) == (403, "Bad_OAuth_Token")


async def test_another_field_may_be_the_external_id(rest: Rest, org: Org) -> None:
    org.fields = (*org.fields, LeadField("LeadkeeperId__c", "Lead id", length=36, unique=True, external_id=True))
    replies = [await rest("PATCH", f"{LEAD}/LeadkeeperId__c/{key}", json=PERSON) for key in ("a", "A", "b")]
    assert [reply.status for reply in replies] == [201, 200, 201]
    reply = await rest("POST", LEAD, json=PERSON | {"LeadkeeperId__c": "B"})
    assert (reply.status, code(reply)) == (400, "DUPLICATE_VALUE")


async def test_a_reset_empties_the_bin_and_forgets_pages(rest: Rest, org: Org, sandbox: Sandbox) -> None:
    org.delete(org.store(PERSON), 1.0)
    sandbox.reset()
    assert (org.bin, org.pages) == ({}, {})

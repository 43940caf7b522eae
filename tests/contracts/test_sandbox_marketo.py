"""The Marketo stand-in, asked with plain requests: every code and state that it promises."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.marketo.leads import Subscription
from leadkeeper.sandbox.marketo.rest import QUOTA_ZONE
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.marketo.states import REFUSALS, SKIPS, STATES
from leadkeeper.sandbox.mishaps import Match, commit_then_drop
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.sandbox_caller import Caller, Reply, calling

POD = "https://app-ys12.marketo.com"
SAVE = f"{POD}/index.php/leadCapture/save2"
HOST = "https://123-PQR-789.mktorest.com"
IDENTITY = f"{HOST}/identity/oauth/token"
SUBMIT = f"{HOST}/rest/v1/leads/submitForm.json"
SYNC = f"{HOST}/rest/v1/leads.json"
DESCRIBE = f"{HOST}/rest/v1/leads/describe.json"
PERSON: dict[str, object] = {"email": "ada@analytical.test", "firstName": "Ada", "lastName": "Lovelace"}


@pytest.fixture
async def sandbox(authority: Authority) -> AsyncIterator[Sandbox]:
    def subscriptions(clock: Any) -> list[Marketo]:
        return [Marketo(clock, [Subscription(), Subscription("456-XYZ-012", "sj01", "other", "other-secret")])]

    async with Sandbox(authority.ca_file.parent, subscriptions) as there:
        yield there
        assert there.mistakes == []


@pytest.fixture
def marketo(sandbox: Sandbox) -> Marketo:
    return sandbox.stand_in(Marketo)


@pytest.fixture
async def call(sandbox: Sandbox) -> AsyncIterator[Caller]:
    async with calling(sandbox) as caller:
        yield caller


def form_post(**changes: str) -> dict[str, str]:
    form = {
        "munchkinId": "123-PQR-789",
        "formid": "1179",
        "formVid": "1179",
        "FirstName": "Zoë",
        "LastName": "Lovelace",
        "Email": "ada@analytical.test",
        "LeadSource": "AzureMarketplace-INS|contoso.engine",
    }
    return {name: value for name, value in (form | changes).items() if value}


def credentials(**changes: str) -> dict[str, str]:
    there = Subscription()
    wanted = {
        "grant_type": "client_credentials",
        "client_id": there.client_id,
        "client_secret": there.client_secret,
    }
    return wanted | changes


class Session:
    """The REST API with a token; a new one with :meth:`renew`."""

    def __init__(self, call: Caller) -> None:
        self._call = call
        self.headers: dict[str, str] = {}

    async def renew(self) -> None:
        given = (await self._call("GET", f"{IDENTITY}?{urlencode(credentials())}")).json
        self.headers = {"Authorization": f"Bearer {given['access_token']}"}

    async def __call__(self, method: str, url: str, **options: Any) -> Reply:
        headers = self.headers | options.pop("headers", {})
        return await self._call(method, url, headers=headers, **options)

    async def submit(self, form: object = 1179, **changes: object) -> Reply:
        return await self("POST", SUBMIT, json={"formId": form, "input": [{"leadFormFields": PERSON | changes}]})

    async def sync(self, *people: dict[str, object], **options: object) -> Reply:
        return await self("POST", SYNC, json=options | {"input": list(people or [PERSON])})


@pytest.fixture
async def rest(call: Caller) -> Session:
    session = Session(call)
    await session.renew()
    return session


def code(reply: Reply) -> str:
    """The code of a refused call."""
    assert reply.status == 200
    assert reply.json["success"] is False
    assert reply.json["requestId"]
    (error,) = reply.json["errors"]
    assert error["message"]
    assert isinstance(error["code"], str)
    return error["code"]


def outcomes(reply: Reply) -> list[str]:
    """Each record's status, or the code for which it was skipped."""
    assert reply.status == 200
    assert reply.json["success"] is True
    return [
        each["reasons"][0]["code"] if each["status"] == "skipped" else each["status"] for each in reply.json["result"]
    ]


def lost(marketo: Marketo) -> list[object]:
    return [each["reason"] for each in marketo.received() if each["status"] == "lost"]


# The form's description


async def test_a_form_is_described(call: Caller) -> None:
    query = urlencode({"munchkinId": "123-PQR-789", "form": "1179", "url": "https://contoso.test", "callback": "cb"})
    reply = await call("GET", f"{POD}/index.php/form/getForm?{query}")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/javascript; charset=utf-8")
    described = json.loads(reply.text.removeprefix("cb(").removesuffix(");"))
    assert (described["Id"], described["Vid"], described["munchkinId"]) == (1179, 1179, "123-PQR-789")
    fields = {field["Name"]: field for row in described["rows"] for field in row}
    assert [name for name, field in fields.items() if field.get("IsRequired")] == ["Email", "LastName"]
    assert fields["Email"]["Datatype"] == "email"
    assert fields["LeadSource"]["Datatype"] == "hidden"


@pytest.mark.parametrize(
    ("host", "munchkin", "form"),
    [(POD, "123-PQR-789", "9"), (POD, "999-AAA-999", "1179"), (POD, "123-PQR-789", "1181"), (POD, "", "")],
)
async def test_an_unknown_form_is_not_described(call: Caller, host: str, munchkin: str, form: str) -> None:
    reply = await call("GET", f"{host}/index.php/form/getForm?munchkinId={munchkin}&form={form}&callback=cb")
    assert json.loads(reply.text.removeprefix("cb(").removesuffix(");"))["error"] is True


async def test_another_pod_does_not_know_the_subscription(call: Caller) -> None:
    reply = await call("GET", "https://app-sj01.marketo.com/index.php/form/getForm?munchkinId=123-PQR-789&form=1179")
    assert reply.json["error"] is True
    elsewhere = SAVE.replace("ys12", "sj01")
    assert (await call("POST", elsewhere, data=form_post())).json["error"] is True


# Form posts


async def test_a_post_makes_a_person(call: Caller, marketo: Marketo) -> None:
    reply = await call("POST", SAVE, data=form_post())
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert reply.json.keys() == {"formId", "followUpUrl", "aliId"}
    assert reply.json["formId"] == "1179"
    assert "https:\\/\\/" in reply.text
    (person,) = marketo.received()
    assert (person["via"], person["status"], person["ignored"]) == ("forms", "created", [])
    assert person["fields"] == {
        "firstName": "Zoë",
        "lastName": "Lovelace",
        "email": "ada@analytical.test",
        "leadSource": "AzureMarketplace-INS|contoso.engine",
    }


async def test_a_repeat_makes_no_second_person(call: Caller, marketo: Marketo) -> None:
    for address in ("ada@analytical.test", "ADA@analytical.test"):
        assert "formId" in (await call("POST", SAVE, data=form_post(Email=address))).json
    (person,) = marketo.received()
    assert person["times"] == 2


async def test_a_post_may_be_multipart(call: Caller, marketo: Marketo) -> None:
    with aiohttp.MultipartWriter("form-data") as parts:
        for name, value in form_post().items():
            parts.append(value).set_content_disposition("form-data", name=name)
    assert "formId" in (await call("POST", SAVE, data=parts)).json
    assert marketo.received()[0]["fields"]["firstName"] == "Zoë"  # type: ignore[index]


async def test_fields_that_are_not_on_the_form_are_dropped(call: Caller, marketo: Marketo) -> None:
    post = form_post(formid="1180", formVid="1180", Shoe="44", _mkt_trk="id")
    assert "formId" in (await call("POST", SAVE, data=post)).json
    (person,) = marketo.received()
    assert person["ignored"] == ["LeadSource", "Shoe"]
    assert "leadSource" not in person["fields"]  # type: ignore[operator]


async def test_values_are_cut_and_lists_joined(call: Caller, marketo: Marketo) -> None:
    post = [*form_post(FirstName="x" * 300).items(), ("Title[]", "a"), ("Title[]", "b")]
    await call("POST", SAVE, data=post)
    (person,) = marketo.received()
    assert person["fields"]["firstName"] == "x" * 255  # type: ignore[index]
    assert person["fields"]["title"] == "a;b"  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "form"),
    [
        ({"munchkinId": "999-AAA-999"}, None),
        ({"munchkinId": ""}, None),
        ({"formid": "9"}, "9"),
        ({"formid": ""}, None),
        ({"formid": "1181", "formVid": "1181"}, "1181"),
        ({"formVid": "1"}, "1179"),
        ({"formVid": ""}, "1179"),
        ({"Email": ""}, "1179"),
        ({"LastName": ""}, "1179"),
        ({"Email": "nonsense"}, "1179"),
        ({"Email": "zoë@analytical.test"}, "1179"),
    ],
)
async def test_a_post_is_refused(call: Caller, marketo: Marketo, changes: dict[str, str], form: str | None) -> None:
    reply = await call("POST", SAVE, data=form_post(**changes))
    assert (reply.status, reply.json["error"], reply.json.get("formId")) == (200, True, form)
    assert list(marketo.received()) == []


async def test_a_post_is_a_form(call: Caller) -> None:
    assert (await call("POST", SAVE, json=form_post())).json["error"] is True
    assert (await call("GET", SAVE)).status == 404


async def test_the_path_for_browsers_without_scripts_redirects(call: Caller, marketo: Marketo) -> None:
    reply = await call("POST", SAVE.removesuffix("2"), data=form_post())
    assert (reply.status, reply.headers["Location"]) == (302, "https://www.contoso.com/thank-you")
    assert len(marketo.received()) == 1


async def test_posts_without_a_right_checksum_are_dropped(call: Caller, marketo: Marketo) -> None:
    marketo.choose("rejectInvalidChecksum")
    names = "FirstName,Email"
    right = hashlib.sha256("Zoë|ada@analytical.test".encode()).hexdigest()
    for changes in (
        {},
        {"checksumFields": names, "checksum": "0" * 64},
        {"checksumFields": names, "checksum": right.upper()},
        {"checksumFields": "Email,FirstName", "checksum": right},
        {"checksum": hashlib.sha256(b"").hexdigest()},
    ):
        reply = await call("POST", SAVE, data=form_post(**changes))
        assert (reply.status, "error" in reply.json) == (200, False)
    assert lost(marketo) == ["checksum"] * 5
    await call("POST", SAVE, data=form_post(checksumFields=names, checksum=right))
    assert len(marketo.subscription.people) == 1


async def test_a_form_with_recaptcha_drops_posts(call: Caller, marketo: Marketo) -> None:
    marketo.choose("formReCaptcha")
    assert "formId" in (await call("POST", SAVE, data=form_post())).json
    assert lost(marketo) == ["reCaptcha"]


@pytest.mark.parametrize(("state", "status"), [("captchaPage", 200), ("captchaPage403", 403)])
async def test_a_captcha_page_comes(call: Caller, marketo: Marketo, state: str, status: int) -> None:
    marketo.choose(state)
    reply = await call("POST", SAVE, data=form_post())
    assert (reply.status, reply.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert list(marketo.received()) == []


async def test_a_burst_brings_the_captcha_page(call: Caller, marketo: Marketo, sandbox: Sandbox) -> None:
    marketo.subscription.posts_limit = 2
    replies = [await call("POST", SAVE, data=form_post()) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 403]
    sandbox.clock.advance(31)
    assert (await call("POST", SAVE, data=form_post())).status == 200


async def test_a_form_is_no_longer_approved(call: Caller, marketo: Marketo) -> None:
    marketo.choose("formNotApproved")
    assert (await call("POST", SAVE, data=form_post())).json["error"] is True


# Tokens


async def test_a_token_stays_until_it_ends(call: Caller, sandbox: Sandbox) -> None:
    address = f"{IDENTITY}?{urlencode(credentials())}"
    first = (await call("GET", address)).json
    assert first.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert 3_590 <= first["expires_in"] <= 3_600
    sandbox.clock.advance(600)
    second = (await call("POST", IDENTITY, data=credentials())).json
    assert second["access_token"] == first["access_token"]
    assert 2_990 <= second["expires_in"] <= 3_000
    sandbox.clock.advance(3_001)
    assert (await call("POST", address)).json["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "x"}, 401, "unauthorized"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_token_is_refused(call: Caller, changes: dict[str, str], status: int, error: str) -> None:
    reply = await call("GET", f"{IDENTITY}?{urlencode(credentials(**changes))}")
    assert (reply.status, reply.json["error"]) == (status, error)


@pytest.mark.parametrize(("state", "error"), [("clientUnknown", "unauthorized"), ("secretWrong", "invalid_client")])
async def test_a_state_refuses_tokens(call: Caller, marketo: Marketo, state: str, error: str) -> None:
    marketo.choose(state)
    reply = await call("GET", f"{IDENTITY}?{urlencode(credentials())}")
    assert (reply.status, reply.json["error"]) == (401, error)


async def test_another_munchkin_id_has_no_address(call: Caller) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await call("GET", IDENTITY.replace("123-PQR-789", "999-AAA-999"))


async def test_a_token_is_needed(rest: Session, call: Caller) -> None:
    token = rest.headers["Authorization"].removeprefix("Bearer ")
    assert code(await call("GET", DESCRIBE)) == "600"
    assert code(await call("GET", f"{DESCRIBE}?access_token={token}")) == "600"
    assert code(await call("GET", DESCRIBE, headers={"Authorization": "Bearer x"})) == "601"
    elsewhere = DESCRIBE.replace("123-PQR-789", "456-XYZ-012")
    assert code(await rest("GET", elsewhere)) == "601"


async def test_a_token_expires(rest: Session, sandbox: Sandbox, marketo: Marketo) -> None:
    sandbox.clock.advance(3_601)
    assert code(await rest.submit()) == "602"
    await rest.renew()
    assert outcomes(await rest.submit()) == ["created"]
    marketo.choose("tokenExpired")
    assert code(await rest.submit()) == "602"
    await rest.renew()
    assert outcomes(await rest.submit()) == ["updated"]


async def test_no_token_is_accepted(rest: Session, marketo: Marketo) -> None:
    marketo.choose("tokenRefused")
    await rest.renew()
    assert code(await rest.submit()) == "601"


# What refuses a whole call


@pytest.mark.parametrize(("state", "expected"), [(state, message[0]) for state, message in REFUSALS.items()])
async def test_a_state_refuses_every_call(rest: Session, marketo: Marketo, state: str, expected: str) -> None:
    marketo.choose(state)
    for reply in (await rest.submit(), await rest.sync(), await rest("GET", DESCRIBE)):
        assert code(reply) == expected
    assert list(marketo.received()) == []


async def test_a_gateway_is_down(rest: Session, marketo: Marketo) -> None:
    marketo.choose("gatewayDown")
    reply = await rest.submit()
    assert (reply.status, reply.headers["Content-Type"]) == (503, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("method", "address", "options", "expected"),
    [
        ("POST", f"{HOST}/rest/v1/leed.json", {"json": {}}, "610"),
        ("POST", f"{HOST}/rest/asset/v1/form/1179/rules.json", {"json": {}}, "605"),
        ("GET", f"{HOST}/rest/asset/v1/form/1179/rules.json", {}, "610"),
        ("GET", SUBMIT, {}, "605"),
        ("POST", SUBMIT, {"data": {"a": "b"}}, "612"),
        ("POST", SUBMIT, {"data": "{", "headers": {"Content-Type": "application/json"}}, "609"),
        ("POST", SUBMIT, {"json": []}, "609"),
        ("POST", SYNC, {"json": {"input": [1]}}, "609"),
        ("POST", SYNC, {"json": {}}, "701"),
        ("POST", SUBMIT, {"json": {"input": [{}]}}, "701"),
        ("POST", SUBMIT, {"json": {"formId": 1179, "input": [{}]}}, "701"),
        ("POST", SUBMIT, {"json": {"formId": 1179, "input": [{}, {}]}}, "1003"),
        ("POST", SYNC, {"json": {"action": "merge", "input": [PERSON]}}, "1003"),
        ("POST", SYNC, {"json": {"input": [PERSON] * 301}}, "1003"),
        ("POST", SYNC, {"json": {"lookupField": "lastName", "input": [PERSON]}}, "1011"),
    ],
)
async def test_a_call_is_refused_for_what_it_is(
    rest: Session, method: str, address: str, options: dict[str, Any], expected: str
) -> None:
    assert code(await rest(method, address, **options)) == expected


async def test_what_is_too_big_is_said_in_http(rest: Session) -> None:
    large = io.BytesIO(json.dumps({"input": [{"email": "x" * 1_100_000}]}).encode())
    assert (await rest("POST", SYNC, data=large, headers={"Content-Type": "application/json"})).status == 413
    assert (await rest("GET", f"{DESCRIBE}?x={'x' * 8_200}")).status == 414


async def test_the_window_of_calls(rest: Session, marketo: Marketo, sandbox: Sandbox) -> None:
    replies = await asyncio.gather(*(rest("GET", DESCRIBE) for _ in range(10)))
    for _ in range(9):
        replies += await asyncio.gather(*(rest("GET", DESCRIBE) for _ in range(10)))
    assert {reply.json["success"] for reply in replies} == {True}
    refused = await rest("GET", DESCRIBE)
    assert code(refused) == "606"
    assert refused.json["errors"][0]["message"] == "Max rate limit '100' exceeded with in '20' secs"
    sandbox.clock.advance(20.1)
    assert (await rest("GET", DESCRIBE)).json["success"] is True


async def test_the_day_ends_at_midnight_in_chicago(rest: Session, marketo: Marketo, sandbox: Sandbox) -> None:
    marketo.subscription.daily_limit = 1
    noon = datetime.fromtimestamp(sandbox.clock.now(), QUOTA_ZONE).replace(hour=12, minute=0, second=0)
    sandbox.clock.advance(noon.timestamp() + 86_400 - sandbox.clock.now())
    await rest.renew()
    assert outcomes(await rest.submit()) == ["created"]
    assert code(await rest.submit()) == "607"
    sandbox.clock.advance(12 * 3_600 - 60)
    await rest.renew()
    assert code(await rest.submit()) == "607"
    sandbox.clock.advance(120)
    assert outcomes(await rest.submit()) == ["updated"]


async def test_ten_calls_at_a_time(rest: Session, marketo: Marketo) -> None:
    marketo.work_seconds = 0.3
    replies = await asyncio.gather(*(rest("GET", DESCRIBE) for _ in range(12)))
    refused = [reply for reply in replies if not reply.json["success"]]
    assert [code(reply) for reply in refused] == ["615", "615"]
    assert marketo.subscription.under_way == 0


# Forms over REST


async def test_a_form_is_submitted(rest: Session, marketo: Marketo) -> None:
    reply = await rest.submit()
    assert outcomes(reply) == ["created"]
    again = await rest.submit(email="ADA@analytical.test", title="CTO")
    assert outcomes(again) == ["updated"]
    assert again.json["result"][0]["id"] == reply.json["result"][0]["id"]
    (person,) = marketo.received()
    assert (person["via"], person["times"]) == ("rest", 2)
    assert person["fields"]["title"] == "CTO"  # type: ignore[index]


@pytest.mark.parametrize(
    ("form", "changes", "expected"),
    [
        (9, {}, "1013"),
        (1181, {}, "1013"),
        (1179, {"shoe": "44"}, "1006"),
        (1179, {"city": "Porto"}, "1006"),
        (1179, {"FirstName": "Ada"}, "1006"),
        (1179, {"firstName": 7}, "1001"),
        (1179, {"email": ""}, "1003"),
        (1179, {"email": None}, "1002"),
        (1179, {"lastName": None}, "1002"),
        (1179, {"email": "zoë@analytical.test"}, "1003"),
        (1179, {"firstName": "x" * 256}, "1003"),
    ],
)
async def test_a_submission_is_skipped(
    rest: Session, marketo: Marketo, form: int, changes: dict[str, object], expected: str
) -> None:
    assert outcomes(await rest.submit(form, **changes)) == [expected]
    assert list(marketo.received()) == []


async def test_a_submission_may_name_program_visit_and_cookie(rest: Session) -> None:
    record = {"leadFormFields": PERSON, "visitorData": {"pageURL": "https://contoso.test"}}
    cookie = {"cookie": "id:123-PQR-789&token:_mch-contoso.com-1594662481190-60776"}
    right = {"formId": 1179, "programId": 1044, "input": [record | cookie]}
    assert outcomes(await rest("POST", SUBMIT, json=right)) == ["created"]
    assert outcomes(await rest("POST", SUBMIT, json=right | {"programId": 1})) == ["1013"]
    assert outcomes(await rest("POST", SUBMIT, json=right | {"input": [record | {"cookie": "x"}]})) == ["1012"]


@pytest.mark.parametrize(("state", "expected"), [(state, message[0]) for state, message in SKIPS.items()])
async def test_a_state_skips_every_record(rest: Session, marketo: Marketo, state: str, expected: str) -> None:
    marketo.choose(state)
    for reply in (await rest.submit(), await rest.sync()):
        assert outcomes(reply) == [expected]
    assert list(marketo.received()) == []


async def test_the_form_is_gone(rest: Session, marketo: Marketo) -> None:
    marketo.choose("formMissing")
    assert outcomes(await rest.submit()) == ["1013"]
    assert "result" not in (await rest("GET", f"{HOST}/rest/asset/v1/form/1179.json")).json


async def test_two_submissions_of_one_address_at_a_time_make_two_people(rest: Session, marketo: Marketo) -> None:
    marketo.work_seconds = 0.1
    replies = await asyncio.gather(rest.submit(), rest.submit())
    assert [outcomes(reply) for reply in replies] == [["created"], ["created"]]
    assert len(marketo.subscription.people) == 2
    assert outcomes(await rest.submit()) == ["1007"]


async def test_one_after_the_other_makes_one_person(rest: Session, marketo: Marketo) -> None:
    marketo.work_seconds = 0.05
    assert outcomes(await rest.submit()) + outcomes(await rest.submit()) == ["created", "updated"]


async def test_a_lost_answer_is_made_good_by_a_repeat(rest: Session, sandbox: Sandbox, marketo: Marketo) -> None:
    sandbox.fail(commit_then_drop, Match(host="*.mktorest.com", method="POST"))
    with pytest.raises(aiohttp.ClientError):
        await rest.submit()
    assert outcomes(await rest.submit()) == ["updated"]
    assert len(marketo.received()) == 1


# Leads


async def test_leads_are_synced(rest: Session, marketo: Marketo) -> None:
    other: dict[str, object] = {"email": "charles@analytical.test"}
    assert outcomes(await rest.sync(PERSON, other)) == ["created", "created"]
    assert outcomes(await rest.sync(PERSON, {"shoe": 1}, {"lastName": "x"})) == ["updated", "1006", "1002"]
    assert outcomes(await rest.sync(PERSON, PERSON)) == ["updated", "updated"]
    assert len(marketo.received()) == 2


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("createOrUpdate", ["created", "updated"]),
        ("createOnly", ["created", "1005"]),
        ("updateOnly", ["1004", "1004"]),
        ("createDuplicate", ["created", "created"]),
    ],
)
async def test_the_action_decides(rest: Session, action: str, expected: list[str]) -> None:
    assert outcomes(await rest.sync(PERSON, PERSON, action=action)) == expected


async def test_another_field_may_be_the_key(rest: Session) -> None:
    keyed = PERSON | {"marketplaceLeadId": "lead-1"}
    assert outcomes(await rest.sync(keyed, lookupField="marketplaceLeadId")) == ["created"]
    moved = keyed | {"email": "other@analytical.test"}
    assert outcomes(await rest.sync(moved, lookupField="marketplaceLeadId")) == ["updated"]
    assert outcomes(await rest.sync(PERSON, lookupField="marketplaceLeadId")) == ["1002"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"numberOfEmployees": "ten"}, "1001"),
        ({"unsubscribed": 1}, "1001"),
        ({"numberOfEmployees": 10, "unsubscribed": False}, "created"),
        ({"firstName": None}, "created"),
    ],
)
async def test_types_of_values(rest: Session, changes: dict[str, object], expected: str) -> None:
    assert outcomes(await rest.sync(PERSON | changes)) == [expected]


async def test_partitions(rest: Session) -> None:
    assert outcomes(await rest.sync(partitionName="Elsewhere")) == ["1008"]
    assert outcomes(await rest.sync(partitionName="Default")) == ["created"]


# What may be asked without writing


async def test_describe_tells_the_fields(rest: Session) -> None:
    fields = (await rest("GET", DESCRIBE)).json["result"]
    email = next(each for each in fields if each["rest"]["name"] == "email")
    assert (email["length"], email["dataType"], email["soap"]["name"]) == (255, "email", "Email")


async def test_a_form_as_an_asset(rest: Session, marketo: Marketo) -> None:
    asset = f"{HOST}/rest/asset/v1/form/1180"
    (form,) = (await rest("GET", f"{asset}.json")).json["result"]
    assert (form["id"], form["status"]) == (1180, "approved")
    fields = (await rest("GET", f"{asset}/fields.json")).json["result"]
    assert [(each["id"], each["required"]) for each in fields] == [
        *[("Email", True), ("FirstName", False), ("LastName", False)],
    ]
    assert (await rest("GET", f"{HOST}/rest/asset/v1/form/1181.json")).json["result"][0]["status"] == "draft"
    missing = (await rest("GET", f"{HOST}/rest/asset/v1/form/9.json")).json
    assert (missing["success"], "result" in missing) == (True, False)
    marketo.choose("assetRoleMissing")
    assert code(await rest("GET", f"{asset}.json")) == "603"
    assert outcomes(await rest.submit()) == ["created"]


# The whole


def test_every_state_says_what_it_is() -> None:
    assert next(iter(STATES)) == "ok"
    assert all(STATES.values())
    assert {*REFUSALS, *SKIPS} <= STATES.keys()


async def test_both_roads_meet_in_one_person(rest: Session, call: Caller, marketo: Marketo) -> None:
    await call("POST", SAVE, data=form_post())
    assert outcomes(await rest.submit()) == ["updated"]
    assert Counter(each["status"] for each in marketo.received()) == {"created": 1}


async def test_a_reset_forgets_people_tokens_and_counts(rest: Session, sandbox: Sandbox, marketo: Marketo) -> None:
    await rest.submit()
    marketo.choose("transient")
    sandbox.reset()
    assert (list(marketo.received()), marketo.state) == ([], "ok")
    assert code(await rest.submit()) == "601"


# Leads read


async def test_a_body_in_chunks_is_taken(rest: Session) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"input": [{"email": '
        yield b'"ada@analytical.test"}]}'

    assert outcomes(await rest("POST", SYNC, data=chunks(), headers={"Content-Type": "application/json"})) == [
        "created"
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "1003"),
        ("filterType=shoe&filterValues=44", "1003"),
        ("filterType=firstName&filterValues=Ada", "1011"),
        ("filterType=email&filterValues=", "1003"),
        (f"filterType=email&filterValues={','.join(map(str, range(301)))}", "1003"),
        ("filterType=email&filterValues=a@b.c&batchSize=301", "1003"),
        ("filterType=email&filterValues=a@b.c&nextPageToken=x", "1003"),
        ("filterType=email&filterValues=a@b.c&fields=shoe", "1006"),
    ],
)
async def test_a_filter_is_refused(rest: Session, query: str, expected: str) -> None:
    assert code(await rest("GET", f"{SYNC}?{query}")) == expected


async def test_too_many_leads_match(rest: Session, marketo: Marketo) -> None:
    for number in range(1_001):
        marketo.subscription.create("rest", 0.0, {"email": "ada@analytical.test", "lastName": str(number)})
    assert code(await rest("GET", f"{SYNC}?filterType=email&filterValues=ada@analytical.test")) == "1003"


async def test_a_filter_may_be_sent_as_a_form(rest: Session) -> None:
    await rest.sync()
    form = {"_method": "GET", "filterType": "email", "filterValues": "ada@analytical.test", "fields": "id,email"}
    (found,) = (await rest("POST", SYNC, data=form)).json["result"]
    assert found.keys() == {"id", "email"}


async def test_what_is_merged_or_deleted_is_told_as_gone(rest: Session, marketo: Marketo) -> None:
    reply = await rest.sync(PERSON, PERSON | {"title": "Countess"}, action="createDuplicate")
    first, second = (each["id"] for each in reply.json["result"])
    address = SYNC.replace(".json", f"/{first}/merge.json")
    assert code(await rest("POST", f"{address}?leadIds={first}")) == "1003"
    assert (await rest("POST", f"{address}?leadIds={second}")).json["success"] is True
    assert [(each["status"], each["reason"]) for each in marketo.received()] == [
        ("created", ""),
        ("gone", f"merged into {first}"),
    ]
    assert marketo.subscription.people[0].values["title"] == "Countess"
    deleted = SYNC.replace(".json", "/delete.json")
    assert outcomes(await rest("POST", deleted, json={"input": [{"id": first}]})) == ["deleted"]
    assert outcomes(await rest.sync()) == ["created"]

"""The REST API of the Marketo stand-in, asked with plain requests: forms, leads, and every state that it promises."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest

from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.marketo.states import REFUSALS, SKIPS, STATES
from leadkeeper.sandbox.mishaps import Match, commit_then_drop
from leadkeeper.sandbox.server import Sandbox
from tests.contracts.marketo_caller import (
    DESCRIBE,
    HOST,
    PERSON,
    SAVE,
    SUBMIT,
    SYNC,
    Session,
    code,
    form_post,
    marketo,
    outcomes,
    rest,
    two_subscriptions,
)
from tests.contracts.sandbox_caller import Caller

__all__ = ["marketo", "rest"]
stand_ins = two_subscriptions


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

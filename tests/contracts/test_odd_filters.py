"""Filters that cannot be meant as they were read are refused by name, wherever they stand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.in_process import OFFER, Installation, Visitor, connected, hand_in

DATABASES = ("sqlite",)
"""They are refused before a database is asked."""


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


@pytest.mark.parametrize("since", ["1", "-1", "1.5", "20261130", "1790000000", 20261130, 1.5, True])
async def test_a_number_is_no_moment(home: Installation, operator: Visitor, since: object) -> None:
    """As seconds since 1970 it would list, or send, everything there is."""
    answers = [
        await operator.post(f"{OFFER}/connections/primary/replay", {"since": since, "states": ["delivered"]}),
        await operator.post("/v1/leads/find", {"email": "ada@contoso.example", "until": since}),
        await operator.post("/v1/leads/download", {"since": since}),
    ]
    answers += [await operator.get(f"{path}?since={since}") for path in ("/v1/leads", "/v1/audit")]
    for answer in answers:
        assert answer.status == 422, answer.body
        (error,) = answer.json()["errors"]
        assert error["field"] in ("since", "until")
        assert "2026-11-30T09:00:00Z" in error["message"]


async def test_moments_are_taken_as_they_are_written(home: Installation, operator: Visitor) -> None:
    for since in ("2028-02-29", "2026-10-25T02:30:00%2B02:00", "2026-10-25T02:30:00Z", "2026-10-25 02:30"):
        for path in ("/v1/leads", "/v1/audit"):
            assert (await operator.get(f"{path}?since={since}")).status == 200, since
    for since in ("2026-02-29", "2026-10-25T02:30:00+02:00", "2026-13-01", ""):
        (error,) = (await operator.get(f"/v1/leads?since={since}")).json()["errors"]
        assert error["field"] == "since", since


@pytest.mark.parametrize(("owner", "word"), [("me", "a key is none"), ("ada", "a member's id"), ("", "a member's id")])
async def test_an_owner_is_a_member_or_nobody(home: Installation, operator: Visitor, owner: str, word: str) -> None:
    answers = [
        await operator.get(f"/v1/leads?owner={owner}"),
        await operator.post("/v1/leads/find", {"text": "ada", "owner": owner}),
        await operator.post("/v1/leads/download", {"owner": owner}),
    ]
    for answer in answers:
        assert answer.status == 422, answer.body
        (error,) = answer.json()["errors"]
        assert error["field"] == "owner"
        assert word in error["message"]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/v1/leads/counts?publisher=fabrikam",
            "/v1/attention?publisherid=fabrikam",
            "/v1/leads?test=true&test=false",
        ),
        *("/v1/audit?who=a&who=b", "/v1/contacts?publisher=fabrikam"),
        *("/v1/explain?q=1&q=2", "/v1/publishers?limt=1"),
    ],
)
async def test_a_query_that_is_not_understood_lists_nothing(home: Installation, operator: Visitor, path: str) -> None:
    answer = await operator.get(path)
    assert answer.status == 422, answer.body
    assert [error["field"] for error in answer.json()["errors"]] == [path.partition("?")[2].partition("=")[0]]


async def test_a_misspelt_dry_run_changes_nothing(home: Installation, operator: Visitor) -> None:
    rows = f"Lead id,Follow-up\n{await hand_in(operator)},won\n"
    path, headers = "/v1/leads/follow-up", {"Content-Type": "text/csv"}
    for query in ("dryrun=true", "dryRun=true&dryRun=false"):
        refused = await operator.call("POST", f"{path}?{query}", data=rows.encode(), headers=headers)
        assert refused.status == 422, refused.body
    answer = await operator.call("POST", f"{path}?dryRun=true", data=rows.encode(), headers=headers)
    assert answer.status == 200, answer.body
    assert (answer.json()["dryRun"], answer.json()["changed"]) == (True, 1)
    assert (await operator.get("/v1/leads?followUp=won")).json()["leads"] == []

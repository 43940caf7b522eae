"""What operators oversee: states as the database finds them, keys and lists over REST, and what they cost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import product
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.connections.by_state import STATE, connections_by_state
from leadkeeper.connections.health import health_of
from leadkeeper.connections.last_test import known_of
from leadkeeper.connections.state import ConnectionState, state_of
from leadkeeper.storage import tables as t
from tests.contracts.plans import work
from tests.in_process import NOWHERE, OFFER, Installation, connected, hand_in
from tests.uuids import uuid_of

MANY: Final = 10_000


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose offer is connected."""
    async with connected(database_url) as opened:
        yield opened


async def copies(home: Installation, rows: list[dict[str, Any]]) -> None:
    """More connections of the same offer, each as ``rows`` say."""

    def transaction(conn: sa.Connection) -> None:
        one = conn.execute(sa.select(t.connection).limit(1)).mappings().one()
        conn.execute(sa.insert(t.connection), [{**one, "id": uuid_of(f"{n:05}"), **row} for n, row in enumerate(rows)])

    await home.services.storage.write(transaction)


async def test_the_database_finds_the_state_that_the_rule_says(home: Installation) -> None:
    choices: dict[str, tuple[Any, ...]] = {
        "paused_by_person": (False, True),
        "paused": (False, True),
        "notified_at": (None, 1),
        "works_since": (None, 1),
        "failures": (0, 4, 5),
        "test_diagnosis": (None, "{}"),
        "proven": (False, True),
        "tried": (False, True),
    }
    rows = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    await copies(home, [{**row, "name": f"c{n:04}"} for n, row in enumerate(rows)])

    def transaction(conn: sa.Connection) -> list[tuple[str, str, bool]]:
        columns = (*t.connection.c, STATE.label("state"), t.UNWELL.label("unwell"))
        return [
            (row.state, state_of(health_of(row), known_of(row)).value, bool(row.unwell))
            for row in conn.execute(sa.select(*columns))
        ]

    found = await home.services.storage.read(transaction)
    assert len(found) == len(rows) + 1
    for stored, said, unwell in found:
        assert stored == said
        assert unwell or said not in ("broken", "paused")


async def test_a_page_costs_the_same_with_ten_thousand(home: Installation) -> None:
    """The first page, one far behind, and one of the few that are broken."""
    storage = home.services.storage
    broken = {"failures": 9, "name": "z-broken"}
    await copies(home, [broken, *({"name": f"c{n:05}"} for n in range(200))])

    async def cost(state: ConnectionState | None, after: str) -> int:
        place = ("contoso.crm-pro", after) if after else None
        return await work(
            storage, lambda: storage.read(lambda conn: connections_by_state(conn, 1, state=state, after=place))
        )

    asked = ((None, ""), (None, "c00100"), (ConnectionState.BROKEN, ""), (ConnectionState.PAUSED, ""))
    before = [await cost(*each) for each in asked]
    more = [{"name": f"c{n:05}", "id": uuid_of(f"{n:05}")} for n in range(201, MANY)]
    await copies(home, more)
    await storage.write(lambda conn: conn.exec_driver_sql("ANALYZE").close())
    after = [await cost(*each) for each in asked]
    assert [each for each in zip(asked, before, after, strict=True) if each[2] > 1.5 * each[1] + 60] == []


async def test_keys_over_rest(home: Installation) -> None:
    operator = await home.visitor("operator")
    made = await operator.post("/v1/keys", {"role": "reader:contoso", "note": "The warehouse"})
    assert made.status == 201
    key = made.json()
    listed = (await operator.get("/v1/keys?publisherId=contoso")).json()["keys"]
    assert [(each["id"], each["role"], each["note"], each["lastUsedTime"]) for each in listed] == [
        (key["id"], "reader:contoso", "The warehouse", None)
    ]
    assert key["key"] not in json.dumps(listed)
    caller = await home.services.access.keys.caller(key["key"])
    assert caller is not None
    await home.services.access.uses.settled()
    assert (await operator.get("/v1/keys?role=reader")).json()["keys"][0]["lastUsedTime"] is not None
    assert (await operator.delete(f"/v1/keys/{key['id']}")).status == 204
    assert await home.services.access.keys.caller(key["key"]) is None
    (await operator.delete(f"/v1/keys/{key['id']}")).problem(404, "not-found")
    assert (await operator.get("/v1/keys?publisherId=contoso")).json()["keys"] == []
    again = (await operator.get("/v1/keys?publisherId=contoso&revoked=true")).json()["keys"]
    assert again[0]["revokedTime"] is not None


@pytest.mark.parametrize("role", ["", "owner:contoso", "publisher", "reader:", "operator:contoso", "reader:a b"])
async def test_a_key_of_no_role_is_not_made(home: Installation, role: str) -> None:
    operator = await home.visitor("operator")
    (await operator.post("/v1/keys", {"role": role})).problem(422, "invalid-request")


async def test_a_key_of_an_unknown_publisher_is_not_made(home: Installation) -> None:
    operator = await home.visitor("operator")
    (await operator.post("/v1/keys", {"role": "reader:nobody"})).problem(404, "unknown-publisher")


async def test_keys_a_page_at_a_time(home: Installation) -> None:
    operator = await home.visitor("operator")
    made = [(await operator.post("/v1/keys", {"role": "publisher:contoso"})).json()["id"] for _ in range(5)]
    path, seen = "/v1/keys?publisherId=contoso&limit=2", []
    cursor = ""
    while True:
        page = (await operator.get(path + cursor)).json()
        seen += [each["id"] for each in page["keys"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == sorted(made, reverse=True)


async def test_a_use_is_written_once_a_minute(home: Installation) -> None:
    made = await home.services.access.keys.create("reader:contoso", by="test")
    for _ in range(3):
        await home.services.access.keys.caller(made.key)
    await home.services.access.uses.settled()
    used = sa.select(t.key.c.used_at).where(t.key.c.id == made.id)
    first = await home.services.storage.read(lambda conn: conn.scalar(used))
    assert first is not None
    await home.services.storage.write(lambda conn: conn.execute(sa.update(t.key).values(used_at=1)) and None)
    await home.services.access.keys.caller(made.key)
    await home.services.access.uses.settled()
    assert await home.services.storage.read(lambda conn: conn.scalar(used)) == 1


async def test_lists_for_operators_alone(home: Installation) -> None:
    operator, key = await home.visitor("operator"), await home.visitor("publisher:contoso")
    await operator.post(f"{OFFER}/hooks")
    await hand_in(operator)
    for path in ("/v1/keys", "/v1/hooks", "/v1/connections", "/v1/workers", "/v1/settings"):
        assert (await operator.get(path)).status == 200, path
        (await key.get(path)).problem(403, "forbidden")
        (await home.anyone.get(path)).problem(401, "unauthorized")
    (await key.post("/v1/keys", {"role": "operator"})).problem(403, "forbidden")
    (await key.delete(f"/v1/keys/{NOWHERE}")).problem(403, "forbidden")
    (one,) = (await operator.get("/v1/connections")).json()["connections"]
    assert (one["publisherId"], one["name"], one["state"], one["leadsWaiting"]) == ("contoso", "primary", "notTried", 1)
    assert (await operator.get("/v1/connections?state=broken")).json() == {"connections": [], "nextCursor": None}
    (hook,) = (await operator.get("/v1/hooks?publisherId=contoso")).json()["hooks"]
    assert (hook["offerId"], hook["lastUsedTime"]) == ("crm-pro", None)
    assert (await operator.get("/v1/hooks?publisherId=fabrikam")).json()["hooks"] == []
    found = (await operator.get("/v1/workers")).json()
    assert (found["queue"]["due"], found["leadsKept"]) == (1, 1)
    told = await operator.call("GET", "/v1/settings", headers={"Accept-Language": "pt-BR"})
    helps = {each["name"]: each["help"] for each in told.json()["settings"]}
    assert (told.headers["Content-Language"], helps["LEADKEEPER_PORT"]) == ("pt", "Porta em que a API escuta.")
    names = [each["name"] for each in (await operator.get("/v1/settings")).json()["settings"]]
    assert "LEADKEEPER_WITHHELD_DOMAINS" in names

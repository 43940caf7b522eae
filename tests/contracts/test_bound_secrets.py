"""Secrets at rest belong to their row: sealed text that is moved to another's opens nothing. On both databases."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from leadkeeper.connections.connection import Connection
from leadkeeper.connections.rotation import unbound
from leadkeeper.storage import tables as t
from tests.in_process import SECRET_KEY, Installation, Visitor

HERS = "/v1/publishers/contoso/offers/crm-pro/customer-leads"
HIS = "/v1/publishers/fabrikam/offers/other/customer-leads"


def endpoint(code: str) -> dict[str, object]:
    """An endpoint whose address is a secret."""
    settings = {"httpsEndpointUrl": f"https://leads.example/h?code={code}"}
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}


@pytest.fixture
async def neighbours(home: Installation, operator: Visitor) -> None:
    """Two publishers, each with an endpoint of its own."""
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/other", {"title": "Other"})
    assert (await operator.put(HERS, endpoint("hers"))).status == 201
    assert (await operator.put(HIS, endpoint("his"))).status == 201


async def connections(home: Installation) -> dict[str, Connection]:
    """Every connection with its secrets in clear, by publisher."""
    return {each.offer.publisher_id: each for each in await home.services.connections.list()}


async def sealed(home: Installation, publisher: str) -> str:
    """The sealed text of a publisher's connection."""
    query = sa.select(t.connection.c.secrets).where(t.connection.c.offer_ref.like(f"{publisher}.%"))
    return str(await home.services.storage.read(lambda conn: conn.scalar(query)))


async def put_sealed(home: Installation, publisher: str, text: str, **more: str) -> None:
    """Write sealed text into a publisher's row, as somebody with the database could."""
    change = sa.update(t.connection).where(t.connection.c.offer_ref.like(f"{publisher}.%"))
    await home.services.storage.write(lambda conn: conn.execute(change.values(secrets=text, **more)).rowcount)


@pytest.mark.usefixtures("neighbours")
async def test_sealed_text_opens_in_its_own_row_only(home: Installation) -> None:
    hers = await sealed(home, "contoso")
    assert "hers" in (await connections(home))["contoso"].stored.secrets["httpsEndpointUrl"]
    await put_sealed(home, "fabrikam", hers)
    his = (await connections(home))["fabrikam"]
    assert his.stored.secrets == {}
    assert await home.services.connections.unreadable() == ["fabrikam.other/primary"]
    await put_sealed(home, "contoso", hers)
    assert "hers" in (await connections(home))["contoso"].stored.secrets["httpsEndpointUrl"]


@pytest.mark.usefixtures("neighbours")
async def test_nor_for_another_destination(home: Installation) -> None:
    await put_sealed(home, "contoso", await sealed(home, "contoso"), destination="dynamics")
    assert (await connections(home))["contoso"].stored.secrets == {}


@pytest.mark.usefixtures("neighbours")
async def test_old_text_is_read_until_it_is_sealed_anew(home: Installation, operator: Visitor) -> None:
    old = Fernet(SECRET_KEY).encrypt(json.dumps({"httpsEndpointUrl": "https://old.example/h"}).encode()).decode()
    await put_sealed(home, "contoso", old)
    found = (await connections(home))["contoso"].stored.secrets
    assert found["httpsEndpointUrl"] == "https://old.example/h"
    assert await home.services.connections.unreadable() == []
    assert await home.services.storage.read(unbound) == ["contoso.crm-pro/primary"]
    assert await home.services.connections.rotate_secrets() == 2
    assert await home.services.storage.read(unbound) == []
    assert (await connections(home))["contoso"].stored.secrets == found
    assert (await connections(home))["fabrikam"].stored.secrets["httpsEndpointUrl"].endswith("code=his")
    await put_sealed(home, "fabrikam", await sealed(home, "contoso"))
    assert (await connections(home))["fabrikam"].stored.secrets == {}


@pytest.mark.usefixtures("neighbours")
async def test_a_change_that_waits_is_bound_too(home: Installation, operator: Visitor) -> None:
    def publish(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.connection).values(tried=True, proven=True))
        conn.execute(sa.update(t.offer).values(production_version=1, live=True))

    await home.services.storage.write(publish)
    assert (await operator.put(HERS, endpoint("hers-next"))).status == 202
    assert (await operator.put(HIS, endpoint("his-next"))).status == 202
    query = sa.select(t.connection_change.c.connection_id, t.connection_change.c.secrets)
    rows = await home.services.storage.read(lambda conn: conn.execute(query).all())

    def swap(conn: sa.Connection) -> None:
        for row, other in zip(rows, reversed(rows), strict=True):
            change = sa.update(t.connection_change).where(t.connection_change.c.connection_id == row.connection_id)
            conn.execute(change.values(secrets=other.secrets))

    found = await connections(home)
    assert found["contoso"].changed.stored.secrets["httpsEndpointUrl"].endswith("hers-next")
    await home.services.storage.write(swap)
    for connection in (await connections(home)).values():
        assert connection.change is not None
        assert connection.change.stored.secrets == {}

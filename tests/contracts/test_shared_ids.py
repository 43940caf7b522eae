"""Who names another's public id learns nothing of that one's leads, and takes nothing of its pace. Both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections.adapters import Usage, open_adapter
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import new_delivery
from leadkeeper.delivery.record import attempt_row
from leadkeeper.destinations.interface import Adapter, Context
from leadkeeper.destinations.marketo.form import MarketoForm
from leadkeeper.destinations.marketo.rest import MarketoRestApi
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import Answer, Kind, Outcome, Receipt
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.evidence import insert_attempts
from tests.contracts.installation import CRM, TestInstallation, furnished

OID = "00D58000000JmlM"
OTHER = OfferRef("fabrikam", "other")


def salesforce(oid: str = OID, host: str | None = None) -> dict[str, Any]:
    settings = {"objectIdentifier": oid} | ({} if host is None else {"webToLeadHost": host})
    return {"leadDestination": "salesforce", "salesforceLeadConfiguration": settings}


async def connected(home: TestInstallation, offer: OfferRef, name: str, settings: dict[str, Any]) -> Connection:
    made, _, _ = await home.connections.put(offer, name, settings, by="test")
    assert made is not None
    return made


async def sent(home: TestInstallation, connection: Connection, answer: Answer, state: str) -> None:
    """Over the connection a lead was sent, and this came of it."""

    def transaction(conn: sa.Connection) -> None:
        row = new_delivery(new_id(), connection.id, now_ms()) | {"state": state}
        conn.execute(sa.insert(t.delivery).values(row))
        insert_attempts(conn, [attempt_row(row["id"], now_ms(), 1, answer, late=False)])

    await home.storage.write(transaction)


async def furnish_other(home: TestInstallation) -> None:
    await home.catalogue.put_publisher("fabrikam", "Fabrikam", by="test")
    await home.catalogue.put_offer(OTHER, title="Other", live=True, by="test")


async def test_web_to_lead_is_counted_per_publisher_host_and_organization(database_url: str) -> None:
    async with furnished(database_url) as home:
        await furnish_other(home)
        victim = await connected(home, CRM, "primary", salesforce())
        second = await connected(home, CRM, "second", salesforce())
        sandbox = await connected(home, CRM, "sandbox", salesforce(host="test.salesforce.com"))
        hostile = await connected(home, OTHER, "primary", salesforce())
        for connection in (victim, second, hostile, hostile, sandbox):
            await sent(home, connection, Receipt(confirmed=False), "unconfirmed")
        assert await Usage(home.storage, victim).used(24) == 2
        assert await Usage(home.storage, second).used(24) == 2
        assert await Usage(home.storage, sandbox).used(24) == 1
        assert await Usage(home.storage, hostile).used(24) == 2


async def test_what_was_refused_uses_nothing(database_url: str) -> None:
    async with furnished(database_url) as home:
        connection = await connected(home, CRM, "primary", salesforce())
        for kind in (SalesforceKind.FORM_REJECTED, SalesforceKind.FORM_NOT_THERE, Kind.THROTTLED):
            await sent(home, connection, diagnose(kind), "setAside")
        assert await Usage(home.storage, connection).used(24) == 0
        await sent(home, connection, diagnose(Kind.NO_ANSWER, outcome=Outcome.AMBIGUOUS), "setAside")
        await sent(home, connection, diagnose(Kind.MAY_HAVE_ARRIVED, outcome=Outcome.OURS), "setAside")
        assert await Usage(home.storage, connection).used(24) == 2


def marketo(**more: str) -> dict[str, Any]:
    settings = {"serverId": "app-ys12", "munchkinId": "123-PQR-789", "formId": "1179"} | more
    return {"leadDestination": "marketo", "marketoLeadConfiguration": settings}


NO_REST: dict[str, str] = {}
REST = {"clientId": "0f1c2d3e-aaaa-4bbb-8ccc-1234567890ab", "clientSecret": "AbCdEf0123456789AbCdEf0123456789"}


def pace_of(adapter: Adapter) -> object:
    """The pace that a line to Marketo keeps."""
    assert isinstance(adapter, MarketoRestApi | MarketoForm)
    return adapter._pace


async def test_marketos_pace_is_kept_per_publisher_and_credential(database_url: str) -> None:
    async with furnished(database_url) as home:
        await furnish_other(home)
        network = Network(NetworkPolicy())
        context = Context(network)
        try:
            for more in (NO_REST, REST):
                mine = [await connected(home, CRM, name, marketo(**more)) for name in ("a", "b")]
                theirs = await connected(home, OTHER, "primary", marketo(**more))
                paces = [pace_of(open_adapter(one, context, home.storage)) for one in (*mine, theirs)]
                assert paces[0] is paces[1]
                assert paces[0] is not paces[2]
            same = await connected(home, CRM, "a", marketo(**REST))
            secret = REST | {"clientSecret": "0000000123456789AbCdEf0123456789"}
            other = await connected(home, CRM, "c", marketo(**secret))
            paces = [pace_of(open_adapter(one, context, home.storage)) for one in (other, same)]
            assert paces[0] is not paces[1]
        finally:
            await network.aclose()

"""Who names another's public id learns nothing of that one's leads, and takes nothing of its pace. Both databases."""

from __future__ import annotations

from typing import Any

from leadkeeper.connections.adapters import open_adapter
from leadkeeper.connections.connection import Connection
from leadkeeper.destinations.interface import Adapter, Context
from leadkeeper.destinations.marketo.form import MarketoForm
from leadkeeper.destinations.marketo.rest import MarketoRestApi
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.offer import OfferRef
from tests.contracts.installation import CRM, TestInstallation, furnished
from tests.contracts.usage import usage_of, used

OID = "00D58000000JmlM"
OTHER = OfferRef("fabrikam", "other")


def salesforce(oid: str = OID, host: str | None = None) -> dict[str, Any]:
    settings = {"objectIdentifier": oid} | ({} if host is None else {"webToLeadHost": host})
    return {"leadDestination": "salesforce", "salesforceLeadConfiguration": settings}


async def connected(home: TestInstallation, offer: OfferRef, name: str, settings: dict[str, Any]) -> Connection:
    made, _, _ = await home.connections.put(offer, name, settings, by="test")
    assert made is not None
    return made


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
        for connection in (victim, second, hostile, hostile, hostile, sandbox):
            await usage_of(home.storage, connection).take(500)
        counted = [await used(usage_of(home.storage, each)) for each in (victim, second, sandbox, hostile)]
        assert counted == [2, 2, 1, 3]


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

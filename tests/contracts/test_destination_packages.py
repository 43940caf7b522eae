"""A destination of a package beside ours works like one of ours, once the operator names it; and only then."""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from pydantic import SecretStr

from leadkeeper.app import open_services
from leadkeeper.catalogue import diagnose, from_stored, is_stored, to_stored
from leadkeeper.destinations.absent import NOT_INSTALLED
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind
from leadkeeper.entrances import open_doors
from leadkeeper.explain.find import find
from leadkeeper.languages import installed
from leadkeeper.offer import OfferRef
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import FaultServer, answer
from leadkeeper.settings import Settings, WrongSetting
from tests.contracts.test_portal import signed_in
from tests.in_process import DESTINATION, OFFER, SECRET_KEY, Installation, hand_in, installation, listening
from tests.journeys.customer import Customer
from tests.journeys.doc_pages import blocks

PAGE: Final = "docs/howto/add-a-destination.md"
NAME: Final = "contoso-orders"
CONNECTION: Final = f"{OFFER}/connections/orders"
CLOSED: Final = "contosoOrders.closed"
CRM: Final = OfferRef("contoso", "crm-pro")


def text(language: str) -> str:
    """The page's block in that language."""
    (found,) = (block.text for block in blocks(PAGE) if block.language == language)
    return found


def install(folder: Path, name: str, module: str, source: str, points: Mapping[str, Any]) -> None:
    """Put a distribution into ``folder``, as an installer leaves it."""
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    summary = folder / f"{module}-1.0.dist-info"
    summary.mkdir()
    (summary / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    groups = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in each.items()) for group, each in points.items())
    (summary / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the page's package, from which Python imports."""
    project = tomllib.loads(text("toml"))["project"]
    install(tmp_path, project["name"], "contoso_orders", text("python"), project["entry-points"])
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for module in set(sys.modules) - before:
        if getattr(sys.modules[module], "__file__", None) and str(tmp_path) in str(sys.modules[module].__file__):
            del sys.modules[module]


@asynccontextmanager
async def opened(url: str, authority: Authority, packages: str = NAME, **more: Any) -> AsyncIterator[Installation]:
    """An installation with those packages; ``127.0.0.1`` may be reached, its certificate is trusted."""
    more |= {"allow_addresses": "127.0.0.0/8", "ca_file": authority.ca_file}
    async with installation(url, destination_packages=packages, **more) as found:
        yield found


def body(port: int) -> dict[str, Any]:
    """The settings of a connection to an interface on that port."""
    settings = {"address": f"https://127.0.0.1:{port}", "apiKey": "the-key-of-contoso"}
    return {"leadDestination": "contosoOrders", "contosoOrdersLeadConfiguration": settings}


async def test_it_works_through_rest(database_url: str, authority: Authority, folder: Path) -> None:
    remote = FaultServer(answer(201))
    await remote.start(authority.server_context("127.0.0.1"))
    try:
        async with opened(database_url, authority, worker=True) as home:
            operator = await home.visitor("operator")
            put = await operator.put(CONNECTION, body(remote.port))
            assert put.status == 201, put.body
            assert put.json()["contosoOrdersLeadConfiguration"]["apiKey"] == "*********"
            validated = await operator.post(f"{CONNECTION}/validate")
            assert validated.json()["ok"], validated.body
            assert validated.json()["testLead"]["receipt"]["result"] == "created"
            await home.services.offers.catalogue.put_offer(
                CRM, title="Contoso CRM Pro", offer_type="saas", live=True, by="test"
            )
            lead_id = await hand_in(await home.visitor("marketplace"))
            delivery = await delivered(home, lead_id)
            assert (delivery["destination"], delivery["receipt"]["remoteId"]) == ("contoso_orders", lead_id)
            document = (await operator.get("/openapi.json")).json()
            assert "ContosoOrdersConfig" in document["components"]["schemas"]
    finally:
        await remote.aclose()
    assert len(remote.received) == 2
    assert all(b"the-key-of-contoso" not in each.body for each in remote.received)


async def delivered(home: Installation, lead_id: str) -> dict[str, Any]:
    """The lead's one delivery, once it is there."""
    visitor = await home.visitor("operator")
    async with asyncio.timeout(60):
        while True:
            (delivery,) = (await visitor.get(f"/v1/leads/{lead_id}")).json()["deliveries"]
            if delivery["state"] == "delivered":
                return dict(delivery)
            await asyncio.sleep(0.05)


async def test_a_refusal_is_diagnosed(database_url: str, authority: Authority, folder: Path) -> None:
    remote = FaultServer(answer(401))
    await remote.start(authority.server_context("127.0.0.1"))
    try:
        async with opened(database_url, authority) as home:
            operator = await home.visitor("operator")
            await operator.put(CONNECTION, body(remote.port))
            validated = (await operator.post(f"{CONNECTION}/validate")).json()
            assert validated["diagnosis"]["kind"] == Kind.CREDENTIALS_REJECTED
    finally:
        await remote.aclose()


async def test_a_cause_of_its_own_is_diagnosed_listed_and_explained(
    database_url: str, authority: Authority, folder: Path
) -> None:
    remote = FaultServer(answer(423))
    await remote.start(authority.server_context("127.0.0.1"))
    try:
        async with opened(database_url, authority) as home:
            operator = await home.visitor("operator")
            await operator.put(CONNECTION, body(remote.port))
            found = (await operator.post(f"{CONNECTION}/validate")).json()["diagnosis"]
            assert (found["kind"], found["outcome"], found["who"]) == (CLOSED, "broken", "destinationAdmin")
            assert "support" in found["steps"][0]
            schemas = (await operator.get("/openapi.json")).json()["components"]["schemas"]
            assert CLOSED in schemas["DiagnosisView"]["properties"]["kind"]["enum"]
    finally:
        await remote.aclose()
    assert [match.kind.value for match in find(CLOSED)] == [CLOSED]
    assert CLOSED not in {kind.value for kind in OURS.kinds}


def test_what_a_package_stored_is_not_damaged_once_it_is_gone() -> None:
    stored = to_stored(diagnose(Kind.SERVER_ERROR, Evidence(status=423)))
    read = from_stored(stored.replace(Kind.SERVER_ERROR.value, "fabrikam.closed"))
    assert isinstance(read, Diagnosis)
    assert (read.kind, read.evidence.status) == (Kind.DESTINATION_NOT_INSTALLED, 423)
    assert not is_stored(stored.replace(Kind.SERVER_ERROR.value, "nonsense"))


async def test_what_nobody_names_is_not_there(database_url: str, authority: Authority, folder: Path) -> None:
    async with opened(database_url, authority, packages="") as home:
        refused = (await (await home.visitor("operator")).put(CONNECTION, body(1))).problem(422, "invalid-request")
    assert "contosoOrders" in refused["detail"]
    assert "contoso_orders" not in sys.modules


def test_the_setting_on_the_page_is_ours(folder: Path) -> None:
    name, _, value = text("ini").strip().partition("=")
    assert name == "LEADKEEPER_DESTINATION_PACKAGES"
    assert Settings(destination_packages=value).destinations.names == (*OURS.names, "contoso_orders")


@asynccontextmanager
async def without_package(url: str) -> AsyncIterator[Installation]:
    """The installation over that database started once more, with a worker, and no package named."""
    settings = Settings(database_url=url, secret_key=SecretStr(SECRET_KEY), public_url="http://leads.example")
    async with open_services(settings, worker=True) as found, aiohttp.ClientSession() as session:
        assert found.worker is not None
        carrying = asyncio.create_task(found.worker.run())
        async with listening(open_doors(settings, found)) as address:
            yield Installation(found.services, address, session)
        await found.worker.stop(5)
        await carrying


async def test_a_connection_whose_package_is_gone_is_broken_and_stops_nothing(
    database_url: str, authority: Authority, folder: Path
) -> None:
    async with opened(database_url, authority) as home:
        assert (await (await home.visitor("operator")).put(CONNECTION, body(1))).status == 201
        await home.services.offers.catalogue.put_offer(
            CRM, title="Contoso CRM Pro", offer_type="saas", live=True, by="test"
        )
        lead_id = await hand_in(await home.visitor("marketplace"))
    async with without_package(database_url) as home:
        operator = await home.visitor("operator")
        shown = (await operator.get(CONNECTION)).json()
        assert shown["health"]["state"] == "broken"
        assert shown["health"]["diagnosis"]["kind"] == "destinationNotInstalled"
        assert shown["contoso_ordersLeadConfiguration"]["apiKey"] == "*********"
        (listed,) = (await operator.get(f"{OFFER}/connections")).json()["connections"]
        assert listed == shown
        validated = (await operator.post(f"{CONNECTION}/validate")).json()
        assert (validated["ok"], validated["diagnosis"]["kind"]) == (False, "destinationNotInstalled")
        (delivery,) = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"]
        assert (delivery["destination"], delivery["attempts"]) == ("contoso_orders", [])
        async with Customer(home.url) as visitor:
            await signed_in(home, visitor, "publisher:contoso")
            offer = "/portal/offers/contoso/crm-pro"
            places = ("", "/destinations", "/connect", "/connections/orders", "/connections/orders/edit")
            for page in ("/portal", "/portal/leads", f"/portal/leads/{lead_id}", *(offer + each for each in places)):
                assert (await visitor.open(page)).status == 200, page
        replaced = await operator.put(CONNECTION, DESTINATION)
        assert (replaced.status, replaced.json()["leadDestination"]) == (200, "httpsEndpoint")


WRONG: Final = [
    ("no-such-package", "", {}, "'no-such-package' is not installed"),
    ("bad-one", "", {"other": {"a": "bad_one:A"}}, "bad-one has no entry point of the group leadkeeper.destinations"),
    ("bad-one", "1 / 0", {"leadkeeper.destinations": {"a": "bad_one:A"}}, "bad-one: bad_one:A cannot be imported"),
    ("bad-one", "A = 1", {"leadkeeper.destinations": {"a": "bad_one:A"}}, "bad-one: bad_one:A is not a value"),
    (
        "bad-one",
        "from leadkeeper.destinations.email.provider import EMAIL",
        {"leadkeeper.destinations": {"a": "bad_one:EMAIL"}},
        "bad-one: two destinations are called email",
    ),
]


@pytest.mark.parametrize(("name", "source", "points", "summary"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_name_stops_the_start_with_one_line(
    folder: Path, name: str, source: str, points: Mapping[str, Any], summary: str
) -> None:
    if points:
        install(folder, name, "bad_one", source, points)
    with pytest.raises(WrongSetting) as wrong:
        _ = Settings(destination_packages=name).destinations
    assert str(wrong.value).startswith(f"LEADKEEPER_DESTINATION_PACKAGES: {summary}")
    assert "\n" not in str(wrong.value)


def test_two_names_for_one_thing_are_refused() -> None:
    for field in ("lead_destination", "config_key", "cloud_partner", "cloud_partner_key"):
        first, second = OURS.all[0], OURS.all[1]
        names = replace(second.microsoft, **{field: getattr(first.microsoft, field)})
        with pytest.raises(ValueError, match="two destinations are called"):
            Destinations([first, replace(second, microsoft=names)])


def test_what_is_not_installed_is_told_in_every_language() -> None:
    summary = {language.gettext(NOT_INSTALLED.summary) for language in installed()}
    assert len(summary) == len(list(installed()))
    assert all(re.search(r"\w", each) for each in summary)

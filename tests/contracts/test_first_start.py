"""An empty installation begins with a link; the address without a path leads somewhere. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from leadkeeper.app import open_services
from leadkeeper.entrances import open_doors
from leadkeeper.installation import Installation as Opened
from leadkeeper.settings import Settings
from tests.in_process import SECRET_KEY, Installation, installation, listening
from tests.journeys.customer import Customer
from tests.people import PASSWORD, sign_in


@asynccontextmanager
async def empty(database_url: str, **more: Any) -> AsyncIterator[tuple[str, Opened]]:
    """An installation in which nobody can sign in, and its address."""
    settings = Settings(
        database_url=database_url, secret_key=SecretStr(SECRET_KEY), public_url="http://leads.example", **more
    )
    async with open_services(settings, worker=False) as opened, listening(open_doors(settings, opened)) as url:
        yield url, opened


async def test_from_the_link_to_connecting_the_first_offer(database_url: str) -> None:
    async with empty(database_url) as (url, opened), Customer(url) as visitor:
        link = await opened.services.accounts.links.first()
        assert link is not None
        again = await opened.services.accounts.links.first()
        assert again is not None, "every start prints one, until somebody can sign in"
        page = await visitor.open(f"/portal/begin/{link.token}")
        form = page.form("name", "email", "password")
        you = {"name": "Ada Lovelace", "email": "ada@market.example"}
        page = await visitor.send(form, you | {"password": "password"})
        assert (page.status, "at least 12" in page.text) == (422, True)
        page = await visitor.send(page.form("password"), you | {"password": PASSWORD})
        assert page.url == f"{url}/portal/start/marketplace"
        assert "Operator, for all publishers" in page.text
        assert (await visitor.send(page.form("name"), {"name": " "})).status == 422
        page = await visitor.send(page.form("name"), {"name": "Analytical  Market"})
        assert page.url == f"{url}/portal/start/publisher"
        assert "Analytical Market portal" in page.text
        page = await visitor.send(page.form("id"), {"name": "Contoso Ltd. Köln"})
        assert page.url == f"{url}/portal/start/offer?publisher=contoso-ltd-koln"
        assert (await visitor.send(page.form("title"), {"title": ""})).status == 422
        page = await visitor.send(page.form("title"), {"title": "CRM Pro", "summary": "For all."})
        assert page.url == f"{url}/portal/offers/contoso-ltd-koln/crm-pro/connect"
        assert page.status == 200
        page = await visitor.open(f"/portal/begin/{again.token}")
        assert (page.status, "This link is over" in page.text) == (404, True), "somebody can sign in now"
        assert await opened.services.accounts.links.first() is None
    async with empty(database_url) as (url, opened), Customer(url) as visitor:
        assert str(opened.services.marketplace) == "Analytical Market", "another process knows it"
        assert "Ada Lovelace" in (await sign_in(visitor, "ada@market.example")).text


async def test_two_who_use_the_link_at_once(database_url: str) -> None:
    import asyncio

    async with empty(database_url) as (_url, opened):
        link = await opened.services.accounts.links.first()
        assert link is not None

        async def begin(name: str) -> str:
            return await opened.services.accounts.links.begin(
                link.token, email=f"{name}@market.example", name=name.title(), password=PASSWORD
            )

        done = await asyncio.gather(*map(begin, ("ada", "eve", "mallory")), return_exceptions=True)
        assert len([each for each in done if isinstance(each, str)]) == 1
        assert len((await opened.services.accounts.people.everybody()).people) == 1


@pytest.mark.databases("sqlite")
async def test_a_name_in_the_settings_is_not_asked_for(database_url: str) -> None:
    async with empty(database_url, marketplace_name="Contoso Market") as (url, opened), Customer(url) as visitor:
        link = await opened.services.accounts.links.first()
        assert link is not None
        page = await visitor.open(f"/portal/begin/{link.token}")
        page = await visitor.send(
            page.form("password"), {"name": "Ada", "email": "ada@market.example", "password": PASSWORD}
        )
        assert "The settings call it Contoso Market" in page.text
        page = await visitor.send(next(f for f in page.forms if f.action.endswith("marketplace")), {})
        assert page.url == f"{url}/portal/start/publisher"
        assert "Contoso Market portal" in page.text


async def leads_to(home: Installation, accept: str) -> tuple[int, str]:
    """Where the address without a path leads whoever accepts this."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(home.url + "/", headers={"Accept": accept}, allow_redirects=False) as response,
    ):
        return response.status, response.headers.get("Location", response.headers.get("Content-Type", ""))


@pytest.mark.databases("sqlite")
async def test_the_address_without_a_path(database_url: str) -> None:
    from leadkeeper.offer import OfferRef
    from tests.shop import put_in_slots

    async with installation(database_url, public_url="http://leads.example") as home:
        assert await leads_to(home, "text/html,*/*") == (302, "/portal")
        assert await leads_to(home, "application/json") == (404, "application/problem+json")
        offer = OfferRef("contoso", "crm-pro")
        await put_in_slots(home.services, offer, preview=1, production=1)
        assert await leads_to(home, "text/html") == (302, "/store")


@pytest.mark.databases("sqlite")
async def test_the_icon_that_browsers_ask_for_by_themselves(database_url: str) -> None:
    async with (
        installation(database_url, public_url="http://leads.example") as home,
        home.session.get(f"{home.url}/favicon.ico") as response,
    ):
        assert (response.status, response.content_type) == (200, "image/svg+xml")
        assert response.url.path == "/portal/static/logo"

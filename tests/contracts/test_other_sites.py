"""A form of another site on every address that the installation has: nothing is seen, nothing is changed.

A browser sends along the cookie of whoever is signed in to the portal, and says where the form stood. The addresses
come from the doors' tables of routes and from the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest

from leadkeeper.access.permissions import Role
from tests.contracts.test_roles import known
from tests.contracts.test_tenancy import OPEN, filled, operations
from tests.in_process import DESTINATION, OFFER, Installation, installation
from tests.people import signed_in
from tests.routes import page_routes
from tests.rows import everything
from tests.shop import ANSWERS, open_shop

DATABASES = ("sqlite",)
"""Forms and calls of other sites are refused before a database is asked."""

ELSEWHERE: Final = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
BY_LINK: Final = "/contacts/{token}"
"""Its form is whoever's has the link from the mail: there is nobody signed in there, and no cookie."""
OWN_TOKEN: Final = "/hooks/"
"""A hook's token stands in its address: whoever has it may send."""


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, with an offer that has everything and a storefront."""
    async with installation(database_url, public_url="http://leads.example", form_limit="1000/minute") as opened:
        await open_shop(opened.services)
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        yield opened


async def test_no_page_takes_a_form_of_another_site(home: Installation) -> None:
    values = await known(home) | {"call": "contact-me", "partner_publisher": "fabrikam"}
    values |= {"partner_offer": "rollout.help", "token": "lkc_guessed"}
    async with signed_in(home, Role.OPERATOR, None) as operator:
        before, tried = await everything(home), 0
        for method, path in page_routes(home.doors):
            if method != "POST":
                continue
            given = values | ({"offer_id": "planner"} if path.startswith("/store") else {})
            form = ANSWERS | {"consent": "on"}
            async with operator._session.post(
                home.url + filled(path, given), data=form, headers=ELSEWHERE, allow_redirects=False
            ) as answer:
                assert answer.status == (422 if path == BY_LINK else 403), path
                text = await answer.text()
                assert ANSWERS["email"] not in text, path
                assert "Contoso" not in text or path.startswith("/store"), path
            tried += 1
        assert await everything(home) == before
    assert tried > 60


async def test_the_cookie_of_the_portal_opens_no_call(home: Installation) -> None:
    values = await known(home)
    async with signed_in(home, Role.OPERATOR, None) as operator:
        before, tried = await everything(home), 0
        for method, path, _ in await operations(home):
            if path in OPEN or path.startswith(OWN_TOKEN):
                continue
            for type in ("text/plain", "application/json"):
                query = "?api-version=2017-10-31" if path.startswith("/api/") else ""
                async with operator._session.request(
                    method,
                    home.url + filled(path, values) + query,
                    data=b"{}",
                    headers=ELSEWHERE | {"Content-Type": type},
                ) as answer:
                    assert answer.status in (401, 415), (method, path, answer.status)
                    assert "Access-Control-Allow-Origin" not in answer.headers, path
                    assert "contoso" not in (await answer.text()).lower().replace(answer.url.path.lower(), ""), path
            tried += 1
        assert await everything(home) == before
    assert tried > 60

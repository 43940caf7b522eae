"""People for tests: invited as real ones are, signed in with a browser of their own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from leadkeeper.access.permissions import Caller, Role
from tests.in_process import Installation
from tests.journeys.customer import Customer, Page

PASSWORD: Final = "meadow lantern orbit 7"
OPERATOR: Final = Caller("019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11", Role.OPERATOR)


def address(role: str, publisher_id: str | None = "contoso") -> str:
    """The address of the person in this role."""
    return f"{role}@{publisher_id or 'market'}.example"


async def add(home: Installation, role: Role, publisher_id: str | None = "contoso", *, email: str = "") -> str:
    """A person with :data:`PASSWORD`, by an invitation; their address."""
    email = email or address(role.value, publisher_id)
    link = await home.services.accounts.links.invite(email, publisher_id, role, by=OPERATOR)
    await home.services.accounts.links.accept(link.token, name=f"Ada {role.value.title()}", password=PASSWORD)
    return email


async def sign_in(visitor: Customer, email: str, password: str = PASSWORD) -> Page:
    """The page after signing in."""
    page = await visitor.open("/portal/sign-in")
    return await visitor.send(page.form("email", "password"), {"email": email, "password": password})


@asynccontextmanager
async def signed_in(home: Installation, role: Role, publisher_id: str | None = "contoso") -> AsyncIterator[Customer]:
    """Somebody new in this role, with their browser."""
    email = await add(home, role, publisher_id)
    async with Customer(home.url) as visitor:
        page = await sign_in(visitor, email)
        assert page.status == 200, page.text
        yield visitor


def link_in(page: Page, kind: str) -> str:
    """The link with a token that a page shows."""
    found = re.search(rf"/portal/{kind}/lko_[\w-]+", page.html)
    assert found, page.text
    return found[0]

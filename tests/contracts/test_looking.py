"""An operator looks at a publisher's pages as its members see them: marked, without changing anything, audited."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.storage import tables as t
from tests.in_process import Installation, installation
from tests.journeys.customer import Customer, Form, Page
from tests.people import signed_in

MARK = "You look at the pages of Contoso"
PAGES = (
    "/portal",
    "/portal/leads",
    "/portal/help",
    "/portal/publishers/contoso/members",
    "/portal/offers/contoso/crm-pro",
    "/portal/offers/contoso/crm-pro/hooks",
    "/portal/offers/contoso/crm-pro/publishing",
    "/portal/offers/contoso/crm-pro/history",
)


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    async with installation(database_url, public_url="http://leads.example") as opened:
        operator = await opened.visitor("operator")
        await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        await operator.put("/v1/publishers/fabrikam/offers/erp", {"title": "Fabrikam ERP", "offerType": "saas"})
        yield opened


def ending(page: Page, action: str) -> Form:
    return next(form for form in page.forms if form.action.endswith(action))


async def look(operator: Customer) -> Page:
    page = await operator.open("/portal/publishers/contoso/members")
    return await operator.send(ending(page, "/portal/look"), {})


async def test_every_page_is_marked_and_shows_that_publisher_alone(home: Installation) -> None:
    async with signed_in(home, Role.OPERATOR, None) as operator:
        assert MARK in (await look(operator)).text
        for path in PAGES:
            page = await operator.open(path)
            assert (page.status, MARK in page.text) == (200, True), path
            assert "Fabrikam" not in page.text, path
        for path in ("/portal/offers/fabrikam/erp", "/portal/people", "/portal/certification", "/portal/nowhere"):
            page = await operator.open(path)
            assert page.status == 404, path
        page = await operator.send(ending(await operator.open("/portal"), "/portal/look/end"), {})
        assert MARK not in page.text
        assert "Fabrikam ERP" in (await operator.open("/portal")).text


async def test_nothing_can_be_changed(home: Installation) -> None:
    async with signed_in(home, Role.OPERATOR, None) as operator:
        own = ending(await operator.open("/portal/account"), "/account/name")
        page = await look(operator)
        token = ending(page, "/portal/look/end").values["token"]
        harmless = {"/portal/look/end", "/portal/theme", "/portal/sign-out", "/portal/find", "/portal/help"}
        for path in PAGES:
            actions = {form.action.removeprefix(home.url) for form in (await operator.open(path)).forms}
            assert {each for each in actions if not each.startswith("/portal/leads")} <= harmless, path
        for action in (
            "/portal/offers/contoso/crm-pro/edit",
            "/portal/offers/contoso/crm-pro/hooks",
            "/portal/publishers/contoso/members/invite",
            "/portal/look",
            "/portal/account/sessions/end-others",
            own.action.removeprefix(home.url),
        ):
            sent = Form(home.url + action, "POST", {"token": token, "publisher": "fabrikam", "name": "Changed"})
            assert (await operator.send(sent, {})).status == 403, action
        assert (await operator.open("/portal/account")).status == 403
    names = await home.services.storage.read(lambda conn: list(conn.scalars(sa.select(t.person.c.name))))
    assert names == ["Ada Operator"]


async def test_it_stands_in_the_audit_of_the_publisher(home: Installation) -> None:
    async with signed_in(home, Role.OPERATOR, None) as operator, signed_in(home, Role.OWNER) as owner:
        page = await look(operator)
        await operator.send(ending(page, "/portal/look/end"), {})
        token = ending(await owner.open("/portal"), "/portal/theme").values["token"]
        sent = Form(f"{home.url}/portal/look", "POST", {"token": token, "publisher": "fabrikam"})
        assert (await owner.send(sent, {})).status == 404, "only operators look"
        assert "Look at its pages" not in (await owner.open("/portal/publishers/contoso/members")).text
    a = t.audit.c
    query = sa.select(a.act, a.who, a.publisher_id).where(a.act.like("look.%")).order_by(a.id)
    found = await home.services.storage.read(lambda conn: [tuple(row) for row in conn.execute(query)])
    assert [(act, whose) for act, _who, whose in found] == [("look.begin", "contoso"), ("look.end", "contoso")]
    assert {who[:7] for _act, who, _whose in found} == {"person:"}


@pytest.mark.databases("sqlite")
async def test_whoever_is_no_operator_any_more_looks_no_more(home: Installation) -> None:
    async with signed_in(home, Role.OPERATOR, None) as operator:
        await look(operator)
        none = sa.update(t.person).values(is_operator=False)
        await home.services.storage.write(lambda conn: conn.execute(none) and None)
        assert (await operator.open("/portal")).form("email", "password")

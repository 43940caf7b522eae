"""Roles on every page and call: whoever may only read sees no button and changes nothing, whatever they send.

The cases come from the portal's table of routes and from the OpenAPI document, so that a new route has its case.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Final

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import PERMISSIONS, Caller, Permission, Role
from leadkeeper.channels.channels import Wanted
from leadkeeper.channels.events import ChannelKind
from leadkeeper.clock import new_id
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.selection import BulkAct, Order
from leadkeeper.mail.address import parse_address
from leadkeeper.mail.fates import mail_row
from leadkeeper.mail.text import question
from leadkeeper.storage import tables as t
from tests.contracts.test_tenancy import OPEN, body_of, filled, operations, parameters
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.journeys.customer import Customer, Form
from tests.people import OPERATOR, add, sign_in, signed_in
from tests.pictures import png
from tests.routes import page_routes
from tests.rows import everything

OWN_FORMS: Final = (
    "/portal/find",
    "/portal/leads/search",
    "/portal/leads/download",
    "/portal/leads/arrived",
    "/portal/audit",
    "/portal/leads/columns",
    "/portal/leads/views",
    "/portal/help",
    "/portal/theme",
    "/portal/sign-out",
    "/portal/account",
)
"""What every role may send."""
OUTSIDE: Final = (
    "/portal/sign-in",
    "/portal/signed-out",
    "/portal/forgot",
    "/portal/invitation/",
    "/portal/password/",
    "/portal/begin/",
    "/portal/embedded/",
)


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, with an offer that has everything."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        yield opened


OPERATORS = ("/portal/operate/", "/portal/people", "/portal/start", "/portal/certification", "/portal/retention")
"""Pages that publishers do not have."""


async def known(home: Installation) -> dict[str, str]:
    """A value that is there for each parameter of the portal's routes and the API's."""
    operator = await home.visitor("operator")
    hook = (await operator.post(f"{OFFER}/hooks")).json()["id"]
    lead_id = await hand_in(operator)
    delivery = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]["id"]
    await add(home, Role.OWNER, email="somebody@contoso.example")
    waiting = await home.services.accounts.links.invite("waits@contoso.example", "contoso", Role.READER, by=OPERATOR)
    made = await home.services.channels.create(
        "contoso", Wanted(ChannelKind.WEBHOOK, "Ours", "https://ours.example/x"), by="test"
    )
    person = (await home.services.accounts.people.members("contoso"))[0].id
    values = {"publisher_id": "contoso", "offer_id": "crm-pro", "name": "primary", "hook_id": hook}
    values |= {"lead_id": lead_id, "delivery_id": delivery, "person_id": person, "invitation_id": waiting.id}
    values |= {
        "view_id": delivery,
        "run_id": await running(home),
        "session_id": "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11",
        "token": "lko_x",
        "slot": "Draft",
        "version": "1",
    }
    values |= {"operation_id": delivery, "submission_id": delivery, "product_id": "contoso.crm-pro", "act": "cancel"}
    mail = mail_row(question("contoso", "x", "M", home.url, parse_address("a@b.example")), "a@b.example", "contoso", 1)
    await home.services.storage.write(lambda conn: conn.execute(sa.insert(t.mail).values(mail)))
    values |= {"channel_id": made.id, "mail_id": mail["id"], "key_id": hook}
    values |= {"partner_publisher_id": "contoso", "partner_offer_id": "crm-pro"}
    logo = await operator.call("PUT", f"{OFFER}/logo", data=png(8, 8), headers={"Content-Type": "image/png"})
    values |= {"digest": logo.json()["digest"]}
    return values | {re.sub(r"_(\w)", lambda found: found[1].upper(), name): value for name, value in values.items()}


async def running(home: Installation) -> str:
    """The id of an act on all of Contoso's leads that is under way."""
    runs, order = home.services.leads.bulk_runs, Order(BulkAct.STATE, state="active")
    return await runs.begin(new_id(), LeadFilter("contoso"), order, by="person:theirs", publisher_id="contoso")


def routes(home: Installation) -> list[tuple[str, str]]:
    """Every method and path of the portal."""
    found = [(method, path) for method, path in page_routes(home.doors) if path.startswith("/portal")]
    assert len(found) > 50
    return found


async def test_a_reader_sees_no_button_and_no_link_to_a_form(home: Installation) -> None:
    values, seen = await known(home), 0
    async with signed_in(home, Role.READER) as reader:
        for method, path in routes(home):
            if method != "GET" or path.startswith((*OUTSIDE, *OPERATORS)):
                continue
            if path.endswith("/events"):  # a stream, which has no button; see test_live_pages.py
                continue
            page = await reader.open(home.url + filled(path, values))
            assert page.status in (200, 403), (path, page.status, page.text)
            if page.status == 403:
                assert "Your role here is Reader" in page.text
            buttons = [form.action.removeprefix(home.url) for form in page.forms]
            assert [each for each in buttons if not each.startswith(OWN_FORMS)] == [], path
            ends = ("/connect", "/copy", "/edit", "/new", "/remove", "/withdraw", "/begin")
            assert [link for link in page.links.values() if link.endswith(ends)] == [], path
            seen += page.status == 200
    assert seen >= 12


@pytest.mark.parametrize("role", [Role.READER, Role.CONTRIBUTOR])
async def test_what_a_role_does_not_allow_is_refused_and_changes_nothing(home: Installation, role: Role) -> None:
    values, refused = await known(home), 0
    async with signed_in(home, role) as member:
        page = await member.open("/portal")
        form = page.form("text")
        before = await everything(home)
        for method, path in routes(home):
            if method != "POST" or path.startswith((*OUTSIDE, *OWN_FORMS)):
                continue
            if role is Role.CONTRIBUTOR and "/members" not in path and not path.startswith(OPERATORS):
                continue
            page = await member.send(Form(home.url + filled(path, values), "POST", dict(form.values)), {})
            assert page.status in (403, 404), (path, page.status, page.text)
            refused += 1
        assert await everything(home) == before
    assert refused >= (25 if role is Role.READER else 8)


async def test_a_contributor_changes_and_an_owner_invites(home: Installation) -> None:
    async with signed_in(home, Role.CONTRIBUTOR) as member:
        page = await member.open("/portal/offers/contoso/crm-pro/edit")
        page = await member.send(page.form("title"), {"title": "CRM of tomorrow", "summary": "S."})
        assert (page.status, "CRM of tomorrow" in page.html) == (200, True)
        page = await member.open("/portal/publishers/contoso/members")
        assert page.status == 200
        assert [form for form in page.forms if "/members" in form.action] == []
    async with signed_in(home, Role.OWNER) as owner:
        page = await owner.open("/portal/publishers/contoso/members")
        assert (await owner.send(page.form("email"), {"email": "new@contoso.example"}, "role")).status == 200


async def test_signed_out_every_page_leads_to_the_sign_in_and_nothing_is_changed(home: Installation) -> None:
    values = await known(home)
    before = await everything(home)
    async with Customer(home.url) as nobody:
        for method, path in routes(home):
            if path.startswith(OUTSIDE) or path == "/portal/":
                continue
            address = home.url + filled(path, values)
            page = await (nobody.open(address) if method == "GET" else nobody.send(Form(address, "POST"), {}))
            assert page.form("email", "password").action.startswith(f"{home.url}/portal/sign-in"), path
    assert await everything(home) == before


async def test_no_form_of_another_site_is_taken(home: Installation) -> None:
    values, email = await known(home), await add(home, Role.OPERATOR, None)
    async with Customer(home.url) as operator:
        page = await sign_in(operator, email)
        token, before = page.form("text").values["token"], await everything(home)
        for method, path in routes(home):
            if method != "POST":
                continue
            async with operator._session.post(
                home.url + filled(path, values),
                data={"token": token, "name": "X", "email": "x@y.example"},
                headers={"Origin": "https://evil.example"},
                allow_redirects=False,
            ) as response:
                assert response.status == 403, path
            async with operator._session.post(home.url + filled(path, values), data={}) as response:
                assert response.status in (401, 403, 404, 422, 200), path
        assert await everything(home) == before


@pytest.mark.parametrize("role", ["reader", "contributor"])
async def test_keys_have_the_same_roles(home: Installation, role: str) -> None:
    values, member = await known(home), await home.visitor(f"{role}:contoso")
    before, refused = await everything(home), 0
    for method, path, operation in await operations(home):
        if path in OPEN or path.startswith("/hooks/") or (role == "contributor" and method != "GET"):
            continue
        names: Mapping[str, str] = {name: values[name] for name in {*parameters(path), "publisherId", "offerId"}}
        headers = {"Content-Type": "application/x-ndjson"} if path == "/v1/leads/batch" else {}
        query = "?api-version=2017-10-31" if path.startswith("/api/") else ""
        body = body_of(method, path, operation, names)
        answer = await member.call(method, filled(path, names) + query, body, headers=headers)
        reads = method == "GET" or path in ("/v1/leads/find", "/v1/leads/download", "/v1/find", "/v1/explain")
        if reads:
            assert answer.status not in (401, 500), (path, answer.status)
        else:
            assert answer.status in (403, 404), (method, path, answer.status, answer.body)
            refused += 1
    assert await everything(home) == before
    assert (refused >= 15) is (role == "reader")
    assert (await member.get("/v1/publishers/contoso/offers")).status == 200
    changed = await member.put(OFFER, {"title": "New"})
    assert changed.status == (200 if role == "contributor" else 403)
    assert "reader" in changed.body.decode() or role == "contributor"


def test_the_table_holds_every_role_and_bounds_it_to_its_publisher() -> None:
    assert set(PERMISSIONS) == set(Role)
    for role in Role:
        caller = Caller("k", role, None if role in (Role.OPERATOR, Role.MARKETPLACE) else "contoso")
        for each in Permission:
            assert caller.may(each, "contoso") is (each in PERMISSIONS[role])
            others = role in (Role.OPERATOR, Role.MARKETPLACE) and each in PERMISSIONS[role]
            assert caller.may(each, "fabrikam") is others
            assert caller.may(each) is others

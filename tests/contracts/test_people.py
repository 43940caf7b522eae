"""People sign in with a password, are invited, change and lose roles, and begin with an empty installation."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.notices.quiet import Quiet
from leadkeeper.problem import Problem
from leadkeeper.storage import tables as t
from tests.in_process import Installation, connected, installation
from tests.journeys.customer import Customer
from tests.people import OPERATOR, PASSWORD, add, address, link_in, sign_in, signed_in

NEW = "harbour violin teapot 31"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


async def column(home: Installation, of: sa.ColumnElement) -> list:
    """All values of one column."""
    return await home.services.storage.read(lambda conn: list(conn.scalars(sa.select(of))))


async def test_a_person_signs_in_and_the_header_says_as_what(home: Installation) -> None:
    async with signed_in(home, Role.OWNER) as visitor:
        page = await visitor.open("/portal")
        assert "Ada Owner" in page.text
        assert "Owner of Contoso" in page.text
        assert "owner@contoso.example" in page.text
        assert "Contoso CRM Pro" in page.links
    (kept,) = await column(home, t.person.c.password_hash)
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


async def test_wrong_pairs_are_answered_alike(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    async with Customer(home.url) as visitor:
        answers = [
            await sign_in(visitor, each, "not the right one")
            for each in (email, "nobody@contoso.example", "no address at all")
        ]
        assert [page.status for page in answers] == [401] * 3
        assert len({page.text for page in answers}) == 1
        assert "owner@" not in answers[0].html
        assert (await visitor.open("/portal")).form("email", "password")


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("short", "at least 12"),
        ("contoso harbour 4", "your name, your address"),
        ("Ada Lovelace rocks", "your name, your address"),
        ("passwordpassword", "tried first"),
        ("111111111111111", "tried first"),
        ("qwertyuiop12345", "tried first"),
        ("x" * 257, "at most 256"),
    ],
)
@pytest.mark.databases("sqlite")
async def test_a_password_that_may_not_be_chosen(home: Installation, password: str, message: str) -> None:
    link = await home.services.accounts.links.invite("lovelace@contoso.example", "contoso", Role.READER, by=OPERATOR)
    async with Customer(home.url) as visitor:
        page = await visitor.open(f"/portal/invitation/{link.token}")
        page = await visitor.send(page.form("name", "password"), {"name": "Ada Lovelace", "password": password})
        assert page.status == 422
        assert message in page.text
        assert password not in page.html
        assert page.form("name").values["name"] == "Ada Lovelace"
    assert await column(home, t.person.c.id) == []


@pytest.mark.databases("sqlite")
async def test_a_password_of_any_characters_and_of_128(home: Installation) -> None:
    long = "große Bäume 🌲 " * 8 + "und 8 Wolken"
    assert len(long) >= 124
    link = await home.services.accounts.links.invite("a@contoso.example", "contoso", Role.READER, by=OPERATOR)
    await home.services.accounts.links.accept(link.token, name="Ada", password=long)
    async with Customer(home.url) as visitor:
        assert "Ada" in (await sign_in(visitor, "A@contoso.example", long)).text


async def test_an_invitation_from_page_to_page(home: Installation) -> None:
    async with signed_in(home, Role.OWNER) as owner, Customer(home.url) as guest:
        page = await owner.open("/portal/publishers/contoso/members")
        page = await owner.send(page.form("email"), {"email": "Grace@Far.example"}, "role")
        assert "No mail was sent" in page.text
        link = link_in(page, "invitation")
        assert "grace@far.example" in (await owner.open("/portal/publishers/contoso/members")).text
        shown = await guest.open(link)
        assert "To Contoso on Marketplace" in shown.text
        assert (await guest.open(link)).status == 200, "opening it changes nothing"
        page = await guest.send(shown.form("name", "password"), {"name": "Grace Hopper", "password": NEW})
        assert page.url == f"{home.url}/portal"
        assert "Grace Hopper" in page.text
        assert (await guest.open(link)).status == 404, "it was good once"
        page = await owner.open("/portal/publishers/contoso/members")
        assert "Grace Hopper" in page.text
        assert "Invitations that wait" not in page.text


async def test_an_invitation_is_over_when_revoked_replaced_or_late(home: Installation) -> None:
    links = home.services.accounts.links
    first = await links.invite("a@far.example", "contoso", Role.READER, by=OPERATOR)
    second = await links.invite("a@far.example", "contoso", Role.OWNER, by=OPERATOR)
    assert len(await links.invitations("contoso")) == 1
    with pytest.raises(Problem):
        await links.accept(first.token, name="A", password=NEW)
    assert not await links.revoke(second.id, "fabrikam", by=OPERATOR)
    assert await links.revoke(second.id, "contoso", by=OPERATOR)
    with pytest.raises(Problem):
        await links.accept(second.token, name="A", password=NEW)
    late = await links.invite("b@far.example", "contoso", Role.READER, by=OPERATOR)
    old = sa.update(t.one_time_link).values(until=1)
    await home.services.storage.write(lambda conn: conn.execute(old) and None)
    with pytest.raises(Problem):
        await links.accept(late.token, name="A", password=NEW)
    assert await column(home, t.person.c.id) == []
    assert not any(late.token in each for each in await column(home, t.one_time_link.c.token_hash))


async def test_whoever_is_known_accepts_with_the_password_that_they_have(home: Installation) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    email = await add(home, Role.READER)
    link = await home.services.accounts.links.invite(email, "fabrikam", Role.OWNER, by=OPERATOR)
    async with Customer(home.url) as visitor:
        page = await visitor.open(f"/portal/invitation/{link.token}")
        page = await visitor.send(page.form("password"), {"password": NEW})
        assert page.status == 401
        page = await visitor.send(page.form("password"), {"password": PASSWORD})
        assert page.url == f"{home.url}/portal"
        page = await visitor.open("/portal/account")
        assert "Fabrikam · Owner" in page.text
        page = await visitor.send(next(f for f in page.forms if f.action.endswith("act-for")), {})
        assert "Owner of Fabrikam" in page.text
        assert "Contoso CRM Pro" not in page.text


async def test_a_role_that_is_taken_away_ends_with_the_next_request(home: Installation) -> None:
    async with signed_in(home, Role.OWNER) as owner, signed_in(home, Role.CONTRIBUTOR) as other:
        assert (await other.open("/portal/offers/contoso/crm-pro/edit")).status == 200
        page = await owner.open("/portal/publishers/contoso/members")
        them = (
            await column(home, sa.select(t.person.c.id).where(t.person.c.name == "Ada Contributor").scalar_subquery())
        )[0]
        role = next(f for f in page.forms if f.action.endswith(f"/{them}/role"))
        await owner.send(role, {"role": "reader"})
        assert (await other.open("/portal/offers/contoso/crm-pro/edit")).status == 403
        page = await owner.open("/portal/publishers/contoso/members")
        await owner.send(next(f for f in page.forms if f.action.endswith(f"/{them}/remove")), {})
        assert (await other.open("/portal")).form("email", "password")
        page = await sign_in(other, address("contributor"))
        assert page.status == 403
        assert "member of no publisher" in page.text


async def test_a_publisher_keeps_an_owner(home: Installation) -> None:
    async with signed_in(home, Role.OWNER) as owner:
        page = await owner.open("/portal/publishers/contoso/members")
        role = next(f for f in page.forms if f.action.endswith("/role"))
        page = await owner.send(role, {"role": "reader"})
        assert page.status == 409
        assert "keeps an owner" in page.text
    assert await column(home, t.membership.c.role) == ["owner"]


async def test_changing_the_password_ends_other_sessions(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    async with Customer(home.url) as one, Customer(home.url) as two:
        await sign_in(one, email)
        await sign_in(two, email)
        page = await one.open("/portal/account")
        form = page.form("password", "new")
        page = await one.send(form, {"password": "wrong", "new": NEW})
        assert (page.status, "not your password" in page.text) == (422, True)
        page = await one.send(form, {"password": PASSWORD, "new": NEW})
        assert "Your password is changed" in page.text
        assert (await two.open("/portal")).form("email", "password")
        assert (await sign_in(two, email)).status == 401
        assert (await sign_in(two, email, NEW)).status == 200


async def test_sessions_are_listed_and_ended(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    async with Customer(home.url) as one, Customer(home.url) as two, Customer(home.url) as three:
        for each in (one, two, three):
            await sign_in(each, email)
        page = await one.open("/portal/account")
        ends = [f for f in page.forms if re.search(r"/sessions/[0-9a-f-]{36}/end$", f.action)]
        assert len(ends) == 2
        assert page.text.count("this one") == 1
        page = await one.send(ends[0], {})
        assert len([f for f in page.forms if re.search(r"/sessions/[0-9a-f-]{36}/end$", f.action)]) == 1
        await one.send(next(f for f in page.forms if f.action.endswith("end-others")), {})
        for each in (two, three):
            assert (await each.open("/portal")).form("email", "password")
        assert (await one.open("/portal/account")).status == 200


async def test_an_operator_makes_a_link_to_a_new_password_and_stops_people(home: Installation) -> None:
    email = await add(home, Role.READER)
    async with signed_in(home, Role.OPERATOR, None) as operator, Customer(home.url) as reader:
        await sign_in(reader, email)
        page = await operator.open("/portal/people")
        page = await operator.send(next(f for f in page.forms if f.action.endswith("password-link")), {})
        link = link_in(page, "password")
        shown = await reader.open(link)
        page = await reader.send(shown.form("password"), {"password": NEW})
        assert "in effect" in page.text
        assert (await reader.open(link)).status == 404
        assert (await sign_in(reader, email)).status == 401
        assert (await sign_in(reader, email, NEW)).status == 200
        page = await operator.open("/portal/people")
        await operator.send(next(f for f in page.forms if f.action.endswith("/disable")), {})
        assert (await reader.open("/portal")).form("email", "password")
        assert (await sign_in(reader, email, NEW)).status == 401
        page = await operator.open("/portal/people")
        await operator.send(next(f for f in page.forms if f.action.endswith("/enable")), {})
        assert (await sign_in(reader, email, NEW)).status == 200


async def test_every_one_of_very_many_people_can_be_stopped_and_every_publisher_gets_an_offer(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadkeeper.access.people.people.PAGE", 2)
    monkeypatch.setattr("leadkeeper.doors.portal.offers.pages._PUBLISHERS", 1)
    for number in range(5):
        await add(home, Role.READER, email=f"{number}@contoso.example")
    await home.services.offers.catalogue.put_publisher("zebra", "Zebra", by="test")
    async with signed_in(home, Role.OPERATOR, None) as operator:
        page, seen = await operator.open("/portal/people"), list[str]()
        for _ in range(9):
            seen += re.findall(r"\d@contoso\.example", page.text)
            if "More people" not in page.links:
                break
            page = await operator.open(page.links["More people"])
        assert sorted(seen) == [f"{number}@contoso.example" for number in range(5)]
        find = next(each for each in page.forms if each.action.endswith("/people/find"))
        found = await operator.send(find, {"text": "3@CONTOSO"})
        assert re.findall(r"\d@contoso\.example", found.text) == ["3@contoso.example"]
        assert "contoso" not in found.url
        await operator.send(next(each for each in found.forms if each.action.endswith("/disable")), {})
        assert "Nobody fits" in (await operator.send(find, {"text": "nobody%"})).text
        page = await operator.open((await operator.open("/portal/operate/publishers/zebra")).links["New offer"])
        made = await operator.send(page.form("offerId"), {"offerId": "stripes", "title": "Stripes"})
        assert made.url.startswith(f"{home.url}/portal/offers/zebra/stripes")


async def test_the_first_link_is_good_where_nobody_can_sign_in(home: Installation) -> None:
    assert await home.services.accounts.links.first() is None, "there are keys"


@pytest.mark.databases("sqlite")
async def test_what_people_do_stands_in_the_audit_without_their_addresses(home: Installation) -> None:
    async with signed_in(home, Role.OWNER):
        pass
    rows = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.audit)).all())
    acts = {row.act for row in rows}
    assert {"invitation.create", "person.create", "session.begin"} <= acts
    assert "owner@contoso.example" not in str(rows)
    assert PASSWORD not in str(rows)


async def test_people_choose_when_they_are_written_to(database_url: str) -> None:
    async with connected(database_url) as home, signed_in(home, Role.OWNER) as owner:
        page = await owner.open("/portal/account")
        form = page.form("begins", "ends", "zone")
        wrong = await owner.send(form, {"begins": "25:00", "ends": "07:30", "zone": "Moon"})
        assert wrong.status == 422
        assert "Enter a time of day" in wrong.text
        assert "Choose a time zone" in wrong.text
        chosen = {"begins": "22:00", "ends": "07:30", "zone": "Europe/Lisbon", "digest": "daily"}
        assert "You are written to as you chose." in (await owner.send(form, chosen)).text
        (person,) = await home.services.accounts.people.members("contoso")
        assert await home.services.notices.quiet_hours.of(person.id) == Quiet(
            "22:00", "07:30", "Europe/Lisbon", digest=True
        )

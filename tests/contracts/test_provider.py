"""People sign in with a real OpenID Connect provider; their groups give and take roles."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from leadkeeper.access.permissions import Role
from leadkeeper.storage import tables as t
from tests.conftest import missing_service
from tests.in_process import Installation, installation
from tests.journeys.customer import Customer, Page
from tests.people import PASSWORD, add, address, sign_in
from tests.ports import free_port
from tests.services.oidc_provider import OidcProvider, ProviderMissing

GROUPS = "admins=operator, sellers=contoso:contributor, heads=contoso:owner, far=nobody:owner"
BASE = "http://leads.example"
BACK = f"{BASE}/portal/sign-in/provider/back"


def provider_of(**more: object) -> OidcProvider:
    try:
        return OidcProvider(BACK, **more)  # type: ignore[arg-type]
    except ProviderMissing as error:
        missing_service(str(error))


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with provider_of() as running:
        yield running


@pytest.fixture
async def home(database_url: str, provider: OidcProvider) -> AsyncIterator[Installation]:
    async with installation(database_url, public_url=BASE, oidc_groups=GROUPS, **provider.settings) as opened:
        yield opened


class Traveller(Customer):
    """A browser that finds our public address where the test serves it."""

    async def arrive(self, address: str) -> Page:
        """The page at the end of redirects, with ours taken to where the test serves it."""
        for _ in range(20):
            address = address.replace(BASE, self.url)
            async with self._session.get(address, allow_redirects=False) as response:
                if response.status not in (302, 303, 307):
                    return await self._read(response)
                address = str(response.url.join(type(response.url)(response.headers["Location"], encoded=True)))
                self.went.append(address)
        raise AssertionError("redirected for ever")

    async def __aenter__(self) -> Traveller:
        self.went: list[str] = []
        await super().__aenter__()
        return self

    async def sign_in_there(self, login: str, after: str = "/portal") -> Page:
        """From our sign-in page to the provider's, and back."""
        page = await self.open(f"/portal/sign-in?after={after}")
        (link,) = [link for text, link in page.links.items() if text.startswith("Sign in with")]
        page = await self.arrive(link)
        if page.url.startswith(self.url):
            return page  # the provider still knew this browser
        form = page.form("login", "password")
        async with self._session.post(
            form.action, data=form.values | {"login": login, "password": "any"}, allow_redirects=False
        ) as response:
            assert response.status == 303
            return await self.arrive(response.headers["Location"])


async def rows(home: Installation, table: sa.Table) -> list:
    return await home.services.storage.read(lambda conn: list(conn.execute(sa.select(table))))


async def test_a_group_gives_a_role_and_takes_it(home: Installation, provider: OidcProvider) -> None:
    provider.know("grace", "sellers", "others")
    async with Traveller(home.url) as visitor:
        page = await visitor.sign_in_there("grace", "/portal/leads")
        assert (page.status, urlsplit(page.url).path, urlsplit(page.url).query) == (200, "/portal/leads", "")
        assert "Contributor of Contoso" in page.text
        assert "Grace Hopper" in page.text
        asked = parse_qs(urlsplit(visitor.went[0]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert all(len(asked[name][0]) >= 40 for name in ("state", "nonce", "code_challenge"))
        message = " ".join(visitor.went)
        assert "grace@" not in message
        assert provider.settings["oidc_client_secret"] not in message
        account = await visitor.open("/portal/account")
        assert not [form for form in account.forms if "new" in form.values], "no password of ours to change"
        provider.know("grace", "heads", "sellers")
        async with Traveller(home.url) as again:
            assert "Owner of Contoso" in (await again.sign_in_there("grace")).text
        provider.know("grace", "others")
        async with Traveller(home.url) as again:
            page = await again.sign_in_there("grace")
            assert (page.status, "member of no publisher" in page.text) == (403, True)
        assert (await visitor.open("/portal")).form("email", "password"), "the session has ended"
    assert await rows(home, t.membership) == []
    (person,) = await rows(home, t.person)
    assert (person.email, person.password_hash) == ("grace@far.example", "")
    acts = [row.act for row in await rows(home, t.audit)]
    assert acts.count("member.groups") == 3
    assert "person.create" in acts
    assert "grace@" not in str(await rows(home, t.audit))


async def test_an_operator_by_group_is_none_without_it(home: Installation, provider: OidcProvider) -> None:
    provider.know("root", "admins")
    async with Traveller(home.url) as visitor:
        assert "Operator, for all publishers" in (await visitor.sign_in_there("root")).text
        provider.know("root")
        async with Traveller(home.url) as again:
            assert (await again.sign_in_there("root")).status == 403
        assert (await visitor.open("/portal/people")).form("email", "password")


async def test_what_was_given_by_hand_stays(home: Installation, provider: OidcProvider) -> None:
    email = await add(home, Role.READER)
    provider.know("ada", "heads", email=email)
    async with Traveller(home.url) as visitor:
        assert "Reader of Contoso" in (await visitor.sign_in_there("ada")).text
        provider.know("ada", email=email)
        assert "Reader of Contoso" in (await visitor.sign_in_there("ada")).text
        assert "Reader of Contoso" in (await sign_in(visitor, email)).text, "the password is good as before"
    assert len(await rows(home, t.person)) == 1


async def test_no_second_step_of_ours(home: Installation, provider: OidcProvider) -> None:
    email = await add(home, Role.OWNER)
    factor = sa.update(t.person).values(factor_at=1, factor="sealed")
    await home.services.storage.write(lambda conn: conn.execute(factor) and None)
    provider.know("owner", email=email)
    async with Traveller(home.url) as visitor:
        assert "Enter the code" not in (await visitor.sign_in_there("owner")).text
        assert (await visitor.open("/portal")).status == 200


async def test_an_address_that_is_not_verified_opens_nobodys_account(
    database_url: str, home: Installation, provider: OidcProvider
) -> None:
    email = await add(home, Role.OWNER)
    provider.know("mallory", email=email, email_verified=False)
    async with Traveller(home.url) as visitor:
        page = await visitor.sign_in_there("mallory")
        assert (page.status, "not say that the address is verified" in page.text) == (403, True)
        assert (await visitor.open("/portal")).form("email", "password")
    assert await rows(home, t.identity) == []


@pytest.mark.databases("sqlite")
async def test_who_is_nothing_here_gets_a_clear_page(home: Installation, provider: OidcProvider) -> None:
    provider.know("stranger", "others", "far")
    with capture_logs() as logs:
        async with Traveller(home.url) as visitor:
            page = await visitor.sign_in_there("stranger")
            assert (page.status, "nobody here knows you yet" in page.text) == (403, True)
            assert urlsplit(page.url).path == "/portal/sign-in/provider/back"
    assert await rows(home, t.person) == []
    assert "stranger" not in str(logs)


@pytest.mark.databases("sqlite")
async def test_a_sign_in_ends_in_the_browser_that_began_it(home: Installation, provider: OidcProvider) -> None:
    provider.know("grace", "sellers")
    async with Traveller(home.url) as visitor, Traveller(home.url) as victim:
        await visitor.sign_in_there("grace")
        (back,) = [each for each in visitor.went if each.startswith(BACK) and "code=" in each]
        page = await victim.arrive(back)
        assert (page.status, "another browser" in page.text) == (403, True)
        assert (await victim.open("/portal")).form("email", "password")
        page = await visitor.arrive(back)
        assert page.status == 403, "good once"
        await victim.arrive(f"{home.url}/portal/sign-in/provider")
        page = await victim.arrive(f"{BACK}?code=guessed&state=guessed")
        assert page.status == 403


@pytest.mark.databases("sqlite")
async def test_signing_out_leads_to_the_providers_end(home: Installation, provider: OidcProvider) -> None:
    provider.know("grace", "sellers")
    async with Traveller(home.url) as visitor:
        page = await visitor.sign_in_there("grace")
        page = await visitor.send(next(f for f in page.forms if f.action.endswith("/sign-out")), {})
        assert "You are signed out here" in page.text
        assert page.links["Sign out of 127.0.0.1, too"].startswith(f"{provider.issuer}/session/end?client_id=")
        assert (await visitor.open("/portal")).form("email", "password")


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("auth_method", ["client_secret_basic", "client_secret_post"])
async def test_claims_that_userinfo_alone_tells(database_url: str, auth_method: str) -> None:
    with provider_of(in_token=False, auth_method=auth_method) as provider:
        provider.know("grace", "heads")
        async with (
            installation(database_url, public_url=BASE, oidc_groups=GROUPS, **provider.settings) as home,
            Traveller(home.url) as visitor,
        ):
            assert "Owner of Contoso" in (await visitor.sign_in_there("grace")).text


@pytest.mark.databases("sqlite")
async def test_a_provider_that_is_away_is_said_and_keeps_nobody_else_out(database_url: str) -> None:
    settings: dict[str, Any] = {
        "oidc_issuer": f"http://127.0.0.1:{free_port()}",
        "oidc_client_id": "x",
        "oidc_client_secret": "y",
    }
    async with installation(database_url, public_url=BASE, allow_addresses="127.0.0.0/8", **settings) as home:
        await add(home, Role.OWNER)
        with capture_logs() as logs:
            async with Traveller(home.url) as visitor:
                page = await visitor.open("/portal/sign-in/provider")
                assert (page.status, "cannot be used just now" in page.text) == (503, True)
                assert (await sign_in(visitor, address("owner"), PASSWORD)).status == 200
        assert [entry["why"] for entry in logs if "why" in entry]


@pytest.mark.databases("sqlite")
async def test_another_issuer_is_not_believed(database_url: str, provider: OidcProvider) -> None:
    settings = provider.settings | {"oidc_issuer": provider.issuer + "/"}
    async with installation(database_url, public_url=BASE, **settings) as home, Traveller(home.url) as visitor:
        with capture_logs() as logs:
            assert (await visitor.open("/portal/sign-in/provider")).status == 503
        assert "its issuer is not LEADKEEPER_OIDC_ISSUER" in str(logs)


@pytest.mark.databases("sqlite")
async def test_without_a_provider_there_is_nothing(database_url: str) -> None:
    async with installation(database_url, public_url=BASE) as home, Customer(home.url) as visitor:
        for path in ("/portal/sign-in/provider", "/portal/sign-in/provider/back", "/portal/signed-out"):
            assert (await visitor.open(path)).status == 404
        page = await visitor.open("/portal/sign-in")
        assert "Sign in with a key instead" in page.text
        assert not re.search("Sign in with (?!a key|the key)", page.text)
        assert "function" not in page.text, "nothing is told before something was done"


@pytest.mark.databases("sqlite")
async def test_nobody_asks_for_a_password_where_the_provider_signs_in(
    home: Installation, provider: OidcProvider
) -> None:
    provider.know("grace", "sellers")
    async with Traveller(home.url) as visitor:
        await visitor.sign_in_there("grace")
    assert await home.services.accounts.links.asked_reset("grace@far.example") is None
    async with Customer(home.url) as other:
        assert (await sign_in(other, "grace@far.example", "")).status == 401

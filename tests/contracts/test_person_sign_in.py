"""Guesses at passwords and codes are bounded and lock nobody out; the second factor; recovery codes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa

from leadkeeper.access.people.devices import Devices
from leadkeeper.access.people.factor import factor_binding
from leadkeeper.access.permissions import Role
from leadkeeper.access.sessions import SignInPlace
from leadkeeper.clock import now_ms
from leadkeeper.connections.rotation import rotate
from leadkeeper.connections.vault import Vault, new_secret_key
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from tests.in_process import SECRET_KEY, Installation, installation
from tests.journeys.customer import Customer, Page
from tests.people import PASSWORD, add, sign_in

STRANGER, OWNER = SignInPlace("203.0.113.9"), SignInPlace("198.51.100.7")


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


async def tried(home: Installation, email: str, password: str, place: SignInPlace, device: str | None = None) -> str:
    """What came of a try: ``in``, or the problem's type."""
    try:
        await home.services.accounts.sign_ins.with_password(email, password, place, device)
    except Problem as problem:
        return problem.type.value
    return "in"


@pytest.mark.databases("sqlite")
async def test_guesses_from_one_address_are_bounded(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    found = [await tried(home, f"{n}{email}", "wrong", STRANGER) for n in range(11)]
    assert found == [ProblemType.UNAUTHORIZED.value] * 10 + [ProblemType.TOO_MANY_REQUESTS.value]
    assert await tried(home, email, PASSWORD, STRANGER) == "too-many-requests", "not even a right one: no oracle"
    assert await tried(home, email, PASSWORD, OWNER) == "in"


@pytest.mark.databases("sqlite")
async def test_strangers_everywhere_lock_no_browser_out_that_is_known(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    first = await home.services.accounts.sign_ins.with_password(email, PASSWORD, OWNER)
    assert first.device
    guesses = [await tried(home, email, "wrong", SignInPlace(f"203.0.113.{n}")) for n in range(21)]
    assert guesses == ["unauthorized"] * 19 + ["too-many-requests"] * 2 or guesses[-1] == "too-many-requests"
    assert await tried(home, email, PASSWORD, SignInPlace("192.0.2.1")) == "too-many-requests", "a browser nobody knows"
    assert await tried(home, email, PASSWORD, STRANGER, first.device) == "in", "the owner's, wherever it is"
    other = await add(home, Role.READER)
    assert await tried(home, other, PASSWORD, OWNER) == "in"
    assert await tried(home, email, PASSWORD, OWNER, first.device + "x") == "too-many-requests", "a forged one"
    assert await tried(home, email, "wrong", OWNER, first.device) == "unauthorized"


@pytest.mark.databases("sqlite")
async def test_guesses_from_a_known_browser_are_bounded_too(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    first = await home.services.accounts.sign_ins.with_password(email, PASSWORD, OWNER)
    found = [await tried(home, email, "wrong", OWNER, first.device) for _ in range(11)]
    assert found[-1] == "too-many-requests"


def test_a_known_browser_is_its_owner_s_alone_and_outlives_a_new_key() -> None:
    old, new = new_secret_key(), new_secret_key()
    token = Devices([old]).issue("a@contoso.example")
    assert Devices([new, old]).known(token, "a@contoso.example")
    assert Devices([old]).known(token, "b@contoso.example") is None
    assert Devices([new]).known(token, "a@contoso.example") is None
    assert Devices([old]).known("", "a@contoso.example") is None
    assert Devices([old]).known(None, "a@contoso.example") is None


async def secret_of(home: Installation) -> str:
    """The only person's secret, and that it is sealed."""
    row = (await home.services.storage.read(lambda conn: conn.execute(sa.select(t.person)).all()))[0]
    opened = Vault([SECRET_KEY]).open(row.factor, factor_binding(row.id))["secret"]
    assert opened not in str(row)
    return opened


async def set_up(visitor: Customer) -> tuple[str, Page]:
    """A second factor on the page of one's account: its secret, and the page with the recovery codes."""
    page = await visitor.open("/portal/account/second-factor")
    form = page.form("secret", "code")
    secret = form.values["secret"]
    assert "<svg" in page.html
    assert (await visitor.send(form, {"code": "000000"})).status == 422
    page = await visitor.send(form, {"code": pyotp.TOTP(secret).now()})
    assert "The second step is on" in page.text
    return secret, page


def later(secret: str, steps: int = 1) -> str:
    """The code of the next step, which the clock's tolerance takes already: each is good once."""
    import time

    return pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + steps)


async def test_a_second_factor_from_page_to_page(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    async with Customer(home.url) as visitor, Customer(home.url) as other:
        await sign_in(visitor, email)
        secret, page = await set_up(visitor)
        assert await secret_of(home) == secret
        codes = [word for word in page.text.split() if word.count("-") == 3 and len(word) == 19]
        assert len(codes) == 10
        page = await sign_in(other, email)
        assert page.url.startswith(f"{home.url}/portal/sign-in/code")
        assert (await other.open("/portal")).form("email", "password"), "the password alone is not enough"
        page = await other.open("/portal/sign-in/code")
        page = await other.send(page.form("code"), {"code": "123456"})
        assert (page.status, "wrong, or was used" in page.text) == (401, True)
        code = later(secret)
        page = await other.send(page.form("code"), {"code": code})
        assert page.url == f"{home.url}/portal"
        assert "Ada Owner" in page.text
        await other.send(next(f for f in page.forms if f.action.endswith("sign-out")), {})
        page = await sign_in(other, email)
        page = await other.send(page.form("code"), {"code": code})
        assert page.status == 401, "a code is good once"
        page = await other.send(page.form("code"), {"code": codes[3].upper().replace("-", " ")})
        assert page.url == f"{home.url}/portal"
        page = await other.open("/portal/account")
        assert "Recovery codes left: 9" in page.text
        kept = await home.services.storage.read(lambda conn: conn.scalar(sa.select(t.person.c.recovery)))
        assert codes[0] not in str(kept)
        assert len(json.loads(kept or "")) == 9
        remove = page.form("factor_password")
        assert (await other.send(remove, {"factor_password": "wrong"})).status == 422
        await other.send(remove, {"factor_password": PASSWORD})
        async with Customer(home.url) as third:
            assert (await sign_in(third, email)).url == f"{home.url}/portal"


async def test_guesses_at_codes_are_bounded(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    async with Customer(home.url) as visitor, Customer(home.url) as thief:
        await sign_in(visitor, email)
        secret, _page = await set_up(visitor)
        page = await sign_in(thief, email)
        form = page.form("code")
        statuses = [(await thief.send(form, {"code": f"{n:06}"})).status for n in range(6)]
        assert statuses[-1] == 429
        assert (await thief.send(form, {"code": later(secret)})).status == 429


async def test_a_new_secret_key_keeps_second_factors_and_a_lost_one_leaves_recovery_codes(home: Installation) -> None:
    email = await add(home, Role.OWNER)
    new = new_secret_key()
    async with Customer(home.url) as visitor:
        await sign_in(visitor, email)
        secret, page = await set_up(visitor)
        code = next(word for word in page.text.split() if word.count("-") == 3 and len(word) == 19)
    await home.services.storage.write(rotate, Vault([new, SECRET_KEY]), now_ms())
    row: Any = (await home.services.storage.read(lambda conn: conn.execute(sa.select(t.person)).all()))[0]
    assert Vault([new]).open(row.factor, factor_binding(row.id)) == {"secret": secret}
    assert not await home.services.accounts.second_factor.fits(row.id, later(secret)), (
        "this process has the old key alone"
    )
    assert await home.services.accounts.second_factor.fits(row.id, code)
    assert not await home.services.accounts.second_factor.fits(row.id, code)

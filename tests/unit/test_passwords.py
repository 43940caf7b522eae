"""Which passwords may be chosen, and what a flood of sign-ins takes."""

from __future__ import annotations

import asyncio

import pytest

from leadkeeper.access.people.passwords import LEAST as FEWEST
from leadkeeper.access.people.passwords import Passwords, refusal, telling_words
from leadkeeper.problem import Problem, ProblemType
from tests.quick_hashes import OURS


def test_telling_words_are_the_longer_parts_of_names_and_addresses() -> None:
    assert telling_words("Ada King-Noel", "ada.k@contoso.example") == ("contoso", "example", "king", "noel")


@pytest.mark.parametrize(
    "password", ["correct horse battery staple!", "ﬁve plums under 1 bridge", "x7$Kq!mZ2pVw", "🌲" * 3 + "oak river 51"]
)
def test_good_ones(password: str) -> None:
    assert refusal(password, ("contoso",)) is None


@pytest.mark.parametrize(
    "password", ["Password1234", "123456789012", "abcdefghijkl", "iloveyou1234", "aaaaaaaaaaaaaaaaaaaa"]
)
def test_those_that_are_tried_first(password: str) -> None:
    assert "tried first" in str(refusal(password, ()))


async def test_the_marketplace_s_name_of_the_moment() -> None:
    class Name:
        now = "Analytical"

        def __str__(self) -> str:
            return self.now

    name = Name()
    passwords = Passwords(marketplace=name)
    assert "marketplace's name" in str(await passwords.refusal("analytical seven 81 rivers"))
    name.now = "Contoso"
    assert await passwords.refusal("analytical seven 81 rivers") is None


async def test_a_password_is_kept_as_owasp_recommends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadkeeper.access.people.passwords._HASHER", OURS)
    passwords = Passwords()
    kept = await passwords.hashed("seven quiet rivers")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.fits("seven quiet rivers", kept)
    assert not await passwords.fits("seven quiet river", kept)


async def test_a_flood_is_told_to_come_again() -> None:
    passwords = Passwords()
    kept = await passwords.hashed("seven quiet rivers")
    tries = (passwords.fits("wrong", kept) for _ in range(100))
    found = await asyncio.gather(*tries, return_exceptions=True)
    refused = [each for each in found if isinstance(each, Problem)]
    assert {each.type for each in refused} == {ProblemType.TOO_BUSY}
    assert len(refused) == 36
    assert await passwords.fits("seven quiet rivers", kept)
    assert not await passwords.fits("seven quiet rivers", None)
    assert FEWEST == 12

"""Fair shares: what one alone gets, what a newcomer always finds, and that nobody waits while there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.gate import NOBODY, Gate, NoTurn, acting_for, on_behalf_of
from leadkeeper.shares import RecentUse, Shares, pick, room


def greedy(shares: Shares, who: str) -> int:
    """Let ``who`` take all that it may; how many it holds then."""
    while shares.may(who):
        shares.take(who)
    return shares.held(who)


def test_alone_one_gets_half_of_what_is_not_reserved() -> None:
    assert greedy(Shares(480, 64), "a") == 208
    assert greedy(Shares(2, 0), "a") == 1
    assert greedy(Shares(1, 0), "a") == 1


def test_several_that_come_one_by_one_leave_something_for_the_next() -> None:
    shares = Shares(480, 64)
    assert [greedy(shares, who) for who in "abcdefgh"] == [208, 104, 52, 26, 13, 7, 3, 2]
    assert shares.places - shares.taken >= 64


@given(st.integers(2, 12), st.data())
def test_those_that_come_together_get_alike(count: int, data: st.DataObject) -> None:
    shares = Shares(600, 48)
    while wanting := [str(number) for number in range(count) if shares.may(str(number))]:
        shares.take(min(wanting, key=shares.held))
    held = [shares.held(str(number)) for number in range(count)]
    assert max(held) - min(held) <= 1
    assert min(held) >= (600 - 48) // (count + 1)


steps = st.lists(st.tuples(st.sampled_from("abcdefghijkl"), st.booleans()), max_size=300)


@given(st.integers(1, 40), st.integers(0, 12), steps)
def test_a_newcomer_finds_a_place_while_no_more_than_the_reserve_hold_any(
    places: int, reserve: int, acts: list[tuple[str, bool]]
) -> None:
    """Whatever was taken and given back before, and although nobody who holds a place ever gives it back."""
    reserve = min(reserve, places - 1)
    shares = Shares(places, reserve)
    for who, takes in acts:
        if takes and shares.may(who):
            shares.take(who)
        elif not takes and shares.held(who):
            shares.give_back(who)
        assert 0 <= shares.taken == sum(shares.held(each) for each in shares.holders) <= places
        if len(shares.holders) <= reserve:
            assert shares.may("newcomer")
        if shares.taken < places:
            assert shares.may("newcomer")


@given(st.integers(1, 500), st.integers(0, 80), st.integers(0, 500), st.integers(0, 500))
def test_room_is_as_many_as_may_be_taken_one_by_one(places: int, reserve: int, others: int, held: int) -> None:
    others, held = min(others, places), min(held, max(places - others, 0))
    shares = Shares(places, reserve)
    for _ in range(others):
        shares.take("others")
    for _ in range(held):
        shares.take("a")
    expected = shares.room("a")
    assert expected == room(places, reserve, others + held, held)
    assert greedy(shares, "a") == held + expected


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers()), max_size=200), st.integers(1, 30))
def test_what_is_picked_is_all_that_may_begin_in_its_order(offers: list[tuple[str, int]], places: int) -> None:
    offers = [(who, number) for number, (who, _) in enumerate(offers)]
    shares = Shares(places, places // 4)

    def offered(without: Collection[str], most: int) -> list[tuple[str, int]]:
        return [one for one in offers if one[0] not in without][:most]

    picked = pick(shares, offered, lambda one: one[0], lambda one: str(one[1]))
    assert len(set(picked)) == len(picked) == shares.taken
    for who in "abc":
        mine = [one for one in offers if one[0] == who]
        taken = [one for one in picked if one[0] == who]
        assert taken == mine[: len(taken)]
        assert len(taken) == len(mine) or not shares.may(who)


def test_who_used_more_than_an_even_part_is_known_for_as_long_as_it_counts() -> None:
    uses = RecentUse()
    assert uses.even_parts("a", 100.0) == 0
    uses.add("a", 3.0, 100.0)
    assert uses.even_parts("a", 100.0) == 1, "who is alone takes nothing from anybody"
    uses.add("b", 1.0, 100.0)
    assert (uses.even_parts("a", 100.0), uses.even_parts("b", 100.0)) == (1.5, 0.5)
    for number in range(1, 11):
        uses.add("b", 1.0, 100.0 + number / 10)
    assert uses.even_parts("a", 101.0) < 1 < uses.even_parts("b", 101.0)
    assert uses.even_parts("a", 200.0) == uses.even_parts("b", 200.0) == 0


async def test_whoever_waits_comes_in_turn_and_the_one_with_the_fewest_first() -> None:
    gate, came = Gate(4, 0), []

    async def come(who: str, number: int) -> None:
        await gate.enter(who)
        came.append((who, number))

    tasks = []
    for who, number in [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("c", 1), ("c", 2)]:
        tasks.append(asyncio.create_task(come(who, number)))
        await asyncio.sleep(0)
    assert came == [("a", 1), ("a", 2), ("b", 1), ("c", 1)]
    for who in "aabc":
        gate.leave(who)
    await asyncio.gather(*tasks[:6])
    assert set(came) >= {("a", 3), ("b", 2)}
    for who in "".join(gate.shares.holders):
        gate.leave(who)
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("parts", [False, True])
async def test_whoever_never_stops_coming_holds_up_nobody(parts: bool) -> None:
    """Of a single place: whoever waits for it comes after one turn of each other, however many turns these wait for."""
    gate, came = Gate(1, 0), []

    def named(who: str) -> tuple[str, str]:
        return ("visitors", who) if parts else (who, "")

    async def come(who: str) -> None:
        owner, part = named(who)
        async with gate.place(owner, part=part):
            came.append(who)

    await gate.enter(*_entered(named("flood")))
    tasks = [asyncio.create_task(come(who)) for who in ["flood"] * 20 + ["a"] * 2 + ["flood"] * 20 + ["b"]]
    await asyncio.sleep(0)
    gate.leave(*named("flood"))
    await asyncio.gather(*tasks)
    assert max(came.index("a"), came.index("b")) <= 3
    assert len(came) - came[::-1].index("a") <= 6
    assert gate.shares.taken == 0


def _entered(named: tuple[str, str]) -> tuple[str, None, str]:
    owner, part = named
    return owner, None, part


async def test_a_caller_that_goes_away_leaves_no_trace() -> None:
    gate = Gate(2, 0, queue=1)
    await gate.enter("a")
    waits = asyncio.create_task(gate.enter("a"))
    await asyncio.sleep(0)
    with pytest.raises(NoTurn):
        await gate.enter("a", 60)  # the queue is full
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    assert gate.waiting("a") == 0
    with pytest.raises(NoTurn):
        await gate.enter("a", 0.01)
    admitted = asyncio.create_task(gate.enter("a"))
    await asyncio.sleep(0)
    gate.leave("a")
    admitted.cancel()  # just as it was admitted
    await asyncio.gather(admitted, return_exceptions=True)
    assert gate.shares.taken == 0
    async with gate.place("a"):
        assert gate.shares.held("a") == 1
    assert gate.shares.taken == 0


async def test_who_is_acted_for_is_known_within_tasks() -> None:
    async def summary() -> str:
        return acting_for()

    with on_behalf_of("contoso"):
        task = asyncio.create_task(summary())
        assert acting_for() == "contoso"
    assert acting_for() == NOBODY
    assert await task == "contoso"

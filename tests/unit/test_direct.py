"""What a worker grants to intake of the same process, and what it does with what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from leadkeeper.delivery.direct import NOTHING, DirectClaims, Grant, Space
from leadkeeper.delivery.pace import START
from leadkeeper.delivery.queue import AHEAD, ConnectionQueue
from leadkeeper.delivery.queues import CALLS, ConnectionQueues


class Adapter:
    """Sends nothing."""

    def __init__(self, batch: int = 1, *, repeatable: bool = True) -> None:
        self.batch, self.repeatable = batch, repeatable


class Lease:
    """A lease that holds until somebody lets go of it."""

    id, held = "lease", True

    def holds(self) -> bool:
        return self.held

    def abandon(self) -> None:
        self.id, self.held = "", False


class Claim:
    """A delivery of which only the id matters."""

    crash_count = 0

    def __init__(self, id: str) -> None:
        self.id = id


class Desk:
    """A worker's side, which writes down what it began and gave back."""

    def __init__(self) -> None:
        self.queues, self.lease = ConnectionQueues(), Lease()
        self.started: list[str] = []
        self.returned: list[tuple[str, ...]] = []
        lease: Any = self.lease
        self.direct = DirectClaims(self.queues, lease, self.start, self.give_back)

    def start(self, queue: ConnectionQueue) -> None:
        self.started.append(queue.connection_id)

    async def give_back(self, ids: Collection[str], lease_id: str) -> None:
        self.returned.append((lease_id, *ids))

    def queue(self, adapter: Adapter | None = None) -> ConnectionQueue:
        queue = self.queues.open("one", "contoso")
        destination: Any = adapter or Adapter()
        queue.reopen(destination, 7)
        return queue


def claims(*ids: str) -> list[Any]:
    return [Claim(id) for id in ids]


def test_a_queue_has_room_for_what_begins_and_some_ahead() -> None:
    desk = Desk()
    desk.queue()
    assert desk.direct.grant(["one", "unknown"]) == Grant("lease", {"one": Space(7, START * (1 + AHEAD))})


def test_nothing_is_granted_past_what_waits_or_has_to_prove_itself() -> None:
    for word in ("half_open", "alone", "more"):
        desk = Desk()
        setattr(desk.queue(), word, True)
        assert desk.direct.grant(["one"]).spaces == {}, word


def test_nothing_is_granted_of_what_could_not_be_sent_again() -> None:
    desk = Desk()
    desk.queue(Adapter(repeatable=False))
    assert desk.direct.grant(["one"]).spaces == {}


def test_nothing_is_granted_to_a_publisher_that_holds_all_its_places() -> None:
    desk = Desk()
    desk.queue()
    for number in range(CALLS):
        other = desk.queues.open(f"other-{number}", "contoso")
        destination: Any = Adapter()
        other.reopen(destination, 1)
        other.add(claims("delivery"))
        if desk.queues.begin(other) is None:
            break
    assert number + 1 < CALLS
    assert desk.direct.grant(["one"]).spaces == {}


def test_a_grant_is_extended_to_those_that_come_later_while_its_lease_holds() -> None:
    desk = Desk()
    desk.queue()
    grant = desk.direct.grant([])
    desk.direct.extend(grant, ["one", "unknown"])
    assert grant == Grant("lease", {"one": Space(7, START * (1 + AHEAD))})
    late = desk.direct.grant([])
    desk.lease.id = "new"
    desk.direct.extend(late, ["one"])
    desk.direct.extend(NOTHING, ["one"])
    assert (late.spaces, NOTHING.spaces) == ({}, {})


def test_nothing_is_granted_without_a_lease_or_at_the_end() -> None:
    desk = Desk()
    desk.queue()
    desk.lease.held = False
    assert desk.direct.grant(["one"]) is NOTHING
    desk.lease.held = True
    desk.direct.shut()
    assert desk.direct.grant(["one"]) is NOTHING


def test_what_was_claimed_is_lined_up_and_begun() -> None:
    desk = Desk()
    queue = desk.queue()
    desk.direct.take(desk.direct.grant(["one"]), {"one": claims("a", "b")})
    assert (queue.waiting, desk.started, desk.returned) == (2, ["one"], [])


def test_calls_that_wait_are_filled_up() -> None:
    desk = Desk()
    queue = desk.queue(Adapter(batch=3))
    queue.add(claims("a", "b"))
    queue.add(claims("c", "d"))
    found = [desk.queues.begin(queue), desk.queues.begin(queue)]
    assert [[one.id for one in call] for call in found if call] == [["a", "b", "c"], ["d"]]


async def test_what_cannot_be_used_any_more_is_given_back_under_its_own_lease() -> None:
    for word, value in (("generation", 8), ("destination", None), ("half_open", True), ("alone", True)):
        desk = Desk()
        queue = desk.queue()
        grant = desk.direct.grant(["one"])
        setattr(queue, word, value)
        desk.direct.take(grant, {"one": claims("a")})
        await desk.direct.close()
        assert (desk.returned, desk.started) == ([("lease", "a")], []), word


async def test_another_lease_gives_back_what_the_old_one_holds() -> None:
    desk = Desk()
    desk.queue()
    grant = desk.direct.grant(["one"])
    desk.lease.id = "new"
    desk.direct.take(grant, {"one": claims("a")})
    await desk.direct.close()
    assert desk.returned == [("lease", "a")]


async def test_closing_waits_for_what_is_under_way_and_gives_it_back() -> None:
    desk = Desk()
    desk.queue()
    grant = desk.direct.grant(["one"])
    closing = asyncio.create_task(desk.direct.close())
    await asyncio.sleep(0)
    assert not closing.done()
    desk.direct.take(grant, {"one": claims("a")})
    await closing
    assert desk.returned == [("lease", "a")]


async def test_after_a_doubt_the_lease_that_may_hold_more_than_is_known_is_let_go() -> None:
    desk = Desk()
    desk.queue()
    desk.direct.doubt(desk.direct.grant(["one"]))
    assert desk.direct.grant(["one"]) is NOTHING
    await desk.direct.close()
    desk = Desk()
    desk.queue()
    grant = desk.direct.grant(["one"])
    desk.lease.id = "new"
    desk.direct.doubt(grant)
    assert desk.lease.id == "new"

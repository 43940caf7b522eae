"""Channels that are switched off, why, and how those that are switched on again catch up. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.channels import channels
from leadkeeper.channels.channels import Wanted
from leadkeeper.channels.events import ChannelKind
from leadkeeper.channels.rules import DAY, OFF_AFTER, WhyOff
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from tests.contracts.installation import lead
from tests.contracts.receivers import receiving
from tests.contracts.telling_channels import Telling, telling


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Telling]:
    async with telling(database_url) as made:
        yield made


async def test_a_channel_that_is_gone_is_switched_off_until_somebody_switches_it_on(opened: Telling) -> None:
    async with receiving() as receiver:
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        receiver.status = 410
        await opened.intake.keep(lead())
        await opened.carrier.look()
        (channel,) = await opened.channels.list("contoso")
        assert (channel.state, channel.off) == ("off", WhyOff.GONE)
        audit = t.audit.c
        lines = sa.select(audit.who, audit.subject, audit.detail, audit.publisher_id).where(
            audit.act == "channel.switchOff"
        )
        found = await opened.house.storage.read(lambda conn: [tuple(row) for row in conn.execute(lines)])
        assert found == [("leadkeeper", made.id, "gone", "contoso")]
        await opened.intake.keep(lead(1))
        assert (await opened.channels.list("contoso"))[0].waiting == 1, "nothing is written for one that is off"
        with pytest.raises(Problem):
            await opened.channels.test("contoso", made.id, by="t")
        receiver.status = 200
        await opened.channels.switch_on("contoso", made.id, by="t")
        await opened.carrier.look()
        assert [body["type"] for body in receiver.taken] == ["lead.received"]


async def test_a_channel_that_takes_less_than_comes_is_switched_off_before_it_fills_the_disk(
    opened: Telling,
) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(12):
            await opened.intake.keep(lead(number))
        channel = await opened.bounded(10).look()
        assert (channel.state, channel.off) == ("off", WhyOff.TOO_MANY_WAIT)
        await opened.intake.keep(lead(99))
        assert (await opened.channels.list("contoso"))[0].waiting == 12


async def test_a_channel_that_is_switched_on_again_is_let_catch_up(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        await opened.intake.keep_many([lead(number) for number in range(400)])
        bounded = opened.bounded(250)
        assert (await bounded.look()).state == "off"
        receiver.status = 200
        await bounded.channels.switch_on("contoso", made.id, by="t")
        channel = await bounded.look()
        assert (channel.state, channel.waiting, channel.off) == ("working", 0, None)
        assert len(set(receiver.ids)) == 400
        assert await may_wait(opened) is None, "as many as usual once it has caught up"


async def test_a_channel_that_is_switched_on_and_takes_less_than_comes_is_switched_off_again(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(15):
            await opened.intake.keep(lead(number))
        bounded = opened.bounded(10)
        await bounded.look()
        await bounded.channels.switch_on("contoso", made.id, by="t")
        assert await may_wait(opened) == 16
        assert (await bounded.look()).state == "failing", "no more wait than did when it was switched on"
        for number in range(2):
            await opened.intake.keep(lead(100 + number))
        opened.house.now += DAY
        channel = await bounded.look()
        assert (channel.state, channel.off, channel.waiting) == ("off", WhyOff.TOO_MANY_WAIT, 17)


async def test_what_a_channel_may_let_wait_becomes_less_with_what_waits(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(18):
            await opened.intake.keep(lead(number))
        bounded = opened.bounded(10)
        await bounded.look()
        await bounded.channels.switch_on("contoso", made.id, by="t")
        taken, receiver.status = receiver.calls + 4, 200
        receiver.check = lambda _headers, _body: "" if receiver.calls <= taken else "full"
        channel = await bounded.look()
        assert (channel.state, channel.waiting, await may_wait(opened)) == ("failing", 14, 15)


async def test_more_than_a_channel_could_catch_up_with_are_not_let_wait(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(12):
            await opened.intake.keep(lead(number))
        bounded = opened.bounded(5)
        await bounded.look()
        with pytest.raises(Problem, match="More than 10 events wait") as refused:
            await bounded.channels.switch_on("contoso", made.id, by="t")
        assert refused.value.type is ProblemType.NOT_POSSIBLE_NOW
        assert (await opened.channels.list("contoso"))[0].state == "off"


async def test_switching_a_channel_on_touches_what_was_put_off_alone(opened: Telling) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        for number in range(12):
            await opened.intake.keep(lead(number))
        came = opened.house.now
        await opened.bounded(10).look()
        opened.house.now += 1_000
        await opened.channels.switch_on("contoso", made.id, by="t")
        e = t.channel_event.c
        due = await opened.house.storage.read(lambda conn: conn.scalars(sa.select(e.due_at).order_by(e.due_at)).all())
        assert due == [came] * 8 + [came + 1_000] * 4, "four were tried and put off"


async def test_what_waits_for_a_channel_that_is_removed_is_forgotten_in_steps(
    opened: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "FORGOTTEN_AT_ONCE", 5)
    made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", "https://x.example/"), by="t")
    for number in range(12):
        await opened.intake.keep(lead(number))
    await opened.channels.remove("contoso", made.id, by="t")
    assert (await opened.house.count(t.channel_event), await opened.house.count(t.channel)) == (0, 0)
    with pytest.raises(Problem):
        await opened.channels.remove("contoso", made.id, by="t")


async def may_wait(opened: Telling) -> int | None:
    return await opened.house.storage.read(lambda conn: conn.scalar(sa.select(t.channel.c.may_wait)))


async def test_events_that_nobody_takes_are_given_up_and_the_channel_switched_off(opened: Telling) -> None:
    async with receiving() as receiver:
        made = await opened.channels.create("contoso", Wanted(ChannelKind.WEBHOOK, "a", receiver.url), by="t")
        receiver.status = 500
        await opened.intake.keep(lead())
        while opened.house.now < 1_790_000_000_000 + 4 * DAY:
            await opened.carrier.look()
            opened.house.now += DAY // 4
        assert [each.state for each in await opened.channels.events("contoso", made.id)] == ["givenUp"]
        opened.house.now += OFF_AFTER
        await opened.channels.test("contoso", made.id, by="t")
        await opened.carrier.look()
        (channel,) = await opened.channels.list("contoso")
        assert (channel.state, channel.off) == ("off", WhyOff.FAILED)

"""What a review of the promises found: each of these once failed. On both databases where it matters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.clock import new_id
from leadkeeper.connections.outbox import CONNECTION_PAUSED, GATHER_PAUSED_MS, connection_paused
from leadkeeper.delivery import claim as claims
from leadkeeper.delivery import worker as workers
from leadkeeper.delivery.breaker import BROKEN_AFTER
from leadkeeper.delivery.claim import Claimed, Work, claim
from leadkeeper.delivery.lease import close_lease, open_lease
from leadkeeper.delivery.queue import ConnectionQueue
from leadkeeper.delivery.record import Recorded, record_answers
from leadkeeper.delivery.schedule import GIVE_UP_AFTER, HOUR, MOST_ATTEMPTS, State
from leadkeeper.delivery.send import send
from leadkeeper.delivery.sent import Sent
from leadkeeper.destinations.email.adapter import Email
from leadkeeper.destinations.email.settings import EmailConfig
from leadkeeper.destinations.https_endpoint.provider import HTTPS_ENDPOINT
from leadkeeper.destinations.https_endpoint.settings import HttpsEndpointConfig
from leadkeeper.destinations.interface import Adapter, Config, Context
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.diagnosis import Answer, Kind, Outcome, Receipt
from leadkeeper.inbox import redelivery
from leadkeeper.inbox.inbox import Inbox, LeadFilter
from leadkeeper.inbox.lists import in_state
from leadkeeper.intake.keep import Accepted
from leadkeeper.mail.address import MailRules, parse_address
from leadkeeper.mail.service import MailService
from leadkeeper.notices.sender import HELD_MS, Sender
from leadkeeper.offer import OfferRef
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import open_storage
from tests.contracts.installation import CRM, TestInstallation, furnished, lead, sent
from tests.contracts.stopped import SECONDS, Stopped
from tests.contracts.test_worker import scene
from tests.services.postgres import Postgres

LEASE = 15_000


async def take(installation: TestInstallation, lease_id: str, share: int = 8) -> list[Work]:
    return await installation.storage.write(claim, lease_id, {}, lambda _: share, installation.now, None)


async def end(installation: TestInstallation, sends: Sequence[Sent]) -> Recorded:
    return await installation.storage.write(record_answers, sends, installation.now, 0.5)


async def carry(installation: TestInstallation, lease_id: str, answer: Callable[[Claimed], Answer]) -> None:
    """Claim what is due and record each of it by itself."""
    for work in await take(installation, lease_id):
        for one in work.claimed:
            await end(installation, [sent(work, one, lease_id, answer(one), installation.now)])


async def begin(installation: TestInstallation, leads: int, lease: int = LEASE) -> str:
    await installation.connect()
    await installation.intake.keep_many([lead(number) for number in range(leads)])
    return await installation.storage.write(open_lease, installation.now + lease)


def unobserved(outcome: Outcome) -> Answer:
    return diagnose(Kind.MAY_HAVE_ARRIVED, outcome=outcome)


async def test_what_may_have_arrived_is_not_taken_back_with_what_was_refused(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin(installation, BROKEN_AFTER + 3)
        (work,) = await take(installation, lease_id)
        answers = [
            diagnose(Kind.LEAD_REFUSED),
            diagnose(Kind.NO_ANSWER),
            unobserved(Outcome.OURS),
            *[diagnose(Kind.LEAD_REFUSED)] * BROKEN_AFTER,
        ]
        pairs = zip(work.claimed, answers, strict=True)
        sends = [sent(work, one, lease_id, answer, installation.now, repeatable=False) for one, answer in pairs]
        assert (await end(installation, sends)).paused_now
        assert await installation.states() == {"waiting": BROKEN_AFTER + 1, "setAside": 2}


async def test_interrupted_sends_that_may_have_arrived_charge_nobody(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin(installation, 8)
        (work,) = await take(installation, lease_id)
        sends = [
            sent(work, one, lease_id, unobserved(Outcome.OURS), installation.now, repeatable=False)
            for one in work.claimed
        ]
        assert (await end(installation, sends)).health == {}
        assert await installation.states() == {"setAside": 8}


class Careless:
    """An adapter that fails by our own fault after it sent."""

    name = "careless"

    def __init__(self, *, repeatable: bool, answers: Sequence[Any] | None = None) -> None:
        self.repeatable = repeatable
        self._answers = answers

    async def deliver(self, leads: Sequence[Any]) -> Sequence[Any]:
        if self._answers is None:
            raise ZeroDivisionError
        return self._answers


@pytest.mark.parametrize("answers", [None, [None]], ids=["raises", "no answer"])
async def test_our_fault_after_sending_is_not_repeated_where_twice_makes_two(answers: list[None] | None) -> None:
    leads: list[Any] = [type("Lead", (), {"id": "1"})]
    (summary,) = await send(Careless(repeatable=False, answers=answers), leads)  # type: ignore[arg-type]
    assert summary == unobserved(Outcome.OURS)
    (summary,) = await send(Careless(repeatable=True, answers=answers), leads)  # type: ignore[arg-type]
    assert summary == diagnose(Kind.INTERNAL_ERROR)


async def test_leads_that_can_never_be_taken_do_not_hold_up_the_others(database_url: str) -> None:
    """A few of them in a row pause their connection; a probe must try another lead, and then they are set aside."""
    async with furnished(database_url) as installation:
        lease_id = await begin(installation, BROKEN_AFTER, lease=HOUR)
        never = {one.delivery_id for one in await _deliveries(installation)}
        await carry(installation, lease_id, lambda _: diagnose(Kind.LEAD_REFUSED))
        assert await installation.states() == {"waiting": BROKEN_AFTER}
        installation.now += 1
        await installation.intake.keep_many([lead(100 + number) for number in range(3)])
        for _ in range(BROKEN_AFTER + 4):
            await _probe(installation)
            await carry(installation, lease_id, lambda c: diagnose(Kind.LEAD_REFUSED) if c.id in never else Receipt())
            installation.now += 1_000
        assert await installation.states() == {"setAside": BROKEN_AFTER, "delivered": 3}
        assert await installation.count(t.connection, t.connection.c.paused) == 0
        assert await installation.count(t.notice) == 1


async def _deliveries(installation: TestInstallation) -> Sequence[Any]:
    query = sa.select(t.delivery.c.id.label("delivery_id"), t.delivery.c.attempts)
    return await installation.storage.read(lambda conn: conn.execute(query).all())


async def _probe(installation: TestInstallation) -> None:
    """A probe of what is paused passes."""
    c = t.connection.c
    passed = sa.update(t.connection).where(c.paused).values(paused=False, probe_at=None, probes=c.probes + 1)
    await installation.storage.write(lambda conn: conn.execute(passed).rowcount)


async def test_a_connection_that_recovers_every_second_does_not_use_up_fourteen_days(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin(installation, 1, lease=HOUR)
        (failing,) = [one.delivery_id for one in await _deliveries(installation)]
        throttled: set[str] = set()

        def answer(one: Claimed) -> Answer:
            if one.id == failing:
                return diagnose(Kind.SERVER_ERROR)
            if one.id in throttled:
                return Receipt()
            throttled.add(one.id)
            return diagnose(Kind.THROTTLED, retry_after=1)

        for number in range(60):
            await installation.intake.keep(lead(number))
            await carry(installation, lease_id, answer)
            installation.now += 500
        (attempts,) = [one.attempts for one in await _deliveries(installation) if one.delivery_id == failing]
        assert attempts < 12
        work_row = replace(_sent_last(failing), since=installation.now - GIVE_UP_AFTER + HOUR)
        assert (await _after(installation, work_row)) == "waiting"
        assert (await _after(installation, replace(work_row, since=installation.now - GIVE_UP_AFTER))) == "setAside"


def _sent_last(delivery_id: str) -> Sent:
    return Sent(delivery_id, "none", 1, "", MOST_ATTEMPTS, 0, True, False, 0, 5, diagnose(Kind.SERVER_ERROR))


async def _after(installation: TestInstallation, last: Sent) -> str:
    """The state of the delivery of ``last`` after it."""
    d = t.delivery.c
    holds = sa.update(t.delivery).where(d.id == last.delivery_id).values(state="sending", lease_id=last.lease_id)
    await installation.storage.write(lambda conn: conn.execute(holds).rowcount)
    await end(installation, [replace(last, attempt_id=new_id())])
    state = sa.select(d.state).where(d.id == last.delivery_id)
    return await installation.storage.read(lambda conn: str(conn.scalar(state)))


async def test_one_claim_is_bounded_and_every_connection_has_its_turn(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "AT_ONCE", 10)
    async with furnished(database_url) as installation:
        lease_id = await installation.storage.write(open_lease, installation.now + LEASE)
        for number in range(6):
            offer = OfferRef("contoso", f"offer-{number}")
            await installation.catalogue.put_offer(offer, title="Offer", offer_type="saas", live=True, by="test")
            await installation.connect(offer=offer)
            await installation.intake.keep_many([lead(one, offer=offer) for one in range(20)])
        first: set[str] = set()
        for turn in range(8):
            works = await installation.storage.write(claim, lease_id, {}, lambda _: 4, installation.now + turn, None)
            assert sum(len(work.claimed) for work in works) == 10
            first.add(works[0].connection_id)
        assert len(first) == 6


async def test_nothing_is_claimed_under_a_lease_that_is_forgotten(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin(installation, 3)
        await installation.storage.write(close_lease, lease_id, installation.now)
        assert await take(installation, lease_id) == []
        assert await installation.states() == {"pending": 3}


async def test_destinations_of_a_newer_version_are_left_to_it(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin(installation, 3)
        newer = sa.update(t.connection).values(destination="of-tomorrow")
        await installation.storage.write(lambda conn: conn.execute(newer).rowcount)
        works = await installation.storage.write(
            claim, lease_id, {}, lambda row: workers._share_of(row, 8, OURS), installation.now, None
        )
        assert works == []


async def test_a_connection_that_cannot_be_opened_stops_no_other(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(config: Config, context: Context) -> Adapter:
        assert isinstance(config, HttpsEndpointConfig)
        if "refused" in config.https_endpoint_url.get_secret_value():
            raise OSError
        return HTTPS_ENDPOINT.open(config, context)

    changed = replace(HTTPS_ENDPOINT, open=refuse)
    destinations = Destinations(changed if each is HTTPS_ENDPOINT else each for each in OURS)
    async with scene(database_url, authority) as s:
        monkeypatch.setattr(s.installation.connections._rows, "_destinations", destinations)
        await s.installation.connections.put(CRM, "other", _endpoint(s.url + "?refused"), by="test")
        await s.connect()
        await s.intake.keep_many([lead(number) for number in range(10)])
        await s.until(lambda states: states.get("delivered") == 10, 5)


def _endpoint(url: str) -> dict[str, object]:
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": url}}


async def test_an_answer_that_cannot_be_written_down_is_not_sent_again_and_again(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(conn: sa.Connection, *_: Any) -> Recorded:
        raise ValueError

    async with scene(database_url, authority) as s:
        await s.connect()
        with monkeypatch.context() as patched:
            patched.setattr(workers, "record_answers", fail)
            kept = await s.intake.keep(lead())
            await s.until_there(t.attempt)
            await asyncio.sleep(0.6)
            assert len(s.remote.received) <= 3
        await s.until(lambda states: states == {"delivered": 1})
        shown = await s.inbox.get(kept.id)
        assert shown is not None
        first = shown.deliveries[0].attempts[0].diagnosis
        assert first is not None
        assert first.kind == "internalError"


async def test_only_what_may_be_sent_again_is_claimed_ahead() -> None:
    queue = ConnectionQueue("one", "contoso")
    queue.reopen(Email(EmailConfig(contact_email=["ada@contoso.example"]), MailService()), 1)
    assert queue.wanted(100) == queue.pace.limit
    queue.running = queue.pace.limit
    assert queue.wanted(100) == 0
    queue.pace.limit = 1
    assert queue.wanted(100) == 0
    await queue.closed()


async def test_stopping_closes_adapters_that_were_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Line:
        repeatable, batch = True, 1

        def __init__(self, name: str) -> None:
            self.name = name

        async def aclose(self) -> None:
            closed.append(self.name)

    queue = ConnectionQueue("one", "contoso")
    queue.reopen(Line("old"), 1)  # type: ignore[arg-type]
    queue.reopen(Line("new"), 2)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await queue.closed()
    assert closed == ["old", "new"]


async def test_a_key_repeated_at_once_is_told_the_same_deliveries(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        first, second = await installation.intake.keep_many([lead(key="k"), lead(key="k")])
        assert isinstance(first, Accepted)
        assert isinstance(second, Accepted)
        assert second.repeat
        assert second.deliveries == first.deliveries
        assert len(first.deliveries) == 1


class Post:
    """A mail server that takes its time."""

    sender = parse_address("leadkeeper@test")

    def __init__(self, installation: TestInstallation, takes: int = 0) -> None:
        self.sent = 0
        self._installation, self._takes = installation, takes

    async def send(self, message: object, to: Sequence[str]) -> dict[str, None]:
        self.sent += 1
        self._installation.now += self._takes
        return dict.fromkeys(to)


async def _with_notices(installation: TestInstallation, bodies: Sequence[str]) -> None:
    for number, body in enumerate(bodies):
        connection = await installation.connect(f"c{number}")
        settings = sa.update(t.connection).values(settings='{"contactEmail": ["ada@contoso.example"]}', paused=True)
        row = connection_paused(connection.id, body, installation.now)
        for statement in (settings, sa.insert(t.notice).values(row)):
            await installation.storage.write(_run, statement)
    installation.now += GATHER_PAUSED_MS


def _run(conn: sa.Connection, statement: sa.Executable) -> None:
    conn.execute(statement)


async def test_a_notice_that_cannot_be_written_delays_no_other(database_url: str) -> None:
    async with furnished(database_url) as installation:
        good = '{"kind": "serverError", "outcome": "failed", "evidence": {}}'
        await _with_notices(installation, ['{"result": "created"}', good])
        post = Post(installation)
        sender = Sender(installation.storage, post, "https://leads.example", installation.clock, MailRules(("*",)))  # type: ignore[arg-type]
        assert await sender.look() == 1
        assert (
            await installation.count(t.notice, t.notice.c.ended_at.is_(None), t.notice.c.kind == CONNECTION_PAUSED) == 1
        )


async def test_notices_are_not_sent_when_they_may_be_anothers_by_now(database_url: str) -> None:
    async with furnished(database_url) as installation:
        # Of one cause they would be one mail.
        kinds = ("serverError", "tlsFailed", "noAnswer", "redirected", "endpointGone")
        await _with_notices(
            installation, [f'{{"kind": "{kind}", "outcome": "failed", "evidence": {{}}}}' for kind in kinds]
        )
        post = Post(installation, takes=HELD_MS // 2)
        sender = Sender(installation.storage, post, "https://leads.example", installation.clock, MailRules(("*",)))  # type: ignore[arg-type]
        assert await sender.look() == 2
        installation.now += HELD_MS
        assert await sender.look() == 2
        assert post.sent == 4


async def test_closing_waits_for_what_runs(database_url: str) -> None:
    async with furnished(database_url) as installation, Stopped(database_url) as stopped:
        storage = open_storage(database_url)

        def transaction(conn: sa.Connection) -> None:
            stopped.act(conn)
            conn.execute(sa.insert(t.lease).values(id="a", until=1))

        task = asyncio.create_task(storage.write(transaction))
        await stopped.until(1)
        task.cancel()
        closing = asyncio.create_task(storage.close())
        await asyncio.sleep(0)
        assert not closing.done()
        await stopped.__aexit__()
        await closing
        assert await installation.count(t.lease) == 1


@pytest.mark.parametrize("few", [0, 100])
async def test_leads_are_listed_by_state_however_many_there_are(
    database_url: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_state, "FEW", few)
    async with furnished(database_url) as installation:
        lease_id = await begin(installation, 4)
        (work,) = await take(installation, lease_id, 3)
        answers: list[Answer] = [Receipt(), Receipt(confirmed=False), diagnose(Kind.LEAD_REFUSED)]
        await end(
            installation,
            [sent(work, c, lease_id, a, installation.now) for c, a in zip(work.claimed, answers, strict=True)],
        )
        services = Inbox(installation.storage)

        async def listed() -> dict[str, int]:
            states = ("pending", "waiting", "held", "sending", "delivered", "unconfirmed", "setAside", "withheld")
            pages = {state: await services.list(LeadFilter(state=state)) for state in states}
            return {state: len(page.leads) for state, page in pages.items() if page.leads}

        assert await listed() == {"pending": 1, "delivered": 1, "unconfirmed": 1, "setAside": 1}
        await installation.connections.pause(CRM, "primary", by="test")
        assert await listed() == {"held": 1, "delivered": 1, "unconfirmed": 1, "setAside": 1}


async def test_claiming_waits_for_no_connections_row(postgres: Postgres) -> None:
    """Whoever writes health holds such rows and wants deliveries: waiting for each other would be a deadlock."""
    url = postgres.create_database()
    async with furnished(url) as installation, Stopped(url) as stopped:
        lease_id = await begin(installation, 3)
        failing = sa.update(t.connection).values(failures=9)
        await installation.storage.write(lambda conn: conn.execute(failing).rowcount)
        other = open_storage(url)

        def hold(conn: sa.Connection) -> None:
            conn.execute(sa.select(t.connection.c.id).with_for_update()).all()
            stopped.act(conn)

        holding = asyncio.create_task(other.write(hold))
        await stopped.until(1)
        assert await asyncio.wait_for(take(installation, lease_id), SECONDS) == []
        await stopped.__aexit__()
        await holding
        (work,) = await take(installation, lease_id)
        assert work.half_open
        await other.close()


async def test_a_long_replay_is_done_in_parts_each_lead_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redelivery, "BACKFILL", 3)
    async with furnished(database_url) as installation:
        await installation.connect("early")
        await installation.intake.keep_many([lead(number) for number in range(9)])
        delivered = sa.update(t.delivery).values(state="delivered")
        await installation.storage.write(_run, delivered)
        await installation.connect("late")
        await installation.intake.keep(lead(9))
        services = redelivery.Redelivery(installation.storage, clock=installation.clock)

        async def replay(name: str, *states: State, missing: bool) -> int:
            summary = [
                await services.replay(
                    *(CRM, name),
                    since_ms=None,
                    until_ms=None,
                    states=states,
                    missing=missing,
                    dry_run=dry,
                    by="test",
                )
                for dry in (True, False)
            ]
            assert summary[0].deliveries == summary[1].deliveries
            return summary[1].deliveries

        assert await replay("late", missing=True) == 9
        assert await replay("late", missing=True) == 0
        assert await replay("early", State.DELIVERED, missing=False) == 9
        assert await installation.states() == {"pending": 11, "waiting": 9}

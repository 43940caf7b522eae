"""Every destination before its stand-in: what comes of each state and each trouble, who must act, and that no lead is
there twice or shown to anybody.

The tables are in ``cases``, one file per destination; ``cases/troubles.py`` holds what can happen to all of them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog

from leadkeeper.catalogue import CATALOGUE, text_of
from leadkeeper.check import STEP_TITLES, Check, CheckStep, step_title, watched
from leadkeeper.clock import new_id
from leadkeeper.delivery.schedule import State as Stored
from leadkeeper.delivery.schedule import next_step
from leadkeeper.destinations.interface import Adapter, Context
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.mail.service import MailService
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import stand_ins as household
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import AzureBlob
from leadkeeper.sandbox.azure_table.stand_in import AzureTable
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import OK, Clock
from tests.contracts.cases import LINES
from tests.contracts.cases.case import Expected, Line, State
from tests.contracts.cases.troubles import TROUBLES, Trouble
from tests.contracts.faults import LEAD, PASSING, PATIENCE, PERSONAL
from tests.contracts.stages import EndpointStage, MailStage, SandboxStage, Stage, StorageStage
from tests.contracts.test_entra_codes import MET
from tests.languages import LANGUAGES, PORTUGUESE

HASTY_SECONDS = PASSING
"""How long the network waits where the remote system is to hang."""
ACCOUNTS = count(500)
"""Storage accounts that no other test module takes (see ``conftest``)."""
END_SECONDS = 60.0
"""A send, with every request that it needs, is over by then although the remote system hangs."""


@dataclass
class Meeting:
    """An adapter before its stand-in; whatever it says is searched for what must not be shown."""

    line: Line
    stage: Stage
    adapter: Adapter
    log: pytest.LogCaptureFixture

    async def send(self, *leads: OutgoingLead) -> Sequence[Answer]:
        """Deliver; one answer per lead, in time."""
        with structlog.testing.capture_logs() as events:
            async with asyncio.timeout(END_SECONDS):
                answers = await self.adapter.deliver(leads)
        assert len(answers) == len(leads)
        self.assert_nothing_private(answers, events)
        return answers

    async def check(self) -> Check:
        """Check; nothing is written by that, and its steps are told while it runs."""
        before, told = await self.stage.total(), list[CheckStep]()
        with structlog.testing.capture_logs() as events:
            async with asyncio.timeout(END_SECONDS):
                with watched(told.append):
                    check = await self.adapter.check()
        assert list(check.steps[: len(told)]) == told, "the steps are told as they are found, in their order"
        assert not check.ok or len(told) >= len(check.steps) - 2, "all are told but those that the last answer shows"
        self.assert_nothing_private([check], events)
        assert await self.stage.total() == before
        assert check.ok is (check.diagnosis is None), "a failed step and its diagnosis come together"
        return check

    async def warm(self, *, hasty: bool) -> None:
        """What a send needs beforehand is there: a table or container; a token where the network is in haste."""
        if isinstance(self.stage, StorageStage):
            await self.send(lead(9))
        elif hasty:
            await self.check()

    def assert_nothing_private(self, *message: object) -> None:
        """Neither a lead's texts nor a secret, in what was said and in the log."""
        text = f"{message!r} {self.log.text}".casefold()
        private = [*PERSONAL, *(each.casefold() for each in (*self.line.secrets, *self.stage.secrets))]
        assert not [each for each in private if each in text]


Meet = Callable[..., Awaitable[Meeting]]


@pytest.fixture
async def meet(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> AsyncIterator[Meet]:
    """Opens adapter and stand-in; both are closed in time, and nothing of the adapter is left."""
    met: list[tuple[Meeting, Network]] = []
    caplog.set_level("DEBUG")

    async def open_both(line: Line, state: State | None = None, *, hasty: bool = False) -> Meeting:
        stage = await open_stage(line, request)
        if state is not None:
            stage.choose(state)
        seconds = HASTY_SECONDS if hasty else END_SECONDS / 2
        policy = NetworkPolicy(hosts=stage.hosts, ca_file=stage.ca_file, total_seconds=seconds)
        server = stage.mail_server if isinstance(stage, MailStage) else None
        mail = MailService(server, base_url="https://leads.example")
        network = Network(policy, resolve=nowhere)
        account = next(ACCOUNTS) if isinstance(stage, StorageStage) else 0
        settings = settings_of(line, state, f"test{account}")
        config = line.destination.config.model_validate(settings)
        adapter = line.destination.open(config, Context(network, mail))
        meeting = Meeting(line, stage, adapter, caplog)
        met.append((meeting, network))
        return meeting

    before = asyncio.all_tasks()
    yield open_both
    for meeting, network in met:
        async with asyncio.timeout(PATIENCE):
            await meeting.adapter.aclose()
            await network.aclose()
        await meeting.stage.aclose()
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, left


async def nowhere(host: str, port: int) -> Sequence[str]:
    """Only the stand-ins' names exist."""
    raise socket.gaierror(socket.EAI_NONAME, "")


async def open_stage(line: Line, request: pytest.FixtureRequest) -> Stage:
    """The remote system of a line."""
    authority: Authority = request.getfixturevalue("authority")
    match line.stand_in:
        case "azure_table" | "azure_blob" as name:
            make = AzureTable if name == "azure_table" else AzureBlob
            emulator = request.getfixturevalue("azurite" if name == "azure_table" else "azurite_blob")
            service = make(emulator.url)
            host = f"*.{name.removeprefix('azure_')}.core.windows.net"
            await service.start(authority.server_context(host))
            return StorageStage(service, line, authority, host)
        case "https_endpoint":
            endpoint = EndpointStage(authority)
            await endpoint.start()
            return endpoint
        case "email":
            mail = MailStage(authority)
            await mail.start()
            return mail
        case _:
            sandbox = Sandbox(authority.ca_file.parent)
            await sandbox.start()
            return SandboxStage(sandbox, line)


def settings_of(line: Line, state: State | None, account: str) -> dict[str, Any]:
    """The settings in this state; each test has a storage account of its own."""
    settings = {**line.settings, **(state.settings if state is not None else {})}
    return {
        name: value.replace("{account}", account) if isinstance(value, str) else value
        for name, value in settings.items()
    }


def lead(number: int = 0) -> OutgoingLead:
    """A lead of a customer of its own, whose texts are all private."""
    if number == 0:
        return LEAD
    return replace(LEAD, id=new_id(), customer=replace(LEAD.customer, email=f"zoltana.{number}@northwind.example"))


def what(answer: Answer) -> Expected:
    """The answer as the tables have it."""
    if isinstance(answer, Receipt):
        return Expected(answer.outcome)
    return Expected(answer.outcome, answer.kind, answer.who)


def is_as(answer: Answer, expected: Expected) -> bool:
    """Whether it is what the table says; who acts may be left to the kind."""
    found = what(answer)
    return found == (expected if expected.who is not None else Expected(expected.outcome, expected.kind, found.who))


def _named(each: Any) -> str | None:
    return each.name if isinstance(each, Line | State | Trouble) else None


EVERY_STATE = [(line, state) for line in LINES for state in line.states]
BATCHES = [line for line in LINES if line.many]
EVERY_STATE_OF_MANY = [(line, state) for line in BATCHES for state in line.states]
EVERY_TROUBLE_OF_MANY = [(line, trouble) for line in BATCHES for trouble in TROUBLES]
EVERY_TROUBLE = [(line, trouble) for line in LINES if line.speaks_http for trouble in TROUBLES]


def test_every_destination_has_a_case_file_of_its_name() -> None:
    files = {path.stem for path in (Path(__file__).parent / "cases").glob("*.py")}
    assert {destination.name for destination in OURS} <= files
    assert {line.destination for line in LINES} == set(OURS)


def test_every_state_of_every_stand_in_is_in_a_table() -> None:
    for stand_in in household.every(Clock()):
        lines = [line for line in LINES if stand_in.name in (line.stand_in, *(each.stand_in for each in line.states))]
        summary = {
            each.name for line in lines for each in line.states if (each.stand_in or line.stand_in) == stand_in.name
        }
        # What each number of Entra means is a table of its own: tests/contracts/test_entra_codes.py.
        numbers = {f"code{number}" for number in MET} if stand_in.name == "entra" else set()
        assert not set(stand_in.states) - summary - numbers - {OK}, stand_in.name


@pytest.mark.parametrize("line", LINES, ids=_named)
async def test_leads_arrive(line: Line, meet: Meet) -> None:
    meeting = await meet(line)
    check = await meeting.check()
    assert check.ok, check
    one = lead()
    (answer,) = await meeting.send(one)
    assert what(answer) == Expected(line.taken)
    assert isinstance(answer, Receipt)
    assert answer.confirmed is (line.taken is Outcome.DELIVERED)
    assert await meeting.stage.count(one) == 1


@pytest.mark.parametrize("line", LINES, ids=_named)
async def test_a_green_check_names_what_it_did_not_look_at(line: Line, meet: Meet) -> None:
    check = await (await meet(line)).check()
    assert check.ok, check
    assert check.unseen is not None
    summary = {language: check.unseen.summary(language) for language in LANGUAGES}
    assert all(text.endswith(".") and len(text.split()) >= 6 for text in summary.values()), summary
    assert len(set(summary.values())) == len(LANGUAGES)
    assert not [step for step in check.steps if step.name not in STEP_TITLES or not told_in_portuguese(step)]


def told_in_portuguese(step: CheckStep) -> bool:
    """Whether a step's name and detail have Portuguese words."""
    return all(PORTUGUESE.can_tell(text) for text in (step_title(step.name), step.detail) if text)


@pytest.mark.parametrize("line", LINES, ids=_named)
async def test_a_destination_that_confirms_nothing_says_what_is_usually_wrong(line: Line) -> None:
    kind = line.destination.if_not_found
    if line.taken is Outcome.UNCONFIRMED:
        assert kind is not None
    if kind is not None:
        assert CATALOGUE[kind].outcome is Outcome.BROKEN
        for language in LANGUAGES:
            assert len(text_of(kind, language).steps) >= 3


@pytest.mark.parametrize("line", LINES, ids=_named)
async def test_many_leads_arrive(line: Line, meet: Meet) -> None:
    meeting = await meet(line)
    size = meeting.adapter.batch
    leads = [lead(number) for number in range(1, (min(size, 7) if size > 1 else 2) + 1)]
    if size > 1:
        answers = list(await meeting.send(*leads))
    else:
        answers = [answer for each in await asyncio.gather(*map(meeting.send, leads)) for answer in each]
    assert {what(answer) for answer in answers} == {Expected(line.taken)}
    assert [await meeting.stage.count(each) for each in leads] == [1] * len(leads)
    assert await meeting.stage.total() == len(leads)


@pytest.mark.parametrize(("line", "state"), EVERY_STATE, ids=_named)
async def test_what_comes_of_a_state(line: Line, state: State, meet: Meet) -> None:
    meeting = await meet(line, state, hasty=state.name == "noAnswer")
    (answer,) = await meeting.send(lead())
    assert is_as(answer, state.expected), answer
    if isinstance(answer, Diagnosis):
        assert answer.steps
        assert await meeting.stage.count(lead()) == 0


@pytest.mark.parametrize(("line", "state"), EVERY_STATE, ids=_named)
async def test_what_the_check_makes_of_a_state(line: Line, state: State, meet: Meet) -> None:
    meeting = await meet(line, state, hasty=state.name == "noAnswer")
    check = await meeting.check()
    found = None if check.diagnosis is None else check.diagnosis.kind
    seen = state.check if isinstance(state.check, AnyKind) else state.kind if state.check else None
    assert found is seen, check
    if check.diagnosis is not None:
        assert False in [step.ok for step in check.steps]
        assert check.diagnosis.outcome is not Outcome.AMBIGUOUS, "nothing was sent"


@pytest.mark.parametrize(("line", "trouble"), EVERY_TROUBLE, ids=_named)
async def test_what_comes_of_a_trouble(line: Line, trouble: Trouble, meet: Meet) -> None:
    hasty = "hang" in trouble.name
    meeting = await meet(line, hasty=hasty)
    await meeting.warm(hasty=hasty)
    meeting.stage.trouble(trouble.act, line.carries, trouble.times)
    (answer,) = await meeting.send(lead())
    expected = expected_of(line, trouble)
    assert is_as(answer, expected), answer
    if isinstance(answer, Receipt) and line.believed:
        return
    if isinstance(answer, Diagnosis) and trouble.name.startswith(("429 with", "503 with")):
        assert answer.retry_after is not None
        assert answer.retry_after > 100
    assert await meeting.stage.count(lead()) == (1 if trouble.written or isinstance(answer, Receipt) else 0)
    await end_well(meeting, answer, trouble)


@pytest.mark.parametrize(("line", "state"), EVERY_STATE_OF_MANY, ids=_named)
async def test_what_comes_of_a_state_for_many(line: Line, state: State, meet: Meet) -> None:
    meeting = await meet(line, state)
    answers = await meeting.send(*(lead(number) for number in range(1, 4)))
    assert all(is_as(answer, state.expected_of_many) for answer in answers), answers


@pytest.mark.parametrize(("line", "trouble"), EVERY_TROUBLE_OF_MANY, ids=_named)
async def test_many_leads_in_a_trouble_are_once_there(line: Line, trouble: Trouble, meet: Meet) -> None:
    hasty = "hang" in trouble.name
    meeting = await meet(line, hasty=hasty)
    await meeting.warm(hasty=hasty)
    leads = [lead(number) for number in range(1, 4)]
    meeting.stage.trouble(trouble.act, line.carries, trouble.times)
    answers = await meeting.send(*leads)
    for each, answer in zip(leads, answers, strict=True):
        written = await meeting.stage.count(each)
        assert written == 1 if isinstance(answer, Receipt) else written <= 1
        assert not written or answer.outcome in (Outcome.DELIVERED, Outcome.AMBIGUOUS), "it may not be said to be lost"
    meeting.stage.calm()
    again = await meeting.send(*leads)
    assert all(isinstance(answer, Receipt) for answer in again), again
    assert [await meeting.stage.count(each) for each in leads] == [1, 1, 1]


def expected_of(line: Line, trouble: Trouble) -> Expected:
    """What the table says: the line's own word, or the usual."""
    found = line.differs.get(trouble.name, trouble.usually)
    assert found is not None, f"{line.name} does not say what comes of {trouble.name}"
    return Expected(line.taken) if found == Expected(Outcome.DELIVERED) else found


async def end_well(meeting: Meeting, answer: Answer, trouble: Trouble) -> None:
    """What the engine makes of the answer leads to one record: it repeats where that is safe, else sets aside."""
    repeatable = meeting.adapter.repeatable
    step = next_step(answer, 0, 0, 0, 0.5, repeatable=repeatable)
    if isinstance(answer, Diagnosis) and answer.outcome is Outcome.AMBIGUOUS and not repeatable:
        assert step.state is Stored.SET_ASIDE
        assert isinstance(step.answer, Diagnosis)
        assert step.answer.kind is Kind.MAY_HAVE_ARRIVED
        return
    if isinstance(answer, Diagnosis):
        assert step.state in (Stored.WAITING, Stored.SET_ASIDE)
    if isinstance(answer, Diagnosis) and trouble.written:
        assert repeatable, "a lead that was written is sent again only where twice makes one"
    if isinstance(answer, Receipt) and not repeatable:
        return
    meeting.stage.calm()
    (again,) = await meeting.send(lead())
    if isinstance(again, Diagnosis) and again.kind is MarketoKind.PACED:
        return  # a page came where the form's answer should be: the line rests for a minute
    assert isinstance(again, Receipt), again
    assert await meeting.stage.count(lead()) == 1


@pytest.mark.parametrize("line", LINES, ids=_named)
async def test_the_same_lead_twice(line: Line, meet: Meet) -> None:
    meeting = await meet(line)
    config = line.destination.config.model_validate(settings_of(line, None, "test"))
    assert config.repeatable is meeting.adapter.repeatable
    await meeting.send(lead())
    if not meeting.adapter.repeatable:
        return
    (again,) = await meeting.send(lead())
    assert isinstance(again, Receipt)
    assert again.result in ("duplicate", "updated") or line.believed
    other = lead(1)
    at_once = await asyncio.gather(*(meeting.send(other) for _ in range(3)))
    assert all(isinstance(answer, Receipt) for answers in at_once for answer in answers), at_once
    assert [await meeting.stage.count(each) for each in (lead(), other)] == [1, 1]

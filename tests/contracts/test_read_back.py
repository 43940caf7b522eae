"""Every destination that can be read back says which of its records are still there, and calls nothing else missing."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient

from leadkeeper.clock import new_id
from leadkeeper.destinations.azure_blob.adapter import API_VERSION
from leadkeeper.destinations.azure_storage.account import Service
from leadkeeper.destinations.azure_storage.calls import sdk_options
from leadkeeper.destinations.interface import Presence, ReadsBack, SentRecord
from leadkeeper.diagnosis import Diagnosis, Kind, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import APPLICATION
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from tests.contracts.cases import LINES
from tests.contracts.cases.case import Line, State
from tests.contracts.faults import LEAD
from tests.contracts.stages import SandboxStage
from tests.contracts.test_destinations import Meet, Meeting, meet, settings_of

__all__ = ["meet"]

READABLE: Final = [
    line
    for line in LINES
    if line.destination.reads_back(line.destination.config.model_validate(settings_of(line, None, "test1")))
]


def test_the_readable_are_those_of_the_issue() -> None:
    assert {line.destination.name for line in READABLE} == {
        "dynamics", "salesforce", "marketo", "hubspot", "azure_table", "azure_blob",
    }  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
async def test_a_provider_says_what_its_adapter_can(meet: Meet, line: Line) -> None:
    meeting = await meet(line)
    assert isinstance(meeting.adapter, ReadsBack) is (line in READABLE)


def customers(number: int) -> list[OutgoingLead]:
    return [
        replace(
            LEAD,
            id=new_id(),
            created_at=datetime.now(UTC),
            customer=replace(LEAD.customer, email=f"zoltana.{each}@northwind.example"),
        )
        for each in range(number)
    ]


async def delivered(meeting: Meeting, number: int) -> list[SentRecord]:
    """So many leads, and what was answered for each."""
    leads, sent = customers(number), list[SentRecord]()
    size = meeting.adapter.batch
    for begin in range(0, number, size):
        some = leads[begin : begin + size]
        for lead, answer in zip(some, await meeting.send(*some), strict=True):
            assert isinstance(answer, Receipt)
            assert answer.confirmed
            sent.append(SentRecord(lead, answer))
    return sent


async def found(meeting: Meeting, sent: Sequence[SentRecord]) -> list[Presence]:
    """What the adapter says of each, in calls as large as it takes."""
    assert isinstance(meeting.adapter, ReadsBack)
    said: list[Presence] = []
    for begin in range(0, len(sent), meeting.adapter.find_batch):
        some = await meeting.adapter.find(sent[begin : begin + meeting.adapter.find_batch])
        assert not isinstance(some, Diagnosis), some
        said += some
    return said


class People:
    """What people do with the records of one line, in the destination's own pages."""

    def __init__(self, meeting: Meeting) -> None:
        self._stage = meeting.stage
        self._name = meeting.line.stand_in
        self._contacts = meeting.line.settings.get("leads") == "never"

    @property
    def kinds(self) -> Sequence[str]:
        """What they can do beside removing one."""
        own = {"dynamics": ["merge", "qualify", "change"], "salesforce": ["merge", "convert", "change"]}
        return own.get(self._name, ["merge", "change"] if self._name != "hubspot" or self._contacts else ["change"])

    def do(self, what: str, sent: SentRecord, other: SentRecord | None = None) -> None:
        """Do it to a record; ``other`` is the one that stays after a merge."""
        assert isinstance(self._stage, SandboxStage)
        sandbox, more = self._stage.sandbox, {} if other is None else {"other": other.receipt.remote_id}
        asked: dict[str, Any] = {"do": what, "id": sent.receipt.remote_id, **more}
        match self._name:
            case "dynamics":
                host = str(sent.receipt.link).split("/")[2]
                sandbox.stand_in(Dynamics).by_hand(asked | {"environment": host, "values": {"lastname": "Another"}})
            case "salesforce":
                values = {"LastName": "Another", "LeadkeeperId__c": ""}
                sandbox.stand_in(Salesforce).by_hand(asked | {"values": values})
            case "marketo":
                sandbox.stand_in(Marketo).by_hand(asked | {"values": {"email": "new@northwind.example"}})
            case _:
                kind = "contacts" if self._contacts else "leads"
                done = {"delete": "archive"}.get(what, what)
                named = {"hs_lead_name": "Another"} if kind == "leads" else {"lastname": "Another"}
                sandbox.stand_in(HubSpot).by_hand(asked | {"do": done, "object": kind, "properties": named})


EXPECTED: Final = {
    "delete": Presence.MISSING,
    "merge": Presence.MERGED,
    "convert": Presence.CONVERTED,
    "qualify": Presence.CONVERTED,
    "change": Presence.THERE,
}
CRMS: Final = [line for line in READABLE if not line.destination.name.startswith("azure")]
STORAGES: Final = [line for line in READABLE if line.destination.name.startswith("azure")]


@pytest.mark.parametrize("line", CRMS, ids=lambda line: line.name)
async def test_exactly_what_was_removed_is_missing(meet: Meet, line: Line) -> None:
    meeting = await meet(line)
    sent = await delivered(meeting, 36)  # Marketo's pace lets no more go at once
    people, dice = People(meeting), random.Random(line.name)
    chosen = dice.sample(range(len(sent)), 20)
    expected = [Presence.THERE] * len(sent)
    for place, at in enumerate(chosen[:16]):
        what = ["delete", *people.kinds][place % (1 + len(people.kinds))]
        others = [each for each in range(len(sent)) if each not in chosen]
        people.do(what, sent[at], sent[dice.choice(others)] if what == "merge" else None)
        expected[at] = EXPECTED[what]
    said = await found(meeting, sent)
    if people.kinds[0] == "merge" and line.destination.name == "hubspot":  # both ids of a merge lead to a third
        said = [each if each is not Presence.MERGED else Presence.THERE for each in said]
        expected = [each if each is not Presence.MERGED else Presence.THERE for each in expected]
    assert said == expected
    removed = [each for each, what in zip(sent, expected, strict=True) if what is Presence.MISSING]
    assert removed
    for each in removed:
        (answer,) = await meeting.send(each.lead)
        assert isinstance(answer, Receipt)
        assert answer.result == "created"
    meeting.assert_nothing_private(said)


@pytest.mark.parametrize("line", CRMS, ids=lambda line: line.name)
async def test_what_cannot_be_asked_is_a_diagnosis_and_nothing_is_missing(meet: Meet, line: Line) -> None:
    meeting = await meet(line)
    sent = await delivered(meeting, 3)
    for state in line.states:
        if state.settings or state.stand_in or not state.check or state.kind is None:
            continue
        meeting.stage.choose(state)
        assert isinstance(meeting.adapter, ReadsBack)
        said = await meeting.adapter.find(sent)
        assert isinstance(said, Diagnosis) or set(said) == {Presence.THERE}, (state.name, said)
        meeting.assert_nothing_private(said)


async def test_rows_that_the_user_may_not_see_are_not_missing(meet: Meet) -> None:
    line = next(each for each in READABLE if each.destination.name == "dynamics")
    meeting = await meet(line)
    sent = await delivered(meeting, 10)
    assert isinstance(meeting.stage, SandboxStage)
    people, service = People(meeting), meeting.stage.sandbox.stand_in(Dynamics)
    for each in sent[:4]:
        host = str(each.receipt.link).split("/")[2]
        service.by_hand({"do": "assign", "environment": host, "id": each.receipt.remote_id, "owner": str(UUID(int=7))})
        service.organizations[host].members[APPLICATION].reads_own = True
    people.do("delete", sent[9])
    assert await found(meeting, sent) == [*[Presence.THERE] * 9, Presence.MISSING]


async def test_an_application_that_may_not_read_says_so(meet: Meet) -> None:
    line = next(each for each in READABLE if each.destination.name == "dynamics")
    meeting = await meet(line)
    sent = await delivered(meeting, 1)
    meeting.stage.choose(State("createOnlyUpsert", "", sent[0].receipt.outcome))
    assert isinstance(meeting.adapter, ReadsBack)
    said = await meeting.adapter.find(sent)
    assert isinstance(said, Diagnosis)
    assert said.kind is Kind.READ_BACK_FORBIDDEN


async def test_what_lies_in_the_recycle_bin_no_more_is_missing_and_what_was_sent_again_is_there(meet: Meet) -> None:
    line = next(each for each in READABLE if each.destination.name == "salesforce")
    meeting = await meet(line)
    sent, people = await delivered(meeting, 3), People(meeting)
    for each in sent[:2]:
        people.do("delete", each)
    people.do("purge", sent[0])
    assert await found(meeting, sent) == [Presence.MISSING, Presence.MISSING, Presence.THERE]
    await meeting.send(sent[1].lead)
    assert await found(meeting, sent) == [Presence.MISSING, Presence.THERE, Presence.THERE]


async def test_an_old_person_who_is_not_found_is_not_called_missing(meet: Meet) -> None:
    """Deletions are listed for two weeks; of what came before nobody can say whether it was merged."""
    line = next(each for each in READABLE if each.destination.name == "marketo")
    meeting = await meet(line)
    (sent,) = await delivered(meeting, 1)
    old = SentRecord(replace(sent.lead, created_at=sent.lead.created_at.replace(year=2020)), sent.receipt)
    people = People(meeting)
    people.do("delete", sent)
    assert await found(meeting, [old]) == [Presence.MISSING]
    assert isinstance(meeting.stage, SandboxStage)
    meeting.stage.sandbox.stand_in(Marketo).subscription.changes.clear()
    assert await found(meeting, [old]) == [Presence.UNKNOWN]


Remove = Callable[[Sequence[SentRecord]], Awaitable[None]]


def _remover(meeting: Meeting) -> Remove:
    """How somebody removes rows or files with Azure's own tools."""
    adapter: Any = meeting.adapter
    service = Service.TABLE if meeting.line.destination.name == "azure_table" else Service.BLOB
    account, network = adapter._account, adapter._network
    key = AzureNamedKeyCredential(account.name or "", account.key or "")

    async def rows(gone: Sequence[SentRecord]) -> None:
        async with TableClient(account.endpoint, "MarketplaceLeads", credential=key, **sdk_options(network)) as table:
            for each in gone:
                day, _, row = str(each.receipt.remote_id).partition("/")
                await table.delete_entity(day, row)

    async def files(gone: Sequence[SentRecord]) -> None:
        container = str(gone[0].receipt.remote_id).partition("/")[0]
        options = sdk_options(network) | {"api_version": API_VERSION}
        async with ContainerClient(account.endpoint, container, credential=key, **options) as client:
            for each in gone:
                await client.delete_blob(str(each.receipt.remote_id).partition("/")[2])

    return rows if service is Service.TABLE else files


@pytest.mark.parametrize("line", STORAGES, ids=lambda line: line.name)
async def test_exactly_the_removed_rows_and_files_are_missing(meet: Meet, line: Line) -> None:
    meeting = await meet(line)
    sent = await delivered(meeting, 60)
    gone = random.Random(7).sample(range(60), 20)
    remove = _remover(meeting)
    await remove([sent[each] for each in gone])
    assert await found(meeting, sent) == [Presence.MISSING if each in gone else Presence.THERE for each in range(60)]

"""What Azure Table and Azure Blob do alike: the check, and creating one thing per lead in a place that may be missing.

What is only ever created is never overwritten: a lead that is sent twice is there once.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Generic, Protocol, TypeVar

from pydantic import SecretStr

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep, tell_step
from leadkeeper.destinations.azure_storage.account import Service, is_account_permitted, parse_connection_string
from leadkeeper.destinations.azure_storage.calls import FOREIGN_HOST, StorageCalls, about_account
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.errors import Failure
from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network
from leadkeeper.texts import lazy_gettext

_PATIENCE: Final = 2
"""How many times the network's total time one call of ``deliver`` may take before it sends nothing more."""


class Creation(Protocol):
    """What one request creates."""

    @property
    def leads(self) -> Sequence[OutgoingLead]:
        """The leads that it is about."""


CreationT = TypeVar("CreationT", bound=Creation)


@dataclass(slots=True)
class _Run(Generic[CreationT]):
    """One call of ``deliver``: what is still to create, the answers so far, and what ended it early."""

    waiting: deque[CreationT]
    deadline: float
    answers: dict[str, Answer] = field(default_factory=dict)
    trouble: Failure | None = None

    def end(self, failure: Failure) -> None:
        """Send nothing more; the first failure is the one that counts."""
        self.trouble = self.trouble or failure

    def answer(self, lead: OutgoingLead) -> Answer:
        """What became of the lead; it was never sent where it has no answer of its own."""
        found = self.answers.get(lead.id)
        if found is None:
            assert self.trouble is not None, "a lead was neither sent nor kept from being sent"
            return self.trouble.unsent
        return found


class StorageAdapter(ABC, Generic[CreationT]):
    """A line to one place (a table, a container) of a storage account. ``now`` gives the seconds since 1970."""

    repeatable: ClassVar[bool] = True
    service: ClassVar[Service]
    unseen: ClassVar[Unseen]
    """What a check that passes did not look at."""
    missing: ClassVar[frozenset[str]]
    """Codes that may mean that the place is not there: it is then made, once in a call of ``deliver``."""
    made_already: ClassVar[str]
    """The code that tells that another made the place meanwhile."""
    at_once: ClassVar[int] = 1
    """How many requests of one call of ``deliver`` are under way at the same time."""

    def __init__(self, connection_string: SecretStr, network: Network, now: Callable[[], float] = time.time) -> None:
        self._network = network
        self._account = parse_connection_string(connection_string.get_secret_value(), self.service)
        self._refusal = None if is_account_permitted(self._account, network.policy) else FOREIGN_HOST
        self._calls = StorageCalls(self._account, network, now)

    @abstractmethod
    def _lacking(self) -> str | None:
        """What a shared access signature says of itself that makes it useless for writing."""

    @abstractmethod
    async def _read(self) -> None:
        """Read a little from the place."""

    @abstractmethod
    def _proof(self, failure: Failure | None) -> str | None:
        """What the answer to :meth:`_read` proves of the credentials; ``None`` where it proves nothing good."""

    @abstractmethod
    def _is_blind(self, failure: Failure) -> bool:
        """Credentials that may not read may write all the same."""

    @abstractmethod
    async def _make(self) -> None:
        """Make the place."""

    @abstractmethod
    def _parts(self, leads: Sequence[OutgoingLead]) -> Iterable[CreationT]:
        """What to create for the leads, in the order of sending."""

    @abstractmethod
    async def _create(self, part: CreationT, answers: dict[str, Answer]) -> Failure | Sequence[CreationT]:
        """Create ``part`` and add to ``answers`` what became of its leads.

        Returns what is left of it to create, or the failure that concerns all leads, those of ``part`` included.
        """

    async def check(self) -> Check:
        """Steps ``settings``, those of reaching the host, and ``credentials`` (reads a little, writes nothing)."""
        if self._refusal is not None:
            return Check((CheckStep("settings", False, self._refusal.evidence.text or ""),), self._refusal)
        settings = tell_step(CheckStep("settings", True, lazy_gettext("The connection string is complete.")))
        reach = await self._network.check_reach(self._account.endpoint, about_account)
        if reach.diagnosis is not None:
            return Check((settings, *reach.steps), reach.diagnosis)
        step, diagnosis = await self._check_credentials()
        return Check((settings, *reach.steps, step), diagnosis, self.unseen)

    async def _check_credentials(self) -> tuple[CheckStep, Diagnosis | None]:
        lacking = self._lacking()
        if lacking is not None:
            blocked = diagnose(AzureStorageKind.ACCESS_BLOCKED, Evidence(text=lacking))
            return CheckStep("credentials", False, lacking), blocked
        failure = await self._calls.do(self._read)
        proof = self._proof(failure)
        if failure is None or proof is not None:
            return CheckStep("credentials", True, proof or ""), None
        if self._is_blind(failure):
            return CheckStep("credentials", None, lazy_gettext("They cannot be proven without writing.")), None
        return CheckStep("credentials", False, failure.unsent.summary), failure.unsent

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Create what stands for each lead; the place is made when it is missing.

        What is there already is answered ``duplicate`` and stays as it is. Trouble with the account or the service
        ends the call, as does slowness: leads not sent by then get its diagnosis, never as ambiguous.
        """
        if self._refusal is not None:
            return [self._refusal] * len(leads)
        deadline = asyncio.get_running_loop().time() + _PATIENCE * self._network.policy.total_seconds
        run = _Run(deque(self._parts(leads)), deadline)
        await self._create_all(run, self.missing)
        if run.trouble is not None and run.trouble.code in self.missing:
            made = await self._calls.do(self._make)
            run.trouble = None if made is None or made.code == self.made_already else Failure(made.unsent)
            await self._create_all(run, frozenset())
        return [run.answer(lead) for lead in leads]

    async def _create_all(self, run: _Run[CreationT], missing: frozenset[str]) -> None:
        """Create what waits until something fails that concerns all; a part that failed with ``missing`` waits on."""

        async def work() -> None:
            while run.waiting and run.trouble is None:
                if asyncio.get_running_loop().time() > run.deadline:
                    run.end(Failure(diagnose(Kind.NO_ANSWER)))
                    return
                part = run.waiting.popleft()
                left = await self._create(part, run.answers)
                if not isinstance(left, Failure):
                    run.waiting.extendleft(reversed(left))
                    continue
                if left.code in missing:
                    run.waiting.appendleft(part)
                else:
                    run.answers.update({lead.id: left.diagnosis for lead in part.leads})
                run.end(left)

        await asyncio.gather(*(work() for _ in range(min(self.at_once, len(run.waiting)))))

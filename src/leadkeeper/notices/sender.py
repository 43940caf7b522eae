"""Sending the notices that other packages wrote down, and asking contacts: over the operator's mail server.

Notices are gathered per connection. Every recipient has a result of its own: whoever was served is not written to
again, whoever was put off is tried again, and what is over a publisher's bound waits for its next hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Final

import sqlalchemy as sa
import structlog

from leadkeeper.access import contacts
from leadkeeper.access.contacts import ContactQuestion
from leadkeeper.access.mail_bound import free_at, spend
from leadkeeper.catalogue import to_stored
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.recipients import stored_troubles
from leadkeeper.diagnosis import AnyKind, Outcome
from leadkeeper.mail.address import DEFAULT_RULES, MailRules
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.mail.fates import RETRY_MS, record_sent
from leadkeeper.mail.mailer import SECONDS, Mailer, Results
from leadkeeper.mail.text import question
from leadkeeper.notices.composing import compose
from leadkeeper.notices.due import HELD_MS, DueNotices, again, end, plan, take
from leadkeeper.notices.queued import send_queued
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.texts import Languages

LOOK_SECONDS: Final = 2.0

log: Final = structlog.get_logger(__name__)

__all__ = ["HELD_MS", "Sender"]


class Sender:
    """Runs in every worker; each notice is sent by one of them. Without a mail server the notices wait for one.

    ``marketplace`` is the name by which questions call this installation. Mails are in each of ``languages``.
    """

    def __init__(
        self,
        storage: Storage,
        mailer: Mailer | None,
        base_url: str,
        clock: Clock = now_ms,
        rules: MailRules = DEFAULT_RULES,
        marketplace: object = "Marketplace",
        languages: Languages | None = None,
    ) -> None:
        self._storage = storage
        self._mailer = mailer
        self._base_url = base_url
        self._clock = clock
        self._rules = rules
        self._marketplace = marketplace
        self._languages = languages

    async def run(self) -> None:
        """Look every two seconds until cancelled; without a mail server, end at once."""
        if self._mailer is not None:
            await run_periodically(Job("notices", self.look, LOOK_SECONDS))

    async def look(self) -> int:
        """Send what is due, as long as it is ours; answers how many mails the server took for somebody."""
        assert self._mailer is not None
        sent = await self._tell(self._mailer) + await self._ask_all(self._mailer)
        return sent + await send_queued(self._storage, self._mailer, self._rules, self._clock)

    async def _ask_all(self, mailer: Mailer) -> int:
        sent, until = 0, self._clock() + contacts.LEASE_MS - int(SECONDS * 1000)
        for asked in await self._storage.write(contacts.due_questions, self._rules, self._clock()):
            if self._clock() < until:
                sent += await self._ask(mailer, asked)
        return sent

    async def _tell(self, mailer: Mailer) -> int:
        sent, until = 0, self._clock() + HELD_MS - int(SECONDS * 1000)
        for due in await self._storage.write(take, self._clock()):
            if self._clock() >= until:
                break
            try:
                sent += await self._send(mailer, due)
            except StorageAway:
                raise
            except Exception as error:
                log.error("notice failed", kind=due.kind, ids=due.ids, error=type(error).__name__)
                await self._storage.write(again, due, due.left, self._clock())
        return sent

    async def _ask(self, mailer: Mailer, asked: ContactQuestion) -> bool:
        """One question to one address; what goes wrong is remembered beside it, and tried again if that may help."""

        def begin(conn: sa.Connection, now: int) -> bool:
            if spend(conn, asked.publisher_id, 1, self._rules, now):
                return True
            contacts.question_ended(conn, asked, now, again=True, trouble=None)
            return False

        if not await self._storage.write(begin, self._clock()):
            return False
        message = question(
            asked.publisher_id, asked.token, str(self._marketplace), self._base_url, mailer.sender, self._languages
        )
        results = await mailer.send(message, [asked.address])
        (summary,) = results.values()
        later = (
            summary is not None and summary.outcome in (Outcome.FAILED, Outcome.BROKEN) and not _is_theirs(summary.kind)
        )
        trouble = None if summary is None else to_stored(summary)
        await self._storage.write(contacts.question_ended, asked, self._clock(), again=later, trouble=trouble)
        await self._record(message, results, asked.publisher_id)
        if summary is not None:
            log.warning("question not sent", kind=summary.kind.value, publisher=asked.publisher_id, again=later)
        return summary is None

    async def _send(self, mailer: Mailer, due: DueNotices) -> bool:
        planned = await self._storage.write(plan, due, self._rules, self._clock())
        if not planned.now:
            return False
        message = compose(due, planned.now, self._base_url, mailer.sender, self._languages)
        results = await mailer.send(message, planned.now)
        self._log(due, results)
        await self._storage.write(_record, due, results, planned.later, message, self._clock())
        return any(summary is None for summary in results.values())

    async def _record(self, message: EmailMessage, results: Results, publisher_id: str) -> None:
        now = self._clock()
        await self._storage.write(record_sent, message, results, publisher_id, now, now + contacts.LEASE_MS)

    def _log(self, due: DueNotices, results: Results) -> None:
        for summary in results.values():
            if summary is not None:
                log.warning(
                    "notice not sent",
                    kind=summary.kind.value,
                    status=summary.evidence.status,
                    outcome=summary.outcome.value,
                    publisher=due.publisher_id,
                    connection=due.notices[0].connection_id,
                )


def _is_theirs(kind: AnyKind) -> bool:
    """Whether the address is wrong: asking it again does not help."""
    return kind in (MailKind.RECIPIENT_REFUSED, MailKind.ADDRESS_UNSUPPORTED)


def _record(
    conn: sa.Connection, due: DueNotices, results: Results, later: Sequence[str], message: EmailMessage, now: int
) -> None:
    """Who has got it is done, who may have got it too; the others wait, except those who never can."""
    contacts.report(conn, due.publisher_id, stored_troubles(results))
    retry_at = now + RETRY_MS[min(due.notices[0].tries, len(RETRY_MS) - 1)]
    record_sent(conn, message, results, due.publisher_id, now, retry_at)
    put_off = [
        email
        for email, summary in results.items()
        if summary is not None and summary.outcome is not Outcome.AMBIGUOUS and not _is_theirs(summary.kind)
    ]
    if put_off:
        again(conn, due, [*put_off, *later], now)
    elif later:
        again(conn, due, later, now, at=free_at(conn, due.publisher_id, now))
    else:
        end(conn, due.ids, now)

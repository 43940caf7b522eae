"""From notices to the mail that tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

import sqlalchemy as sa

from leadkeeper.catalogue import from_stored
from leadkeeper.connections import outbox
from leadkeeper.connections.expiry import Ending
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import AnyKind, Diagnosis
from leadkeeper.mail.address import MailAddress
from leadkeeper.mail.text import Envelope, change_refused_notice, lead_notice, paused_notice, quoted, withheld_notice
from leadkeeper.notices.due import DueNotices
from leadkeeper.notices.expiry_mail import expiring_notice
from leadkeeper.notices.outage_mail import Fallen, all_paused_notice, failing_notice, works_notice
from leadkeeper.notices.publishing_mail import (
    live_notice,
    operation_failed_notice,
    operation_waits_notice,
    preview_notice,
)
from leadkeeper.publishing.operations import DAMAGED
from leadkeeper.publishing.steps import STEP_TEXTS, Level, StepStatus, steps_from_json
from leadkeeper.texts import Languages


def compose(
    due: DueNotices, to: Sequence[str], base_url: str, sender: MailAddress, languages: Languages | None = None
) -> EmailMessage:
    """The mail that tells of the notices in ``due``, in each of ``languages``; without, in all that there are."""
    row = due.notices[0]
    envelope = Envelope(to, sender, row.id, languages)
    page = f"{base_url}/portal/offers/{row.publisher_id}/{row.offer_id}"
    match due.kind:
        case outbox.LEAD_ARRIVED:
            return lead_notice([notice.body for notice in due.notices], row.title, base_url, envelope)
        case outbox.LEAD_WITHHELD:
            return withheld_notice(len(due.notices), row.title, page, envelope)
        case outbox.CONNECTION_FAILING | outbox.CONNECTION_WORKS:
            those = [Fallen(_called(notice), notice.title, OutageNews.of(notice.body)) for notice in due.notices]
            summary_in = failing_notice if due.kind == outbox.CONNECTION_FAILING else works_notice
            return summary_in(those, f"{base_url}/portal", envelope)
        case outbox.OPERATION_FAILED:
            step, summary = _failure(row)
            return operation_failed_notice(row.title, step, summary, page, envelope)
        case outbox.OPERATION_WAITS:
            return operation_waits_notice(
                row.title, _message(row, "information", StepStatus.WAITING_FOR_REVIEW), page, envelope
            )
        case outbox.PREVIEW_READY:
            doubts = _message(row, "warning")
            shown = f"{base_url}/store/offers/{row.publisher_id}/{row.offer_id}?preview={row.preview_key}"
            return preview_notice(row.title, shown, page, doubts, envelope)
        case outbox.OFFER_LIVE:
            return live_notice(row.title, f"{base_url}/store/offers/{row.publisher_id}/{row.offer_id}", envelope)
    if due.kind == outbox.CONNECTION_EXPIRES:
        last = due.notices[-1]
        return expiring_notice(
            _called(row), row.title, Ending.of(last.body), f"{page}/connections/{row.name}/edit", envelope
        )
    notified_last = from_stored(due.notices[-1].body)
    assert isinstance(notified_last, Diagnosis)
    if due.kind == outbox.CHANGE_REFUSED:
        return change_refused_notice(_called(row), row.title, notified_last.kind, envelope)
    return _paused(due, notified_last.kind, f"{base_url}/portal", envelope)


def _paused(due: DueNotices, kind: AnyKind, portal: str, envelope: Envelope) -> EmailMessage:
    """One connection is broken, or several by one cause."""
    row, not_found = due.notices[0], kind in OURS.if_not_found
    broken = {notice.connection_id: (notice.title, _called(notice)) for notice in due.notices}
    if len(broken) > 1:
        return all_paused_notice([*broken.values()], kind, portal, envelope, not_found=not_found)
    return paused_notice(_called(row), row.title, kind, envelope, not_found=not_found)


def _called(row: sa.Row[Any]) -> str:
    """What mails call a connection: its title in quotes, as somebody chose it; else its name, which is plain."""
    return str(row.name) if row.connection_title == row.name else quoted(row.connection_title)


def _failure(row: sa.Row[Any]) -> tuple[str, list[str]]:
    """The step at which an operation stopped, and what it tells; as ``publishing.steps`` stores it."""
    try:
        steps = steps_from_json(row.steps)
    except ValueError:
        return "", [DAMAGED]
    for step in steps:
        wrong = [message.text for message in step.messages if message.level == "error"]
        if wrong:
            return STEP_TEXTS[step.id].name, [line for text in wrong for line in text.splitlines()]
    return "", []


def _message(row: sa.Row[Any], level: Level, status: StepStatus | None = None) -> list[str]:
    """What an operation's steps (those of ``status``) tell at this level."""
    try:
        steps = steps_from_json(row.steps)
    except ValueError:
        return [DAMAGED]
    summary = [step.messages for step in steps if status is None or step.status is status]
    return [message.text for messages in summary for message in messages if message.level == level]

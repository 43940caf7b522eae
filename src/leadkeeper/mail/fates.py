"""What became of a mail: written down by whoever sends it, without anything secret. All SQL, and pure rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import EmailMessage
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import new_id
from leadkeeper.diagnosis import Diagnosis, Outcome
from leadkeeper.mail.address import parse_address
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.mail.mailer import Results
from leadkeeper.storage import tables as t

RETRY_MS: Final = (10_000, 60_000, 300_000, 900_000, 3_600_000)
MOST_TRIES: Final = 30
"""With the last delay each time, a good day; a mail older than that helps nobody."""
_TOKEN: Final = re.compile(r"(/(?:contacts|portal/(?:password|invitation|begin))/)[\w-]+")
"""In links that are good once."""
_COLUMNS: Final[dict[str, Any]] = {"code": None, "words": None, "tried_at": None, "ended_at": None}


class Fate(StrEnum):
    """What became of a mail."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    PUT_OFF = "putOff"
    """Not taken now: it is written again, as another mail."""
    REFUSED = "refused"
    IN_DOUBT = "inDoubt"


def mail_row(
    message: EmailMessage, address: str, publisher_id: str, now: int, due_at: int | None = None
) -> dict[str, Any]:
    """The row of a mail to one address, which holds nothing secret; of no publisher (empty) it is the operator's."""
    return {
        "id": new_id(),
        "address": address,
        "publisher_id": publisher_id,
        "subject": str(message["Subject"]),
        "text": message.get_content(),
        "languages": str(message["Content-Language"]),
        "created_at": now,
        "due_at": now if due_at is None else due_at,
        "state": Fate.QUEUED.value,
    }


def record_sent(
    conn: sa.Connection, message: EmailMessage, results: Results, publisher_id: str, now: int, retry_at: int | None
) -> None:
    """Write down the fate of a mail that somebody else sent.

    They try again at ``retry_at`` (ms; ``None``: never) where that may help.
    """
    text = _TOKEN.sub(r"\1…", message.get_content())
    rows = []
    for address, result in results.items():
        ended = dict(fate_after(MOST_TRIES, result, now))
        may_pass = result is not None and result.outcome is not Outcome.AMBIGUOUS and not is_final(result)
        if may_pass and retry_at is not None:
            ended |= {"state": Fate.PUT_OFF.value, "due_at": retry_at}
        row = mail_row(message, parse_address(address).key, publisher_id, now)
        rows.append({**row, **ended, "text": text, "tries": 1})
    if rows:
        conn.execute(sa.insert(t.mail), [_COLUMNS | row for row in rows])


def fate_after(tries: int, result: Diagnosis | None, now: int) -> Mapping[str, Any]:
    """The columns of a mail that was tried ``tries`` times before and now had this result. Pure."""
    values: dict[str, Any] = {"tries": tries + 1, "tried_at": now, "code": None, "words": None}
    if result is None:
        return values | {"state": Fate.ACCEPTED.value, "ended_at": now}
    values |= {"code": result.evidence.status, "words": str(result.evidence.text or result.kind.value)}
    if result.outcome is Outcome.AMBIGUOUS:
        return values | {"state": Fate.IN_DOUBT.value, "ended_at": now}
    if is_final(result) or tries + 1 >= MOST_TRIES:
        return values | {"state": Fate.REFUSED.value, "ended_at": now}
    return values | {"due_at": now + RETRY_MS[min(tries + 1, len(RETRY_MS)) - 1]}


def is_final(result: Diagnosis) -> bool:
    """Whether the address is wrong: writing to it again does not help."""
    return result.kind in (MailKind.RECIPIENT_REFUSED, MailKind.ADDRESS_UNSUPPORTED)

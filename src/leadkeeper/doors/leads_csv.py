"""A list of leads as a file that spreadsheets open: streamed, whatever its size."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from leadkeeper.clock import to_datetime
from leadkeeper.doors.action_words import action_word, source_word
from leadkeeper.doors.state_words import DELIVERIES, FOLLOW_UPS
from leadkeeper.inbox.lists.total import LeadTotal
from leadkeeper.offer import connection_called
from leadkeeper.spreadsheet import cell
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import LeadSummary

_COLUMNS: Final = (
    _("Lead id"),
    _("Received (UTC)"),
    _("Publisher"),
    _("Offer"),
    _("Source"),
    _("Action"),
    _("First name"),
    _("Last name"),
    _("E-mail"),
    _("Phone"),
    _("Country"),
    _("Company"),
    _("Title"),
    _("Test"),
    _("Destinations"),
    _("Follow-up"),
    _("Reason"),
    _("Owner"),
    _("Due (UTC)"),
)
_CHUNK: Final = 64 * 1024
CSV_TYPE: Final = "text/csv; charset=utf-8"
TOTAL_HEADER: Final = "Leadkeeper-Leads"
"""The header that says how many leads the file will hold, for whoever shows how far it is; absent where unknown."""
_ABOUT: Final = "about "


def csv_name(now: int) -> str:
    """What the file is called that is made ``now`` (ms)."""
    return f"leads-{to_datetime(now):%Y-%m-%d}.csv"


def total_text(total: LeadTotal) -> str:
    """``total`` as :data:`TOTAL_HEADER` carries it."""
    return f"{_ABOUT if total.about else ''}{total.leads}"


def parse_total(text: str | None) -> LeadTotal | None:
    """What :func:`total_text` made; ``None`` for anything else."""
    number = (text or "").removeprefix(_ABOUT)
    if not (number.isascii() and number.isdecimal() and len(number) < 16):
        return None
    return LeadTotal(int(number), about=number != text)


async def csv_of(
    leads: AsyncIterator[LeadSummary], language: Language, title: Callable[[str], str]
) -> AsyncIterator[bytes]:
    """The file in pieces: UTF-8 with a byte order mark, rows ended by CR LF (RFC 4180), no cell a formula.

    ``title`` says what people call a destination.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    out.write("\ufeff")
    writer.writerow([language.tell(name) for name in _COLUMNS])
    async for lead in leads:
        writer.writerow([cell(language.tell(value)) for value in _row(lead, language, title)])
        if out.tell() >= _CHUNK:
            yield out.getvalue().encode("utf-8", "replace")
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode("utf-8", "replace")


def _row(lead: LeadSummary, language: Language, title: Callable[[str], str]) -> Sequence[str]:
    customer, follow = lead.customer, lead.follow_up
    ways = (
        connection_called(each.connection_title, language.tell(title(each.destination)))
        + f": {language.tell(DELIVERIES.get(each.state, each.state))}"
        for each in lead.deliveries
    )
    followed = ("", "", "", "")
    if follow is not None:
        state = FOLLOW_UPS.get(follow.state, follow.state)
        followed = (state, follow.reason, follow.owner or "", follow.due_at)
    return (
        lead.id,
        lead.created_time,
        lead.publisher_id,
        lead.offer_id,
        source_word(lead.source),
        action_word(lead.action),
        customer.first_name,
        customer.last_name,
        customer.email,
        customer.phone,
        customer.country,
        customer.company,
        customer.title,
        language.gettext("yes") if lead.test else "",
        "; ".join(ways),
        *followed,
    )

"""Why a channel was switched off, and what then helps, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field

from leadkeeper.catalogue import from_stored
from leadkeeper.channels.rules import MOST_WAITING, OFF_AFTER, WhyOff
from leadkeeper.clock import to_text
from leadkeeper.diagnosis import Diagnosis, Kind
from leadkeeper.texts import Language, _
from leadkeeper.views import View

__all__ = [
    "ChannelOffView",
    "WhyOff",
    "last_answer_of",
    "off_remedy",
    "off_summary",
    "off_view",
    "why_off",
    "why_off_of",
]

_SUMMARIES: Final[Mapping[WhyOff, str]] = {
    WhyOff.GONE: _("Its address answered that it was given up for good (410)."),
    WhyOff.FAILED: _("It took nothing for five days."),
    WhyOff.TOO_MANY_WAIT: _("More than %(most)s events waited for it: it takes fewer than come, or none."),
}
_REMEDIES: Final[Mapping[WhyOff, str]] = {
    WhyOff.GONE: _("Make a channel with the address that took its place, and remove this one."),
    WhyOff.FAILED: _("Repair what receives its events, then switch it on."),
    WhyOff.TOO_MANY_WAIT: _("Let what receives its events answer faster, then switch it on."),
}


class ChannelOffView(View):
    """Why a channel is switched off: it said that it is gone, took nothing for five days, or too many events wait."""

    why: Literal["gone", "failed", "tooManyWait"]
    since: str
    summary: str = Field(description="Why, in the language asked for.")
    remedy: str = Field(description="What then helps.")


def why_off(stored: str | None, trouble: Diagnosis | None, failing_since: int | None, disabled_at: int) -> WhyOff:
    """Why a channel is off that was switched off at ``disabled_at`` (ms).

    Older versions stored no reason: there it follows from the last answer, and since when the channel failed.
    """
    if stored in set(WhyOff):
        return WhyOff(stored)
    if trouble is not None and trouble.kind is Kind.ENDPOINT_GONE:
        return WhyOff.GONE
    lasted = failing_since is not None and disabled_at - failing_since >= OFF_AFTER
    return WhyOff.FAILED if lasted else WhyOff.TOO_MANY_WAIT


def why_off_of(row: sa.Row[Any]) -> WhyOff | None:
    """Why the channel of this row (of all that it stores of failures) is off; ``None`` where it is not."""
    if row.disabled_at is None:
        return None
    return why_off(row.disabled_for, last_answer_of(row), row.failing_since, row.disabled_at)


def last_answer_of(row: sa.Row[Any]) -> Diagnosis | None:
    """What the last call of the channel of this row met; ``None`` where it was taken."""
    stored = None if row.trouble is None else from_stored(row.trouble)
    return stored if isinstance(stored, Diagnosis) else None


def off_summary(why: WhyOff, language: Language) -> str:
    """Why it is off, as one sentence."""
    return language.gettext(_SUMMARIES[why], most=language.number(MOST_WAITING))


def off_remedy(why: WhyOff, language: Language) -> str:
    """What then helps, as one sentence."""
    return language.gettext(_REMEDIES[why])


def off_view(why: WhyOff | None, disabled_at: int | None, language: Language) -> ChannelOffView | None:
    """The same of a channel that was switched off at ``disabled_at`` (ms); ``None`` for one that is not off."""
    if why is None or disabled_at is None:
        return None
    summary, remedy = off_summary(why, language), off_remedy(why, language)
    return ChannelOffView(why=why.value, since=to_text(disabled_at), summary=summary, remedy=remedy)

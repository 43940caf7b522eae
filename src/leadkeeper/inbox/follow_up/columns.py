"""How a table of follow-up names its columns and states, in every language that it may have been written in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.inbox.follow_up.state import FollowUpState
from leadkeeper.inbox.follow_up.table import ColumnNames
from leadkeeper.texts import Languages
from leadkeeper.texts import lazy_gettext as _

FOLLOW_UP_HEADS: Final = (
    ("id", _("Lead id")),
    ("state", _("Follow-up")),
    ("reason", _("Reason")),
    ("owner", _("Owner")),
)
"""The columns that may come back with changes, and how they are headed."""
STATE_WORDS: Final[Mapping[FollowUpState, str]] = {
    "new": _("new"),
    "active": _("active"),
    "won": _("won"),
    "lost": _("lost"),
    "declined": _("declined"),
    "expired": _("expired"),
}


def names_in(languages: Languages) -> ColumnNames:
    """How the columns and states are called in each language, and by the API."""
    columns, states = {"lead id": "id"}, {str(state): str(state) for state in STATE_WORDS}
    for language in languages:
        columns |= {language.tell(head).casefold(): column for column, head in FOLLOW_UP_HEADS}
        states |= {language.tell(word).casefold(): state for state, word in STATE_WORDS.items()}
    return ColumnNames(columns, states)

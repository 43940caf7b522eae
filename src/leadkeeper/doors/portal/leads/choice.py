"""Which leads somebody chose on the page of leads: read from an address or a form, and written into them again.

What may name a customer, the text that is searched for, is taken from forms alone and never written into an address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, get_args
from urllib.parse import parse_qsl, urlencode

from leadkeeper.inbox.lists.filter import FOLLOW_UPS, SORTS, LeadFilter
from leadkeeper.model_errors import LEAD_CURSOR
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import DeliveryState

_TESTS: Final = {"": False, "yes": True, "all": None, "no": False}
_ID: Final = r"^[0-9a-f-]{36}$"
_SHAPES: Final[Mapping[str, str]] = {
    "publisher": PUBLISHER_ID,
    "offer": OFFER_ID,
    "state": f"^({'|'.join((*get_args(DeliveryState), 'attention'))})$",
    "action": r"^[^\r\n]{1,60}$",
    "source": r"^[^\r\n]{1,120}$",
    "country": r"^[^\r\n]{1,60}$",
    "destination": r"^\w{1,60}$",
    "follow": f"^({'|'.join(FOLLOW_UPS)})$",
    "owner": rf"^(nobody|me)$|{_ID}",
    "since": r"^\d{4}-\d\d-\d\d$",
    "until": r"^\d{4}-\d\d-\d\d$",
    "test": f"^({'|'.join(filter(None, _TESTS))})$",
    "withheld": "^(yes|no)$",
    "sort": rf"^(oldest|-?({'|'.join(SORTS)}))$",
    "cursor": LEAD_CURSOR,
    "newer": LEAD_CURSOR,
}
_PLACES: Final = ("cursor", "newer")
MINE: Final = "me"
"""The owner that is whoever looks at the page."""
OWNS_NONE: Final = _("Only a person owns leads. Sign in as a person, or choose another owner.")
LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen: ``values`` by the names of the fields, and the ``text`` that is searched for."""

    values: Mapping[str, str]
    text: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the publisher, the tab and the place in the list was chosen."""
        return bool(self.text) or any(name not in ("publisher", "state", "sort", *_PLACES) for name in self.values)

    @property
    def is_sorted(self) -> bool:
        """Whether the leads stand in the order of a column, and not as they came."""
        return self.values.get("sort", "oldest") != "oldest"

    def sort_by(self, column: str) -> str:
        """The page of leads in the order of ``column``, turned around where it is so already."""
        return self.address(sort=f"-{column}" if self.values.get("sort") == column else column)

    def sorted_by(self, column: str) -> str:
        """Which way round it stands in the order of ``column``, as ``aria-sort`` says it; empty where it does not."""
        found = {column: "ascending", f"-{column}": "descending"}
        return found.get(self.values.get("sort", ""), "")

    def address(self, **changes: str) -> str:
        """The page of leads as chosen, with ``changes``; without its place in the list unless they name one."""
        kept = {name: value for name, value in self.values.items() if name not in _PLACES}
        query = urlencode({name: value for name, value in (kept | changes).items() if value})
        return f"/portal/leads?{query}" if query else "/portal/leads"

    def lead_address(self, lead_id: str) -> str:
        """A lead's page, from which one goes to the leads beside it in this list.

        A list that was searched has none: its text stands in no address.
        """
        query = self.address().partition("?")[2]
        return f"/portal/leads/{lead_id}" + ("" if self.text else f"?{urlencode({'list': query})}")

    def filters(self, publisher_id: str | None, person_id: str | None, now_ms: int) -> LeadFilter:
        """What the inbox is asked for; only leads of ``publisher_id``, where one is given.

        Raises :class:`Problem` where somebody who is no person asks for their own leads: they can own none.
        """
        get = self.values.get
        owner = get("owner")
        if owner == MINE and person_id is None:
            raise Problem(ProblemType.INVALID_REQUEST, OWNS_NONE, (FieldError("owner", OWNS_NONE),))
        return LeadFilter(
            publisher_id=publisher_id or get("publisher"),
            offer_id=get("offer"),
            state=get("state"),
            source=get("source"),
            action=get("action"),
            test=_TESTS[get("test", "")],
            since_ms=_day(get("since"), "since"),
            until_ms=_day(get("until"), "until", days=1),
            country=get("country"),
            destination=get("destination"),
            follow_up=get("follow"),
            owner_id={"nobody": "", MINE: person_id}.get(owner, owner) if owner else None,
            withheld={"yes": True, "no": False}.get(get("withheld", "")),
            text=self.text or None,
            now_ms=now_ms,
            oldest_first=get("sort") == "oldest",
            sort=None if get("sort") == "oldest" else get("sort"),
        )


def lists_ones_own(query: str) -> bool:
    """Whether the page with this address lists the leads of whoever looks."""
    return ("owner", MINE) in parse_qsl(query)


def chosen(given: Mapping[str, str], *, by_form: bool = False) -> Choice:
    """What an address or a form chooses. Raises :class:`Problem` for a filter that means nothing.

    It is not passed over: that would list more, or others, than was asked for.
    """
    values = {name: value.strip() for name, value in given.items() if name in _SHAPES and value.strip()}
    for name, value in values.items():
        if not re.match(_SHAPES[name], value):
            message = _(
                "There is no such filter: %(name)s=%(value)s. Choose one on the page.", name=name, value=value[:60]
            )
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError(name, message),))
    text = " ".join(given.get("text", "").split())[:LONGEST_TEXT] if by_form else ""
    return Choice(values, text)


def _day(text: str | None, name: str, days: int = 0) -> int | None:
    if text is None:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
    except (ValueError, OverflowError):
        message = _("There is no such day: %(value)s.", value=text)
        raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError(name, message),)) from None
    return int(day.timestamp() * 1_000)

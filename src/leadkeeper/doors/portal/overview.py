"""What the first page shows: figures of the last days as tiles, a chart and a table, and causes with what helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from leadkeeper.clock import to_datetime
from leadkeeper.doors.portal.connections.lines import ends_soon
from leadkeeper.doors.portal.labels import ACTS
from leadkeeper.doors.portal.routes import connection_address, offer_address
from leadkeeper.inbox.attention.causes import MOST_COUNTED, Cause
from leadkeeper.inbox.lists.narrowing import COUNTED
from leadkeeper.inbox.oversight.figures import DAY_MS, WEEK, Figures, Overview, Touched
from leadkeeper.offer import OfferRef, place_called, title_or_name
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import AttentionEntry

WIDTH: Final = 720
HEIGHT: Final = 160
_GAP: Final = 5
STATES: Final[Mapping[str, str]] = {
    "delivered": _("delivered"),
    "unconfirmed": _("unconfirmed"),
    "under_way": _("under way or held"),
    "set_aside": _("set aside"),
}
"""What the chart tells apart, the lowest part of a bar first."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with what it is of; ``address`` is where to see what is behind it."""

    label: str
    value: str
    more: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a day's bar, in the chart's own units."""

    state: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Day:
    """A row of the table behind the chart."""

    date: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of the days, the most deliveries on one of them, and the days with anything on them, newest first."""

    bars: Sequence[Bar]
    most: int
    days: Sequence[Day]
    first: str
    last: str


def tiles(overview: Overview, counts: Mapping[str, int], language: Language) -> list[Tile]:
    """The tiles above the chart; ``counts`` are the leads that are held and set aside now."""
    today, week, month = overview.last(1), overview.last(WEEK), overview.last(len(overview.days))
    number = language.number
    leads = language.gettext(
        "7 days: %(week)s · 30 days: %(month)s", week=number(week.leads), month=number(month.leads)
    )
    of = language.gettext(
        "of %(all)s; %(unconfirmed)s unconfirmed", all=number(week.deliveries), unconfirmed=number(week.unconfirmed)
    )
    return [
        Tile(language.gettext("Leads today"), number(today.leads), leads, "/portal/leads"),
        Tile(language.gettext("Delivered, 7 days"), _share(week, language), of if week.deliveries else ""),
        Tile(language.gettext("Half arrive within, 7 days"), *_times(week, language)),
        Tile(language.gettext("Touched within a day, 30 days"), *touched_words(month.touched, language)),
        Tile(language.gettext("Held"), _count(counts["held"], language), address="/portal/leads?state=held"),
        Tile(
            language.gettext("Set aside"), _count(counts["setAside"], language), address="/portal/leads?state=setAside"
        ),
    ]


def _count(count: int, language: Language) -> str:
    return f"{language.number(COUNTED)}+" if count > COUNTED else language.number(count)


def _share(figures: Figures, language: Language) -> str:
    return _percent(figures.share_delivered, language)


def _percent(share: float | None, language: Language) -> str:
    """Rounded down: what is not all is never shown as all."""
    return "–" if share is None else f"{language.number(int(share * 1_000) / 10)} %"


def touched_words(touched: Touched, language: Language) -> tuple[str, str]:
    """The share of leads to which somebody turned in time, and of how many; the latter empty where none was due."""
    number = language.number
    of = language.gettext("%(count)s of %(due)s that were due", count=number(touched.in_time), due=number(touched.due))
    return _percent(touched.share, language), of if touched.due else ""


def _times(figures: Figures, language: Language) -> tuple[str, str]:
    half, most = figures.within_seconds(0.5), figures.within_seconds(0.95)
    if half is None or most is None:
        return "–", ""
    return (
        _time(half, language),
        language.gettext("95 of 100 within %(time)s", time=_time(most, language)),
    )


def _time(seconds: int, language: Language) -> str:
    if seconds == 0:
        return language.gettext("more than a day")
    if seconds < 60:
        return language.gettext("%(count)s s", count=seconds)
    if seconds < 3_600:
        return language.gettext("%(count)s min", count=seconds // 60)
    return language.gettext("%(count)s h", count=seconds // 3_600)


def chart(overview: Overview) -> Chart:
    """The bars of the last days, one a day, each of its states upon one another."""
    most = max((day.deliveries for day in overview.days), default=0)
    step = WIDTH / max(1, len(overview.days))
    bars: list[Bar] = []
    for at, day in enumerate(overview.days):
        top = float(HEIGHT)
        for state in STATES:
            count = getattr(day, state)
            if count:
                height = max(1.5, count / most * HEIGHT)
                top -= height
                bars.append(
                    Bar(state, round(at * step + _GAP / 2, 1), round(top, 1), round(step - _GAP, 1), round(height, 1))
                )
    dates = [_date(overview.first_day + at) for at in range(len(overview.days))]
    rows = [Day(date, figures) for date, figures in zip(dates, overview.days, strict=True)]
    return Chart(bars, most, [row for row in reversed(rows) if row.figures.leads], dates[0], dates[-1])


def _date(day: int) -> str:
    return f"{to_datetime(day * DAY_MS):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class ActAtOnce:
    """A button on the first page that settles a cause there: where it posts, and what it says."""

    address: str
    label: str
    icon: str


@dataclass(frozen=True, slots=True)
class ShownNeed:
    """A cause as the page shows it: where, who acts, the page that helps, and what can be done about it at once.

    ``place`` is what people call the place, ``code`` is what addresses and commands do.
    """

    entry: AttentionEntry
    where: str
    place: str
    code: str
    who: str
    address: str
    label: str
    tone: str = "wrong"
    act: ActAtOnce | None = None


_CALM: Final = frozenset(
    {Cause.CONNECTION_PAUSED, Cause.TEST_LEAD_UNANSWERED, Cause.CERTIFICATION_WAITS, Cause.LEADS_WITHHELD}
)
_OF_LEADS: Final = frozenset(
    {Cause.LEADS_DAMAGED, Cause.LEADS_REFUSED, Cause.LEADS_MAY_HAVE_ARRIVED, Cause.LEADS_GAVE_UP}
)
_ELSEWHERE: Final[Mapping[Cause, tuple[str, str]]] = {
    Cause.CERTIFICATION_WAITS: ("/portal/certification", _("Approve or refuse them")),
    Cause.RECORDS_DAMAGED: ("/docs/reference/commands.html", _("How to find them")),
    Cause.WORKERS_AWAY: ("/portal/operate/workers", _("See what runs")),
    Cause.DISK_NEARLY_FULL: ("/portal/retention", _("See how much room it takes")),
    Cause.MAIL_NOT_SENT: ("/docs/reference/settings.html", _("Settings of the mail server")),
}
_AT_CONNECTION: Final[Mapping[Cause, tuple[str, str]]] = {
    Cause.CONNECTION_BROKEN: ("", _("Repair it")),
    Cause.CONNECTION_FAILING: ("", _("Look at it")),
    Cause.LEADS_MISSING: ("#missing", _("See what is missing")),
    Cause.CREDENTIALS_END: ("/edit", _("Enter new ones")),
    Cause.CONNECTION_PAUSED: ("", _("Look at it")),
    Cause.TEST_LEAD_UNANSWERED: ("", _("Look, and answer")),
}


_RESUMES: Final[Mapping[Cause, str]] = {
    Cause.CONNECTION_PAUSED: _("Resume it"),
    Cause.CONNECTION_BROKEN: _("It is repaired: try it again"),
}
"""What is said on the button that lets leads go out again."""


def need(entry: AttentionEntry, language: Language, *, is_operator: bool, title: str) -> ShownNeed:
    """How a cause is shown to an operator or to a member; ``title`` is what its destination is called."""
    cause = Cause(entry.cause)
    tone = "wait" if cause in _CALM else "wrong"
    who = language.tell(_who(entry, is_operator))
    if cause is Cause.LEADS_WITHHELD and entry.publisher_id is not None:
        return _withheld(entry, who, entry.publisher_id, language)
    if entry.channel_id is not None:
        return _channel_off(entry, who, language, is_operator=is_operator)
    if entry.publisher_id is None or entry.offer_id is None:
        address, label = _ELSEWHERE[cause]
        return ShownNeed(
            entry, "", language.gettext("All publishers"), "", who, address, language.tell(label), tone=tone
        )
    ref = OfferRef(entry.publisher_id, entry.offer_id)
    place, code = _place(entry, title), f"{ref}/{entry.connection or ''}".rstrip("/")
    if entry.connection is None:
        address, label = f"{offer_address(ref)}/publishing", language.gettext("See what failed")
        return ShownNeed(entry, offer_address(ref), place, code, who, address, label, tone=tone)
    at = connection_address(ref, entry.connection)
    if cause in _OF_LEADS:
        return ShownNeed(entry, at, place, code, who, *_its_leads(entry, ref, language), tone=tone)
    end, label = _AT_CONNECTION[cause]
    act = None
    if cause in _RESUMES:
        act = ActAtOnce(f"{at}/resume", language.gettext(_RESUMES[cause]), "player-play")
    return ShownNeed(entry, at, place, code, who, at + end, language.tell(label), tone, act)


def _place(entry: AttentionEntry, destination: str) -> str:
    """Where it is: what people call the offer and the connection, and the connection's destination."""
    place = place_called(entry.offer_title or "", entry.connection_title)
    return f"{place} ({destination})" if entry.connection else place


def _its_leads(entry: AttentionEntry, ref: OfferRef, language: Language) -> tuple[str, str]:
    """The one lead that was set aside, or the list of those that were; and what the link says."""
    chosen = urlencode({"state": "setAside", "publisher": ref.publisher_id, "offer": ref.offer_id})
    if entry.lead_id is not None:
        return f"/portal/leads/{entry.lead_id}?{urlencode({'list': chosen})}", language.gettext("See this lead")
    return f"/portal/leads?{chosen}", language.gettext("See these leads")


def _withheld(entry: AttentionEntry, who: str, publisher_id: str, language: Language) -> ShownNeed:
    chosen = urlencode({"withheld": "yes", "publisher": publisher_id})
    act = ActAtOnce(f"/portal/publishers/{publisher_id}/withheld-seen", language.gettext("I have seen it"), "check")
    address, label = f"/portal/leads?{chosen}", language.gettext("See these leads")
    place = title_or_name(entry.publisher_name, publisher_id)
    return ShownNeed(entry, "", place, publisher_id, who, address, label, "wait", act)


def _channel_off(entry: AttentionEntry, who: str, language: Language, *, is_operator: bool) -> ShownNeed:
    """The page of a channel is that of whose it is: an operator sees a publisher's among the publisher's pages."""
    place, code = entry.channel_name or "", entry.channel_id or ""
    if is_operator and entry.publisher_id is not None:
        place = f"{title_or_name(entry.publisher_name, entry.publisher_id)} › {place}"
        address, label = f"/portal/operate/publishers/{entry.publisher_id}", language.gettext("See the publisher")
    else:
        address, label = f"/portal/channels/{code}", language.gettext("Look at it")
    return ShownNeed(entry, address, place, code, who, address, label)


def _who(entry: AttentionEntry, is_operator: bool) -> str:
    if not is_operator:
        return ACTS.get(entry.who, entry.who)
    if entry.who == "operator":
        return _("you, the operator")
    if entry.who == "publisher" and entry.publisher_id is not None:
        return _("the publisher %(publisher)s", publisher=title_or_name(entry.publisher_name, entry.publisher_id))
    return ACTS.get(entry.who, entry.who)


def leads_waiting(entry: AttentionEntry, language: Language) -> str:
    """How many leads wait for it, or how many things it is about; empty where that tells nothing."""
    if entry.leads > MOST_COUNTED:
        return language.gettext("more than %(count)s leads", count=language.number(MOST_COUNTED))
    if entry.leads:
        return language.ngettext("%(count)s lead", "%(count)s leads", entry.leads)
    return f"{entry.count}" if entry.count > 1 else ""


def ends_text(until: str, now: int, language: Language) -> str:
    """How soon credentials end that end at ``until``, or that they have ended."""
    end = datetime.fromisoformat(until).timestamp() * 1_000
    return ends_soon((end - now) / DAY_MS, language)

"""The words of mails about what needs attention: one for each cause, whatever number of leads and connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from leadkeeper.catalogue import kind_of
from leadkeeper.channels.why_off import WhyOff, off_remedy, off_summary
from leadkeeper.clock import to_datetime
from leadkeeper.inbox.attention.causes import MOST_COUNTED, SUMMARIES, Cause
from leadkeeper.mail.text import SHOWN, Envelope, mail, quoted, remedy
from leadkeeper.notices.turns import NOTIFIED_EACH, NOTIFIED_ONCE, CausePlace, NoticeMail, Turn
from leadkeeper.notices.whom import OF_LEADS, place, publisher_called
from leadkeeper.texts import Language, _

_SUBJECTS: Final[Mapping[Cause, str]] = {
    Cause.LEADS_REFUSED: "Leads were refused",
    Cause.LEADS_MAY_HAVE_ARRIVED: "Leads may have arrived",
    Cause.LEADS_GAVE_UP: "Leads failed for two weeks",
    Cause.LEADS_MISSING: "Leads are missing at their destination",
    Cause.LEADS_DAMAGED: "Leads cannot be read",
    Cause.RECORDS_DAMAGED: "Records cannot be read",
    Cause.CERTIFICATION_WAITS: "Offers wait for certification",
    Cause.CONNECTION_BROKEN: "Connections are broken",
    Cause.CONNECTION_FAILING: "Leads fail",
    Cause.WORKERS_AWAY: "No worker runs",
    Cause.DISK_NEARLY_FULL: "The disk of the database is nearly full",
    Cause.PUBLISHER_SUSPENDED: "The publisher is suspended",
    Cause.LEADS_WITHHELD: "Leads were withheld for privacy",
    Cause.CHANNEL_OFF: "A channel was switched off",
}
_TURNS: Final[Mapping[Turn, str]] = {Turn.BEGUN: "{}", Turn.LASTS: "Still so: {}", Turn.OVER: "Settled: {}"}
_STEPS: Final[Mapping[Cause, tuple[str, ...]]] = {
    Cause.LEADS_REFUSED: (
        _("Open one of these leads and read what the destination said."),
        _("Correct the cause there, or the settings of the connection."),
        _("Send the leads again: choose them in the list, or open each."),
    ),
    Cause.LEADS_MAY_HAVE_ARRIVED: (
        _("Look for each of these leads at the destination."),
        _("Send those again that are not there. What is there needs no more than a look."),
    ),
    Cause.LEADS_GAVE_UP: (
        _("Open one of these leads and read why it failed."),
        _("Correct the cause, then send the leads again."),
    ),
    Cause.LEADS_MISSING: (
        _("Open the connection: its page lists the leads that were delivered and are not there any more."),
        _("Send them again, or say that they were removed on purpose."),
    ),
    Cause.LEADS_DAMAGED: (_("Run “leadkeeper doctor”: it names each record that cannot be read."),),
    Cause.RECORDS_DAMAGED: (_("Run “leadkeeper doctor”: it names each record that cannot be read."),),
    Cause.CERTIFICATION_WAITS: (_("Look at each offer, and approve or refuse it."),),
    Cause.WORKERS_AWAY: (
        _("Start a worker: “leadkeeper worker”, or “leadkeeper serve”, as your machines start it."),
        _("Where one was running, read its log: its last lines say why it ended."),
    ),
    Cause.DISK_NEARLY_FULL: (
        _("Remove what is not needed from the disk, or give the disk more room."),
        _("Or stop, move the database's files to a larger disk, and start with its new address."),
    ),
    Cause.PUBLISHER_SUSPENDED: (
        _("Read why on the pages of the portal."),
        _("Ask whoever runs the marketplace. Once they release the publisher, what is held goes out by itself."),
    ),
    Cause.CHANNEL_OFF: (
        _("Do what helps there. What happens until then is not told over the channel."),
        _("Switch the channel on: on its page press “Try it now”."),
    ),
    Cause.LEADS_WITHHELD: (_("Nothing has to be done. On the first page, say that you have seen it."),),
}
_ORPHANED: Final = _("You hear of this because nobody of the publisher can be told by mail.")
_UNCOUNTED: Final = frozenset({Cause.WORKERS_AWAY, Cause.DISK_NEARLY_FULL, Cause.PUBLISHER_SUSPENDED})
_RELEASED: Final = _("An operator released the publisher: its members may work again, and what was held is on its way.")
_PLACES: Final[Mapping[Cause, str]] = {
    Cause.CERTIFICATION_WAITS: "/portal/certification",
    Cause.WORKERS_AWAY: "/portal/operate/workers",
}


@dataclass(frozen=True, slots=True)
class Kinds:
    """How many of the leads are what customers sent, test leads, and those of an offer's preview."""

    leads: int
    tests: int = 0
    previews: int = 0


def cause_mail(
    news: NoticeMail,
    kinds: Kinds,
    base_url: str,
    envelope: Envelope,
) -> EmailMessage:
    """The mail that tells ``news``; ``kinds`` says what the leads of its parts are."""
    cause = news.about.cause
    subject = _SUBJECTS[cause]
    if cause in OF_LEADS and news.turn is not Turn.OVER and not kinds.leads:
        subject = subject.replace("Leads", "Test leads" if kinds.tests else "Leads of a preview")
    if cause is Cause.PUBLISHER_SUSPENDED and news.turn is Turn.OVER:
        subject = "The publisher is suspended no more"
    whose = f" ({_whose(news)})" if news.about.publisher_id else ""

    def write(language: Language) -> Sequence[str]:
        if news.turn is Turn.OVER:
            return _over(news, base_url, language)
        return [
            language.gettext(SUMMARIES[cause]),
            "",
            *_what(news, kinds, language),
            "",
            *_remedy(news, language),
            "",
            language.gettext("Look at it here: %(page)s", page=base_url + _page(news)),
            *_why_you(news, language),
            *_again(news, language),
        ]

    return mail(_TURNS[news.turn].format(subject) + whose, write, envelope)


def _whose(news: NoticeMail) -> str:
    """The publisher by its name, as it was chosen, or by its id, which is plain."""
    publisher_id = news.about.publisher_id
    return publisher_id if news.publisher_name in ("", publisher_id) else quoted(news.publisher_name)


def _over(news: NoticeMail, base_url: str, language: Language) -> Sequence[str]:
    page = f"{base_url}/portal"
    if news.about.cause is Cause.PUBLISHER_SUSPENDED:
        return [
            language.gettext(_RELEASED),
            "",
            language.gettext("Look at it here: %(page)s", page=page),
        ]
    since = () if news.since is None else (language.gettext("It was so since %(moment)s.", moment=_moment(news.since)),)
    return [
        language.gettext("This is over: nothing of the kind waits for anybody any more."),
        language.gettext(SUMMARIES[news.about.cause]),
        *since,
        "",
        language.gettext("What needs attention now is on this page: %(page)s", page=page),
    ]


def _what(news: NoticeMail, kinds: Kinds, language: Language) -> Sequence[str]:
    """Where it is, and how much waits there; of channels each one's reason, and what helps."""
    if news.about.cause is Cause.CHANNEL_OFF:
        return _channels(news, language)
    return [*_counted(news, kinds, language), *_places(news.parts)]


def _channels(news: NoticeMail, language: Language) -> Sequence[str]:
    lines = []
    for part in news.parts[:SHOWN]:
        of = "" if news.about.publisher_id or not part.publisher_id else f", {publisher_called(part)}"
        since = "" if part.since is None else f", {_moment(part.since)}"
        lines.append(f"  {quoted(part.title)}{of}{since}:")
        if part.kind is not None:
            why = WhyOff(part.kind)
            lines.append(f"    {off_summary(why, language)} {off_remedy(why, language)}")
    return [*lines, *([f"  … +{len(news.parts) - SHOWN}"] if len(news.parts) > SHOWN else [])]


def _counted(news: NoticeMail, kinds: Kinds, language: Language) -> Sequence[str]:
    """What waits: leads, test leads and previews apart, or how many things it is about."""
    if sum(part.leads for part in news.parts):
        parts = [
            language.ngettext("%(count)s lead", "%(count)s leads", kinds.leads) if kinds.leads else "",
            language.ngettext("%(count)s test lead", "%(count)s test leads", kinds.tests) if kinds.tests else "",
            language.ngettext("%(count)s lead of a preview", "%(count)s leads of a preview", kinds.previews)
            if kinds.previews
            else "",
        ]
        counted = [", ".join(filter(None, parts))]
        if news.about.cause is not Cause.LEADS_WITHHELD:
            counted = [language.gettext("Waiting: %(counted)s", counted=counted[0])]
        if kinds.leads + kinds.tests + kinds.previews > MOST_COUNTED:
            counted = [language.gettext("Waiting: more than %(count)s leads", count=language.number(MOST_COUNTED))]
    elif news.about.cause in _UNCOUNTED:
        counted = [language.ngettext("%(count)s lead", "%(count)s leads", kinds.leads)] if kinds.leads else []
    else:
        counted = [language.gettext("How many: %(count)s", count=sum(part.count for part in news.parts))]
    if news.since is not None:
        counted.append(language.gettext("Since: %(moment)s", moment=_moment(news.since)))
    return counted


def _places(parts: Sequence[CausePlace]) -> list[str]:
    named = [f"  {place(part)}: {part.leads}" for part in parts if place(part) and (part.leads or part.offer_id)]
    return [*named[:SHOWN], *([f"  … +{len(named) - SHOWN}"] if len(named) > SHOWN else [])]


def _remedy(news: NoticeMail, language: Language) -> Sequence[str]:
    """The steps; where the parts have one diagnosis between them, its own."""
    kinds = {part.kind for part in news.parts if part.kind is not None}
    steps = _STEPS.get(news.about.cause, ())
    if steps:
        numbered = (f"  {number}. {step}" for number, step in enumerate(map(language.gettext, steps), 1))
        return [language.gettext("What to do:"), *numbered]
    if len(kinds) == 1:
        return remedy(kind_of(kinds.pop()), language)
    look = language.gettext("Open each of them: its page says what is wrong.")
    return [language.gettext("What to do:"), f"  {look}"]


def _page(news: NoticeMail) -> str:
    cause, publisher_id = news.about.cause, news.about.publisher_id
    if cause in OF_LEADS and cause is not Cause.LEADS_MISSING:
        return "/portal/leads?state=setAside" + (f"&publisher={publisher_id}" if publisher_id else "")
    if cause is Cause.CHANNEL_OFF and all(part.publisher_id == publisher_id for part in news.parts):
        return f"/portal/channels/{news.parts[0].channel_id}" if len(news.parts) == 1 else "/portal/channels"
    return _PLACES.get(cause, "/portal")


def _why_you(news: NoticeMail, language: Language) -> Sequence[str]:
    of_a_publisher = not news.about.publisher_id and any(part.publisher_id for part in news.parts)
    return (language.gettext(_ORPHANED),) if of_a_publisher and news.about.cause in _TO_PUBLISHERS else ()


def _again(news: NoticeMail, language: Language) -> Sequence[str]:
    if news.about.cause in NOTIFIED_ONCE | NOTIFIED_EACH:
        return ()
    return (language.gettext("You are told again every day while it lasts, and when it is over."),)


_TO_PUBLISHERS: Final = frozenset(
    {*OF_LEADS, Cause.LEADS_WITHHELD, Cause.CHANNEL_OFF, Cause.CONNECTION_BROKEN, Cause.CONNECTION_FAILING}
)


def _moment(ms: int) -> str:
    return f"{to_datetime(ms):%Y-%m-%d %H:%M} UTC"

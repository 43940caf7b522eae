"""The words of mails about outages. They name offers and count leads, never customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from leadkeeper.clock import to_datetime
from leadkeeper.connections.outage import News
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.delivery.outages import MOST
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import AnyKind
from leadkeeper.mail.text import SHOWN, Envelope, held_until_found, mail, quoted, remedy
from leadkeeper.texts import Language, _

_KEPT: Final = _("No lead is lost: they are kept, tried again, and go out by themselves once the connection works.")
_WAITING_KEPT: Final = _("What waits is kept, tried again, and goes out by itself once the connection works.")
_LOOK: Final = _(
    "What may have arrived does not go out again by itself, since it could then be there twice: look for each lead "
    "there, and retry in Leadkeeper those that are missing."
)


@dataclass(frozen=True, slots=True)
class Fallen:
    """A connection, by its name and its offer's title, and what is told of it."""

    connection: str
    title: str
    news: OutageNews


def failing_notice(
    those: Sequence[Fallen],
    portal: str,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that nothing gets through these connections, for one cause, with its remedy."""

    def write(language: Language) -> Sequence[str]:
        return [
            language.gettext("Leads do not get through:"),
            "",
            *_listed([_failing(each, language) for each in those]),
            "",
            *remedy(those[-1].news.kind, language),
            "",
            *_becomes_of_them(those, language),
            language.gettext("You are told when it works again, and once a day until then."),
            language.gettext("Who they are, for members of the publisher only: %(portal)s", portal=portal),
        ]

    still = "still " if any(each.news.news is News.STILL_FAILING for each in those) else ""
    return mail(f"Leads for {_whose(those)} {still}do not get through", write, envelope)


def works_notice(
    those: Sequence[Fallen],
    portal: str,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that an outage of these connections is over, and what becomes of the leads that waited."""
    look = any(each.news.may_have_arrived for each in those)

    def write(language: Language) -> Sequence[str]:
        return [
            *_listed([_over(each, language) for each in those]),
            "",
            *([language.gettext(_LOOK)] if look else ()),
            language.gettext("What still waits goes out by itself, oldest first: %(portal)s", portal=portal),
        ]

    return mail(_over_subject(those), write, envelope)


def all_paused_notice(
    those: Sequence[tuple[str, str]],
    kind: AnyKind,
    portal: str,
    envelope: Envelope,
    *,
    not_found: bool,
) -> EmailMessage:
    """Several connections (each an offer's title and its name) are broken by one cause; see ``paused_notice``."""

    def write(language: Language) -> Sequence[str]:
        named = [
            language.gettext("%(offer)s, connection %(connection)s", offer=quoted(title), connection=name)
            for title, name in those
        ]
        kept = language.gettext("No lead is lost: they are kept, and go out by themselves once the connection works.")
        return [
            language.gettext("These connections are broken, all by one cause (%(count)s):", count=len(those)),
            *_listed(named),
            "",
            *remedy(kind, language),
            "",
            *(held_until_found(language) if not_found else (kept,)),
            language.gettext("Look at them here: %(page)s", page=portal),
        ]

    return mail(f"Leads for {len(those)} connections are held", write, envelope)


def _whose(those: Sequence[Fallen]) -> str:
    return quoted(those[0].title) if len(those) == 1 else f"{len(those)} offers"


def _over_subject(those: Sequence[Fallen]) -> str:
    whose = _whose(those)
    if not all(each.news.proven for each in those):
        return f"The connection of {whose} passes its check again"
    if not all(each.news.confirmed for each in those):
        return f"Leads for {whose} are sent again, unconfirmed"
    return f"Leads for {whose} go out again"


def _becomes_of_them(those: Sequence[Fallen], language: Language) -> Sequence[str]:
    """What becomes of the leads; no more is promised than holds for each of these connections."""
    held = those[-1].news.kind in OURS.if_not_found
    look = any(each.news.may_have_arrived for each in those)
    kept = held_until_found(language) if held else (language.gettext(_WAITING_KEPT if look else _KEPT),)
    return (*kept, *([language.gettext(_LOOK)] if look else ()))


def _listed(lines: Sequence[str]) -> list[str]:
    more = [f"  … +{len(lines) - SHOWN}"] if len(lines) > SHOWN else []
    return [*(f"  {line}" for line in lines[:SHOWN]), *more]


def _where(one: Fallen, language: Language) -> str:
    return language.gettext("%(offer)s, connection %(connection)s", offer=quoted(one.title), connection=one.connection)


def _failing(one: Fallen, language: Language) -> str:
    news, count = one.news, _count(one.news.waiting, language)
    since = _("since %(moment)s, paused") if news.paused else _("since %(moment)s")
    parts = [
        language.gettext(since, moment=_moment(news.since)),
        language.ngettext("%(leads)s lead waits", "%(leads)s leads wait", news.waiting, leads=count),
    ]
    if news.set_aside:
        aside = _count(news.set_aside, language)
        parts.append(
            language.ngettext(
                "%(leads)s more were tried for 14 days",
                "%(leads)s more were tried for 14 days",
                news.set_aside,
                leads=aside,
            )
        )
    return f"{_where(one, language)}: {'; '.join([*parts, *_may_have_arrived(news, language)])}"


def _may_have_arrived(news: OutageNews, language: Language) -> Sequence[str]:
    if not news.may_have_arrived:
        return ()
    text = language.ngettext(
        "%(leads)s may have arrived: look there, then retry it",
        "%(leads)s may have arrived: look there, then retry them",
        news.may_have_arrived,
        leads=_count(news.may_have_arrived, language),
    )
    return (text,)


def _over(one: Fallen, language: Language) -> str:
    news = one.news
    between = {"since": _moment(news.since), "until": _moment(news.at)}
    if news.proven and not news.confirmed:
        parts = [
            language.gettext("leads failed or were held from %(since)s to %(until)s", **between),
            language.gettext(
                "since then a lead was sent, unconfirmed: this destination does not say whether it keeps a lead"
            ),
        ]
    else:
        how = _("a lead has gone out") if news.proven else _("its check passes; no lead has gone out since")
        parts = [
            language.gettext("nothing got through from %(since)s to %(until)s", **between),
            language.gettext(how),
        ]
    if news.most:
        most = _count(news.most, language)
        parts.append(language.ngettext("up to %(leads)s waited", "up to %(leads)s waited", news.most, leads=most))
    leads = _count(news.leads, language)
    parts.append(language.ngettext("%(leads)s still waits", "%(leads)s still wait", news.leads, leads=leads))
    return f"{_where(one, language)}: {'; '.join([*parts, *_may_have_arrived(news, language)])}"


def _moment(ms: int) -> str:
    return f"{to_datetime(ms):%Y-%m-%d %H:%M} UTC"


def _count(leads: int, language: Language) -> str:
    return str(leads) if leads <= MOST else language.gettext("more than %(number)s", number=MOST)

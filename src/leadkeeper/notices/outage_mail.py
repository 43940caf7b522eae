"""The words of mails about outages, in English and in Portuguese. They name offers and count leads, never customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from leadkeeper.catalogue import text_of
from leadkeeper.clock import to_datetime
from leadkeeper.connections.outage import News
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.delivery.outages import MOST
from leadkeeper.destinations.mail_address import MailAddress
from leadkeeper.destinations.mail_text import SHOWN, mail, quoted
from leadkeeper.diagnoses.text import Language

_RULE: Final = ["", "--", ""]


@dataclass(frozen=True, slots=True)
class Fallen:
    """A connection, by its name and its offer's title, and what is told of it."""

    connection: str
    title: str
    news: OutageNews


Told = Callable[[Fallen], str]


def failing_notice(
    those: Sequence[Fallen], portal: str, to: Sequence[str], sender: MailAddress, mail_id: str
) -> EmailMessage:
    """The notice that nothing gets through these connections, for one cause, with its remedy."""
    still = "still " if any(each.news.news is News.STILL_FAILING for each in those) else ""
    whose = quoted(those[0].title) if len(those) == 1 else f"{len(those)} offers"
    lines = [
        "Leads do not get through:",
        "",
        *_listed(those, _failing),
        "",
        *_remedy(those[-1].news, Language.ENGLISH, "What to do:"),
        "",
        "No lead is lost: they are kept, tried again, and go out by themselves once the connection works. You are told",
        f"when it does, and once a day until then. Who they are, for members of the publisher only: {portal}",
        *_RULE,
        "Os leads não chegam ao destino:",
        "",
        *_listed(those, _em_falha),
        "",
        *_remedy(those[-1].news, Language.PORTUGUESE, "O que fazer:"),
        "",
        "Nenhum lead se perde: eles ficam guardados, são tentados de novo e seguem sozinhos assim que a conexão voltar",
        "a funcionar. Você será avisado disso e, até lá, uma vez por dia.",
        f"Quem são, só para membros do editor: {portal}",
    ]
    return mail(f"Leads for {whose} {still}do not get through", "\n".join(lines) + "\n", to, sender, mail_id)


def works_notice(
    those: Sequence[Fallen], portal: str, to: Sequence[str], sender: MailAddress, mail_id: str
) -> EmailMessage:
    """The notice that an outage of these connections is over, and what becomes of the leads that waited."""
    whose = quoted(those[0].title) if len(those) == 1 else f"{len(those)} offers"
    proven = all(each.news.proven for each in those)
    subject = f"Leads for {whose} go out again" if proven else f"The connection of {whose} passes its check again"
    lines = [
        *_listed(those, _over),
        "",
        f"What still waits goes out by itself, oldest first: {portal}",
        *_RULE,
        *_listed(those, _terminada),
        "",
        f"O que ainda aguarda segue sozinho, a começar pelo mais antigo: {portal}",
    ]
    return mail(subject, "\n".join(lines) + "\n", to, sender, mail_id)


def _listed(those: Sequence[Fallen], told: Told) -> list[str]:
    more = [f"  … +{len(those) - SHOWN}"] if len(those) > SHOWN else []
    return [*(f"  {told(each)}" for each in those[:SHOWN]), *more]


def _failing(one: Fallen) -> str:
    where = f"{quoted(one.title)}, connection {one.connection}"
    state = ", paused" if one.news.paused else ""
    aside = f"; {_count(one.news.set_aside)} more were tried for 14 days" if one.news.set_aside else ""
    waits = f"{_count(one.news.waiting)} lead{'' if one.news.waiting == 1 else 's'} wait{_s(one.news.waiting)}"
    return f"{where}: since {_moment(one.news.since)}{state}; {waits}{aside}"


def _em_falha(one: Fallen) -> str:
    where = f"{quoted(one.title)}, conexão {one.connection}"
    state = ", em pausa" if one.news.paused else ""
    aside = f"; outros {_count(one.news.set_aside, 'mais de')} foram tentados durante 14 dias"
    one_waits = one.news.waiting == 1
    waits = f"{_count(one.news.waiting, 'mais de')} lead{'' if one_waits else 's'} aguarda{'' if one_waits else 'm'}"
    return f"{where}: desde {_moment(one.news.since)}{state}; {waits}{aside if one.news.set_aside else ''}"


def _over(one: Fallen) -> str:
    news = one.news
    how = "a lead has gone out" if news.proven else "its check passes; the next lead shows whether it takes leads"
    waited = f"; up to {_count(news.most)} waited" if news.most else ""
    return (
        f"{quoted(one.title)}, connection {one.connection}: nothing got through from {_moment(news.since)} to "
        f"{_moment(news.at)}; {how}{waited}; {_count(news.leads)} still wait{_s(news.leads)}"
    )


def _terminada(one: Fallen) -> str:
    news = one.news
    how = "um lead seguiu" if news.proven else "a verificação passa; o próximo lead mostrará se ela aceita leads"
    waited = f"; até {_count(news.most, 'mais de')} aguardaram" if news.most else ""
    return (
        f"{quoted(one.title)}, conexão {one.connection}: nada chegou de {_moment(news.since)} a {_moment(news.at)}; "
        f"{how}{waited}; ainda aguardam: {_count(news.leads, 'mais de')}"
    )


def _remedy(news: OutageNews, language: Language, heading: str) -> list[str]:
    text = text_of(news.kind, language)
    return [text.summary, "", heading, *(f"  {number}. {step}" for number, step in enumerate(text.steps, 1))]


def _moment(ms: int) -> str:
    return f"{to_datetime(ms):%Y-%m-%d %H:%M} UTC"


def _count(leads: int, more_than: str = "more than") -> str:
    return str(leads) if leads <= MOST else f"{more_than} {MOST}"


def _s(count: int) -> str:
    return "s" if count == 1 else ""

"""The words of mails about outages, in English and in Portuguese. They name offers and count leads, never customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from leadkeeper.clock import to_datetime
from leadkeeper.connections.outage import News
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.delivery.outages import MOST
from leadkeeper.destinations.registry import IF_NOT_FOUND
from leadkeeper.diagnoses.text import Language
from leadkeeper.mail.address import MailAddress
from leadkeeper.mail.text import HELD_UNTIL_FOUND, RULE, SHOWN, mail, quoted, remedy

_KEPT: Final = {
    Language.ENGLISH: (
        "No lead is lost: they are kept, tried again, and go out by themselves once the connection works.",
    ),
    Language.PORTUGUESE: (
        "Nenhum lead se perde: eles ficam guardados, são tentados de novo e seguem sozinhos assim que a conexão voltar",
        "a funcionar.",
    ),
}
_WAITING_KEPT: Final = {
    Language.ENGLISH: ("What waits is kept, tried again, and goes out by itself once the connection works.",),
    Language.PORTUGUESE: (
        "O que aguarda fica guardado, é tentado de novo e segue sozinho assim que a conexão voltar a funcionar.",
    ),
}
_LOOK: Final = {
    Language.ENGLISH: (
        "What may have arrived does not go out again by itself, since it could then be there twice: look for each lead",
        "there, and retry in Leadkeeper those that are missing.",
    ),
    Language.PORTUGUESE: (
        "O que pode ter chegado não é enviado de novo sozinho, pois poderia ficar lá em dobro: procure cada um lá e",
        "reenvie pelo Leadkeeper os que faltarem.",
    ),
}


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
    kind = those[-1].news.kind
    lines = [
        "Leads do not get through:",
        "",
        *_listed(those, _failing),
        "",
        *remedy(kind, Language.ENGLISH),
        "",
        *_becomes_of_them(those, Language.ENGLISH),
        "You are told when it works again, and once a day until then.",
        f"Who they are, for members of the publisher only: {portal}",
        *RULE,
        "Os leads não chegam ao destino:",
        "",
        *_listed(those, _em_falha),
        "",
        *remedy(kind, Language.PORTUGUESE),
        "",
        *_becomes_of_them(those, Language.PORTUGUESE),
        "Você será avisado quando voltar a funcionar e, até lá, uma vez por dia.",
        f"Quem são, só para membros do editor: {portal}",
    ]
    return mail(f"Leads for {whose} {still}do not get through", "\n".join(lines) + "\n", to, sender, mail_id)


def works_notice(
    those: Sequence[Fallen], portal: str, to: Sequence[str], sender: MailAddress, mail_id: str
) -> EmailMessage:
    """The notice that an outage of these connections is over, and what becomes of the leads that waited."""
    look = any(each.news.may_have_arrived for each in those)
    lines = [
        *_listed(those, _over),
        "",
        *(_LOOK[Language.ENGLISH] if look else ()),
        f"What still waits goes out by itself, oldest first: {portal}",
        *RULE,
        *_listed(those, _terminada),
        "",
        *(_LOOK[Language.PORTUGUESE] if look else ()),
        f"O que ainda aguarda segue sozinho, a começar pelo mais antigo: {portal}",
    ]
    return mail(_over_subject(those), "\n".join(lines) + "\n", to, sender, mail_id)


def _over_subject(those: Sequence[Fallen]) -> str:
    whose = quoted(those[0].title) if len(those) == 1 else f"{len(those)} offers"
    if not all(each.news.proven for each in those):
        return f"The connection of {whose} passes its check again"
    if not all(each.news.confirmed for each in those):
        return f"Leads for {whose} are sent again, unconfirmed"
    return f"Leads for {whose} go out again"


def _becomes_of_them(those: Sequence[Fallen], language: Language) -> Sequence[str]:
    """What becomes of the leads; no more is promised than holds for each of these connections."""
    held = those[-1].news.kind in IF_NOT_FOUND
    look = any(each.news.may_have_arrived for each in those)
    kept = HELD_UNTIL_FOUND[language] if held else (_WAITING_KEPT if look else _KEPT)[language]
    return (*kept, *(_LOOK[language] if look else ()))


def _listed(those: Sequence[Fallen], told: Told) -> list[str]:
    more = [f"  … +{len(those) - SHOWN}"] if len(those) > SHOWN else []
    return [*(f"  {told(each)}" for each in those[:SHOWN]), *more]


def _failing(one: Fallen) -> str:
    news = one.news
    where = f"{quoted(one.title)}, connection {one.connection}"
    state = ", paused" if news.paused else ""
    aside = f"; {_count(news.set_aside)} more were tried for 14 days" if news.set_aside else ""
    waits = f"{_count(news.waiting)} lead{'' if news.waiting == 1 else 's'} wait{_s(news.waiting)}"
    return f"{where}: since {_moment(news.since)}{state}; {waits}{aside}{_may_have_arrived(news)}"


def _em_falha(one: Fallen) -> str:
    news = one.news
    where = f"{quoted(one.title)}, conexão {one.connection}"
    state = ", em pausa" if news.paused else ""
    aside = f"; outros {_count(news.set_aside, 'mais de')} foram tentados durante 14 dias" if news.set_aside else ""
    one_waits = news.waiting == 1
    waits = f"{_count(news.waiting, 'mais de')} lead{'' if one_waits else 's'} aguarda{'' if one_waits else 'm'}"
    return f"{where}: desde {_moment(news.since)}{state}; {waits}{aside}{_podem_ter_chegado(news)}"


def _may_have_arrived(news: OutageNews) -> str:
    many = news.may_have_arrived
    return f"; {_count(many)} may have arrived: look there, then retry {'it' if many == 1 else 'them'}" if many else ""


def _podem_ter_chegado(news: OutageNews) -> str:
    many = news.may_have_arrived
    if not many:
        return ""
    one = many == 1
    may, again = ("pode", "reenvie-o se faltar") if one else ("podem", "reenvie os que faltarem")
    return f"; {_count(many, 'mais de')} {may} ter chegado: procure lá, depois {again}"


def _over(one: Fallen) -> str:
    news = one.news
    failed, how = "nothing got through", "a lead has gone out"
    if not news.proven:
        how = "its check passes; no lead has gone out since"
    elif not news.confirmed:
        failed = "leads failed or were held"
        how = "since then a lead was sent, unconfirmed: this destination does not say whether it keeps a lead"
    waited = f"; up to {_count(news.most)} waited" if news.most else ""
    return (
        f"{quoted(one.title)}, connection {one.connection}: {failed} from {_moment(news.since)} to {_moment(news.at)}; "
        f"{how}{waited}; {_count(news.leads)} still wait{_s(news.leads)}{_may_have_arrived(news)}"
    )


def _terminada(one: Fallen) -> str:
    news = one.news
    failed, how = "nada chegou", "um lead seguiu"
    if not news.proven:
        how = "a verificação passa; nenhum lead seguiu desde então"
    elif not news.confirmed:
        failed = "os leads falharam ou ficaram retidos"
        how = "desde então um lead foi enviado, não confirmado: este destino não diz se guarda um lead"
    waited = f"; até {_count(news.most, 'mais de')} aguardaram" if news.most else ""
    return (
        f"{quoted(one.title)}, conexão {one.connection}: {failed} de {_moment(news.since)} a {_moment(news.at)}; "
        f"{how}{waited}; ainda aguardam: {_count(news.leads, 'mais de')}{_podem_ter_chegado(news)}"
    )


def _moment(ms: int) -> str:
    return f"{to_datetime(ms):%Y-%m-%d %H:%M} UTC"


def _count(leads: int, more_than: str = "more than") -> str:
    return str(leads) if leads <= MOST else f"{more_than} {MOST}"


def _s(count: int) -> str:
    return "s" if count == 1 else ""

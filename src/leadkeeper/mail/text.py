"""The words of mails. They name offers, never customers: whoever reads a mailbox learns nothing personal."""

from __future__ import annotations

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import Final

from leadkeeper.catalogue import text_of
from leadkeeper.diagnoses.text import Language
from leadkeeper.diagnosis import Kind
from leadkeeper.mail.address import MailAddress

SHOWN: Final = 20
"""The most leads that one mail links to."""
TITLE: Final = 60
"""The most characters of an offer's title, which a publisher chooses, in a mail."""
RULE: Final = ("", "--", "")
"""Between the languages of a mail."""
HELD_UNTIL_FOUND: Final = {
    Language.ENGLISH: (
        "Further leads are held until a test lead is found there, or somebody resumes the connection.",
        "What was sent before may be lost there: once the cause is mended, replay the leads in the state unconfirmed.",
    ),
    Language.PORTUGUESE: (
        "Os próximos leads ficam retidos até que um lead de teste seja encontrado lá, ou alguém retome a conexão.",
        "O que foi enviado antes pode ter-se perdido lá: resolvida a causa, reenvie os leads no estado unconfirmed.",
    ),
}
"""What becomes of leads where somebody did not find the test lead."""
_POLICY: Final = SMTP.clone(cte_type="7bit")


def mail(subject: str, text: str, to: Sequence[str], sender: MailAddress, mail_id: str) -> EmailMessage:
    """A plain mail whose ``Message-ID`` is made from ``mail_id``, so that a repeated one can be known."""
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = _one_line(subject)
    message["From"] = Address(display_name=sender.name or "Leadkeeper", addr_spec=sender.wire)
    message["To"] = ", ".join(to)
    message["Message-ID"] = f"<{mail_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def quoted(title: str) -> str:
    """A title that somebody chose, as mails repeat it: one line without what cannot be seen, bounded, in quotes."""
    line = _one_line("".join(each if each.isprintable() else " " for each in title).replace("”", '"'))
    return f"“{line if len(line) <= TITLE else line[: TITLE - 1] + '…'}”"


def question(publisher_id: str, token: str, marketplace: str, base_url: str, sender: MailAddress) -> EmailMessage:
    """The one question to an address that a publisher entered, in both languages. No word in it is the publisher's
    own but its id.
    """
    link = f"{base_url}/contacts/{token}"
    lines = [
        f"The publisher {publisher_id} entered this address on {_one_line(marketplace)} ({base_url})",
        "to be told by mail of its new leads, and of trouble with them.",
        "",
        "To get these notices, or never to be written to from there again, open this page and choose:",
        f"  {link}",
        "",
        "If you do nothing, nothing more is sent. The page can be used for seven days.",
        "",
        "--",
        "",
        f"O editor {publisher_id} informou este endereço em {_one_line(marketplace)} ({base_url}) para receber por",
        "e-mail avisos de novos leads e de problemas com eles.",
        "",
        "Para receber esses avisos, ou para nunca mais receber mensagens de lá, abra esta página e escolha:",
        f"  {link}?lang=pt",
        "",
        "Se não fizer nada, nada mais será enviado. A página pode ser usada durante sete dias.",
    ]
    subject = f"Do you want notices from {_one_line(marketplace)}?"
    return mail(subject, "\n".join(lines) + "\n", [], sender, new_mail_id(token))


def new_mail_id(token: str) -> str:
    """The id of a mail that tells nothing about the ``token`` in it."""
    return f"q-{sha256(token.encode()).hexdigest()[:32]}"


def lead_notice(
    lead_ids: Sequence[str], offer_title: str, base_url: str, to: Sequence[str], sender: MailAddress, mail_id: str
) -> EmailMessage:
    """The notice that leads came for an offer, with a link for each (the first :data:`SHOWN`)."""
    offer_title = quoted(offer_title)
    many = len(lead_ids) > 1
    subject = f"{len(lead_ids)} new leads for {offer_title}" if many else f"New lead for {offer_title}"
    links = [f"  {base_url}/portal/leads/{lead_id}" for lead_id in lead_ids[:SHOWN]]
    more = [f"  and {len(lead_ids) - SHOWN} more"] if len(lead_ids) > SHOWN else []
    lines = [
        f"{'Customers' if many else 'A customer'} acted on your offer {offer_title}.",
        "",
        "Who it is stands here, for members of the publisher only:",
        *links,
        *more,
        "",
        "This notice holds no personal data, since mail is not a safe place for it.",
    ]
    return mail(subject, "\n".join(lines) + "\n", to, sender, mail_id)


def withheld_notice(
    count: int, offer_title: str, portal: str, to: Sequence[str], sender: MailAddress, mail_id: str
) -> EmailMessage:
    """The notice that leads came whose customers' data are not passed on, so that nobody looks for them in vain."""
    offer_title = quoted(offer_title)
    many = count > 1
    lines = [
        f"{count if many else 'A'} customer{'s' if many else ''} acted on your offer {offer_title}.",
        "",
        f"You will not find {'them' if many else 'the lead'} in your own system: mail addresses of this kind (such as",
        ".edu) are private, so what these customers entered was neither stored nor passed on, and cannot be had again.",
        f"What is known, the action and the time, stands here: {portal}",
    ]
    subject = f"{count} leads for {offer_title} are withheld" if many else f"A lead for {offer_title} is withheld"
    return mail(subject, "\n".join(lines) + "\n", to, sender, mail_id)


def change_refused_notice(
    connection: str, offer_title: str, kind: Kind, to: Sequence[str], sender: MailAddress, mail_id: str
) -> EmailMessage:
    """The notice that new settings of a connection do not work, so that those before go on."""
    offer_title = quoted(offer_title)
    lines = [
        f"The new settings of the connection {connection} of your offer {offer_title} did not pass their validation:",
        "no test lead got through with them, or it was not found there. The settings before them go on.",
        "",
        *remedy(kind, Language.ENGLISH),
        *RULE,
        f"As novas configurações da conexão {connection} da sua oferta {offer_title} não passaram na validação: nenhum",
        "lead de teste chegou com elas, ou não foi encontrado lá. As configurações anteriores continuam.",
        "",
        *remedy(kind, Language.PORTUGUESE),
    ]
    return mail(f"New settings for {offer_title} are not in effect", "\n".join(lines) + "\n", to, sender, mail_id)


def operation_failed_notice(
    offer_title: str, step: str, told: Sequence[str], page: str, to: Sequence[str], sender: MailAddress, mail_id: str
) -> EmailMessage:
    """The notice that an offer's publishing stopped: at which step, and the remedy."""
    offer_title = quoted(offer_title)
    lines = [f"Publishing {offer_title} stopped at the step “{step}”.", "", *told, "", f"Then publish it again: {page}"]
    return mail(f"Publishing {offer_title} stopped", "\n".join(lines) + "\n", to, sender, mail_id)


def operation_waits_notice(
    offer_title: str, told: Sequence[str], page: str, to: Sequence[str], sender: MailAddress, mail_id: str
) -> EmailMessage:
    """The notice that an offer's publishing waits for somebody's word on a test lead."""
    offer_title = quoted(offer_title)
    lines = [f"Publishing {offer_title} waits for you.", "", *told, "", f"It then goes on by itself: {page}"]
    return mail(f"Publishing {offer_title} waits for you", "\n".join(lines) + "\n", to, sender, mail_id)


def preview_notice(
    offer_title: str,
    preview: str,
    page: str,
    doubts: Sequence[str],
    to: Sequence[str],
    sender: MailAddress,
    mail_id: str,
) -> EmailMessage:
    """The notice that an offer's preview is there. ``doubts``: what nobody knows of its connections."""
    offer_title = quoted(offer_title)
    lines = [
        f"The preview of {offer_title} is ready; a test lead was sent over each of its connections.",
        *doubts,
        "",
        f"Look at it and try it: {preview}",
        f"Then let it go live: {page}",
    ]
    return mail(f"The preview of {offer_title} is ready", "\n".join(lines) + "\n", to, sender, mail_id)


def live_notice(offer_title: str, page: str, to: Sequence[str], sender: MailAddress, mail_id: str) -> EmailMessage:
    """The notice that customers see an offer."""
    offer_title = quoted(offer_title)
    return mail(f"{offer_title} is live", f"Customers see {offer_title}: {page}\n", to, sender, mail_id)


def paused_notice(
    connection: str,
    offer_title: str,
    kind: Kind,
    to: Sequence[str],
    sender: MailAddress,
    mail_id: str,
    *,
    not_found: bool,
) -> EmailMessage:
    """The notice that a connection is broken and its leads are held, with the remedy.

    ``not_found``: somebody did not find its test lead, so that it does not mend itself, and leads may be lost.
    """
    offer_title = quoted(offer_title)
    kept = "No lead is lost: they are kept, and go out by themselves once the connection works."
    guardados = "Nenhum lead se perde: eles ficam guardados e seguem sozinhos assim que a conexão voltar a funcionar."
    lines = [
        f"The connection {connection} of your offer {offer_title} is broken.",
        "",
        *remedy(kind, Language.ENGLISH),
        "",
        *(HELD_UNTIL_FOUND[Language.ENGLISH] if not_found else (kept,)),
        *RULE,
        f"A conexão {connection} da sua oferta {offer_title} tem um problema.",
        "",
        *remedy(kind, Language.PORTUGUESE),
        "",
        *(HELD_UNTIL_FOUND[Language.PORTUGUESE] if not_found else (guardados,)),
    ]
    return mail(f"Leads for {offer_title} are held", "\n".join(lines) + "\n", to, sender, mail_id)


def remedy(kind: Kind, language: Language) -> list[str]:
    """What is wrong, and the steps that mend it."""
    text, heading = text_of(kind, language), {Language.ENGLISH: "What to do:", Language.PORTUGUESE: "O que fazer:"}
    return [text.summary, "", heading[language], *(f"  {number}. {step}" for number, step in enumerate(text.steps, 1))]


def _one_line(text: str) -> str:
    return " ".join(text.split())

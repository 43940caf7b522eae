"""The words of mails. They name offers, never customers: whoever reads a mailbox learns nothing personal.

Nobody knows which language a mailbox reads: a mail tells the same in every language there is, English first, and
``Content-Language`` names them. Its subject is English.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from typing import Final

from leadkeeper.catalogue import text_of
from leadkeeper.diagnosis import AnyKind
from leadkeeper.languages import installed
from leadkeeper.mail.address import MailAddress
from leadkeeper.texts import ENGLISH, Language, Languages, _

SHOWN: Final = 20
"""The most leads that one mail links to."""
TITLE: Final = 60
"""The most characters of an offer's title, which a publisher chooses, in a mail."""
RULE: Final = "\n\n--\n\n"
"""Between the languages of a mail."""
_HELD_UNTIL_FOUND: Final = (
    _("Further leads are held until a test lead is found there, or somebody resumes the connection."),
    _("What was sent before may be lost there: once the cause is fixed, replay the leads in the state unconfirmed."),
)
_POLICY: Final = SMTP.clone(cte_type="7bit")

Write = Callable[[Language], Sequence[str]]
"""Writes the lines of a mail in a language."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """To whom a mail goes, from whom, and in which languages: without, in all that there are.

    Its ``Message-ID`` is made from ``mail_id``, so that a repeated one can be known.
    """

    to: Sequence[str]
    sender: MailAddress
    mail_id: str
    languages: Languages | None = None


def mail(subject: str, write: Write, envelope: Envelope) -> EmailMessage:
    """A plain mail in each language of ``envelope``, one below the other."""
    sender, languages = envelope.sender, envelope.languages or installed()
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = _one_line(subject)
    message["From"] = Address(display_name=sender.name or "Leadkeeper", addr_spec=sender.wire)
    message["To"] = ", ".join(envelope.to)
    message["Message-ID"] = f"<{envelope.mail_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(RULE.join("\n".join(write(language)) for language in languages) + "\n")
    message["Content-Language"] = ", ".join(language.code for language in languages)
    return message


def quoted(title: str) -> str:
    """A title that somebody chose, as mails repeat it: one line without what cannot be seen, bounded, in quotes."""
    line = _one_line("".join(each if each.isprintable() else " " for each in title).replace("”", '"'))
    return f"“{line if len(line) <= TITLE else line[: TITLE - 1] + '…'}”"


def question(
    publisher_id: str,
    token: str,
    marketplace: str,
    base_url: str,
    sender: MailAddress,
    languages: Languages | None = None,
) -> EmailMessage:
    """The one question to an address that a publisher entered. No word in it is the publisher's own but its id."""
    name = _one_line(marketplace)

    def write(language: Language) -> Sequence[str]:
        link = f"{base_url}/contacts/{token}" + ("" if language == ENGLISH else f"?lang={language.code}")
        return [
            language.gettext(
                "The publisher %(publisher)s entered this address on %(marketplace)s (%(site)s) to be told by mail of "
                "its new leads, and of trouble with them.",
                publisher=publisher_id,
                marketplace=name,
                site=base_url,
            ),
            "",
            language.gettext(
                "To get these notices, or never to be written to from there again, open this page and choose:"
            ),
            f"  {link}",
            "",
            language.gettext("If you do nothing, nothing more is sent. The page can be used for seven days."),
        ]

    return mail(f"Do you want notices from {name}?", write, Envelope([], sender, new_mail_id(token), languages))


def new_mail_id(token: str) -> str:
    """The id of a mail that tells nothing about the ``token`` in it."""
    return f"q-{sha256(token.encode()).hexdigest()[:32]}"


def lead_notice(
    lead_ids: Sequence[str],
    offer_title: str,
    base_url: str,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that leads came for an offer, with a link for each (the first :data:`SHOWN`)."""
    offer_title = quoted(offer_title)
    links = [f"  {base_url}/portal/leads/{lead_id}" for lead_id in lead_ids[:SHOWN]]
    more = len(lead_ids) - SHOWN

    def write(language: Language) -> Sequence[str]:
        came = language.ngettext(
            "A customer acted on your offer %(offer)s.",
            "%(count)s customers acted on your offer %(offer)s.",
            len(lead_ids),
            offer=offer_title,
        )
        others = language.ngettext("and %(count)s more", "and %(count)s more", more) if more > 0 else ""
        return [
            came,
            "",
            language.gettext("Customer details are shown here, to members of the publisher only:"),
            *links,
            *([f"  {others}"] if others else ()),
            "",
            language.gettext("This notice holds no personal data, since mail is not a safe place for it."),
        ]

    subject = ENGLISH.ngettext(
        "New lead for %(offer)s", "%(count)s new leads for %(offer)s", len(lead_ids), offer=offer_title
    )
    return mail(subject, write, envelope)


def withheld_notice(
    count: int,
    offer_title: str,
    portal: str,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that leads came whose customers' data are not passed on, so that nobody looks for them in vain."""
    offer_title = quoted(offer_title)

    def write(language: Language) -> Sequence[str]:
        return [
            language.ngettext(
                "A customer acted on your offer %(offer)s.",
                "%(count)s customers acted on your offer %(offer)s.",
                count,
                offer=offer_title,
            ),
            "",
            language.ngettext(
                "You will not find the lead in your own system: mail addresses of this kind (such as .edu) are "
                "private, so what this customer entered was neither stored nor passed on, and cannot be recovered.",
                "You will not find them in your own system: mail addresses of this kind (such as .edu) are private, so "
                "what these customers entered was neither stored nor passed on, and cannot be recovered.",
                count,
            ),
            language.gettext("What is known, the action and the time, is shown here: %(portal)s", portal=portal),
        ]

    subject = ENGLISH.ngettext(
        "A lead for %(offer)s is withheld", "%(count)s leads for %(offer)s are withheld", count, offer=offer_title
    )
    return mail(subject, write, envelope)


def change_refused_notice(
    connection: str,
    offer_title: str,
    kind: AnyKind,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that new settings of a connection do not work, so that those before go on."""
    offer_title = quoted(offer_title)

    def write(language: Language) -> Sequence[str]:
        return [
            language.gettext(
                "The new settings of the connection %(connection)s of your offer %(offer)s did not pass their "
                "validation: no test lead got through with them, or it was not found there. The settings before them "
                "go on.",
                connection=connection,
                offer=offer_title,
            ),
            "",
            *remedy(kind, language),
        ]

    return mail(f"New settings for {offer_title} are not in effect", write, envelope)


def paused_notice(
    connection: str,
    offer_title: str,
    kind: AnyKind,
    envelope: Envelope,
    *,
    not_found: bool,
) -> EmailMessage:
    """The notice that a connection is broken and its leads are held, with the remedy.

    ``not_found``: somebody did not find its test lead, so that it does not recover by itself, and leads may be lost.
    """
    offer_title = quoted(offer_title)

    def write(language: Language) -> Sequence[str]:
        kept = language.gettext("No lead is lost: they are kept, and go out by themselves once the connection works.")
        return [
            language.gettext(
                "The connection %(connection)s of your offer %(offer)s is broken.",
                connection=connection,
                offer=offer_title,
            ),
            "",
            *remedy(kind, language),
            "",
            *(held_until_found(language) if not_found else (kept,)),
        ]

    return mail(f"Leads for {offer_title} are held", write, envelope)


def held_until_found(language: Language) -> tuple[str, ...]:
    """What becomes of leads where somebody did not find the test lead."""
    return tuple(map(language.gettext, _HELD_UNTIL_FOUND))


def remedy(kind: AnyKind, language: Language) -> list[str]:
    """What is wrong, and the steps that fix it."""
    text = text_of(kind, language)
    steps = (f"  {number}. {step}" for number, step in enumerate(text.steps, 1))
    return [text.summary, "", language.gettext("What to do:"), *steps]


def _one_line(text: str) -> str:
    return " ".join(text.split())

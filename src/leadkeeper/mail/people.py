"""The words of mails with a link for a person: an invitation, a new password. Each link is good once."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage

from leadkeeper.mail.address import MailAddress
from leadkeeper.mail.text import Envelope, mail, quoted
from leadkeeper.texts import ENGLISH, Language, Languages


def invitation(
    link: str,
    publisher: str,
    marketplace: str,
    base_url: str,
    sender: MailAddress,
    languages: Languages,
    mail_id: str,
) -> EmailMessage:
    """Somebody is invited to ``publisher``, or (empty) to run the marketplace."""
    name = " ".join(marketplace.split())

    def write(language: Language) -> Sequence[str]:
        if publisher:
            message = language.gettext(
                "You are invited to the publisher %(publisher)s on %(marketplace)s (%(site)s): its offers, its leads, "
                "and where they go.",
                publisher=quoted(publisher),
                marketplace=name,
                site=base_url,
            )
        else:
            message = language.gettext(
                "You are invited to run %(marketplace)s (%(site)s) as an operator.", marketplace=name, site=base_url
            )
        return [
            message,
            "",
            language.gettext("Open this page to accept:"),
            f"  {in_language(link, language)}",
            "",
            language.gettext(
                "The link is good once, for seven days, and for whoever has it: pass it on to nobody. If you do "
                "nothing, nothing happens."
            ),
        ]

    return mail(f"An invitation to {name}", write, Envelope([], sender, f"i-{mail_id}", languages))


def new_password(
    link: str, marketplace: str, base_url: str, sender: MailAddress, languages: Languages, mail_id: str
) -> EmailMessage:
    """Somebody asked for a new password."""
    name = " ".join(marketplace.split())

    def write(language: Language) -> Sequence[str]:
        return [
            language.gettext(
                "Somebody asked for a new password for this address on %(marketplace)s (%(site)s).",
                marketplace=name,
                site=base_url,
            ),
            "",
            language.gettext("If that was you, open this page and choose one:"),
            f"  {in_language(link, language)}",
            "",
            language.gettext(
                "The link is good once, for one hour. If it was not you, do nothing: your password stays as it is."
            ),
        ]

    return mail(f"A new password for {name}", write, Envelope([], sender, f"p-{mail_id}", languages))


def in_language(link: str, language: Language) -> str:
    """The link to a page in this language."""
    return link if language == ENGLISH else f"{link}?lang={language.code}"

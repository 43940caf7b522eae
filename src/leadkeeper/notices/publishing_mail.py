"""The words of mails about an offer's publishing."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage

from leadkeeper.mail.text import Envelope, mail, quoted
from leadkeeper.texts import ENGLISH, Language


def operation_failed_notice(
    offer_title: str,
    step: str,
    messages: Sequence[str],
    page: str,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that an offer's publishing stopped: at which step, and the remedy."""
    offer_title = quoted(offer_title)

    def write(language: Language) -> Sequence[str]:
        name = language.gettext(step) if step else ""
        return [
            language.gettext("Publishing %(offer)s stopped at the step “%(step)s”.", offer=offer_title, step=name),
            "",
            *_summary(messages, language),
            "",
            language.gettext("Then publish it again: %(page)s", page=page),
        ]

    return mail(f"Publishing {offer_title} stopped", write, envelope)


def operation_waits_notice(
    offer_title: str,
    messages: Sequence[str],
    page: str,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that an offer's publishing waits for somebody's word on a test lead."""
    offer_title = quoted(offer_title)

    def write(language: Language) -> Sequence[str]:
        return [
            language.gettext("Publishing %(offer)s waits for you.", offer=offer_title),
            "",
            *_summary(messages, language),
            "",
            language.gettext("It then goes on by itself: %(page)s", page=page),
        ]

    return mail(f"Publishing {offer_title} waits for you", write, envelope)


def preview_notice(
    offer_title: str,
    preview: str,
    page: str,
    doubts: Sequence[str],
    envelope: Envelope,
) -> EmailMessage:
    """The notice that an offer's preview is there. ``doubts``: what nobody knows of its connections."""
    offer_title = quoted(offer_title)

    def write(language: Language) -> Sequence[str]:
        return [
            language.gettext(
                "The preview of %(offer)s is ready; a test lead was sent over each of its connections.",
                offer=offer_title,
            ),
            *(_summary(doubts, language) if doubts else ()),
            "",
            language.gettext("Look at it and try it: %(preview)s", preview=preview),
            language.gettext("Then let it go live: %(page)s", page=page),
        ]

    return mail(f"The preview of {offer_title} is ready", write, envelope)


def live_notice(
    offer_title: str,
    page: str,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that customers see an offer."""
    offer_title = quoted(offer_title)

    def write(language: Language) -> Sequence[str]:
        return [language.gettext("Customers see %(offer)s: %(page)s", offer=offer_title, page=page)]

    return mail(f"{offer_title} is live", write, envelope)


def _summary(messages: Sequence[str], language: Language) -> Sequence[str]:
    """What steps said, once a mail: they are stored in the installation's language, not in each."""
    return messages if language == ENGLISH else [language.gettext("What the steps of publishing say is written above.")]

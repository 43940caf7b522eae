"""The words of mails. They name offers, never customers: whoever reads a mailbox learns nothing personal."""

from __future__ import annotations

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

SHOWN: Final = 20
"""The most leads that one mail links to."""


def mail(subject: str, text: str, to: Sequence[str], sender: str, mail_id: str) -> EmailMessage:
    """A plain mail whose ``Message-ID`` is made from ``mail_id``, so that a repeated one can be known."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _one_line(subject)
    message["From"] = Address(display_name="Leadkeeper", addr_spec=sender) if "@" in sender else sender
    message["To"] = ", ".join(to)
    message["Message-ID"] = f"<{mail_id}@{sender.rpartition('@')[2] or 'leadkeeper'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def lead_notice(
    lead_ids: Sequence[str], offer_title: str, base_url: str, to: Sequence[str], sender: str, mail_id: str
) -> EmailMessage:
    """The notice that leads came for an offer, with a link for each (the first :data:`SHOWN`)."""
    many = len(lead_ids) > 1
    subject = f"{len(lead_ids)} new leads for {offer_title}" if many else f"New lead for {offer_title}"
    links = [f"  {base_url}/portal/leads/{lead_id}" for lead_id in lead_ids[:SHOWN]]
    more = [f"  and {len(lead_ids) - SHOWN} more"] if len(lead_ids) > SHOWN else []
    lines = [
        f"{'Customers' if many else 'A customer'} acted on your offer {offer_title}.",
        "",
        "Who it is stands in your own system and here, for members of the publisher only:",
        *links,
        *more,
        "",
        "This notice holds no personal data, since mail is not a safe place for it.",
    ]
    return mail(subject, "\n".join(lines) + "\n", to, sender, mail_id)


def withheld_notice(
    count: int, offer_title: str, portal: str, to: Sequence[str], sender: str, mail_id: str
) -> EmailMessage:
    """The notice that leads came whose customers' data are not passed on, so that nobody looks for them in vain."""
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
    connection: str, offer_title: str, summary: str, steps: Sequence[str], to: Sequence[str], sender: str, mail_id: str
) -> EmailMessage:
    """The notice that new settings of a connection do not work, so that those before go on."""
    numbered = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    lines = [
        f"The new settings of the connection {connection} of your offer {offer_title} did not take their test lead.",
        "The settings before them go on, and no lead is lost.",
        "",
        summary,
        "",
        "What to do:",
        *numbered,
    ]
    return mail(f"New settings for {offer_title} do not work", "\n".join(lines) + "\n", to, sender, mail_id)


def operation_failed_notice(
    offer_title: str, step: str, told: Sequence[str], page: str, to: Sequence[str], sender: str, mail_id: str
) -> EmailMessage:
    """The notice that an offer's publishing stopped: at which step, and the remedy."""
    lines = [f"Publishing {offer_title} stopped at the step “{step}”.", "", *told, "", f"Then publish it again: {page}"]
    return mail(f"Publishing {offer_title} stopped", "\n".join(lines) + "\n", to, sender, mail_id)


def preview_notice(
    offer_title: str, preview: str, page: str, to: Sequence[str], sender: str, mail_id: str
) -> EmailMessage:
    """The notice that an offer's preview is there."""
    lines = [
        f"The preview of {offer_title} is ready, and its connections took their test leads.",
        "",
        f"Look at it and try it: {preview}",
        f"Then let it go live: {page}",
    ]
    return mail(f"The preview of {offer_title} is ready", "\n".join(lines) + "\n", to, sender, mail_id)


def live_notice(offer_title: str, page: str, to: Sequence[str], sender: str, mail_id: str) -> EmailMessage:
    """The notice that customers see an offer."""
    return mail(f"{offer_title} is live", f"Customers see {offer_title}: {page}\n", to, sender, mail_id)


def paused_notice(
    connection: str, offer_title: str, summary: str, steps: Sequence[str], to: Sequence[str], sender: str, mail_id: str
) -> EmailMessage:
    """The notice that a connection is broken and its leads are held, with the remedy."""
    numbered = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    lines = [
        f"The connection {connection} of your offer {offer_title} is paused.",
        "",
        summary,
        "",
        "What to do:",
        *numbered,
        "",
        "No lead is lost: they are kept, and go out by themselves once the connection works.",
    ]
    return mail(f"Leads for {offer_title} are held", "\n".join(lines) + "\n", to, sender, mail_id)


def _one_line(text: str) -> str:
    return " ".join(text.split())

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
    links = [f"  {base_url}/v1/leads/{lead_id}" for lead_id in lead_ids[:SHOWN]]
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

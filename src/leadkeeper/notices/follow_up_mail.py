"""The words of reminders to turn to customers: counts and links, nothing personal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from leadkeeper.mail.address import MailAddress
from leadkeeper.mail.text import Envelope, mail, quoted
from leadkeeper.texts import ENGLISH, Language, Languages


@dataclass(frozen=True, slots=True)
class Untouched:
    """So many leads of a publisher that nobody turned to: one person's (``owner_id``), or anybody's (empty)."""

    publisher_id: str
    leads: int
    owner_id: str = ""
    publisher_name: str = ""


def reminder_mail(
    those: Sequence[Untouched],
    hours: tuple[int, int],
    base_url: str,
    to: Sequence[str],
    sender: MailAddress,
    languages: Languages | None = None,
) -> EmailMessage:
    """What waits for a person, in one mail; ``hours`` are those after which owners, and the publisher's, are told."""
    own, escalated = ([each for each in those if bool(each.owner_id) is mine] for mine in (True, False))

    def write(language: Language) -> Sequence[str]:
        lines = []
        if own:
            lines += [
                language.gettext(
                    "Leads of yours came %(hours)s hours ago, and nobody has turned to these customers:", hours=hours[0]
                ),
                *(_line(each, base_url, language) for each in own),
                "",
            ]
        if escalated:
            lines += [
                language.gettext(
                    "Leads of your publisher came %(hours)s hours ago, and nobody has turned to these customers. "
                    "Give each of them an owner:",
                    hours=sum(hours),
                ),
                *(_line(each, base_url, language) for each in escalated),
                "",
            ]
        return [*lines, language.gettext("A lead is off this list as soon as its follow-up state is changed.")]

    count = sum(each.leads for each in those)
    subject = ENGLISH.ngettext("%(count)s lead waits for an answer", "%(count)s leads wait for an answer", count)
    return mail(subject, write, Envelope(to, sender, "reminder", languages))


def _line(each: Untouched, base_url: str, language: Language) -> str:
    counted = language.ngettext("%(count)s lead", "%(count)s leads", each.leads)
    owner = f"&owner={each.owner_id}" if each.owner_id else ""
    page = f"{base_url}/portal/leads?publisher={each.publisher_id}&follow=overdue{owner}"
    whose = quoted(each.publisher_name) if each.publisher_name else each.publisher_id
    return f"  {whose}: {counted}: {page}"

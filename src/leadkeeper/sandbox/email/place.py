"""Notices by mail in the demo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from leadkeeper.sandbox.email.stand_in import Mail
from leadkeeper.sandbox.place import CONTACT, FoundLead, Mishap, Place, Scene

_LINK: Final = re.compile(r"/leads/(?P<id>[0-9a-f-]{36})")


def places(scene: Scene) -> list[Place]:
    """The connections to it."""
    return [email(scene)]


def email(scene: Scene) -> Place:
    """A notice by mail."""

    async def look() -> Mapping[str, FoundLead]:
        return in_mailbox(scene.mail.mails)

    right = {"contactEmail": [CONTACT]}
    mishap = Mishap("the mailbox was closed", "the mailbox is open again", state=("email", "recipientRefused"))
    return Place("email", "E-mail notice", right, look, mishap, confirms=False)


def in_mailbox(mails: Iterable[Mail]) -> dict[str, FoundLead]:
    """Notices: they link to a lead, and must say nothing else of it."""
    leads: dict[str, FoundLead] = {}
    for mail in mails:
        for lead_id in {link["id"] for link in _LINK.finditer(mail.text)}:  # told once in each language
            before = leads.get(lead_id)
            one = FoundLead(f"mail {mail.message['Message-ID']}", None, None, open_text=mail.message.as_string())
            leads[lead_id] = one if before is None else replace(before, times=before.times + 1)
    return leads

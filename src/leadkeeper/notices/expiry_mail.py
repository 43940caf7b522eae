"""The words of the mail that a connection's credentials end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage

from leadkeeper.connections.expiry import Ending, end_of
from leadkeeper.mail.text import Envelope, mail, quoted
from leadkeeper.texts import Language


def expiring_notice(
    connection: str,
    offer_title: str,
    ending: Ending,
    page: str,
    envelope: Envelope,
) -> EmailMessage:
    """The notice that the credentials of a connection end soon, and what to do before."""
    offer_title, end = quoted(offer_title), end_of(ending.end)
    shown = f"{end:%Y-%m-%d %H:%M} UTC" if isinstance(end, datetime) else f"{end:%Y-%m-%d}"

    def write(language: Language) -> Sequence[str]:
        return [
            language.gettext(
                "The credentials of the connection %(connection)s of your offer %(offer)s end on %(end)s.",
                connection=connection,
                offer=offer_title,
                end=shown,
            ),
            language.gettext("From then on its leads are held until somebody enters new ones. None is lost."),
            "",
            language.gettext(
                "Make new credentials at the destination before, and enter them here: %(page)s", page=page
            ),
        ]

    return mail(f"Credentials for {offer_title} end soon", write, envelope)
